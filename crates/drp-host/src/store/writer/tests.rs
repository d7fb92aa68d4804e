use std::sync::mpsc::{Receiver, Sender, channel};

use bytes::Bytes;
use futures_util::future::{FutureExt, join_all};
use tokio::task::{unconstrained, yield_now};
use tokio::time::timeout;

use super::{GROUP_BATCHES_MAX, GROUP_BYTES_MAX};
use crate::store::conformance::{PATIENCE, batch_of, next};
use crate::store::core::{Core, QUEUE_BATCHES_MAX, QUEUE_BYTES_MAX};
use crate::store::engine::{Draft, Engine, View};
use crate::store::history::Limits;
use crate::store::memory::{MemoryEngine, MemoryView};
use crate::store::{Change, CommitError, Expect, StoreError};

#[tokio::test]
async fn a_group_is_one_transaction_in_which_each_batch_is_judged_alone() {
    let (store, gate) = gated();
    let mut watch = store.watch(None).unwrap();
    let put = |key: &str, expect| Box::pin(store.commit(batch_of([Change::put("s", key, "x").expecting(expect)])));
    let mut first = put("first", Expect::Anything);
    assert!(first.as_mut().now_or_never().is_none());
    gate.entered().await;
    let rest = [
        put("a", Expect::Absent),
        put("a", Expect::Absent),
        put("a", Expect::Revision(2)),
        put("first", Expect::Revision(1)),
    ];
    let (first, rest, ()) = tokio::join!(first, join_all(rest), async { gate.open(2) });
    assert_eq!(first.unwrap().revision, 1);
    let [created, conflict, updated, other] = <[_; 4]>::try_from(rest).unwrap();
    assert_eq!(created.unwrap().revision, 2);
    assert!(matches!(conflict, Err(CommitError::Conflict { found: Some(2), .. })), "the group's own change counts");
    assert_eq!(updated.unwrap().revision, 3);
    assert_eq!(other.unwrap().revision, 4);
    assert_eq!((store.status().batches, store.status().transactions), (4, 2));
    for revision in 1..=4 {
        assert_eq!(next(&mut watch).await.revision, revision);
    }
}

#[tokio::test]
async fn a_transaction_takes_no_more_batches_than_it_may() {
    let (store, gate) = gated();
    let put = |key: usize| store.commit(batch_of([Change::put("s", key.to_string(), "x")]));
    let all = join_all((0..=2 * GROUP_BATCHES_MAX).map(put));
    let (all, ()) = tokio::join!(unconstrained(all), async {
        gate.entered().await;
        gate.open(3);
    });
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(store.status().transactions, 3, "one full one would be too few by far");
}

#[tokio::test]
async fn what_is_replaced_fills_a_transaction_too() {
    let (store, gate) = gated();
    let large = Bytes::from(vec![0; GROUP_BYTES_MAX]);
    gate.open(2);
    for key in ["a", "b"] {
        store.commit(batch_of([Change::put("s", key, large.clone())])).await.unwrap();
    }
    let delete = |key: &str| store.commit(batch_of([Change::delete("s", key)]));
    let (other, both, ()) = tokio::join!(delete("c"), join_all(["a", "b"].map(delete)), async {
        gate.entered().await;
        gate.open(3);
    });
    other.unwrap();
    assert!(both.iter().all(Result::is_ok));
    assert_eq!(store.status().transactions, 4, "the deletions of the two did not fit into one");
    assert_eq!(store.read(|view| view.count("s")).unwrap(), 0);
}

#[tokio::test]
async fn committers_wait_while_the_queue_is_full() {
    let (store, gate) = gated();
    let one = |key: usize| Box::pin(unconstrained(store.commit(batch_of([Change::put("s", key.to_string(), "x")]))));
    let mut first = one(0);
    assert!(first.as_mut().now_or_never().is_none());
    gate.entered().await;
    let mut queued: Vec<_> = (1..=QUEUE_BATCHES_MAX).map(one).collect();
    for commit in &mut queued {
        assert!(commit.as_mut().now_or_never().is_none());
    }
    let mut waiting = one(QUEUE_BATCHES_MAX + 1);
    assert!(waiting.as_mut().now_or_never().is_none());
    // It was not in the queue yet, so it never is.
    drop(waiting);
    gate.open(100);
    assert!(join_all(queued).await.iter().all(Result::is_ok));
    first.await.unwrap();
    assert_eq!(store.read(|view| view.count("s")).unwrap(), QUEUE_BATCHES_MAX as u64 + 1);
}

#[tokio::test]
async fn committers_wait_while_the_queue_holds_many_bytes() {
    let (store, gate) = gated();
    let half = Bytes::from(vec![0; QUEUE_BYTES_MAX / 2]);
    let one = |key: &str| Box::pin(store.commit(batch_of([Change::put("s", key, half.clone())])));
    let [mut first, mut second] = ["first", "second"].map(one);
    assert!(first.as_mut().now_or_never().is_none());
    gate.entered().await;
    assert!(second.as_mut().now_or_never().is_none());
    // The second waits for room outside the queue, and those after it wait behind it, small as they are.
    let mut third = Box::pin(store.commit(batch_of([Change::put("s", "third", "x")])));
    assert!(third.as_mut().now_or_never().is_none());
    drop(second);
    gate.open(2);
    assert_eq!((first.await.unwrap().revision, third.await.unwrap().revision), (1, 2));
}

#[tokio::test]
async fn a_store_whose_writer_panicked_refuses_commits_and_ends_watches() {
    let (store, gate) = gated();
    let mut watch = store.watch(None).unwrap();
    drop(gate);
    let change = || batch_of([Change::put("s", "k", "x")]);
    let failed = store.commit(change()).await;
    assert!(matches!(&failed, Err(CommitError::Failed(source)) if matches!(**source, StoreError::Stopped)));
    assert_eq!(watch.next().await, None);
    let reason = "cannot reach the store's writer, which has stopped";
    let refused = store.commit(change()).await.unwrap_err();
    assert_eq!(refused.to_string(), format!("cannot change the store, which is read-only: {reason}"));
    assert_eq!(store.status().read_only.as_deref(), Some(reason));
    assert_eq!(store.revision(), 0);
}

/// A store in memory whose transactions wait for the gate.
fn gated() -> (Core<MemoryView>, Gate) {
    let (entered, entries) = channel();
    let (opened, openings) = channel();
    let (engine, view) = MemoryEngine::new();
    let engine = GatedEngine { engine, entered, openings };
    (Core::start(engine, view, Limits::default()).unwrap(), Gate { entries, opened })
}

struct GatedEngine {
    engine: MemoryEngine,
    entered: Sender<()>,
    openings: Receiver<()>,
}

struct Gate {
    entries: Receiver<()>,
    opened: Sender<()>,
}

impl Gate {
    /// Waits until a transaction is at the gate, which is after its group was taken from the queue.
    async fn entered(&self) {
        let entered = async {
            while self.entries.try_recv().is_err() {
                yield_now().await;
            }
        };
        timeout(PATIENCE, entered).await.expect("a transaction in time");
    }

    fn open(&self, transactions: usize) {
        for _ in 0..transactions {
            self.opened.send(()).unwrap();
        }
    }
}

impl Engine for GatedEngine {
    type View = MemoryView;

    fn transact(
        &mut self,
        work: impl FnOnce(&mut dyn Draft) -> Result<Option<u64>, StoreError>,
    ) -> Result<Option<MemoryView>, StoreError> {
        self.entered.send(()).unwrap();
        self.openings.recv().expect("a gate");
        self.engine.transact(work)
    }
}
