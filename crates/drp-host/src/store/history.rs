//! The last commits of a store, and the watches that follow them by revision.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;

use super::Note;

/// Commits that a store holds for its watches.
pub const HISTORY_COMMITS_MAX: usize = 8192;
/// Bytes of commits that a store holds for its watches, names and both values counted. The newest commit is held
/// whatever its size.
pub const HISTORY_BYTES_MAX: usize = 64 << 20;

/// A batch that is durable, as watches see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its revision, one more than that of the commit before.
    pub revision: u64,
    /// What the committer said about it.
    pub note: Note,
    /// What it changed, in the order of the batch; never empty.
    pub changes: Vec<Changed>,
}

impl Commit {
    pub(super) fn bytes(&self) -> usize {
        let of_changes: usize = self.changes.iter().map(Changed::bytes).sum();
        size_of::<Self>() + self.note.bytes() + of_changes
    }
}

/// One entry that a [`Commit`] created, changed or deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The section.
    pub section: String,
    /// The key.
    pub key: String,
    /// The value it has now; `None` if it was deleted.
    pub value: Option<Bytes>,
    /// The value it had before; `None` if it was created.
    pub previous: Option<Bytes>,
}

impl Changed {
    fn bytes(&self) -> usize {
        let of_values: usize = [&self.value, &self.previous].into_iter().flatten().map(Bytes::len).sum();
        size_of::<Self>() + self.section.len() + self.key.len() + of_values
    }
}

/// Follows the commits of a store, in the order of their revisions and without a gap.
///
/// A watch costs nothing while it is not read: it keeps a revision, and the history is the store's. It may therefore
/// fall out of the history, and then it says so ([`Lagged`]).
#[derive(Debug)]
pub struct Watch {
    history: Arc<History>,
    latest: watch::Receiver<u64>,
    after: u64,
}

impl Watch {
    /// Waits for the next commit. `None` says that the store was dropped and that all its commits were read.
    ///
    /// May be dropped while it waits, without losing a commit.
    ///
    /// # Errors
    /// [`Lagged`] if commits were missed. The next call goes on with the oldest commit that is still held; whoever
    /// needs every change reads the store again instead.
    pub async fn next(&mut self) -> Option<Result<Arc<Commit>, Lagged>> {
        loop {
            // Marked as seen before the look, so that a commit that comes in between wakes the wait below.
            self.latest.borrow_and_update();
            match self.history.after(self.after) {
                Next::Commit(commit) => {
                    self.after = commit.revision;
                    return Some(Ok(commit));
                }
                Next::Lost { oldest } => {
                    let missed = oldest - self.after;
                    self.after = oldest;
                    return Some(Err(Lagged { missed }));
                }
                Next::Nothing => self.latest.changed().await.ok()?,
            }
        }
    }

    /// The revision that was read last, or that the watch began after.
    pub fn revision(&self) -> u64 {
        self.after
    }
}

/// A watch was read too slowly and missed commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot follow the store: {missed} commits were dropped before they were read")]
pub struct Lagged {
    /// How many commits were missed.
    pub missed: u64,
}

/// A watch could not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WatchError {
    /// Commits after the revision asked for are no longer held.
    #[error("cannot watch from revision {from}: the history begins at {oldest}")]
    Compacted {
        /// What was asked for.
        from: u64,
        /// The oldest revision to watch from.
        oldest: u64,
    },
    /// The revision asked for was never given; it is that of another store, or of this one before it was restored.
    #[error("cannot watch from revision {from}: the store is at {revision}")]
    Ahead {
        /// What was asked for.
        from: u64,
        /// The revision of the store.
        revision: u64,
    },
}

/// What a history holds at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) commits: usize,
    pub(super) bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { commits: HISTORY_COMMITS_MAX, bytes: HISTORY_BYTES_MAX }
    }
}

/// The last commits of a store. Whoever appends wakes the watches.
#[derive(Debug)]
pub(super) struct History {
    limits: Limits,
    held: Mutex<Held>,
}

#[derive(Debug)]
struct Held {
    commits: VecDeque<Arc<Commit>>,
    bytes: usize,
    /// The revision of the newest commit, held or not.
    newest: u64,
}

enum Next {
    Commit(Arc<Commit>),
    Nothing,
    /// The commit was dropped; the oldest revision to go on from.
    Lost {
        oldest: u64,
    },
}

impl History {
    /// An empty history of a store at `revision`.
    pub(super) fn new(revision: u64, limits: Limits) -> Self {
        let held = Held { commits: VecDeque::new(), bytes: 0, newest: revision };
        Self { limits, held: Mutex::new(held) }
    }

    /// Adds commits, whose revisions follow each other, and drops old ones.
    pub(super) fn append(&self, commits: impl IntoIterator<Item = Arc<Commit>>) {
        self.with(|held| {
            for commit in commits {
                held.bytes += commit.bytes();
                held.newest = commit.revision;
                held.commits.push_back(commit);
                held.shrink(self.limits);
            }
        });
    }

    /// A watch of the commits after `from`, woken by the sender of `latest`.
    pub(super) fn watch(
        self: &Arc<Self>,
        latest: watch::Receiver<u64>,
        from: Option<u64>,
    ) -> Result<Watch, WatchError> {
        let (oldest, revision) = self.with(|held| (held.oldest(), held.newest));
        let after = from.unwrap_or(revision);
        if after < oldest {
            return Err(WatchError::Compacted { from: after, oldest });
        }
        if after > revision {
            return Err(WatchError::Ahead { from: after, revision });
        }
        Ok(Watch { history: Arc::clone(self), latest, after })
    }

    fn after(&self, revision: u64) -> Next {
        self.with(|held| {
            let oldest = held.oldest();
            let Some(ahead) = revision.checked_sub(oldest) else { return Next::Lost { oldest } };
            let commit = usize::try_from(ahead).ok().and_then(|index| held.commits.get(index));
            commit.map_or(Next::Nothing, |commit| Next::Commit(Arc::clone(commit)))
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Held) -> T) -> T {
        work(&mut self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Held {
    /// The revision just before the oldest commit.
    fn oldest(&self) -> u64 {
        self.commits.front().map_or(self.newest, |commit| commit.revision - 1)
    }

    fn shrink(&mut self, limits: Limits) {
        while self.commits.len() > 1 && (self.commits.len() > limits.commits || self.bytes > limits.bytes) {
            let Some(dropped) = self.commits.pop_front() else { return };
            self.bytes -= dropped.bytes();
        }
    }
}
