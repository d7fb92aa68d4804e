//! What a committer hands to a store, and why it may be refused.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::StoreError;

/// Bytes of a section's name.
pub const SECTION_BYTES_MAX: usize = 255;
/// Bytes of a key.
pub const KEY_BYTES_MAX: usize = 1024;
/// Bytes of one value.
pub const VALUE_BYTES_MAX: usize = 64 << 20;
/// Changes of one batch.
pub const BATCH_CHANGES_MAX: usize = 65_536;
/// Bytes of one batch: its names, its values, its note and what the changes take in memory beside them.
pub const BATCH_BYTES_MAX: usize = 128 << 20;

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
    pub(super) fn check(&self) -> Result<usize, CommitError> {
        within("changes of a batch", self.changes.len(), BATCH_CHANGES_MAX)?;
        let mut keys = HashSet::with_capacity(self.changes.len());
        let mut bytes = self.note.bytes();
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
        Ok(size_of::<Self>() + self.section.len() + self.key.len() + value_bytes)
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
    pub(super) fn holds(self, found: Option<u64>) -> bool {
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
    /// What the change replaces or takes away holds secrets in plain, which watchers must not show.
    pub conceals: bool,
}

impl Note {
    /// A note of a plain change.
    pub fn by(principal: impl Into<String>) -> Self {
        Self { principal: principal.into(), ..Self::default() }
    }

    /// Sets the event's action.
    #[must_use]
    pub fn action(mut self, action: impl Into<Cow<'static, str>>) -> Self {
        self.action = Some(action.into());
        self
    }

    pub(super) fn bytes(&self) -> usize {
        self.principal.len() + self.action.as_ref().map_or(0, |action| action.len())
    }
}

/// The answer to a batch that was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The revision the batch got. A batch that changed nothing gets none of its own, and this is the last one given.
    pub revision: u64,
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

/// Refuses what is larger than its limit.
pub(super) fn within(what: &'static str, size: usize, limit: usize) -> Result<(), CommitError> {
    if size > limit { Err(CommitError::TooLarge { what, size, limit }) } else { Ok(()) }
}
