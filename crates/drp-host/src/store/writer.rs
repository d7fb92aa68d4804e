//! The one writer of a store: takes the batches that wait, judges each alone, and commits them together.

#[cfg(test)]
mod tests;

use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arc_swap::ArcSwap;
use drp_core::chain;
use tokio::sync::{mpsc, oneshot, watch};

use super::batch::within;
use super::core::{Health, Job};
use super::engine::{Draft, Engine, View};
use super::history::{Changed, Commit, History};
use super::{BATCH_BYTES_MAX, Batch, Change, CommitError, Committed, Entry, StoreError, Write};

/// Batches that share one transaction.
const GROUP_BATCHES_MAX: usize = 256;
/// Bytes, those that are replaced included, after which no further batch joins a transaction: the first should not
/// wait for too long, and all are in memory until they are durable.
const GROUP_BYTES_MAX: usize = 16 << 20;

pub(super) struct Writer<E: Engine> {
    pub(super) engine: E,
    pub(super) queue: mpsc::Receiver<Job>,
    /// Taken from the queue for a transaction that was full without them; they come first in the next.
    pub(super) held_back: Vec<Job>,
    pub(super) view: Arc<ArcSwap<E::View>>,
    pub(super) history: Arc<History>,
    /// Wakes the watches; dropped, it ends them.
    pub(super) latest: watch::Sender<u64>,
    pub(super) health: Arc<Health>,
}

/// What became of a batch in the draft.
enum Verdict {
    Changed(Arc<Commit>),
    Unchanged,
    Refused(CommitError),
}

impl<E: Engine> Writer<E> {
    /// Serves the queue until the store is dropped and the queue is empty.
    pub(super) fn run(mut self) {
        while let Some(group) = self.next_group() {
            self.commit(group);
        }
    }

    fn next_group(&mut self) -> Option<Vec<Job>> {
        let mut group = mem::take(&mut self.held_back);
        if group.is_empty() {
            group.push(self.queue.blocking_recv()?);
        }
        let mut bytes: usize = group.iter().map(|job| job.bytes).sum();
        while group.len() < GROUP_BATCHES_MAX
            && bytes < GROUP_BYTES_MAX
            && let Ok(job) = self.queue.try_recv()
        {
            bytes += job.bytes;
            group.push(job);
        }
        Some(group)
    }

    fn commit(&mut self, mut group: Vec<Job>) {
        if let Some(reason) = self.health.read_only.get() {
            return answer_all(group, &CommitError::ReadOnly { reason: Arc::clone(reason) });
        }
        let before = self.view.load().revision();
        let mut verdicts = Vec::with_capacity(group.len());
        let transacted = self.engine.transact(|draft| judge_all(draft, &group, before, &mut verdicts));
        match transacted {
            Ok(view) => {
                self.held_back = group.split_off(verdicts.len());
                if let Some(view) = view {
                    self.publish(view, &verdicts);
                }
                answer_each(group, verdicts, before);
            }
            Err(error) => self.fail(group, error),
        }
    }

    /// Shows what is durable, first to readers and then to watches.
    fn publish(&self, view: E::View, verdicts: &[Verdict]) {
        let revision = view.revision();
        self.view.store(Arc::new(view));
        let commits = verdicts.iter().filter_map(|verdict| match verdict {
            Verdict::Changed(commit) => Some(Arc::clone(commit)),
            Verdict::Unchanged | Verdict::Refused(_) => None,
        });
        self.health.batches.fetch_add(commits.clone().count() as u64, Ordering::Relaxed);
        self.health.transactions.fetch_add(1, Ordering::Relaxed);
        self.history.append(commits);
        self.latest.send_replace(revision);
    }

    /// Refuses the whole group, conflicts included: they may have been with a batch that failed with them.
    fn fail(&self, group: Vec<Job>, error: StoreError) {
        let reason = chain(&error);
        // It is set once only: after the first failure nothing is tried any more.
        let _ = self.health.read_only.set(reason.as_str().into());
        tracing::error!(reason, "the store is read-only until it is opened again");
        answer_all(group, &CommitError::Failed(Arc::new(error)));
    }
}

