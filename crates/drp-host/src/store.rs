//! Where a host keeps its objects: sections of keys, changed in batches that are compared, numbered and watched.
//!
//! The shape is that of a replicated key-value store, so that a clustered engine can take the place of a local one:
//! * every batch that changes something gets the next **revision**, one number for the whole store;
//! * every entry knows the revision that created it and the one that changed it last, and a batch may demand them
//!   ([`Expect`]), which is how two writers never overwrite each other unseen;
//! * everything that follows from a change, the host's events above all, is built from a [`Watch`] and from nothing
//!   else.
//!
//! # The order of things
//! A batch is judged, then made durable, then [`Store::get`] and [`Store::scan`] show it, then watches have it, and
//! then its [`Store::commit`] answers. So whoever sees a commit in a watch can read it, and whoever waited for a
//! commit finds it ready in every watch; a watch may show it a moment before the committer is told.

#[cfg(test)]
mod conformance;
mod core;
mod engine;
mod history;
mod memory;
mod redb;
mod writer;

use std::borrow::Cow;
use std::collections::HashSet;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;

pub use self::history::{Changed, Commit, HISTORY_BYTES_MAX, HISTORY_COMMITS_MAX, Lagged, Watch, WatchError};
pub use self::memory::MemoryStore;
pub use self::redb::{OpenError, RedbStore};

/// Bytes of a section's name.
pub const SECTION_BYTES_MAX: usize = 255;
/// Bytes of a key.
pub const KEY_BYTES_MAX: usize = 1024;
/// Bytes of one value.
pub const VALUE_BYTES_MAX: usize = 64 << 20;
/// Changes of one batch.
pub const BATCH_CHANGES_MAX: usize = 65_536;
/// Bytes of one batch: its names and values.
pub const BATCH_BYTES_MAX: usize = 128 << 20;

/// Sections of keys with values, for instance `machines` and a uuid.
///
/// Use it as `Arc<dyn Store>`. Dropping the last one ends its watches and waits until what was queued is durable.
///
/// ```
/// use bytes::Bytes;
/// use drp_host::store::{Batch, Change, Expect, MemoryStore, Note, Store};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryStore::new()?;
/// let mut watch = store.watch(None)?;
///
/// let create = Change::put("machines", "m1", Bytes::from("{}")).expecting(Expect::Absent);
/// let committed = store.commit(Batch::new(Note::by("rocketskates")).with(create)).await?;
///
/// let seen = watch.next().await.expect("the store is open")?;
/// assert_eq!(seen.revision, committed.revision);
/// assert_eq!(seen.note.principal, "rocketskates");
/// # Ok(())
/// # }
/// ```
pub trait Store: Send + Sync + 'static {
    /// Reads one entry. It never waits for a writer.
    ///
    /// # Errors
    /// [`StoreError`] if the engine cannot read or what it read is damaged.
    fn get(&self, section: &str, key: &str) -> Result<Option<Entry>, StoreError>;

    /// Reads up to `limit` entries of a section in the order of the keys' bytes, from the first key after `after`.
    ///
    /// All come from one revision; two calls may show two. A page with fewer entries than `limit` is the last.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    fn scan(&self, section: &str, after: Option<&str>, limit: usize) -> Result<Vec<(String, Entry)>, StoreError>;

    /// How many entries a section has; costs no scan.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    fn count(&self, section: &str) -> Result<u64, StoreError>;

    /// The sections that have entries, in the order of their bytes.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    fn sections(&self) -> Result<Vec<String>, StoreError>;

    /// The revision that reads show: that of the last durable batch that changed something, 0 in a new store.
    fn revision(&self) -> u64;

    /// Applies all changes of a batch or none of them, and answers when they are durable.
    ///
    /// Waits while the queue to the writer is full. The future may be dropped: a batch that is in the queue by then
    /// is committed whole and its watchers are told, and one that is not is not committed at all.
    ///
    /// # Errors
    /// See [`CommitError`]; only [`CommitError::Failed`] leaves open whether the batch was applied.
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Committed, CommitError>>;

    /// Follows the commits after revision `from`, or those from now on.
    ///
    /// A store holds the last [`HISTORY_COMMITS_MAX`] commits or [`HISTORY_BYTES_MAX`] bytes of them, whichever is
    /// less, and only those made since it was opened.
    ///
    /// # Errors
    /// [`WatchError`] if `from` is older than what is held, or later than the store's revision.
    fn watch(&self, from: Option<u64>) -> Result<Watch, WatchError>;

    /// What an operator wants to know of the store.
    fn status(&self) -> Status;
}

