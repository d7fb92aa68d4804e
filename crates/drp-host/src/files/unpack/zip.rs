//! Zip archives.

use std::io::{self, Read, Seek};

use ::zip::{ZipArchive, read::ZipFile, result::ZipError};
use drp_core::limits;
use rustix::fs::FileType;

use super::{Meter, Tree, UnpackError, meter::Allowance};

/// The longest target of a symbolic link, as file systems have it.
const LINK_BYTES_MAX: u64 = 4096;

/// Unpacks a zip archive.
pub(super) fn unpack(reader: impl Read + Seek, tree: &mut Tree<'_>) -> Result<(), UnpackError> {
    let allowance = Allowance::default();
    // The archive's list of entries is held in memory.
    allowance.set(limits::UNPACKED_LIST_BYTES_MAX);
    let mut archive =
        ZipArchive::new(Meter::new(reader, allowance.clone())).map_err(|error| unreadable(tree, error))?;
    allowance.set(u64::MAX);
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|error| unreadable(tree, error))?;
        one(&mut entry, tree)?;
    }
    Ok(())
}

fn one<R: Read>(entry: &mut ZipFile<'_, R>, tree: &mut Tree<'_>) -> Result<(), UnpackError> {
    let name = entry.name().map_err(|error| unreadable(tree, error))?.into_owned();
    let Some(place) = tree.begin(&name)? else { return Ok(()) };
    // Archives from systems without such kinds have none.
    let kind = entry.unix_mode().map_or(FileType::Unknown, FileType::from_raw_mode);
    match kind {
        FileType::Symlink => {
            let mut target = String::new();
            let read = entry.take(LINK_BYTES_MAX).read_to_string(&mut target);
            read.map_err(|error| tree.unreadable(error))?;
            tree.symbolic_link(place, &target)
        }
        FileType::Directory => tree.folder(&place),
        FileType::Unknown | FileType::RegularFile if entry.is_dir() => tree.folder(&place),
        FileType::Unknown | FileType::RegularFile => tree.file(&place, entry),
        _ => Err(UnpackError::entry(&name, "is a device or a pipe")),
    }
}

fn unreadable(tree: &Tree<'_>, error: ZipError) -> UnpackError {
    tree.unreadable(match error {
        ZipError::Io(error) => error,
        error => io::Error::new(io::ErrorKind::InvalidData, error),
    })
}
