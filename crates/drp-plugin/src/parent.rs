//! Noticing that nobody is left to work for.

use std::path::PathBuf;

use drp_core::limits;
use rustix::process::{Pid, getppid};
use tokio::net::UnixStream;

/// The process that started this one. Look it up before that process can have ended.
#[derive(Clone, Copy)]
pub(crate) struct Parent(Option<Pid>);

impl Parent {
    pub(crate) fn current() -> Self {
        Self(getppid())
    }

    /// Returns once the parent has ended and its callback socket refuses connections.
    ///
    /// Stdin cannot tell: hosts close it at once. A changed parent alone does not count, since a host may hand its
    /// plugins over; a refusing socket alone does not count, since a host may be restarting its listener.
    pub(crate) async fn wait_until_gone(self, callback_socket: PathBuf) {
        loop {
            tokio::time::sleep(limits::PARENT_CHECK_TIME).await;
            if getppid() != self.0 && UnixStream::connect(&callback_socket).await.is_err() {
                return;
            }
        }
    }
}