/// A value and the revisions it has been through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The value, as it was put.
    pub value: Bytes,
    /// The revision of the last change.
    pub revision: u64,
    /// The revision that created the entry; it stays until the entry is deleted.
    pub created: u64,
}

/// Changes that are applied together, and who makes them.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The changes, at most one for each key.
    pub changes: Vec<Change>,
    /// What watchers are told about them.
    pub note: Note,
}

impl Batch {
    /// An empty batch.
    pub fn new(note: Note) -> Self {
        Self { changes: Vec::new(), note }
    }

    /// Adds a change.
    #[must_use]
    pub fn with(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }

    /// The bytes of the batch, if it is one that a store takes.
    fn check(&self) -> Result<usize, CommitError> {
        within("changes of a batch", self.changes.len(), BATCH_CHANGES_MAX)?;
        let mut keys = HashSet::with_capacity(self.changes.len());
        let mut bytes = 0;
        for change in &self.changes {
            bytes += change.check()?;
            if !keys.insert((&change.section, &change.key)) {
                return Err(CommitError::Twice { section: change.section.clone(), key: change.key.clone() });
            }
        }
        within("bytes of a batch", bytes, BATCH_BYTES_MAX)?;
        Ok(bytes)
    }
}

/// One key of a batch: what must be true of it, and what becomes of it.
#[derive(Clone, Debug)]
pub struct Change {
    /// The section, for instance `machines`.
    pub section: String,
    /// The key in the section.
    pub key: String,
    /// What the batch demands of the entry before any of its changes.
    pub expect: Expect,
    /// What the batch does with the entry.
    pub write: Write,
}

impl Change {
    /// Sets the value of a key, whatever was there. The value should own its buffer, because the history keeps it.
    pub fn put(section: impl Into<String>, key: impl Into<String>, value: impl Into<Bytes>) -> Self {
        let write = Write::Put(value.into());
        Self { section: section.into(), key: key.into(), expect: Expect::Anything, write }
    }

    /// Removes a key, whatever was there; a key that is not there is no error.
    pub fn delete(section: impl Into<String>, key: impl Into<String>) -> Self {
        Self { section: section.into(), key: key.into(), expect: Expect::Anything, write: Write::Delete }
    }

    /// Demands something of a key and leaves it alone.
    pub fn check_only(section: impl Into<String>, key: impl Into<String>, expect: Expect) -> Self {
        Self { section: section.into(), key: key.into(), expect, write: Write::Nothing }
    }

    /// Sets what the batch demands of the entry.
    #[must_use]
    pub fn expecting(mut self, expect: Expect) -> Self {
        self.expect = expect;
        self
    }

    /// The bytes of the change, if its names and value are ones that a store takes.
    fn check(&self) -> Result<usize, CommitError> {
        // Names are joined by a NUL on disk, so they cannot hold one.
        let named = |name: &str| !name.is_empty() && !name.contains('\0');
        if !named(&self.section) || !named(&self.key) {
            return Err(CommitError::BadName { section: self.section.clone(), key: self.key.clone() });
        }
        let value_bytes = if let Write::Put(value) = &self.write { value.len() } else { 0 };
        within("bytes of a section's name", self.section.len(), SECTION_BYTES_MAX)?;
        within("bytes of a key", self.key.len(), KEY_BYTES_MAX)?;
        within("bytes of a value", value_bytes, VALUE_BYTES_MAX)?;
        Ok(self.section.len() + self.key.len() + value_bytes)
    }
}

/// What a [`Change`] does with its entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Sets the value. The same value again is a change too.
    Put(Bytes),
    /// Removes the entry.
    Delete,
    /// Leaves the entry as it is.
    Nothing,
}

