//! Files on disk below one root. Each step of a path is opened relative to the one before and never through a
//! symbolic link, so that no name and no race leads outside.

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rustix::{
    fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, fstat, mkdirat, openat, renameat, unlinkat},
    io::Errno,
};
use sha2::{Digest, Sha256};

use super::FileName;
use crate::{auth::hex, owner_only};

/// The folder of static files, and where uploads to it grow: beside it, where no name of the space leads.
const FILES: [&str; 2] = ["files", ".uploads"];
/// As [`FILES`], of disk images.
const ISOS: [&str; 2] = ["isos", ".iso-uploads"];
const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// Sums that are remembered.
const SUMS_MAX: usize = 4096;

/// The file space.
pub(crate) struct Files {
    root: OwnedFd,
    uploads: OwnedFd,
    uploading: Mutex<HashSet<FileName>>,
    sums: Mutex<HashMap<Version, String>>,
}

/// One state of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Version {
    device: u64,
    inode: u64,
    size: u64,
    changed: (i64, i64),
}

/// A file that is open for reading.
pub(crate) struct OpenFile {
    pub(crate) file: File,
    pub(crate) size: u64,
    version: Version,
}

impl OpenFile {
    /// An open file of this space or of elsewhere, if it is a regular one.
    pub(crate) fn new(file: File) -> Result<Self, FileError> {
        let stat = fstat(&file)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(FileError::Missing);
        }
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        let changed = (stat.st_mtime, i64::try_from(stat.st_mtime_nsec).unwrap_or(0));
        let version = Version { device: stat.st_dev, inode: stat.st_ino, size, changed };
        Ok(Self { file, size, version })
    }
}

/// Why something cannot be done with a file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// There is no such thing, or it is not of the kind that was meant.
    #[error("no such file")]
    Missing,
    /// Another upload of the same name runs.
    #[error("the file is being uploaded")]
    Uploading,
    /// A file stands where a folder would have to be, or the other way round.
    #[error("something else stands in the way")]
    InTheWay,
    /// The disk is full.
    #[error("the disk is full")]
    Full,
    /// The system refused.
    #[error("the system refused")]
    Io(#[source] io::Error),
}

impl From<Errno> for FileError {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::NOENT | Errno::NAMETOOLONG | Errno::LOOP => Self::Missing,
            Errno::NOTDIR | Errno::EXIST | Errno::ISDIR | Errno::NOTEMPTY => Self::InTheWay,
            Errno::NOSPC | Errno::DQUOT => Self::Full,
            other => Self::Io(other.into()),
        }
    }
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        error.raw_os_error().map_or_else(|| Self::Io(error), |code| Errno::from_raw_os_error(code).into())
    }
}

impl Files {
    /// Opens the space of files below `webroot`; both are made if missing.
    pub(crate) fn open(webroot: &Path) -> io::Result<Self> {
        Self::open_folders(FILES.map(|folder| webroot.join(folder)))
    }

    /// As [`open`](Self::open), the space of disk images.
    pub(crate) fn open_isos(webroot: &Path) -> io::Result<Self> {
        Self::open_folders(ISOS.map(|folder| webroot.join(folder)))
    }

