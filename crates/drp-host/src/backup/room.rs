//! The backups of a running host: one at a time, sent to whoever asked for it as fast as that one takes it.

use std::{
    io::{self, BufWriter, Write},
    sync::Arc,
};

use bytes::Bytes;
use drp_core::{Level, chain, limits};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time,
};

use super::write::{Source, write};
use crate::log::Log;

const SERVICE: &str = "backup";
const CHUNK_BYTES: usize = 128 << 10;
/// Chunks that wait for the receiver.
const CHUNKS_MAX: usize = 8;

/// The right to make backups.
pub(crate) struct Backups {
    log: Arc<Log>,
    turn: Arc<Semaphore>,
}

/// Another backup is being made.
#[derive(Debug, thiserror::Error)]
#[error("another backup is being made")]
pub(crate) struct Busy;

/// A backup that is being made.
pub(crate) struct Running {
    chunks: mpsc::Receiver<io::Result<Bytes>>,
}

impl Running {
    /// The next bytes, until there is nothing more. After an error the backup is worth nothing.
    pub(crate) async fn next(&mut self) -> Option<io::Result<Bytes>> {
        self.chunks.recv().await
    }
}

impl Backups {
    pub(crate) fn new(log: Arc<Log>) -> Self {
        Self { log, turn: Arc::new(Semaphore::new(1)) }
    }

    /// The turn to make a backup. Nobody else has it until the backup ends.
    pub(crate) fn turn(&self) -> Result<OwnedSemaphorePermit, Busy> {
        Arc::clone(&self.turn).try_acquire_owned().map_err(|_| Busy)
    }

    /// Begins a backup in the name of `by`. It ends by itself when nobody receives it any more.
    pub(crate) fn begin(&self, turn: OwnedSemaphorePermit, source: Source, by: &str) -> Running {
        let (sender, chunks) = mpsc::channel(CHUNKS_MAX);
        let log = Arc::clone(&self.log);
        log.write(Level::Audit, SERVICE, format!("{by} takes a backup at revision {}", source.snapshot.revision()));
        let runtime = Handle::current();
        tokio::task::spawn_blocking(move || {
            let out = Sending { sender: sender.clone(), runtime: runtime.clone() };
            match write(source, BufWriter::with_capacity(CHUNK_BYTES, out)) {
                Ok(made) => {
                    for left_out in &made.left_out {
                        log.write(Level::Warn, SERVICE, format!("Not in the backup: {left_out}"));
                    }
                    let (objects, files, bytes) = (made.objects, made.files, made.bytes);
                    let text = format!("A backup is made: {objects} objects, {files} files, {bytes} bytes");
                    log.write(Level::Info, SERVICE, text);
                }
                Err(error) => {
                    log.write(Level::Error, SERVICE, format!("A backup failed: {}", chain(&error)));
                    // Cuts the answer off, so that nobody takes it for whole.
                    let _ = runtime.block_on(send(&sender, Err(io::Error::other("the backup failed"))));
                }
            }
            drop(turn);
        });
        Running { chunks }
    }
}

/// Hands bytes on to the receiver.
struct Sending {
    sender: mpsc::Sender<io::Result<Bytes>>,
    runtime: Handle,
}

impl Write for Sending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.runtime.block_on(send(&self.sender, Ok(Bytes::copy_from_slice(bytes))))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

async fn send(to: &mpsc::Sender<io::Result<Bytes>>, chunk: io::Result<Bytes>) -> io::Result<()> {
    match time::timeout(limits::BACKUP_PAUSE_TIME, to.send(chunk)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(io::Error::new(io::ErrorKind::BrokenPipe, "the receiver is gone")),
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the receiver took nothing for too long")),
    }
}
