//! Trying again after somebody else was faster.

use std::time::Instant;

use drp_core::limits;

use crate::{ClientError, backoff::Backoff};

/// The tries of one update, with waits between them that spread many writers out. They end after
/// [`limits::UPDATE_TIME`].
pub(crate) struct Attempts {
    deadline: Instant,
    backoff: Backoff,
}

impl Attempts {
    pub(crate) fn new() -> Self {
        let backoff = Backoff::new(limits::UPDATE_WAIT_MIN, limits::UPDATE_WAIT_MAX);
        Self { deadline: Instant::now() + limits::UPDATE_TIME, backoff }
    }

    /// Waits for the next attempt. An error that no attempt would mend, or the last, is given back.
    pub(crate) async fn wait_after(&mut self, error: ClientError) -> Result<(), ClientError> {
        let wait = self.backoff.next_wait();
        if !error.is_patch_conflict() || Instant::now() + wait > self.deadline {
            return Err(error);
        }
        tokio::time::sleep(wait).await;
        Ok(())
    }
}
