//! Files on disk below one root.

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io::{self, Read, Seek},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use drp_core::limits;
use rustix::{
    fs::{AtFlags, CWD, FileType, Mode, OFlags, fstat, fsync, openat, unlinkat},
    io::Errno,
};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use super::{FileName, walk};
use crate::{auth::hex, disk, owner_only};

/// The folder of static files, and where uploads to it grow: beside it, where no name of the space leads.
const FILES: [&str; 2] = ["files", ".uploads"];
/// As [`FILES`], of disk images.
const ISOS: [&str; 2] = ["isos", ".iso-uploads"];
/// Sums that are remembered.
const SUMS_MAX: usize = 4096;

/// The file space.
pub(crate) struct Files {
    pub(super) root: OwnedFd,
    pub(super) uploads: OwnedFd,
    pub(super) uploads_path: PathBuf,
    pub(super) uploading: Mutex<HashSet<FileName>>,
    sums: Mutex<HashMap<Version, String>>,
    unpacking: Semaphore,
    summing: Semaphore,
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
    /// The disk takes no more: it is full, or a limit is reached, or it fails.
    #[error("the disk takes no more")]
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
            refused if disk::is_refusal(refused) => Self::Full,
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
        Ok(Self {
            root: open(&root)?,
            uploads: open(&uploads)?,
            uploads_path: uploads,
            uploading: Mutex::default(),
            sums: Mutex::default(),
            unpacking: Semaphore::new(limits::UNPACKING_MAX),
            summing: Semaphore::new(limits::SUMMING_MAX),
        })
    }

    /// Room for those who unpack archives.
    pub(crate) fn unpacking(&self) -> &Semaphore {
        &self.unpacking
    }

    /// Room for those who make sums: whoever may ask for one, and it may take long.
    pub(crate) fn summing(&self) -> &Semaphore {
        &self.summing
    }

    /// Opens a regular file.
    pub(crate) fn read(&self, name: &FileName) -> Result<OpenFile, FileError> {
        let (parents, last) = name.split().ok_or(FileError::Missing)?;
        let folder = walk::folder(&self.root, parents)?;
        // NONBLOCK, because opening a pipe would wait for its other end.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        OpenFile::new(openat(&folder, last, flags, Mode::empty())?.into())
    }

    /// The names in a folder, in order; those of folders end with a slash.
    pub(crate) fn list(&self, name: &FileName) -> Result<Vec<String>, FileError> {
        let entries = walk::entries(&walk::folder(&self.root, name.parts())?)?.into_iter();
        let shown = |(name, kind)| if kind == FileType::Directory { format!("{name}/") } else { name };
        let mut names: Vec<String> = entries.map(shown).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// As [`list`](Self::list), of a folder and those below it: names with the folders they lie in. `None` where there
    /// are more than anybody can want.
    pub(crate) fn list_all(&self, name: &FileName) -> Result<Option<Vec<String>>, FileError> {
        let mut names = Vec::new();
        let mut folders = vec![String::new()];
        while let Some(below) = folders.pop() {
            let Some(folder) = FileName::parse(&format!("{name}/{below}")) else { continue };
            let found = match self.list(&folder) {
                // It went while others were read.
                Err(FileError::Missing) if !below.is_empty() => continue,
                found => found?,
            };
            for found in found {
                let found = below.clone() + &found;
                if found.ends_with('/') {
                    folders.push(found.clone());
                }
                names.push(found);
            }
            if names.len() > limits::FILES_LISTED_MAX {
                return Ok(None);
            }
        }
        names.sort_unstable();
        Ok(Some(names))
    }

    /// Removes a file or an empty folder.
    pub(crate) fn remove(&self, name: &FileName) -> Result<(), FileError> {
        let (parents, last) = name.split().ok_or(FileError::Missing)?;
        let folder = walk::folder(&self.root, parents)?;
        match unlinkat(&folder, last, AtFlags::empty()) {
            // What unlink says of a folder differs from system to system.
            Err(Errno::ISDIR | Errno::PERM) => unlinkat(&folder, last, AtFlags::REMOVEDIR)?,
            other => other?,
        }
        // What is said to be gone must not be back after a crash.
        Ok(fsync(&folder)?)
    }

    /// The SHA-256 sum of a file in hex, if it is known without reading it.
    pub(crate) fn known_sum(&self, file: &OpenFile) -> Option<String> {
        lock(&self.sums).get(&file.version).cloned()
    }

    /// The SHA-256 sum of a file in hex. Reads the whole file the first time, and leaves it at its end.
    pub(crate) fn sum(&self, file: &mut OpenFile) -> Result<String, FileError> {
        if let Some(sum) = self.known_sum(file) {
            return Ok(sum);
        }
        let mut hasher = Sha256::new();
        file.file.rewind()?;
        // One that grows meanwhile has the sum of what it was.
        io::copy(&mut Read::by_ref(&mut file.file).take(file.size), &mut hasher)?;
        let sum = hex(&hasher.finalize());
        self.remember_sum(file, sum.clone());
        Ok(sum)
    }

    /// Notes the sum of a file as it is now.
    pub(super) fn remember_sum(&self, file: &OpenFile, sum: String) {
        let mut sums = lock(&self.sums);
        if sums.len() >= SUMS_MAX {
            sums.clear();
        }
        sums.insert(file.version, sum);
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{fs, io::Write, os::unix::fs::symlink, sync::Arc};

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
        upload.finish(None)
    }

    #[test]
    fn a_file_appears_when_it_is_whole_and_an_abandoned_one_never() {
        let (_dir, files) = space();
        let upload = files.upload(name("a/b")).unwrap();
        upload.file().unwrap().write_all(b"half").unwrap();
        assert!(matches!(files.upload(name("a/b")), Err(FileError::Uploading)));
        assert!(files.list(&name("")).unwrap().is_empty());
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
        let sum = |path: &str| files.sum(&mut files.read(&name(path)).unwrap()).unwrap();
        assert_eq!(sum("a"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert!(files.known_sum(&files.read(&name("a")).unwrap()).is_some());
        put(&files, "a", "abcd").unwrap();
        assert!(sum("a").starts_with("88d4266f"));
    }
}
