//! What every store over a local engine shares: the view that readers use, and the queue to the one writer.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use arc_swap::ArcSwap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SetOnce, mpsc, oneshot, watch};

use super::engine::{Engine, View, contained};
use super::history::{History, Limits};
use super::writer::Writer;
use super::{BATCH_BYTES_MAX, Batch, CommitError, Committed, Snapshot, Status, StoreError, Watch, WatchError};

/// Batches that wait for the writer; the next committers wait for room.
pub(super) const QUEUE_BATCHES_MAX: usize = 1024;
/// Bytes of batches that wait for the writer or are being written. The largest batch just fits.
pub(super) const QUEUE_BYTES_MAX: usize = BATCH_BYTES_MAX;
/// Room in the queue is given out in pieces of this size.
const SPACE_BYTES: usize = 1024;

/// A batch in the queue.
pub(super) struct Job {
    pub(super) batch: Batch,
    pub(super) bytes: usize,
    pub(super) answer: oneshot::Sender<Result<Committed, CommitError>>,
    /// Its room in the queue, given back when the job is dropped.
    pub(super) _space: OwnedSemaphorePermit,
}

/// What the writer tells about itself.
#[derive(Debug, Default)]
pub(super) struct Health {
    pub(super) batches: AtomicU64,
    pub(super) transactions: AtomicU64,
    pub(super) read_only: SetOnce<Arc<str>>,
}

/// A store without its engine's type of opening.
pub(super) struct Core<V> {
    view: Arc<ArcSwap<V>>,
    history: Arc<History>,
    health: Arc<Health>,
    latest: watch::Receiver<u64>,
    space: Arc<Semaphore>,
    // The order matters: closing the queue lets the writer finish it and end, and then it is waited for.
    jobs: mpsc::Sender<Job>,
    _writer: Joined,
}

impl<V: View> Core<V> {
    /// Starts the writer of an engine whose present state is `view`.
    pub(super) fn start<E: Engine<View = V>>(engine: E, view: V, limits: Limits) -> io::Result<Self> {
        let revision = view.revision();
        let view = Arc::new(ArcSwap::from_pointee(view));
        let history = Arc::new(History::new(revision, limits));
        let health = Arc::new(Health::default());
        let (latest_sender, latest) = watch::channel(revision);
        let (jobs, queue) = mpsc::channel(QUEUE_BATCHES_MAX);
        let writer = Writer {
            engine,
            queue,
            held_back: Vec::new(),
            view: Arc::clone(&view),
            history: Arc::clone(&history),
            latest: latest_sender,
            health: Arc::clone(&health),
        };
        let end = Arc::clone(&health);
        let work = move || {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| writer.run())) {
                let _ = end.read_only.set(stopped().into());
                resume_unwind(panic);
            }
        };
        let thread = thread::Builder::new().name("drp-store".to_owned()).spawn(work)?;
        let space = Arc::new(Semaphore::new(QUEUE_BYTES_MAX / SPACE_BYTES));
        Ok(Self { view, history, health, latest, space, jobs, _writer: Joined(Some(thread)) })
    }

    /// Reads the last durable state.
    pub(super) fn read<T>(&self, read: impl FnOnce(&V) -> Result<T, StoreError>) -> Result<T, StoreError> {
        contained("read", || read(&self.view.load()))
    }

    pub(super) fn revision(&self) -> u64 {
        self.view.load().revision()
    }

    /// The last durable state, as it is now.
    pub(super) fn snapshot(&self) -> Box<dyn Snapshot> {
        Box::new(self.view.load_full().hold())
    }

    pub(super) async fn commit(&self, batch: Batch) -> Result<Committed, CommitError> {
        let bytes = batch.check()?;
        if let Some(reason) = self.read_only() {
            return Err(CommitError::ReadOnly { reason });
        }
        let stopped = || CommitError::ReadOnly { reason: stopped().into() };
        let pieces = u32::try_from(bytes.div_ceil(SPACE_BYTES)).expect("a checked batch fits the queue");
        let space = Arc::clone(&self.space).acquire_many_owned(pieces).await.map_err(|_| stopped())?;
        let place = self.jobs.reserve().await.map_err(|_| stopped())?;
        let (answer, answered) = oneshot::channel();
        place.send(Job { batch, bytes, answer, _space: space });
        answered.await.unwrap_or_else(|_| Err(CommitError::Failed(Arc::new(StoreError::Stopped))))
    }

    pub(super) fn watch(&self, from: Option<u64>) -> Result<Watch, WatchError> {
        self.history.watch(self.latest.clone(), from)
    }

    pub(super) fn status(&self) -> Status {
        Status {
            revision: self.revision(),
            batches: self.health.batches.load(Ordering::Relaxed),
            transactions: self.health.transactions.load(Ordering::Relaxed),
            read_only: self.read_only(),
        }
    }

    pub(super) fn failed(&self) -> impl Future<Output = Arc<str>> + Send + 'static + use<V> {
        let health = Arc::clone(&self.health);
        async move { Arc::clone(health.read_only.wait().await) }
    }

    fn read_only(&self) -> Option<Arc<str>> {
        let stopped = || self.jobs.is_closed().then(|| stopped().into());
        self.health.read_only.get().cloned().or_else(stopped)
    }
}

fn stopped() -> String {
    StoreError::Stopped.to_string()
}

/// A thread that is waited for when this is dropped.
struct Joined(Option<JoinHandle<()>>);

impl Drop for Joined {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take()
            && thread.join().is_err()
        {
            tracing::error!("the writer of the store panicked");
        }
    }
}