/// Judges batches in turn until the transaction is full; answers the revision of the last change, if there is any.
fn judge_all(
    draft: &mut dyn Draft,
    group: &[Job],
    before: u64,
    verdicts: &mut Vec<Verdict>,
) -> Result<Option<u64>, StoreError> {
    let mut revision = before;
    let mut bytes = 0;
    for job in group {
        if bytes >= GROUP_BYTES_MAX {
            break;
        }
        let verdict = judge(draft, &job.batch, revision + 1)?;
        if let Verdict::Changed(commit) = &verdict {
            revision = commit.revision;
            bytes += commit.bytes();
        }
        verdicts.push(verdict);
    }
    Ok((revision > before).then_some(revision))
}

/// Checks all that a batch expects and then, if it holds, makes its changes in the draft.
fn judge(draft: &mut dyn Draft, batch: &Batch, revision: u64) -> Result<Verdict, StoreError> {
    let mut found = Vec::with_capacity(batch.changes.len());
    let mut found_bytes = 0;
    for change in &batch.changes {
        let entry = draft.read(&change.section, &change.key)?;
        found_bytes += entry.as_ref().map_or(0, |entry| entry.value.len());
        if let Err(error) = within("bytes that a batch replaces", found_bytes, BATCH_BYTES_MAX) {
            return Ok(Verdict::Refused(error));
        }
        let found_revision = entry.as_ref().map(|entry| entry.revision);
        if !change.expect.holds(found_revision) {
            return Ok(Verdict::Refused(CommitError::Conflict {
                section: change.section.clone(),
                key: change.key.clone(),
                expected: change.expect,
                found: found_revision,
            }));
        }
        found.push(entry);
    }
    let mut changes = Vec::with_capacity(batch.changes.len());
    for (change, before) in batch.changes.iter().zip(found) {
        changes.extend(apply(draft, change, before, revision)?);
    }
    if changes.is_empty() {
        return Ok(Verdict::Unchanged);
    }
    Ok(Verdict::Changed(Arc::new(Commit { revision, note: batch.note.clone(), changes })))
}

fn apply(
    draft: &mut dyn Draft,
    change: &Change,
    before: Option<Entry>,
    revision: u64,
) -> Result<Option<Changed>, StoreError> {
    let after = match (&change.write, &before) {
        (Write::Put(value), before) => {
            let created = before.as_ref().map_or(revision, |entry| entry.created);
            Some(Entry { value: value.clone(), revision, created })
        }
        (Write::Delete, Some(_)) => None,
        (Write::Delete, None) | (Write::Nothing, _) => return Ok(None),
    };
    draft.write(&change.section, &change.key, before.as_ref(), after.as_ref())?;
    Ok(Some(Changed {
        section: change.section.clone(),
        key: change.key.clone(),
        value: after.map(|entry| entry.value),
        previous: before.map(|entry| entry.value),
    }))
}

/// Answers the batches of a group that is durable. `revision` is the one before it.
fn answer_each(group: Vec<Job>, verdicts: Vec<Verdict>, mut revision: u64) {
    for (job, verdict) in group.into_iter().zip(verdicts) {
        let outcome = match verdict {
            Verdict::Changed(commit) => {
                revision = commit.revision;
                Ok(Committed { revision })
            }
            Verdict::Unchanged => Ok(Committed { revision }),
            Verdict::Refused(error) => Err(error),
        };
        answer(job.answer, outcome);
    }
}

fn answer_all(group: Vec<Job>, error: &CommitError) {
    for job in group {
        answer(job.answer, Err(error.clone()));
    }
}

fn answer(to: oneshot::Sender<Result<Committed, CommitError>>, outcome: Result<Committed, CommitError>) {
    // A committer that no longer waits does not want to know.
    let _ = to.send(outcome);
}