/// What a [`Change`] demands of its entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Nothing.
    Anything,
    /// That there is none.
    Absent,
    /// That it was changed last in this revision.
    Revision(u64),
}

impl Expect {
    fn holds(self, found: Option<u64>) -> bool {
        match self {
            Expect::Anything => true,
            Expect::Absent => found.is_none(),
            Expect::Revision(revision) => found == Some(revision),
        }
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expect::Anything => f.write_str("anything"),
            Expect::Absent => f.write_str("no entry"),
            Expect::Revision(revision) => write!(f, "revision {revision}"),
        }
    }
}

/// What a committer tells watchers about a batch. It is handed on and not stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Note {
    /// Who makes the change, as an event names it.
    pub principal: String,
    /// The event's action, where it is not the plain `create`, `update` or `delete`.
    pub action: Option<Cow<'static, str>>,
}

impl Note {
    /// A note of a plain change.
    pub fn by(principal: impl Into<String>) -> Self {
        Self { principal: principal.into(), action: None }
    }

    /// Sets the event's action.
    #[must_use]
    pub fn action(mut self, action: impl Into<Cow<'static, str>>) -> Self {
        self.action = Some(action.into());
        self
    }
}

/// The answer to a batch that was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The revision the batch got. A batch that changed nothing gets none of its own, and this is the last one given.
    pub revision: u64,
}

/// What an operator wants to know of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// As [`Store::revision`].
    pub revision: u64,
    /// Batches that changed something since the store was opened.
    pub batches: u64,
    /// The engine's write transactions that made them durable; fewer than batches, because those that wait share one.
    pub transactions: u64,
    /// Why the store takes no more changes, if it does not.
    pub read_only: Option<Arc<str>>,
}

/// A store could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The engine failed.
    #[error("cannot {doing} the store")]
    Engine {
        /// What was being done, for instance `read`.
        doing: &'static str,
        /// What the engine or the system said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// What is stored is not what a store writes.
    #[error("cannot read the damaged entry `{name}` of the store")]
    Damaged {
        /// The section and key, as far as they can be shown.
        name: String,
    },
    /// The writer ended before its time, which is a bug.
    #[error("cannot reach the store's writer, which has stopped")]
    Stopped,
}

/// A batch was not applied. Unless said otherwise nothing of it was, now or later.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// An entry is not as the batch expected.
    #[error("cannot change `{section}/{key}`: expected {expected}, found {}", Found(*.found))]
    Conflict {
        /// The section of the first entry that differs.
        section: String,
        /// The key of the first entry that differs.
        key: String,
        /// What the batch demanded.
        expected: Expect,
        /// The revision of the entry, if there is one.
        found: Option<u64>,
    },
    /// An earlier batch failed, and the store takes no changes until it is opened again. Reads go on.
    #[error("cannot change the store, which is read-only: {reason}")]
    ReadOnly {
        /// What failed.
        reason: Arc<str>,
    },
    /// The batch exceeds a limit.
    #[error("cannot take {size} {what}: the limit is {limit}")]
    TooLarge {
        /// What is too large, for instance `bytes of a value`.
        what: &'static str,
        /// Its size.
        size: usize,
        /// The largest size.
        limit: usize,
    },
    /// A section or key is empty or holds a NUL.
    #[error("cannot use `{}/{}` as a name", section.escape_debug(), key.escape_debug())]
    BadName {
        /// The section.
        section: String,
        /// The key.
        key: String,
    },
    /// The batch has two changes of one key.
    #[error("cannot change `{section}/{key}` twice in one batch")]
    Twice {
        /// The section.
        section: String,
        /// The key.
        key: String,
    },
    /// The engine failed while it made the batch durable; the store is read-only from now on.
    ///
    /// Reads and watches go on without the batch. As after a power failure it is not known whether it reached the
    /// disk: all of it or nothing is there when the store is opened again.
    #[error("cannot make the batch durable")]
    Failed(#[source] Arc<StoreError>),
}

struct Found(Option<u64>);

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Expect::Absent, Expect::Revision).fmt(f)
    }
}

fn within(what: &'static str, size: usize, limit: usize) -> Result<(), CommitError> {
    if size > limit { Err(CommitError::TooLarge { what, size, limit }) } else { Ok(()) }
}
