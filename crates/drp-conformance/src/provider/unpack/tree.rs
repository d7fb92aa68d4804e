//! What is in a directory, to compare it with another.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    hash::{DefaultHasher, Hasher},
    io::{self, Read},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use walkdir::WalkDir;

/// Entries that are looked at.
const ENTRIES_MAX: usize = 100_000;

/// All that is in a directory, by its path within.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tree {
    pub(super) entries: BTreeMap<String, Entry>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Directory { mode: u32 },
    File { mode: u32, bytes: u64, sum: u64 },
    Link(PathBuf),
    Other,
}

impl Tree {
    pub(super) fn of(root: &Path) -> io::Result<Self> {
        let mut entries = BTreeMap::new();
        for entry in WalkDir::new(root).min_depth(1).into_iter().take(ENTRIES_MAX) {
            let entry = entry.map_err(io::Error::from)?;
            let path = entry.path().strip_prefix(root).unwrap_or(entry.path()).to_string_lossy().into_owned();
            entries.insert(path, Entry::of(entry.path())?);
        }
        Ok(Self { entries })
    }

    /// Paths of its files.
    pub(super) fn files(&self) -> Vec<String> {
        let files = self.entries.iter().filter(|(_, entry)| matches!(entry, Entry::File { .. }));
        files.map(|(path, _)| path.clone()).collect()
    }

    /// The first thing in which another tree differs, as a text.
    pub(super) fn difference(&self, other: &Self) -> String {
        let paths: BTreeSet<&String> = self.entries.keys().chain(other.entries.keys()).collect();
        let differing = paths.into_iter().find(|path| self.entries.get(*path) != other.entries.get(*path));
        let shown = |entry: Option<&Entry>| entry.map_or_else(|| "nothing".to_owned(), Entry::shown);
        differing.map_or_else(String::new, |path| {
            format!("`{path}` was {}, and is {}", shown(self.entries.get(path)), shown(other.entries.get(path)))
        })
    }
}

impl Entry {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::symlink_metadata(path)?;
        let mode = metadata.permissions().mode() & 0o7777;
        Ok(if metadata.is_symlink() {
            Self::Link(fs::read_link(path)?)
        } else if metadata.is_dir() {
            Self::Directory { mode }
        } else if metadata.is_file() {
            Self::File { mode, bytes: metadata.len(), sum: sum(path)? }
        } else {
            Self::Other
        })
    }

    /// Its permissions; a link has none of its own.
    pub(super) fn mode(&self) -> u32 {
        match self {
            Self::Directory { mode } | Self::File { mode, .. } => *mode,
            Self::Link(_) | Self::Other => 0,
        }
    }

    pub(super) fn is_directory(&self) -> bool {
        matches!(self, Self::Directory { .. })
    }

    fn shown(&self) -> String {
        match self {
            Self::Directory { mode } => format!("a directory of mode {mode:04o}"),
            Self::File { mode, bytes, sum } => format!("a file of mode {mode:04o} with {bytes} bytes (sum {sum:016x})"),
            Self::Link(to) => format!("a link to `{}`", to.display()),
            Self::Other => "no file and no directory".to_owned(),
        }
    }
}

/// A sum that is good enough to tell two files of one program apart.
fn sum(path: &Path) -> io::Result<u64> {
    let (mut file, mut hasher, mut buffer) = (fs::File::open(path)?, DefaultHasher::new(), vec![0; 64 << 10]);
    loop {
        let length = file.read(&mut buffer)?;
        if length == 0 {
            return Ok(hasher.finish());
        }
        hasher.write(buffer.get(..length).unwrap_or_default());
    }
}
