//! A store in one file on a local disk.
//!
//! # The data directory
//! * `store.redb` has three tables: `objects`, whose keys are a section, a NUL and a key, so that a section is one
//!   range, and whose values are two revisions and the value; `sections` with how many keys each has; and `meta` with
//!   the format's version and the revision.
//! * `store.redb.new` is a store that is being created; it gets its name when it is whole.
//! * `store.lock` is locked while the store is open.
//!
//! # Crashes
//! A transaction is durable in two phases and carries the file's allocation state, so a store that was killed opens
//! at once, with all that was acknowledged and nothing torn. If the disk fails or is full the file is left alone from
//! that byte on, as if the process had been killed there: see [`frozen`].

mod engine;
mod frozen;
mod load;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use redb::backends::FileBackend;
use redb::{Database, DatabaseError, StorageBackend};

use self::engine::{FORMAT, RedbEngine, RedbView, initialize, stored_format};
use self::frozen::FreezingFile;
pub(crate) use self::load::{LoadError, LoadStore, check as check_entry};
use super::core::Core;
use super::engine::{View, contained};
use super::history::Limits;
use super::{Batch, CommitError, Committed, Entry, Snapshot, Status, Store, StoreError, Watch, WatchError};

/// Memory for pages of the file. The system caches the file anyway: with more, a list of everything takes no less time,
/// and what comes and goes here leaves gaps in the memory of the process that are larger than the cache.
const CACHE_BYTES: usize = 32 << 20;

const FILE: &str = "store.redb";
const NEW_FILE: &str = "store.redb.new";
/// Locked while the store is open.
pub(crate) const LOCK_FILE: &str = "store.lock";

/// A [`Store`] in a directory of a local disk.
pub struct RedbStore {
    core: Core<RedbView>,
    // Dropped last, when the file is closed.
    _lock: File,
}

impl RedbStore {
    /// Opens the store in a directory. Both are created if they are absent: the directory for its owner alone (0700)
    /// and the files too (0600). What exists keeps its mode.
    ///
    /// # Errors
    /// [`OpenError`], which names the path.
    pub fn open(directory: impl AsRef<Path>) -> Result<Self, OpenError> {
        let directory = directory.as_ref();
        let at = |doing, path: &Path| {
            let path = path.to_owned();
            move |source| OpenError::Io { doing, path, source }
        };
        if !directory.exists() {
            DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(at("create", directory))?;
            sync_parent(directory).map_err(at("create", directory))?;
        }
        let lock = lock(directory)?;
        let path = directory.join(FILE);
        if !path.try_exists().map_err(at("look for", &path))? {
            let new = directory.join(NEW_FILE);
            create(&new)?;
            std::fs::rename(&new, &path).and_then(|()| sync_parent(&path)).map_err(at("create", &path))?;
        }
        let file = open_file(&path)?;
        let damaged = |source: StoreError| OpenError::Engine { path: path.clone(), source: source.into() };
        let core = contained("recover", || Ok(start(file, &path))).map_err(damaged)??;
        Ok(Self { core, _lock: lock })
    }
}

impl fmt::Debug for RedbStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbStore").field("status", &self.status()).finish_non_exhaustive()
    }
}

impl Store for RedbStore {
    fn get(&self, section: &str, key: &str) -> Result<Option<Entry>, StoreError> {
        self.core.read(|view| view.get(section, key))
    }

    fn scan(&self, section: &str, after: Option<&str>, limit: usize) -> Result<Vec<(String, Entry)>, StoreError> {
        self.core.read(|view| view.scan(section, after, limit))
    }

    fn count(&self, section: &str) -> Result<u64, StoreError> {
        self.core.read(|view| view.count(section))
    }

    fn sections(&self) -> Result<Vec<String>, StoreError> {
        self.core.read(View::sections)
    }

    fn revision(&self) -> u64 {
        self.core.revision()
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        Ok(self.core.snapshot())
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Committed, CommitError>> {
        Box::pin(self.core.commit(batch))
    }

    fn watch(&self, from: Option<u64>) -> Result<Watch, WatchError> {
        self.core.watch(from)
    }

    fn status(&self) -> Status {
        self.core.status()
    }

    fn failed(&self) -> BoxFuture<'static, Arc<str>> {
        Box::pin(self.core.failed())
    }
}

