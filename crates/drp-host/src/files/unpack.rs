//! Archives, unpacked within bounds: whatever an archive says, nothing but folders and regular files comes of it, and
//! none of them outside.

mod meter;
mod tar;
#[cfg(test)]
mod tests;
mod zip;

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufReader, Read, Seek, Write},
    path::Path,
};

use drp_core::limits;
use tokio_util::sync::CancellationToken;

use self::meter::Meter;
use super::{FileError, FileName, staging::Staging};

const CHUNK_BYTES: usize = 64 << 10;
/// Links that may lead from one to the next.
const HOPS_MAX: usize = 8;
/// What a decompressor may need, in KiB: xz archives choose it themselves, at most 64 MiB in usual ones.
const XZ_MEMORY_KIB_MAX: u32 = 128 << 10;
/// Enough of a file to tell what it is.
const MAGIC_BYTES: usize = 264;

/// Why an archive is not unpacked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnpackError {
    /// It begins like none that can be unpacked.
    #[error("expected a tar, tar.gz, tar.bz2, tar.xz or zip archive")]
    NoArchive,
    /// It is damaged, encrypted, or uses what is not supported.
    #[error("cannot read the archive: {0}")]
    Unreadable(#[source] io::Error),
    /// It has something in it that must not be unpacked.
    #[error("entry `{name}` {why}")]
    Entry {
        /// Its name, as the archive has it.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The caller's claims do not reach that far.
    #[error("entry `{0}` may not be written")]
    Forbidden(String),
    /// It has more in it than an archive may have.
    #[error("the archive has more than {most} {what}")]
    TooMuch {
        /// The limit.
        most: u64,
        /// Of what.
        what: &'static str,
    },
    /// Nobody waits for it any more.
    #[error("the request was given up")]
    GivenUp,
    /// What was unpacked cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
}

impl UnpackError {
    fn entry(name: &str, why: &'static str) -> Self {
        Self::Entry { name: name.chars().take(200).collect(), why }
    }
}

/// What an archive is unpacked for.
pub(crate) struct Wanted<'a> {
    /// The archive's own name.
    pub(crate) archive: &'a FileName,
    /// Whether a file may be written.
    pub(crate) may_write: &'a dyn Fn(&FileName) -> bool,
    /// Tells that nobody waits for it any more.
    pub(crate) given_up: &'a CancellationToken,
}

/// Unpacks an archive into a tree of its own within `uploads`.
pub(super) fn unpack(mut archive: File, uploads: &Path, wanted: &Wanted<'_>) -> Result<Staging, UnpackError> {
    let size = archive.metadata().map_err(FileError::from)?.len();
    archive.rewind().map_err(FileError::from)?;
    let mut magic = Vec::with_capacity(MAGIC_BYTES);
    Read::by_ref(&mut archive).take(MAGIC_BYTES as u64).read_to_end(&mut magic).map_err(FileError::from)?;
    archive.rewind().map_err(FileError::from)?;

    let mut tree = Tree::new(Staging::new(uploads)?, size, wanted);
    let packed = BufReader::with_capacity(CHUNK_BYTES, archive);
    match &*magic {
        [b'P', b'K', 3 | 5, 4 | 6, ..] => zip::unpack(packed, &mut tree)?,
        [0x1f, 0x8b, ..] => tar::unpack(flate2::bufread::MultiGzDecoder::new(packed), &mut tree)?,
        [b'B', b'Z', b'h', ..] => tar::unpack(bzip2::bufread::MultiBzDecoder::new(packed), &mut tree)?,
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => {
            tar::unpack(lzma_rust2::XzReader::new_mem_limit(packed, true, XZ_MEMORY_KIB_MAX), &mut tree)?;
        }
        plain if plain.get(257..262) == Some(b"ustar") => tar::unpack(packed, &mut tree)?,
        _ => return Err(UnpackError::NoArchive),
    }
    tree.finish()
}

/// A tree that grows within bounds.
struct Tree<'a> {
    staging: Staging,
    wanted: &'a Wanted<'a>,
    entries: u64,
    bytes: u64,
    bytes_max: u64,
    /// Symbolic links and what they mean, both within the tree.
    links: HashMap<FileName, FileName>,
    /// Of all names in `links` that there ever were.
    link_bytes: u64,
}

impl<'a> Tree<'a> {
    fn new(staging: Staging, archive_bytes: u64, wanted: &'a Wanted<'a>) -> Self {
        let by_ratio = archive_bytes.saturating_mul(limits::UNPACKED_RATIO_MAX).max(limits::UNPACKED_BYTES_ALWAYS);
        let bytes_max = by_ratio.min(limits::FILE_BYTES_MAX);
        Self { staging, wanted, entries: 0, bytes: 0, bytes_max, links: HashMap::new(), link_bytes: 0 }
    }