    fn open_folders([root, uploads]: [PathBuf; 2]) -> io::Result<Self> {
        owner_only::create_dir(&root)?;
        // What a crash cut short is of no use to anybody.
        if uploads.exists() {
            std::fs::remove_dir_all(&uploads)?;
        }
        owner_only::create_dir(&uploads)?;
        let open = |path: &Path| openat(CWD, path, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
        Ok(Self { root: open(&root)?, uploads: open(&uploads)?, uploading: Mutex::default(), sums: Mutex::default() })
    }

    /// Opens a regular file.
    pub(crate) fn read(&self, name: &FileName) -> Result<OpenFile, FileError> {
        let (parents, last) = name.split().ok_or(FileError::Missing)?;
        let folder = self.folder(parents)?;
        // NONBLOCK, because opening a pipe would wait for its other end.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        OpenFile::new(openat(&folder, last, flags, Mode::empty())?.into())
    }

    /// The names in a folder, in order; those of folders end with a slash.
    pub(crate) fn list(&self, name: &FileName) -> Result<Vec<String>, FileError> {
        let mut names = Vec::new();
        for entry in Dir::read_from(self.folder(name.parts())?)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy();
            match entry.file_type() {
                _ if name == "." || name == ".." => {}
                FileType::Directory => names.push(format!("{name}/")),
                _ => names.push(name.into_owned()),
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Removes a file or an empty folder.
    pub(crate) fn remove(&self, name: &FileName) -> Result<(), FileError> {
        let (parents, last) = name.split().ok_or(FileError::Missing)?;
        let folder = self.folder(parents)?;
        match unlinkat(&folder, last, AtFlags::empty()) {
            // What unlink says of a folder differs from system to system.
            Err(Errno::ISDIR | Errno::PERM) => Ok(unlinkat(&folder, last, AtFlags::REMOVEDIR)?),
            other => Ok(other?),
        }
    }

    /// Begins a file; it appears under its name when the upload is finished. The folders above are made.
    pub(crate) fn upload(self: &Arc<Self>, name: FileName) -> Result<Upload, FileError> {
        let (parents, _) = name.split().ok_or(FileError::InTheWay)?;
        self.make_folders(parents)?;
        if !lock(&self.uploading).insert(name.clone()) {
            return Err(FileError::Uploading);
        }
        let temporary = uuid::Uuid::new_v4().to_string();
        let mut upload = Upload { files: Arc::clone(self), name, temporary, file: None };
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        upload.file = Some(openat(&self.uploads, upload.temporary.as_str(), flags, Mode::RUSR | Mode::WUSR)?.into());
        Ok(upload)
    }

    /// The SHA-256 sum of a file in hex, if it is known without reading it.
    pub(crate) fn known_sum(&self, file: &OpenFile) -> Option<String> {
        lock(&self.sums).get(&file.version).cloned()
    }

    /// The SHA-256 sum of a file in hex. Reads the whole file the first time.
    pub(crate) fn sum(&self, mut file: OpenFile) -> Result<String, FileError> {
        if let Some(sum) = self.known_sum(&file) {
            return Ok(sum);
        }
        let mut hasher = Sha256::new();
        io::copy(&mut file.file, &mut hasher)?;
        let sum = hex(&hasher.finalize());
        let mut sums = lock(&self.sums);
        if sums.len() >= SUMS_MAX {
            sums.clear();
        }
        sums.insert(file.version, sum.clone());
        Ok(sum)
    }

    fn folder(&self, parts: &[String]) -> Result<OwnedFd, FileError> {
        let mut folder = openat(&self.root, ".", FOLDER, Mode::empty())?;
        for part in parts {
            folder = openat(&folder, part.as_str(), FOLDER, Mode::empty())?;
        }
        Ok(folder)
    }

    fn make_folders(&self, parts: &[String]) -> Result<(), FileError> {
        let mut folder = openat(&self.root, ".", FOLDER, Mode::empty())?;
        for part in parts {
            match mkdirat(&folder, part.as_str(), Mode::RWXU) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(errno.into()),
            }
            folder = openat(&folder, part.as_str(), FOLDER, Mode::empty()).map_err(|errno| match errno {
                // What exists and is no folder may be a symbolic link.
                Errno::LOOP => FileError::InTheWay,
                errno => errno.into(),
            })?;
        }
        Ok(())
    }
}

/// A file that is being written. Dropped before it is finished, it leaves nothing.
pub(crate) struct Upload {
    files: Arc<Files>,
    name: FileName,
    temporary: String,
    file: Option<File>,
}

impl Upload {
    /// The file to write to; there is one until [`finish`](Self::finish).
    pub(crate) fn file(&self) -> io::Result<File> {
        self.file.as_ref().ok_or_else(|| io::Error::other("the upload is finished"))?.try_clone()
    }

    /// Puts the file in its place, where it replaces another one.
    pub(crate) fn finish(mut self) -> Result<(), FileError> {
        if let Some(file) = self.file.take() {
            file.sync_all()?;
        }
        let (parents, last) = self.name.split().ok_or(FileError::InTheWay)?;
        let folder = self.files.folder(parents)?;
        Ok(renameat(&self.files.uploads, self.temporary.as_str(), &folder, last)?)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        // After a rename there is nothing left to remove.
        let _ = unlinkat(&self.files.uploads, self.temporary.as_str(), AtFlags::empty());
        lock(&self.files.uploading).remove(&self.name);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{
        fs,
        io::{Read, Write},
        os::unix::fs::symlink,
    };

    use super::*;

    fn space() -> (tempfile::TempDir, Arc<Files>) {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::open(dir.path()).unwrap();
        (dir, Arc::new(files))
    }

    fn name(path: &str) -> FileName {
        FileName::parse(path).unwrap()
    }

    fn put(files: &Arc<Files>, path: &str, content: &str) -> Result<(), FileError> {
        let upload = files.upload(name(path))?;
        upload.file()?.write_all(content.as_bytes())?;
        upload.finish()
    }

    #[test]
    fn a_file_appears_when_it_is_whole_and_an_abandoned_one_never() {
        let (_dir, files) = space();
        let upload = files.upload(name("a/b")).unwrap();
        upload.file().unwrap().write_all(b"half").unwrap();
        assert!(matches!(files.upload(name("a/b")), Err(FileError::Uploading)));
        assert!(files.list(&name("a")).unwrap().is_empty());
        drop(upload);
        put(&files, "a/b", "whole").unwrap();
        let mut content = String::new();
        files.read(&name("a/b")).unwrap().file.read_to_string(&mut content).unwrap();
        assert_eq!((content.as_str(), files.list(&name("")).unwrap()), ("whole", vec!["a/".to_owned()]));
        assert!(lock(&files.uploading).is_empty());
    }

    #[test]
    fn symbolic_links_lead_nowhere() {
        let (dir, files) = space();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "s").unwrap();
        symlink(outside.path(), dir.path().join("files/out")).unwrap();
        symlink(outside.path().join("secret"), dir.path().join("files/secret")).unwrap();
        assert!(files.read(&name("secret")).is_err());
        assert!(files.read(&name("out/secret")).is_err());
        assert!(files.list(&name("out")).is_err());
        assert!(put(&files, "out/new", "x").is_err());
        assert!(files.remove(&name("out/secret")).is_err());
        put(&files, "secret", "mine").unwrap();
        assert_eq!(fs::read_to_string(outside.path().join("secret")).unwrap(), "s");
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_in_the_way_stays() {
        let (_dir, files) = space();
        put(&files, "a", "1").unwrap();
        put(&files, "d/e", "2").unwrap();
        assert!(matches!(put(&files, "a/b", "x"), Err(FileError::InTheWay)));
        assert!(matches!(put(&files, "d", "x"), Err(FileError::InTheWay)));
        assert!(matches!(files.remove(&name("d")), Err(FileError::InTheWay)));
        files.remove(&name("d/e")).unwrap();
        files.remove(&name("d")).unwrap();
        assert!(matches!(files.remove(&name("d")), Err(FileError::Missing)));
        assert!(matches!(files.read(&name("")), Err(FileError::Missing)));
    }

    #[test]
    fn a_sum_is_that_of_the_present_content() {
        let (_dir, files) = space();
        put(&files, "a", "abc").unwrap();
        let sum = |path: &str| files.sum(files.read(&name(path)).unwrap()).unwrap();
        assert_eq!(sum("a"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert!(files.known_sum(&files.read(&name("a")).unwrap()).is_some());
        put(&files, "a", "abcd").unwrap();
        assert!(sum("a").starts_with("88d4266f"));
    }
}
