//! A file on its way into the space.

use std::{
    fs::File,
    io,
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
};

use rustix::fs::{AtFlags, Mode, OFlags, fsync, openat, renameat, unlinkat};

use super::{FileError, FileName, Files, OpenFile, UnpackError, Wanted, space::lock, unpack, walk};

/// A file that is being written. Dropped before it is finished, it leaves nothing.
pub(crate) struct Upload {
    files: Arc<Files>,
    name: FileName,
    temporary: String,
    file: File,
}

impl Files {
    /// Begins a file; it appears under its name when the upload is finished, and so do the folders above.
    pub(crate) fn upload(self: &Arc<Self>, name: FileName) -> Result<Upload, FileError> {
        let (parents, last) = name.split().ok_or(FileError::InTheWay)?;
        walk::has_room(&self.root, parents, last)?;
        if !lock(&self.uploading).insert(name.clone()) {
            return Err(FileError::Uploading);
        }
        // From here on whatever fails frees the name.
        let claim = Claim { files: self, name: Some(name) };
        let temporary = uuid::Uuid::new_v4().to_string();
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = openat(&self.uploads, &*temporary, flags, Mode::RUSR | Mode::WUSR)?.into();
        Ok(Upload { files: Arc::clone(self), name: claim.keep(), temporary, file })
    }
}

/// The right to write a name, given back unless it is kept.
struct Claim<'a> {
    files: &'a Files,
    name: Option<FileName>,
}

impl Claim<'_> {
    fn keep(mut self) -> FileName {
        self.name.take().expect("a claim is kept once")
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            lock(&self.files.uploading).remove(name);
        }
    }
}

impl Upload {
    /// The file to write to.
    pub(crate) fn file(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Puts the file in its place, where it replaces another one. `sum` is its SHA-256 sum in hex, where that is known.
    pub(crate) fn finish(self, sum: Option<String>) -> Result<(), FileError> {
        let folder = self.prepare(sum)?;
        self.place(&folder)
    }

    /// As [`finish`](Self::finish), and puts beside it what the archive holds that it is. All of it comes or nothing.
    pub(crate) fn explode(self, sum: Option<String>, wanted: &Wanted<'_>) -> Result<(), UnpackError> {
        let tree = unpack::unpack(self.file().map_err(FileError::from)?, &self.files.uploads_path, wanted)?;
        let folder = self.prepare(sum)?;
        Ok(tree.merge(&folder, || self.place(&folder))?)
    }

    /// Syncs the file, and opens the folder that it belongs into.
    fn prepare(&self, sum: Option<String>) -> Result<OwnedFd, FileError> {
        self.file.sync_all()?;
        if let Some(sum) = sum {
            self.files.remember_sum(&OpenFile::new(self.file()?)?, sum);
        }
        let (parents, _) = self.name.split().ok_or(FileError::InTheWay)?;
        walk::make_folder(&self.files.root, parents)
    }

    fn place(&self, folder: &OwnedFd) -> Result<(), FileError> {
        let (_, last) = self.name.split().ok_or(FileError::InTheWay)?;
        renameat(self.files.uploads.as_fd(), &*self.temporary, folder, last)?;
        Ok(fsync(folder)?)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        // After a rename there is nothing left to remove.
        let _ = unlinkat(&self.files.uploads, &*self.temporary, AtFlags::empty());
        lock(&self.files.uploading).remove(&self.name);
    }
}
