//! Trying again after somebody else was faster.

use std::time::Instant;

use drp_core::limits;

use crate::{ClientError, backoff::Backoff};

/// The tries of one update, with waits between them that spread many writers out. They end after
/// [`limits::UPDATE_TIME`].
pub(crate) struct Attempts {
    deadline: Instant,
    backoff: Backoff,
    unexplained: u32,
}

impl Attempts {
    pub(crate) fn new() -> Self {
        let backoff = Backoff::new(limits::UPDATE_WAIT_MIN, limits::UPDATE_WAIT_MAX);
        Self { deadline: Instant::now() + limits::UPDATE_TIME, backoff, unexplained: 0 }
    }

    /// Waits for the next attempt. An error that no attempt would mend, or the last, is given back.
    pub(crate) async fn wait_after(&mut self, error: ClientError) -> Result<(), ClientError> {
        let wait = self.backoff.next_wait();
        if !self.may_be_mended(&error) || Instant::now() + wait > self.deadline {
            return Err(error);
        }
        tokio::time::sleep(wait).await;
        Ok(())
    }

    /// Servers say in their own words that a test in a patch has failed, and 409 has other meanings too. So one in words
    /// that are not known is tried again as well, but not for long.
    fn may_be_mended(&mut self, error: &ClientError) -> bool {
        if error.is_patch_conflict() {
            return true;
        }
        // A value against its schema is a 409 as well, and stays one.
        let about_value = |message: &String| message.contains("invalid val");
        let hopeless = error.wire().is_some_and(|error| error.messages.iter().any(about_value));
        self.unexplained += 1;
        error.is_conflict() && !hopeless && self.unexplained <= limits::UPDATE_UNEXPLAINED_TRIES_MAX
    }
}
