//! Waits that grow and never fall into step with those of others.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// A series of waits, each a random time between half a window and the whole of it; the window doubles up to a limit.
#[derive(Debug)]
pub(crate) struct Backoff {
    first: Duration,
    window: Duration,
    max: Duration,
}

impl Backoff {
    pub(crate) fn new(first: Duration, max: Duration) -> Self {
        Self { first, window: first, max }
    }

    pub(crate) fn next_wait(&mut self) -> Duration {
        let wait = self.window.mul_f64(0.5 + random_fraction() / 2.0);
        self.window = self.window.saturating_mul(2).min(self.max);
        wait
    }

    pub(crate) fn reset(&mut self) {
        self.window = self.first;
    }
}

/// A number from 0 up to 1. Good enough to spread waits, and for nothing else: it is made of a hasher's random keys.
fn random_fraction() -> f64 {
    let bits = u32::try_from(RandomState::new().hash_one(0_u8) >> 32).unwrap_or_default();
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_limit_and_are_spread_within_their_window() {
        let ms = Duration::from_millis;
        let mut backoff = Backoff::new(ms(100), ms(300));
        for window in [100, 200, 300, 300] {
            let wait = backoff.next_wait();
            assert!(wait >= ms(window / 2) && wait <= ms(window), "{wait:?} in a window of {window} ms");
        }
        backoff.reset();
        assert!(backoff.next_wait() <= ms(100));
    }

    #[test]
    fn no_two_waits_are_the_same() {
        let waits: std::collections::HashSet<Duration> =
            (0..100).map(|_| Backoff::new(Duration::from_secs(1), Duration::from_secs(1)).next_wait()).collect();
        assert!(waits.len() > 90, "{} different waits", waits.len());
    }
}
