//! Steps below a root, each opened relative to the one before and never through a symbolic link, so that no name and
//! no race leads outside.

use std::{ffi::CStr, os::fd::OwnedFd};

use rustix::{
    fs::{AtFlags, Dir, FileType, Mode, OFlags, fsync, mkdirat, openat, statat},
    io::Errno,
};

use super::FileError;

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Opens the folder that `parts` lead to.
pub(super) fn folder<P: AsRef<str>>(root: &OwnedFd, parts: &[P]) -> Result<OwnedFd, FileError> {
    let mut folder = openat(root, ".", FOLDER, Mode::empty())?;
    for part in parts {
        folder = subfolder(&folder, part.as_ref())?;
    }
    Ok(folder)
}

/// Opens a folder in a folder.
pub(super) fn subfolder(folder: &OwnedFd, name: impl rustix::path::Arg) -> Result<OwnedFd, FileError> {
    Ok(openat(folder, name, FOLDER, Mode::empty())?)
}

/// As [`folder`], and makes what is missing.
pub(super) fn make_folder<P: AsRef<str>>(root: &OwnedFd, parts: &[P]) -> Result<OwnedFd, FileError> {
    let mut folder = openat(root, ".", FOLDER, Mode::empty())?;
    for part in parts {
        match mkdirat(&folder, part.as_ref(), Mode::RWXU) {
            // A folder that is not on disk takes along what is put into it.
            Ok(()) => fsync(&folder)?,
            Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno.into()),
        }
        folder = openat(&folder, part.as_ref(), FOLDER, Mode::empty()).map_err(in_the_way)?;
    }
    Ok(folder)
}

/// Says whether a file could be put below `parts` as `last`, as things are: nothing else stands in the way.
pub(super) fn has_room<P: AsRef<str>>(root: &OwnedFd, parts: &[P], last: &str) -> Result<(), FileError> {
    let mut folder = openat(root, ".", FOLDER, Mode::empty())?;
    for part in parts {
        folder = match openat(&folder, part.as_ref(), FOLDER, Mode::empty()) {
            Ok(folder) => folder,
            Err(Errno::NOENT) => return Ok(()),
            Err(errno) => return Err(in_the_way(errno)),
        };
    }
    match kind_of(&folder, last)? {
        Some(FileType::Directory) => Err(FileError::InTheWay),
        _ => Ok(()),
    }
}

/// What a name in a folder stands for; a link stands for itself.
pub(super) fn kind_of(folder: &OwnedFd, name: impl rustix::path::Arg) -> Result<Option<FileType>, FileError> {
    match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(FileType::from_raw_mode(stat.st_mode))),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

/// The names in a folder and what they stand for, in no order.
pub(super) fn entries(folder: &OwnedFd) -> Result<Vec<(String, FileType)>, FileError> {
    let mut entries = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if !is_dots(name) {
            entries.push((name.to_string_lossy().into_owned(), entry.file_type()));
        }
    }
    Ok(entries)
}

fn is_dots(name: &CStr) -> bool {
    matches!(name.to_bytes(), b"." | b"..")
}

/// What exists and is no folder may be a symbolic link.
fn in_the_way(errno: Errno) -> FileError {
    match errno {
        Errno::LOOP => FileError::InTheWay,
        errno => errno.into(),
    }
}
