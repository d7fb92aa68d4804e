//! How runs of actions ended, in numbers.

use std::sync::atomic::{AtomicU64, Ordering};

/// How a run ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome {
    /// The plugin did it.
    Done,
    /// The plugin said no.
    Error,
    /// The plugin did not answer, or nothing that can be used.
    Failed,
    /// No plugin was asked: none offers it, is in service, or finds its params right.
    Refused,
}

/// Counts the runs.
#[derive(Debug, Default)]
pub(super) struct Runs {
    done: AtomicU64,
    error: AtomicU64,
    failed: AtomicU64,
    refused: AtomicU64,
}

impl Runs {
    pub(super) fn count(&self, outcome: Outcome) {
        let counter = match outcome {
            Outcome::Done => &self.done,
            Outcome::Error => &self.error,
            Outcome::Failed => &self.failed,
            Outcome::Refused => &self.refused,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// The counts by the names that they have in metrics.
    pub(super) fn all(&self) -> [(&'static str, u64); 4] {
        let Self { done, error, failed, refused } = self;
        [("ok", done), ("error", error), ("failed", failed), ("refused", refused)]
            .map(|(name, counter)| (name, counter.load(Ordering::Relaxed)))
    }
}
