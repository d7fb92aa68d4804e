//! Noticing that nobody is left to work for.

use std::path::PathBuf;

use drp_core::limits;
use rustix::process::{Pid, getppid};
use tokio::net::UnixStream;

/// Returns once the process that started this one has ended and its callback socket refuses connections.
///
/// Stdin cannot tell: hosts close it at once. A changed parent alone does not count, since a host may hand its
/// plugins over; a refusing socket alone does not count, since a host may be restarting its listener.
pub(crate) async fn wait_for_orphaned(callback_socket: PathBuf) {
    let parent = getppid();
    loop {
        tokio::time::sleep(limits::PARENT_CHECK_TIME).await;
        if parent_is_gone(parent) && UnixStream::connect(&callback_socket).await.is_err() {
            return;
        }
    }
}

fn parent_is_gone(parent: Option<Pid>) -> bool {
    getppid() != parent
}