    /// Counts one more entry and says where it belongs; `None` is the folder of the archive itself.
    fn begin(&mut self, name: &str) -> Result<Option<FileName>, UnpackError> {
        self.entries += 1;
        if self.entries > limits::UNPACKED_ENTRIES_MAX {
            return Err(UnpackError::TooMuch { most: limits::UNPACKED_ENTRIES_MAX, what: "entries" });
        }
        if self.wanted.given_up.is_cancelled() {
            return Err(UnpackError::GivenUp);
        }
        let parts: Vec<&str> = name.split('/').filter(|part| *part != ".").collect();
        let no_name = || UnpackError::entry(name, "has a name that no file can have here");
        let parsed = FileName::parse(&parts.join("/")).ok_or_else(no_name)?;
        if parsed.parts().is_empty() {
            return Ok(None);
        }
        let archive = self.wanted.archive;
        if parsed.flat().is_some_and(|flat| archive.split().is_some_and(|(_, own)| own == flat)) {
            return Err(UnpackError::entry(name, "has the archive's own name"));
        }
        if !(self.wanted.may_write)(&archive.beside(&parsed).ok_or_else(no_name)?) {
            return Err(UnpackError::Forbidden(name.to_owned()));
        }
        Ok(Some(parsed))
    }

    fn folder(&self, name: &FileName) -> Result<(), UnpackError> {
        Ok(self.staging.add_folder(name)?)
    }

    fn file(&mut self, name: &FileName, content: &mut dyn Read) -> Result<(), UnpackError> {
        self.links.remove(name);
        let mut file = self.staging.add_file(name)?;
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            if self.wanted.given_up.is_cancelled() {
                return Err(UnpackError::GivenUp);
            }
            let read = content.read(&mut chunk).map_err(|error| self.unreadable(error))?;
            let Some(data) = chunk.get(..read).filter(|data| !data.is_empty()) else { return Ok(()) };
            self.bytes += data.len() as u64;
            if self.bytes > self.bytes_max {
                return Err(UnpackError::TooMuch { most: self.bytes_max, what: "bytes" });
            }
            file.write_all(data).map_err(FileError::from)?;
        }
    }

    /// A second name for a file that came before.
    fn hard_link(&mut self, name: &FileName, target: &str) -> Result<(), UnpackError> {
        let shown = name.to_string();
        let parts: Vec<&str> = target.split('/').filter(|part| *part != ".").collect();
        let outside = || UnpackError::entry(&shown, "is a link that leads out of the archive");
        let target = FileName::parse(&parts.join("/")).ok_or_else(outside)?;
        let target = self.end_of(&target).cloned().unwrap_or(target);
        self.link(name, &target)
    }

    /// Notes a symbolic link; what it means may come after it.
    fn symbolic_link(&mut self, name: FileName, target: &str) -> Result<(), UnpackError> {
        let outside = || UnpackError::entry(&name.to_string(), "is a link that leads out of the archive");
        if target.starts_with('/') {
            return Err(outside());
        }
        let mut parts: Vec<&str> =
            name.split().map(|(parents, _)| parents).unwrap_or_default().iter().map(String::as_str).collect();
        for part in target.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop().ok_or_else(outside)?),
                part => parts.push(part),
            }
        }
        let target = parts.join("/");
        self.link_bytes += (name.to_string().len() + target.len()) as u64;
        if self.link_bytes > limits::UNPACKED_LIST_BYTES_MAX {
            return Err(too_many_names());
        }
        let target = FileName::parse(&target).ok_or_else(outside)?;
        self.links.insert(name, target);
        Ok(())
    }

    /// The tree, with its links resolved: the space knows no links, so each becomes a second name of its file.
    fn finish(self) -> Result<Staging, UnpackError> {
        for (name, target) in &self.links {
            self.link(name, self.end_of(target).unwrap_or(target))?;
        }
        Ok(self.staging)
    }

    fn link(&self, name: &FileName, target: &FileName) -> Result<(), UnpackError> {
        self.staging.add_link(target, name).map_err(|error| match error {
            FileError::Missing | FileError::InTheWay => {
                UnpackError::entry(&name.to_string(), "is a link to something else than a file of the archive")
            }
            error => error.into(),
        })
    }

    /// What a chain of links that begins with `name` ends with; `None` if it is no link, or has no end.
    fn end_of<'n>(&'n self, name: &FileName) -> Option<&'n FileName> {
        let mut end = self.links.get(name)?;
        for _ in 0..HOPS_MAX {
            match self.links.get(end) {
                Some(next) => end = next,
                None => return Some(end),
            }
        }
        None
    }

    /// What a failed reading of the archive means.
    fn unreadable(&self, error: io::Error) -> UnpackError {
        if meter::is_over(&error) {
            return too_many_names();
        }
        UnpackError::Unreadable(error)
    }
}

fn too_many_names() -> UnpackError {
    UnpackError::TooMuch { most: limits::UNPACKED_LIST_BYTES_MAX, what: "bytes of names and headers" }
}