impl OpenError {
    /// What an operator can do about it, as one sentence or more.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Io { .. } => "The system's reason stands above; the store is as it was.",
            Self::InUse { .. } => {
                "One server can use a data directory at a time: stop the other, or choose another directory."
            }
            Self::Newer { .. } => "Nothing was changed: use the version of drpx that wrote it, or a later one.",
            Self::NotAStore { .. } | Self::Engine { .. } => {
                "Keep the directory as it is, and restore the last backup into another one with `drpx restore`. If the \
                 disk is full or failing, mend that first: the store may be unharmed."
            }
        }
    }
}

/// A store could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The directory or a file could not be used.
    #[error("cannot {doing} `{}`", path.display())]
    Io {
        /// What was being done, for instance `create`.
        doing: &'static str,
        /// The directory or file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another process has the store open, or this one has, a second time.
    #[error("cannot open the store `{}`, which is already open", path.display())]
    InUse {
        /// The store's directory or file.
        path: PathBuf,
    },
    /// A newer version of this program wrote the store.
    #[error("cannot open `{}`: its format is {found} and this version knows formats up to {known}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The file's format.
        found: u64,
        /// The newest format this version knows.
        known: u64,
    },
    /// The file is of the same kind but not one of these stores.
    #[error("cannot open `{}`, which is not a store", path.display())]
    NotAStore {
        /// The file.
        path: PathBuf,
    },
    /// The engine could not read or recover the file.
    #[error("cannot open the store `{}`", path.display())]
    Engine {
        /// The file.
        path: PathBuf,
        /// What the engine said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

fn lock(directory: &Path) -> Result<File, OpenError> {
    let path = directory.join(LOCK_FILE);
    let open = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
    let locked = open.map_err(TryLockError::Error).and_then(|file| file.try_lock().map(|()| file));
    locked.map_err(|error| match error {
        TryLockError::WouldBlock => OpenError::InUse { path: directory.to_owned() },
        TryLockError::Error(source) => OpenError::Io { doing: "lock", path, source },
    })
}

/// Makes a file an empty store. One may be there that was left by a creator that was killed; nobody else creates one
/// under the lock.
fn create(path: &Path) -> Result<(), OpenError> {
    let made = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    made.map_err(|source| OpenError::Io { doing: "create", path: path.to_owned(), source })?;
    initialize(open_file(path)?).map_err(|source| OpenError::Engine { path: path.to_owned(), source })
}

fn open_file(path: &Path) -> Result<FileBackend, OpenError> {
    let file = OpenOptions::new().read(true).write(true).open(path);
    let file = file.map_err(|source| OpenError::Io { doing: "open", path: path.to_owned(), source })?;
    FileBackend::new(file).map_err(|source| OpenError::Engine { path: path.to_owned(), source: source.into() })
}

/// Makes a name in a directory last.
fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

/// Opens a file that was initialized, recovers it if need be, and starts its writer.
fn start(file: impl StorageBackend, path: &Path) -> Result<Core<RedbView>, OpenError> {
    let engine = open_engine(file, path)?;
    let view = RedbView::of(&engine.database);
    let view = view.map_err(|source| OpenError::Engine { path: path.to_owned(), source: source.into() })?;
    let thread = |source| OpenError::Io { doing: "start the writer of", path: path.to_owned(), source };
    Core::start(engine, view, Limits::default()).map_err(thread)
}

fn open_engine(file: impl StorageBackend, path: &Path) -> Result<RedbEngine, OpenError> {
    let engine_error = |source| OpenError::Engine { path: path.to_owned(), source };
    let (file, freeze) = FreezingFile::over(file);
    let opened = Database::builder().set_cache_size(CACHE_BYTES).create_with_backend(file);
    let database = Arc::new(opened.map_err(|error| match error {
        DatabaseError::DatabaseAlreadyOpen => OpenError::InUse { path: path.to_owned() },
        error => engine_error(error.into()),
    })?);
    match stored_format(&database).map_err(engine_error)? {
        Some(FORMAT) => {}
        Some(found) if found > FORMAT => return Err(OpenError::Newer { path: path.to_owned(), found, known: FORMAT }),
        Some(_) | None => return Err(OpenError::NotAStore { path: path.to_owned() }),
    }
    Ok(RedbEngine { database, freeze })
}
