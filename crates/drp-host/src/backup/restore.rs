//! A data directory made of a backup: built beside the place it is for, and put there when it is whole.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::{
    manifest::{STORE, Summary},
    read::{RestoreError, read},
};
use crate::store::{Entry, LOCK_FILE, LoadError, LoadStore};

/// Makes `data` the data directory of the host that `source` is a backup of.
///
/// It must not exist, or be an empty directory. It gets its name only when everything in the backup is verified and
/// on the disk; until then it grows under a hidden name beside it, which is removed where something fails.
///
/// # Errors
/// See [`RestoreError`].
pub fn restore(source: impl Read, data: &Path) -> Result<Summary, RestoreError> {
    let target = free_place(data)?;
    let mut stage = Stage::beside(&target)?;
    let summary = read(source, Some(&mut stage))?;
    stage.put_in_place(&target)?;
    Ok(summary)
}

/// The absolute path of a directory that may be replaced.
fn free_place(data: &Path) -> Result<PathBuf, RestoreError> {
    let failed = |source| RestoreError::Write { path: data.to_owned(), source };
    let mut entries = match fs::read_dir(data) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return std::path::absolute(data).map_err(failed),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(RestoreError::NotEmpty(data.to_owned()));
        }
        Err(error) => return Err(failed(error)),
    };
    if entries.next().is_some() {
        let lock = File::open(data.join(STORE).join(LOCK_FILE));
        let in_use = lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)));
        let taken = if in_use { RestoreError::InUse } else { RestoreError::NotEmpty };
        return Err(taken(data.to_owned()));
    }
    // It may be a link, and what it leads to is replaced then.
    data.canonicalize().map_err(failed)
}

/// A data directory that is being made. Dropped before it is in its place, it leaves nothing.
pub(super) struct Stage {
    directory: TempDir,
    store: Option<LoadStore>,
    /// Their modes are set last: they might not let their own files in.
    folders: Vec<(PathBuf, u32)>,
}

impl Stage {
    fn beside(target: &Path) -> Result<Self, RestoreError> {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let parent = target.parent().unwrap_or(target);
        let directory = tempfile::Builder::new()
            .prefix(&format!(".{name}.restore-"))
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(parent)
            .map_err(failed(parent))?;
        Ok(Self { directory, store: None, folders: Vec::new() })
    }

    /// Begins the store, which the backup has at this revision.
    pub(super) fn store(&mut self, revision: u64) -> Result<(), RestoreError> {
        let store = LoadStore::begin(&self.directory.path().join(STORE), revision).map_err(no_store)?;
        self.store = Some(store);
        Ok(())
    }

    pub(super) fn put(&mut self, section: &str, key: &str, entry: Entry) -> Result<(), RestoreError> {
        self.store.as_mut().map_or(Ok(()), |store| store.put(section, key, entry)).map_err(no_store)
    }

    /// Makes a folder. `path` has been checked, and nothing here is a link.
    pub(super) fn folder(&mut self, path: &str, mode: u32) -> Result<(), RestoreError> {
        let path = self.directory.path().join(path);
        DirBuilder::new().mode(0o700).create(&path).map_err(failed(&path))?;
        self.folders.push((path, mode));
        Ok(())
    }

    /// Begins a file, as [`folder`](Self::folder).
    pub(super) fn file(&mut self, path: &str, mode: u32) -> Result<StagedFile, RestoreError> {
        let path = self.directory.path().join(path);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(failed(&path))?;
        Ok(StagedFile { path, file, mode })
    }

    fn put_in_place(mut self, target: &Path) -> Result<(), RestoreError> {
        if let Some(store) = self.store.take() {
            store.finish().map_err(no_store)?;
        }
        // Those below before those above.
        for (path, mode) in self.folders.iter().rev() {
            sync(path).map_err(failed(path))?;
            fs::set_permissions(path, Permissions::from_mode(*mode)).map_err(failed(path))?;
        }
        let staged = self.directory.path();
        sync(staged).map_err(failed(staged))?;
        fs::rename(staged, target).map_err(|source| match source.kind() {
            io::ErrorKind::DirectoryNotEmpty => RestoreError::NotEmpty(target.to_owned()),
            _ => RestoreError::Write { path: target.to_owned(), source },
        })?;
        // There is nothing under the temporary name any more.
        let _ = self.directory.keep();
        let parent = target.parent().unwrap_or(target);
        sync(parent).map_err(failed(parent))
    }
}

/// A file that is being made on a stage.
pub(super) struct StagedFile {
    path: PathBuf,
    file: File,
    mode: u32,
}

impl StagedFile {
    pub(super) fn write(&mut self, part: &[u8]) -> Result<(), RestoreError> {
        self.file.write_all(part).map_err(failed(&self.path))
    }

    pub(super) fn finish(self) -> Result<(), RestoreError> {
        let set = self.file.set_permissions(Permissions::from_mode(self.mode));
        set.and_then(|()| self.file.sync_all()).map_err(failed(&self.path))
    }
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> RestoreError {
    let path = path.to_owned();
    move |source| RestoreError::Write { path, source }
}

fn no_store(error: LoadError) -> RestoreError {
    RestoreError::Store(error.into())
}
