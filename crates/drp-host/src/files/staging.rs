//! A tree of files that grows where no name of the space leads, and then comes into the space as a whole.

use std::{
    fs::File,
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, CWD, FileType, Mode, OFlags, linkat, mkdirat, openat, renameat, unlinkat},
    io::Errno,
};

use super::{FileError, FileName, walk};

/// The tree. Dropped, it leaves nothing.
pub(super) struct Staging {
    path: PathBuf,
    root: OwnedFd,
}

impl Staging {
    /// An empty tree within `uploads`.
    pub(super) fn new(uploads: &Path) -> Result<Self, FileError> {
        let path = uploads.join(uuid::Uuid::new_v4().to_string());
        mkdirat(CWD, &path, Mode::RWXU)?;
        let root = openat(CWD, &path, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Self { path, root })
    }

    /// Makes a folder, if it is not there.
    pub(super) fn add_folder(&self, name: &FileName) -> Result<(), FileError> {
        walk::make_folder(&self.root, name.parts()).map(drop)
    }

    /// A new file to write to; it takes the place of one that came before.
    pub(super) fn add_file(&self, name: &FileName) -> Result<File, FileError> {
        let (folder, last) = self.place(name)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        Ok(openat(&folder, last, flags, Mode::RUSR | Mode::WUSR)?.into())
    }

    /// Gives a file of the tree a second name. Whoever replaces one of them leaves the other alone.
    pub(super) fn add_link(&self, target: &FileName, name: &FileName) -> Result<(), FileError> {
        let (parents, base) = target.split().ok_or(FileError::Missing)?;
        let from = walk::folder(&self.root, parents)?;
        if walk::kind_of(&from, base)? != Some(FileType::RegularFile) {
            return Err(FileError::Missing);
        }
        if target == name {
            return Ok(());
        }
        let (folder, last) = self.place(name)?;
        Ok(linkat(&from, base, &folder, last, AtFlags::empty())?)
    }

    /// Moves everything into `target`, and then does `last`. If any of it fails, all that was there is as it was.
    pub(super) fn merge(self, target: &OwnedFd, last: impl FnOnce() -> Result<(), FileError>) -> Result<(), FileError> {
        sync(&self.root)?;
        let replaced = Self::new(self.path.parent().ok_or(FileError::Missing)?)?;
        let mut merge = Merge { from: &self.root, to: target, replaced: &replaced.root, moves: Vec::new() };
        let merged = merge.folder(&mut Vec::new(), &self.root, target).and_then(|()| last());
        let merged = merged.and_then(|()| Ok(sync(target)?));
        if merged.is_err() {
            merge.undo();
        }
        merged
    }

    /// The folder of a name, made if need be, in which the name is free.
    fn place<'a>(&self, name: &'a FileName) -> Result<(OwnedFd, &'a str), FileError> {
        let (parents, last) = name.split().ok_or(FileError::InTheWay)?;
        let folder = walk::make_folder(&self.root, parents)?;
        match unlinkat(&folder, last, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok((folder, last)),
            // What unlink says of a folder differs from system to system.
            Err(Errno::PERM) => Err(FileError::InTheWay),
            Err(errno) => Err(errno.into()),
        }
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What cannot be removed now is removed at the next start.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// What was moved on the way from one tree into another.
struct Merge<'a> {
    from: &'a OwnedFd,
    to: &'a OwnedFd,
    /// Files that others took the place of, by the number of the move.
    replaced: &'a OwnedFd,
    moves: Vec<Move>,
}

struct Move {
    parents: Vec<String>,
    name: String,
    has_replaced: bool,
}

impl Merge<'_> {
    /// Moves the content of one folder into another; `parents` lead to both. A folder that is not there yet moves
    /// whole.
    fn folder(&mut self, parents: &mut Vec<String>, from: &OwnedFd, to: &OwnedFd) -> Result<(), FileError> {
        for (name, kind) in walk::entries(from)? {
            let there = walk::kind_of(to, &*name)?;
            if kind == FileType::Directory && there.is_some() {
                let [from, to] = [walk::subfolder(from, &*name)?, existing_folder(to, &name)?];
                parents.push(name);
                self.folder(parents, &from, &to)?;
                parents.pop();
                continue;
            }
            if there == Some(FileType::Directory) {
                return Err(FileError::InTheWay);
            }
            if there.is_some() {
                linkat(to, &*name, self.replaced, self.moves.len().to_string(), AtFlags::empty())?;
            }
            renameat(from, &*name, to, &*name)?;
            self.moves.push(Move { parents: parents.clone(), name, has_replaced: there.is_some() });
        }
        Ok(())
    }

    /// Takes everything back, as far as the system lets it.
    fn undo(&mut self) {
        while let Some(done) = self.moves.pop() {
            let taken_back = || -> Result<(), FileError> {
                let to = walk::folder(self.to, &done.parents)?;
                if done.has_replaced {
                    return Ok(renameat(self.replaced, self.moves.len().to_string(), &to, &*done.name)?);
                }
                Ok(renameat(&to, &*done.name, &walk::folder(self.from, &done.parents)?, &*done.name)?)
            };
            if let Err(error) = taken_back() {
                tracing::error!(file = done.name, %error, "cannot take back a part of an upload that failed");
            }
        }
    }
}

fn existing_folder(folder: &OwnedFd, name: &str) -> Result<OwnedFd, FileError> {
    walk::subfolder(folder, name).map_err(|error| match error {
        // A link to elsewhere.
        FileError::Missing => FileError::InTheWay,
        error => error,
    })
}

/// Waits until a whole tree is on disk: file by file would take long for many small ones.
fn sync(root: &OwnedFd) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::fs::syncfs(root)?;
    #[cfg(not(target_os = "linux"))]
    {
        let _ = root;
        rustix::fs::sync();
    }
    Ok(())
}
