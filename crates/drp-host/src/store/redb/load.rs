//! Making a store of entries that were read elsewhere, each with the revisions it had there.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::engine::RedbEngine;
use super::{FILE, NEW_FILE, OpenError, create, lock, open_engine, open_file, sync_parent};
use crate::owner_only;
use crate::store::engine::Engine;
use crate::store::{Batch, Change, CommitError, Entry, Note, StoreError};

/// Bytes of entries that are written in one transaction.
const GROUP_BYTES: usize = 16 << 20;

/// A store that is being made. Dropped before it is finished it is none: [`RedbStore::open`](super::RedbStore::open)
/// would begin an empty one.
pub(crate) struct LoadStore {
    engine: RedbEngine,
    directory: PathBuf,
    revision: u64,
    waiting: Vec<(String, String, Entry)>,
    waiting_bytes: usize,
    _lock: File,
}

/// An entry is none that a store holds, or the store cannot be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Entry(#[from] CommitError),
    #[error(transparent)]
    Write(#[from] StoreError),
}

impl LoadStore {
    /// Begins a store in a directory that has none; it is made for its owner alone.
    pub(crate) fn begin(directory: &Path, revision: u64) -> Result<Self, LoadError> {
        let made = owner_only::create_dir(directory);
        made.map_err(|source| OpenError::Io { doing: "create", path: directory.to_owned(), source })?;
        let lock = lock(directory)?;
        let new = directory.join(NEW_FILE);
        create(&new)?;
        let engine = open_engine(open_file(&new)?, &new)?;
        let directory = directory.to_owned();
        Ok(Self { engine, directory, revision, waiting: Vec::new(), waiting_bytes: 0, _lock: lock })
    }

    /// Adds an entry. No key may come twice.
    pub(crate) fn put(&mut self, section: &str, key: &str, entry: Entry) -> Result<(), LoadError> {
        // The limits of an ordinary commit are those of what can be read back.
        self.waiting_bytes += check(section, key, &entry)?;
        self.waiting.push((section.to_owned(), key.to_owned(), entry));
        if self.waiting_bytes >= GROUP_BYTES {
            self.write()?;
        }
        Ok(())
    }

    /// Gives the store its name, durably.
    pub(crate) fn finish(mut self) -> Result<(), LoadError> {
        self.write()?;
        let Self { engine, directory, _lock, .. } = self;
        drop(engine);
        let (new, path) = (directory.join(NEW_FILE), directory.join(FILE));
        let named = fs::rename(&new, &path).and_then(|()| sync_parent(&path));
        Ok(named.map_err(|source| OpenError::Io { doing: "create", path, source })?)
    }

    fn write(&mut self) -> Result<(), LoadError> {
        let entries = std::mem::take(&mut self.waiting);
        self.waiting_bytes = 0;
        let revision = self.revision;
        self.engine.transact(|draft| {
            for (section, key, entry) in &entries {
                draft.write(section, key, None, Some(entry))?;
            }
            Ok(Some(revision))
        })?;
        Ok(())
    }
}

/// The bytes of an entry, if it is one that a store takes.
pub(crate) fn check(section: &str, key: &str, entry: &Entry) -> Result<usize, CommitError> {
    Batch::new(Note::default()).with(Change::put(section, key, entry.value.clone())).check()
}
