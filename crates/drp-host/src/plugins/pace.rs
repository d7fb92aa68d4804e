//! How fast one plugin may talk: what it writes, logs and posts costs units of a store that fills at a steady rate.
//!
//! A plugin that floods its host waits for it then, in its own write or for its own answer. Nothing of what it says is
//! lost, and all the others find the host as they know it.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use drp_core::limits;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// What one line of output costs beside its bytes.
const LINE_COST: usize = 512;
/// What one request costs beside the bytes of its body.
const REQUEST_COST: usize = 4 << 10;

/// The store of one plugin.
#[derive(Debug)]
pub(crate) struct Pace {
    /// When the store is as full as it gets. The further ahead, the emptier it is; more than a full store ahead is debt.
    full_at: Mutex<Instant>,
    lifted: CancellationToken,
}

impl Default for Pace {
    fn default() -> Self {
        Self { full_at: Mutex::new(Instant::now()), lifted: CancellationToken::new() }
    }
}

impl Pace {
    /// Waits until so much output may be read.
    pub(super) async fn output(&self, bytes: usize, lines: usize) {
        self.take(bytes.saturating_add(lines.saturating_mul(LINE_COST))).await;
    }

    /// Waits until a request with a body of so many bytes may be answered.
    pub(super) async fn request(&self, bytes: usize) {
        self.take(bytes.saturating_add(REQUEST_COST)).await;
    }

    /// Lets the rest through at once: the plugin has ended, and what it said last is what explains its end.
    pub(super) fn lift(&self) {
        self.lifted.cancel();
    }

    async fn take(&self, units: usize) {
        let wait = self.book(units, Instant::now());
        if !wait.is_zero() {
            // Somebody who waits here is in debt already: the bytes are read, the next ones wait.
            let _ = self.lifted.run_until_cancelled(tokio::time::sleep(wait)).await;
        }
    }

    /// Takes units, and says how long it takes to have earned them.
    fn book(&self, units: usize, now: Instant) -> Duration {
        let earned_in = Duration::from_secs_f64(units as f64 / limits::PLUGIN_TALK_RATE as f64);
        let full_in = Duration::from_secs_f64(limits::PLUGIN_TALK_BURST as f64 / limits::PLUGIN_TALK_RATE as f64);
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        *full_at = (*full_at).max(now) + earned_in;
        full_at.saturating_duration_since(now + full_in)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_in_bursts_passes_and_what_never_ends_waits() {
        let (pace, start) = (Pace::default(), Instant::now());
        let burst_then_rate = [limits::PLUGIN_TALK_BURST, limits::PLUGIN_TALK_RATE, limits::PLUGIN_TALK_RATE];
        let waits = burst_then_rate.map(|units| pace.book(units, start).as_secs_f64().round());
        assert_eq!(waits, [0.0, 1.0, 2.0]);
        let later = start + Duration::from_secs(2);
        assert_eq!(pace.book(limits::PLUGIN_TALK_RATE, later).as_secs_f64().round(), 1.0);
        // Quiet for long, it has no more than a full store.
        let much_later = start + Duration::from_secs(1000);
        assert_eq!(pace.book(limits::PLUGIN_TALK_BURST, much_later), Duration::ZERO);
        assert!(pace.book(limits::PLUGIN_TALK_RATE, much_later) > Duration::ZERO);
    }

    #[tokio::test]
    async fn who_has_ended_waits_no_more() {
        let pace = Pace::default();
        pace.lift();
        let rest = pace.output(limits::PLUGIN_TALK_BURST * 1000, 0);
        tokio::time::timeout(Duration::from_secs(10), rest).await.unwrap();
    }
}
