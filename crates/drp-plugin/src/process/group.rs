//! The processes that a program has started, as far as they have not left its group.

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Child;

/// A process group; killed when it is dropped, so that nothing is left where nobody waits any more.
pub(super) struct Group(Option<Pid>);

impl Group {
    /// The group of a child that was started as the leader of one.
    pub(super) fn led_by(child: &Child) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw))
    }

    pub(super) fn ask_to_end(&self) {
        self.signal(Signal::TERM);
    }

    pub(super) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        if let Some(leader) = self.0 {
            // Most often there is nobody left to get it.
            let _ = kill_process_group(leader, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}
