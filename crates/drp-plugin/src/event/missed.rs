//! What a mirror of the server's objects has to know: where it began, and what it has missed.

use std::time::{Duration, Instant};

/// Time between two notices of lost events: in a flood, one each would push out everything else.
const NOTICE_TIME: Duration = Duration::from_secs(1);

/// Why `reconcile` is called: what has happened since it was called the last time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Missed {
    /// It is the first call: events come from here on, and what is there already has caused none.
    pub first: bool,
    /// Events that were lost: they came faster than they were handled.
    pub lagged: u64,
    /// How often the stream was interrupted and came back. What happened in between was not seen.
    pub resyncs: u64,
}

impl Missed {
    pub(super) fn is_something(&self) -> bool {
        *self != Self::default()
    }
}

/// Collects what was missed until it may be told.
pub(super) struct Notices {
    missed: Missed,
    told: Option<Instant>,
}

impl Notices {
    /// Nothing was seen yet.
    pub(super) fn at_start() -> Self {
        Self { missed: Missed { first: true, ..Missed::default() }, told: None }
    }

    pub(super) fn lagged(&mut self, count: u64) {
        self.missed.lagged += count;
    }

    pub(super) fn resynced(&mut self) {
        self.missed.resyncs += 1;
    }

    /// When the next notice is due; `None` where there is nothing to tell.
    pub(super) fn due(&self) -> Option<Instant> {
        let now = Instant::now();
        self.missed.is_something().then(|| self.told.map_or(now, |told| told + NOTICE_TIME))
    }

    /// What is to be told now.
    pub(super) fn take(&mut self) -> Missed {
        self.told = Some(Instant::now());
        let missed = std::mem::take(&mut self.missed);
        if missed.lagged > 0 {
            tracing::warn!("{} events were lost: they came faster than they were handled", missed.lagged);
        }
        if missed.resyncs > 0 {
            tracing::warn!("the event stream was interrupted and is back");
        }
        missed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_are_collected_between_two_tellings() {
        let mut notices = Notices::at_start();
        assert!(notices.due().is_some_and(|due| due <= Instant::now()));
        assert_eq!(notices.take(), Missed { first: true, ..Missed::default() });
        assert_eq!(notices.due(), None);
        notices.lagged(3);
        notices.lagged(4);
        notices.resynced();
        assert!(notices.due().is_some_and(|due| due > Instant::now()));
        assert_eq!(notices.take(), Missed { first: false, lagged: 7, resyncs: 1 });
    }
}
