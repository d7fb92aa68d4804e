//! Writing a backup, entry by entry, to somewhere that takes bytes.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use drp_core::{Time, limits};
use flate2::{Compression, write::GzEncoder};
use rustix::fs::OFlags;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

use super::{
    manifest::{ABOVE, FILES, FOLDERS, FORMAT, HEAD, Head, Item, MANIFEST, Manifest, PLUGINS, Summary, part_name},
    records,
    seal::Sealing,
};
use crate::{
    auth::hex,
    store::{Snapshot, StoreError},
};

/// Bytes of a part of the store after which the next begins.
const PART_BYTES: usize = 4 << 20;
/// The fastest level that makes nothing larger: isos are compressed already.
const COMPRESSION: Compression = Compression::new(2);
const OWNER_ONLY: u32 = 0o600;
const PERMISSIONS: u32 = 0o777;

/// What a backup is made of.
pub(crate) struct Source {
    /// The data directory.
    pub(crate) data: PathBuf,
    /// The directory of providers' executables.
    pub(crate) plugins: PathBuf,
    /// Folders that the next start makes anew.
    pub(crate) rebuilt: Vec<PathBuf>,
    /// The store.
    pub(crate) snapshot: Box<dyn Snapshot>,
}

/// A backup could not be made to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    #[error("cannot read the store")]
    Store(#[from] StoreError),
    #[error("cannot read `{}`", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot back `{}` up: it became shorter while it was read", .0.display())]
    Shrunk(PathBuf),
    #[error("cannot put more than {limit} {what} into a backup")]
    TooMuch { what: &'static str, limit: u64 },
    #[error("cannot write a part of the backup")]
    Encode(#[from] serde_json::Error),
    #[error("cannot send the backup")]
    Send(#[source] io::Error),
}

/// Writes a whole backup.
pub(super) fn write(source: Source, out: impl Write) -> Result<Summary, WriteError> {
    let head = Head {
        format: FORMAT,
        server_version: env!("CARGO_PKG_VERSION").to_owned(),
        revision: source.snapshot.revision(),
        created: Time::now().to_string(),
    };
    let mut archive = Archive::new(out);
    archive.json(HEAD, &head)?;
    let objects = archive.store(&*source.snapshot)?;
    // What is deleted meanwhile need not be kept any longer.
    drop(source.snapshot);
    for path in FILES {
        archive.path(path.to_owned(), source.data.join(path), Links::AreNone)?;
    }
    for path in ABOVE {
        archive.entry_of(path.to_owned(), &source.data.join(path))?;
    }
    for path in FOLDERS {
        archive.tree(path, &source.data.join(path), Links::AreNone, &source.rebuilt)?;
    }
    archive.tree(PLUGINS, &source.plugins, Links::AreFiles, &[])?;
    archive.finish(head, objects)
}

/// What is made of symbolic links.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Links {
    /// They are not served, so they are left out.
    AreNone,
    /// They are what they point to, and hidden files are not there: so are providers' executables found.
    AreFiles,
}

struct Archive<W: Write> {
    tar: Builder<GzEncoder<Sealing<W>>>,
    items: Vec<Item>,
    left_out: Vec<String>,
    bytes: u64,
    time_s: u64,
}

impl<W: Write> Archive<W> {
    fn new(out: W) -> Self {
        let gzip = GzEncoder::new(Sealing::new(out), COMPRESSION);
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let time_s = now.map_or(0, |now| now.as_secs());
        Self { tar: Builder::new(gzip), items: Vec::new(), left_out: Vec::new(), bytes: 0, time_s }
    }

    /// Adds the entries of the store, and says how many there are.
    fn store(&mut self, snapshot: &dyn Snapshot) -> Result<u64, WriteError> {
        let (mut objects, mut parts, mut part) = (0, 0, Vec::new());
        for section in snapshot.sections()? {
            let mut after: Option<String> = None;
            // One at a time, because each may have 64 MiB.
            while let Some((key, entry)) = snapshot.scan(&section, after.as_deref(), 1)?.pop() {
                let begun = part.len();
                records::encode(&section, &key, &entry, &mut part)?;
                // A large one gets a part of its own.
                if part.len() > PART_BYTES && begun > 0 {
                    let large = part.split_off(begun);
                    self.part(&mut parts, &mut part)?;
                    part = large;
                }
                if part.len() > PART_BYTES {
                    self.part(&mut parts, &mut part)?;
                }
                objects += 1;
                after = Some(key);
            }
        }
        if !part.is_empty() {
            self.part(&mut parts, &mut part)?;
        }
        Ok(objects)
    }

    fn part(&mut self, number: &mut u64, part: &mut Vec<u8>) -> Result<(), WriteError> {
        within("bytes of one entry of the store", part.len() as u64, limits::BACKUP_STORE_PART_BYTES_MAX)?;
        let name = part_name(*number);
        *number += 1;
        let path = PathBuf::from(&name);
        self.content(name, OWNER_ONLY, part.len() as u64, part.as_slice(), &path)?;
        part.clear();
        Ok(())
    }

    /// Adds a folder with all that is in it, in the order of names, folders before what they hold.
    fn tree(&mut self, name: &str, root: &Path, links: Links, rebuilt: &[PathBuf]) -> Result<(), WriteError> {
        if !self.entry_of(name.to_owned(), root)? {
            return Ok(());
        }
        let mut folders = vec![(name.to_owned(), root.to_owned())];
        while let Some((name, folder)) = folders.pop() {
            for file_name in names(&folder)? {
                let path = folder.join(&file_name);
                let Some(file_name) = file_name.to_str() else {
                    self.leave_out(&path, "its name is no UTF-8");
                    continue;
                };
                if rebuilt.contains(&path) || links == Links::AreFiles && file_name.starts_with('.') {
                    continue;
                }
                let name = format!("{name}/{file_name}");
                if links == Links::AreNone && path.symlink_metadata().is_ok_and(|found| found.is_dir()) {
                    self.entry_of(name.clone(), &path)?;
                    folders.push((name, path));
                } else {
                    self.path(name, path, links)?;
                }
            }
        }
        Ok(())
    }

    /// Adds the entry of a folder, and says whether there is one. Links to it are the operator's choice.
    fn entry_of(&mut self, name: String, path: &Path) -> Result<bool, WriteError> {
        match path.metadata() {
            Ok(found) if found.is_dir() => {
                let mode = found.mode() & PERMISSIONS;
                let header = self.header(EntryType::Directory, mode, 0);
                self.append(header, &name, io::empty())?;
                self.remember(Item { path: name, mode, size: 0, sha256: None }).map(|()| true)
            }
            Ok(_) => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(WriteError::Read { path: path.to_owned(), source }),
        }
    }

    /// Adds a file. One that is gone meanwhile was deleted while the backup was made.
    fn path(&mut self, name: String, path: PathBuf, links: Links) -> Result<(), WriteError> {
        let (file, found) = match open(&path, links) {
            Ok(Some(opened)) => opened,
            Ok(None) => {
                self.leave_out(&path, "it is no file");
                return Ok(());
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(WriteError::Read { path, source }),
        };
        within("bytes of one file", found.len(), limits::FILE_BYTES_MAX)?;
        self.content(name, found.mode() & PERMISSIONS, found.len(), file, &path)
    }

    fn content(
        &mut self,
        name: String,
        mode: u32,
        size: u64,
        content: impl Read,
        path: &Path,
    ) -> Result<(), WriteError> {
        self.bytes = self.bytes.saturating_add(size);
        within("bytes", self.bytes, limits::BACKUP_BYTES_MAX)?;
        let header = self.header(EntryType::Regular, mode, size);
        let mut reader = Summing { reader: content.take(size), sum: Sha256::new(), bytes: 0, failure: None };
        let appended = self.append(header, &name, &mut reader);
        let Summing { sum, bytes, failure, .. } = reader;
        if let Some(source) = failure {
            return Err(WriteError::Read { path: path.to_owned(), source });
        }
        appended?;
        if bytes != size {
            return Err(WriteError::Shrunk(path.to_owned()));
        }
        self.remember(Item { path: name, mode, size, sha256: Some(hex(&sum.finalize())) })
    }

    /// Adds an entry that the manifest does not list.
    fn json<T: Serialize>(&mut self, name: &str, value: &T) -> Result<(), WriteError> {
        let text = serde_json::to_vec_pretty(value)?;
        within("bytes of its manifest", text.len() as u64, limits::BACKUP_MANIFEST_BYTES_MAX)?;
        let header = self.header(EntryType::Regular, OWNER_ONLY, text.len() as u64);
        self.append(header, name, text.as_slice())
    }

    fn header(&self, kind: EntryType, mode: u32, size: u64) -> Header {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(size);
        header.set_mtime(self.time_s);
        header.set_uid(0);
        header.set_gid(0);
        header
    }

    fn append(&mut self, mut header: Header, name: &str, content: impl Read) -> Result<(), WriteError> {
        within("bytes of a path", name.len() as u64, limits::BACKUP_PATH_BYTES_MAX as u64)?;
        self.tar.append_data(&mut header, name, content).map_err(WriteError::Send)
    }

    fn remember(&mut self, item: Item) -> Result<(), WriteError> {
        self.items.push(item);
        within("files and folders", self.items.len() as u64, limits::BACKUP_ENTRIES_MAX as u64)
    }

    fn leave_out(&mut self, path: &Path, why: &str) {
        self.left_out.push(format!("{}: {why}", path.display()));
    }

    fn finish(mut self, head: Head, objects: u64) -> Result<Summary, WriteError> {
        let summary = Summary {
            server_version: head.server_version.clone(),
            created: head.created.clone(),
            revision: head.revision,
            objects,
            files: self.items.iter().filter(|item| item.sha256.is_some() && !is_part(item)).count() as u64,
            bytes: self.bytes,
            left_out: self.left_out.clone(),
        };
        let (entries, left_out) = (std::mem::take(&mut self.items), std::mem::take(&mut self.left_out));
        self.json(MANIFEST, &Manifest { head, entries, left_out })?;
        let gzip = self.tar.into_inner().map_err(WriteError::Send)?;
        gzip.finish().and_then(Sealing::seal).map_err(WriteError::Send)?;
        Ok(summary)
    }
}

fn is_part(item: &Item) -> bool {
    item.path.starts_with("store/")
}

/// The names in a folder, in order; none if it is gone meanwhile.
fn names(folder: &Path) -> Result<Vec<std::ffi::OsString>, WriteError> {
    let read = || fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>();
    match read() {
        Ok(mut names) => {
            names.sort_unstable();
            Ok(names)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(WriteError::Read { path: folder.to_owned(), source }),
    }
}

/// Opens a regular file; `None` for anything else.
fn open(path: &Path, links: Links) -> io::Result<Option<(File, Metadata)>> {
    let found = if links == Links::AreFiles { path.metadata()? } else { path.symlink_metadata()? };
    if !found.is_file() {
        return Ok(None);
    }
    // The name may have become another's since: a link is not followed, and a pipe not waited for.
    let follow = if links == Links::AreFiles { OFlags::empty() } else { OFlags::NOFOLLOW };
    let flags = (follow | OFlags::NONBLOCK).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let found = file.metadata()?;
    Ok(found.is_file().then_some((file, found)))
}

fn within(what: &'static str, size: u64, limit: u64) -> Result<(), WriteError> {
    if size > limit { Err(WriteError::TooMuch { what, limit }) } else { Ok(()) }
}

/// Sums up what is read, and remembers why a reading failed: who copies cannot tell it from a failed writing.
struct Summing<R> {
    reader: R,
    sum: Sha256,
    bytes: u64,
    failure: Option<io::Error>,
}

impl<R: Read> Read for Summing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.reader.read(buffer) {
            Ok(read) => {
                self.sum.update(buffer.get(..read).unwrap_or_default());
                self.bytes += read as u64;
                Ok(read)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let kind = error.kind();
                self.failure = Some(error);
                Err(kind.into())
            }
        }
    }
}
