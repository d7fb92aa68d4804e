//! Tar archives.

use std::io::Read;

use ::tar::{Archive, Entry, EntryType};
use drp_core::limits;

use super::{Meter, Tree, UnpackError, meter::Allowance};

/// Unpacks a tar archive, which is no longer compressed.
pub(super) fn unpack(reader: impl Read, tree: &mut Tree<'_>) -> Result<(), UnpackError> {
    let allowance = Allowance::default();
    allowance.set(limits::UNPACKED_LIST_BYTES_MAX);
    let mut archive = Archive::new(Meter::new(reader, allowance.clone()));
    let mut entries = archive.entries().map_err(|error| tree.unreadable(error))?;
    loop {
        // On its way to the next entry the reader holds in memory what stands before it.
        allowance.set(limits::UNPACKED_LIST_BYTES_MAX);
        let Some(entry) = entries.next() else { return Ok(()) };
        let mut entry = entry.map_err(|error| tree.unreadable(error))?;
        allowance.set(u64::MAX);
        one(&mut entry, tree)?;
    }
}

fn one<R: Read>(entry: &mut Entry<'_, R>, tree: &mut Tree<'_>) -> Result<(), UnpackError> {
    let kind = entry.header().entry_type();
    if kind == EntryType::XGlobalHeader {
        return Ok(());
    }
    let name = text(&entry.path_bytes())?;
    let Some(place) = tree.begin(&name)? else { return Ok(()) };
    let link = entry.link_name_bytes().map_or_else(|| Ok(String::new()), |link| text(&link))?;
    match kind {
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
            // The oldest archives mark folders by their names alone.
            if name.ends_with('/') { tree.folder(&place) } else { tree.file(&place, entry) }
        }
        EntryType::Directory => tree.folder(&place),
        EntryType::Link => tree.hard_link(&place, &link),
        EntryType::Symlink => tree.symbolic_link(place, &link),
        EntryType::Char | EntryType::Block | EntryType::Fifo => Err(UnpackError::entry(&name, "is a device or a pipe")),
        _ => Err(UnpackError::entry(&name, "is of a kind that is not known")),
    }
}

fn text(bytes: &[u8]) -> Result<String, UnpackError> {
    let text = String::from_utf8(bytes.to_vec());
    text.map_err(|error| UnpackError::entry(&String::from_utf8_lossy(error.as_bytes()), "has a name that is no UTF-8"))
}
