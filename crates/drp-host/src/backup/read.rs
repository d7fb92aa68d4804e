//! Reading a backup, which may come from anywhere: every entry is checked before anything is made of it.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufReader, Read},
    path::PathBuf,
};

use drp_core::limits;
use flate2::bufread::GzDecoder;
use serde::{Deserialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use tar::{Archive, Entry, EntryType};

use super::{
    manifest::{FORMAT, HEAD, Head, Item, MANIFEST, Manifest, Summary, part_name, path_problem},
    records,
    restore::Stage,
    seal::Sealed,
};
use crate::{auth::hex, store::check_entry};

/// How gzip begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];
const CHUNK_BYTES: usize = 128 << 10;
/// Zeros that a tar may end with.
const PADDING_BYTES_MAX: u64 = 64 << 10;
const PERMISSIONS: u32 = 0o777;

/// A backup is none, or cannot be restored. Nothing of it is left behind.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The backup cannot be read.
    #[error("cannot read the backup")]
    Read(#[source] io::Error),
    /// It is something else.
    #[error("cannot restore what is no backup of a drpx server: {0}")]
    NotABackup(&'static str),
    /// A newer version made it.
    #[error(
        "cannot restore a backup of format {found}, made by drpx {version}: this version knows formats up to {known}"
    )]
    Newer {
        /// The format of the backup.
        found: u64,
        /// The newest format this version knows.
        known: u64,
        /// The version that made it.
        version: String,
    },
    /// It is not as it was written.
    #[error("cannot restore a backup that is damaged or incomplete: {0}")]
    Damaged(String),
    /// It has an entry that no server writes.
    #[error("cannot restore a backup with the entry `{}`, which {problem}", path.escape_debug())]
    Refused {
        /// The entry's path.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// It has more than a backup may have.
    #[error("cannot restore a backup with more than {limit} {what}")]
    TooLarge {
        /// What it has too much of.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// There is something where it is to go.
    #[error("cannot restore to `{}`, which is not an empty directory", .0.display())]
    NotEmpty(PathBuf),
    /// A server runs where it is to go.
    #[error("cannot restore to `{}`, which a server is using", .0.display())]
    InUse(PathBuf),
    /// A file or folder cannot be written.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The store cannot be written.
    #[error("cannot write the store")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<io::Error> for RestoreError {
    fn from(error: io::Error) -> Self {
        if error.raw_os_error().is_some() {
            return Self::Read(error);
        }
        Self::Damaged(match error.kind() {
            io::ErrorKind::UnexpectedEof => "it ends too early".to_owned(),
            _ => error.to_string(),
        })
    }
}

/// Reads a backup to its end and makes sure that it could be restored.
///
/// # Errors
/// See [`RestoreError`].
pub fn verify(source: impl Read) -> Result<Summary, RestoreError> {
    read(source, None)
}

/// As [`verify`], and puts what is in it on a stage.
pub(super) fn read(source: impl Read, stage: Option<&mut Stage>) -> Result<Summary, RestoreError> {
    let mut source = Sealed::new(BufReader::with_capacity(CHUNK_BYTES, source));
    if !source.fill_buf().map_err(RestoreError::Read)?.starts_with(&GZIP) {
        return Err(RestoreError::NotABackup("it does not begin as one"));
    }
    let mut archive = Archive::new(GzDecoder::new(source));
    let mut reading = Reading { stage, ..Reading::default() };
    // Raw, because long names would be read without a limit otherwise.
    for entry in archive.entries()?.raw(true) {
        reading.entry(entry?)?;
    }
    end(archive.into_inner())?;
    reading.finish()
}

/// Makes sure that nothing but the seal follows the archive, and that it is unbroken.
fn end(mut decoder: GzDecoder<Sealed<impl BufRead>>) -> Result<(), RestoreError> {
    let mut rest = Vec::new();
    decoder.by_ref().take(PADDING_BYTES_MAX + 1).read_to_end(&mut rest)?;
    if rest.len() as u64 > PADDING_BYTES_MAX || rest.iter().any(|byte| *byte != 0) {
        return Err(RestoreError::Damaged("there is something behind its end".to_owned()));
    }
    if decoder.into_inner().holds()? {
        return Ok(());
    }
    Err(RestoreError::Damaged("its checksum is not that of what was written".to_owned()))
}

/// What is known of a backup that is being read.
#[derive(Default)]
struct Reading<'s> {
    stage: Option<&'s mut Stage>,
    head: Option<Head>,
    manifest: Option<Manifest>,
    /// The path of the next entry, if it is too long for that one's header.
    long_path: Option<String>,
    found: BTreeMap<String, Item>,
    last: Option<(String, String)>,
    parts: u64,
    objects: u64,
    files: u64,
    bytes: u64,
}

impl Reading<'_> {
    fn entry(&mut self, mut entry: Entry<'_, impl Read>) -> Result<(), RestoreError> {
        let size = entry.size();
        if entry.header().entry_type() == EntryType::GNULongName && self.long_path.is_none() {
            let text = bounded(&mut entry, "bytes of a path", limits::BACKUP_PATH_BYTES_MAX as u64 + 1)?;
            self.long_path = Some(utf8(text.strip_suffix(b"\0").unwrap_or(&text))?);
            return Ok(());
        }
        let path = match self.long_path.take() {
            Some(path) => path,
            None => utf8(&entry.header().path_bytes())?,
        };
        let refused = |problem: &str| RestoreError::Refused { path: path.clone(), problem: problem.to_owned() };
        if self.manifest.is_some() {
            return Err(refused("comes after the manifest"));
        }
        let kind = entry.header().entry_type();
        match path.as_str() {
            HEAD if self.head.is_none() && kind == EntryType::Regular => return self.head(&mut entry),
            _ if self.head.is_none() => return Err(RestoreError::NotABackup("its first entry is another")),
            MANIFEST if kind == EntryType::Regular => {
                let text = bounded(&mut entry, "bytes of its manifest", limits::BACKUP_MANIFEST_BYTES_MAX)?;
                self.manifest = Some(parse(&text, MANIFEST)?);
                return Ok(());
            }
            _ => {}
        }
        if self.found.len() >= limits::BACKUP_ENTRIES_MAX {
            return Err(too_large("entries", limits::BACKUP_ENTRIES_MAX as u64));
        }
        if self.found.contains_key(&path) {
            return Err(refused("is there twice"));
        }
        let mode = entry.header().mode().map_err(|_| refused("has no mode"))?;
        if mode & !PERMISSIONS != 0 {
            return Err(refused("has more than permissions in its mode"));
        }
        self.bytes = self.bytes.saturating_add(size);
        if self.bytes > limits::BACKUP_BYTES_MAX {
            return Err(too_large("bytes", limits::BACKUP_BYTES_MAX));
        }
        let sha256 = match kind {
            EntryType::Regular if path == part_name(self.parts) => Some(self.part(&mut entry)?),
            _ if path_problem(&path).is_some() => return Err(refused(path_problem(&path).unwrap_or_default())),
            EntryType::Regular => Some(self.file(&path, mode, &mut entry)?),
            EntryType::Directory if size == 0 => {
                self.stage.as_mut().map_or(Ok(()), |stage| stage.folder(&path, mode))?;
                None
            }
            _ => return Err(refused("is neither a file nor a folder")),
        };
        self.found.insert(path.clone(), Item { path, mode, size, sha256 });
        Ok(())
    }

    fn head(&mut self, entry: &mut impl Read) -> Result<(), RestoreError> {
        #[derive(Deserialize)]
        struct Format {
            format: u64,
            server_version: String,
        }
        let text = bounded(entry, "bytes of its manifest", limits::BACKUP_MANIFEST_BYTES_MAX)?;
        let Format { format, server_version: version } = parse(&text, HEAD)?;
        match format {
            FORMAT => {}
            newer if newer > FORMAT => return Err(RestoreError::Newer { found: newer, known: FORMAT, version }),
            _ => return Err(RestoreError::NotABackup("its format is none")),
        }
        let head: Head = parse(&text, HEAD)?;
        self.stage.as_mut().map_or(Ok(()), |stage| stage.store(head.revision))?;
        self.head = Some(head);
        Ok(())
    }

    /// Reads a part of the store, and answers its sum.
    fn part(&mut self, entry: &mut impl Read) -> Result<String, RestoreError> {
        let text = bounded(entry, "bytes of one part of the store", limits::BACKUP_STORE_PART_BYTES_MAX)?;
        let revision = self.head.as_ref().map_or(0, |head| head.revision);
        let damaged = |problem: &str| RestoreError::Damaged(format!("{}: {problem}", part_name(self.parts)));
        let lines = text.strip_suffix(b"\n").ok_or_else(|| damaged("its last line is cut"))?;
        for line in lines.split(|byte| *byte == b'\n') {
            let (section, key, found) = records::decode(line).map_err(|problem| damaged(&problem))?;
            check_entry(&section, &key, &found).map_err(|error| damaged(&error.to_string()))?;
            if found.revision > revision || found.created > found.revision {
                return Err(damaged("an entry has a revision that the store had not"));
            }
            if self.last.as_ref().is_some_and(|(s, k)| (s, k) >= (&section, &key)) {
                return Err(damaged("an entry is not in its place"));
            }
            self.stage.as_mut().map_or(Ok(()), |stage| stage.put(&section, &key, found))?;
            self.last = Some((section, key));
            self.objects += 1;
        }
        self.parts += 1;
        Ok(hex(&Sha256::digest(&text)))
    }

    /// Reads a file, and answers its sum.
    fn file(&mut self, path: &str, mode: u32, entry: &mut Entry<'_, impl Read>) -> Result<String, RestoreError> {
        let size = entry.size();
        if size > limits::FILE_BYTES_MAX {
            return Err(too_large("bytes of one file", limits::FILE_BYTES_MAX));
        }
        let mut staged = self.stage.as_mut().map(|stage| stage.file(path, mode)).transpose()?;
        let (mut sum, mut read, mut chunk) = (Sha256::new(), 0, vec![0; CHUNK_BYTES]);
        loop {
            let bytes = match entry.read(&mut chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                bytes => bytes?,
            };
            let Some(part) = chunk.get(..bytes).filter(|part| !part.is_empty()) else { break };
            sum.update(part);
            read += bytes as u64;
            staged.as_mut().map_or(Ok(()), |file| file.write(part))?;
        }
        if read != size {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        staged.map_or(Ok(()), super::restore::StagedFile::finish)?;
        self.files += 1;
        Ok(hex(&sum.finalize()))
    }

    fn finish(mut self) -> Result<Summary, RestoreError> {
        let damaged = |problem: String| RestoreError::Damaged(problem);
        let head = self.head.ok_or(RestoreError::NotABackup("it is empty"))?;
        let manifest = self.manifest.ok_or_else(|| damaged("its manifest is missing".to_owned()))?;
        if manifest.head != head {
            return Err(damaged(format!("{HEAD} and {MANIFEST} differ")));
        }
        for listed in &manifest.entries {
            match self.found.remove(&listed.path) {
                Some(found) if found == *listed => {}
                Some(_) => return Err(damaged(format!("`{}` is not what was written", listed.path))),
                None => return Err(damaged(format!("`{}` is missing", listed.path))),
            }
        }
        if let Some(path) = self.found.keys().next() {
            return Err(damaged(format!("`{path}` is not in its manifest")));
        }
        Ok(Summary {
            server_version: head.server_version,
            created: head.created,
            revision: head.revision,
            objects: self.objects,
            files: self.files,
            bytes: self.bytes,
            left_out: manifest.left_out,
        })
    }
}

/// The whole of an entry that is not too large.
fn bounded(entry: &mut impl Read, what: &'static str, limit: u64) -> Result<Vec<u8>, RestoreError> {
    let mut content = Vec::new();
    entry.take(limit + 1).read_to_end(&mut content)?;
    if content.len() as u64 > limit { Err(too_large(what, limit)) } else { Ok(content) }
}

fn too_large(what: &'static str, limit: u64) -> RestoreError {
    RestoreError::TooLarge { what, limit }
}

fn utf8(bytes: &[u8]) -> Result<String, RestoreError> {
    let text = str::from_utf8(bytes).map(str::to_owned);
    text.map_err(|_| RestoreError::Damaged("a path is no UTF-8".to_owned()))
}

fn parse<T: DeserializeOwned>(text: &[u8], name: &str) -> Result<T, RestoreError> {
    serde_json::from_slice(text).map_err(|error| RestoreError::Damaged(format!("{name}: {error}")))
}
