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

mod batch;
#[cfg(test)]
mod conformance;
mod core;
mod engine;
mod history;
mod memory;
mod redb;
mod writer;

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;

pub use self::batch::{
    BATCH_BYTES_MAX, BATCH_CHANGES_MAX, Batch, Change, CommitError, Committed, Expect, KEY_BYTES_MAX, Note,
    SECTION_BYTES_MAX, VALUE_BYTES_MAX, Write,
};
pub use self::history::{Changed, Commit, HISTORY_BYTES_MAX, HISTORY_COMMITS_MAX, Lagged, Watch, WatchError};
pub use self::memory::MemoryStore;
pub(crate) use self::redb::{LOCK_FILE, LoadError, LoadStore, check_entry};
pub use self::redb::{OpenError, RedbStore};

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

    /// All entries as they are now, for whoever needs them from one revision however long the reading takes.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError>;

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

    /// Waits until the store takes no more changes because one failed, and says why. It may wait for ever, and does not
    /// keep the store open.
    fn failed(&self) -> BoxFuture<'static, Arc<str>>;
}

/// The entries of a [`Store`] at one revision. Writers do not wait for it.
///
/// An engine keeps what is changed or deleted until the snapshot is dropped, so hold it no longer than needed. One
/// that cannot keep it any longer answers an error, and never entries of another revision.
pub trait Snapshot: Send {
    /// The revision of the last commit it shows.
    fn revision(&self) -> u64;

    /// As [`Store::get`].
    ///
    /// # Errors
    /// As [`Store::get`].
    fn get(&self, section: &str, key: &str) -> Result<Option<Entry>, StoreError>;

    /// As [`Store::count`].
    ///
    /// # Errors
    /// As [`Store::get`].
    fn count(&self, section: &str) -> Result<u64, StoreError>;

    /// As [`Store::sections`].
    ///
    /// # Errors
    /// As [`Store::get`].
    fn sections(&self) -> Result<Vec<String>, StoreError>;

    /// As [`Store::scan`]; all calls show the same revision.
    ///
    /// # Errors
    /// As [`Store::get`].
    fn scan(&self, section: &str, after: Option<&str>, limit: usize) -> Result<Vec<(String, Entry)>, StoreError>;
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
