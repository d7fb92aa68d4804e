//! Lines for whoever reads along: a terminal, a file, or a pipe that may be full or closed.

use std::{io::Write, thread};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::retry_on_intr,
};
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    exit::Failure,
    show::{self, Said},
};

/// Lines that wait for the thread that writes. Few: what has to wait longer waits where it is counted.
const QUEUE_LINES_MAX: usize = 64;

/// Writes lines on a thread of its own, so that a command can be interrupted while nobody reads them.
pub(crate) struct Lines {
    queue: mpsc::Sender<Said>,
    /// Closed when the thread has ended.
    written: oneshot::Receiver<()>,
    /// Closed when a pipe has lost its reader.
    piped: watch::Receiver<()>,
}

/// Nobody reads any more.
pub(crate) struct ReaderGone;

impl Lines {
    /// Starts the thread.
    pub(crate) fn start() -> Result<Self, Failure> {
        let (queue, mut lines) = mpsc::channel(QUEUE_LINES_MAX);
        let (ended, written) = oneshot::channel();
        let write = move || {
            let _ended: oneshot::Sender<()> = ended;
            while let Some(line) = lines.blocking_recv() {
                if show::say(&line).is_err() {
                    return;
                }
            }
            let _ = anstream::stdout().flush();
        };
        let (lost, piped) = watch::channel(());
        let look = move || {
            let _lost: watch::Sender<()> = lost;
            wait_for_broken_pipe();
        };
        spawn("lines", write)?;
        spawn("pipe", look)?;
        Ok(Self { queue, written, piped })
    }

    /// Waits for room, and puts a line there.
    pub(crate) async fn put(&self, line: Said) -> Result<(), ReaderGone> {
        self.queue.send(line).await.map_err(|_| ReaderGone)
    }

    /// Returns when nobody reads any more, even if nothing is to be written.
    pub(crate) async fn reader_gone(&self) {
        let mut piped = self.piped.clone();
        tokio::select! {
            () = self.queue.closed() => {}
            _ = piped.changed() => {}
        }
    }

    /// Returns when all lines are written that can be.
    pub(crate) async fn finish(self) {
        drop(self.queue);
        let _ = self.written.await;
    }
}

/// Returns when nobody reads the output any more; for a file, never.
fn wait_for_broken_pipe() {
    let stdout = std::io::stdout();
    // Errors come unasked, and there is no need to know anything else.
    let mut output = [PollFd::new(&stdout, PollFlags::empty())];
    if retry_on_intr(|| poll(&mut output, None)).is_err() {
        // A system that cannot tell: the next line will.
        loop {
            thread::park();
        }
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    let spawned = thread::Builder::new().name(name.to_owned()).spawn(work);
    spawned.map(drop).map_err(|error| Failure::new(format!("cannot start a thread: {error}")))
}
