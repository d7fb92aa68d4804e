//! Noticing that handlers block the threads on which everything else runs.

use std::{
    io::{self, Write},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Instant,
};

use drp_core::limits;
use tokio::runtime::Handle;

/// Watches the runtime from a thread of its own, until the runtime is gone.
pub(crate) fn watch(runtime: Handle) {
    // Without the thread nothing is noticed, and nothing else is amiss.
    drop(thread::Builder::new().name("stall-watch".to_owned()).spawn(move || while look(&runtime) {}));
}

/// Asks the runtime for a sign of life; `false` when it is gone.
fn look(runtime: &Handle) -> bool {
    thread::sleep(limits::BLOCKED_TIME);
    let (answer, answered) = mpsc::channel();
    let asked = Instant::now();
    // Whoever asks waits for as long as it takes.
    runtime.spawn(async move { answer.send(()).unwrap_or_default() });
    match answered.recv_timeout(limits::BLOCKED_TIME) {
        Ok(()) => true,
        Err(RecvTimeoutError::Disconnected) => false,
        Err(RecvTimeoutError::Timeout) => {
            // The log is stalled as well, but a host reads this.
            let _ = writeln!(io::stderr(), "local log: handlers block all threads of the provider");
            let back = answered.recv().is_ok();
            if back {
                tracing::warn!(
                    "handlers have blocked all threads for {:?}: nothing was answered meanwhile; \
                     work that blocks belongs into `tokio::task::spawn_blocking`",
                    asked.elapsed()
                );
            }
            back
        }
    }
}
