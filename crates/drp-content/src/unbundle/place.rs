//! Putting a directory in its place, whole or not at all.

use std::{
    collections::BTreeMap,
    env,
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::{Place, UnbundleError, plan::Plan};
use crate::{Format, Metadata, directory::TEMPLATES, directory::note::NOTE};

/// Where the directory goes, and what is there now.
#[derive(Debug)]
pub(super) enum Target {
    /// Nothing.
    Missing(PathBuf),
    /// An empty directory.
    Empty(PathBuf),
    /// An empty directory in which somebody works: it must stay the same one.
    EmptyHere(PathBuf),
    /// A directory of content.
    Content(PathBuf),
}

impl Target {
    /// Looks before anything is written.
    pub(super) fn find(path: &Path, place: Place) -> Result<Self, UnbundleError> {
        let failed = |source| UnbundleError::Io { path: path.to_owned(), source };
        let there = match path.canonicalize() {
            Ok(there) => there,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::Missing(path.to_owned())),
            Err(error) => return Err(failed(error)),
        };
        if !there.is_dir() {
            return Err(UnbundleError::NotADirectory(path.to_owned()));
        }
        if fs::read_dir(&there).map_err(failed)?.next().is_none() {
            let is_here = env::current_dir().is_ok_and(|here| here == there);
            return Ok(if is_here { Self::EmptyHere(there) } else { Self::Empty(there) });
        }
        match place {
            Place::Free => Err(UnbundleError::NotEmpty(path.to_owned())),
            Place::Content => {
                only_content(&there)?;
                Ok(Self::Content(there))
            }
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Missing(path) | Self::Empty(path) | Self::EmptyHere(path) | Self::Content(path) => path,
        }
    }

    pub(super) fn put(&self, plan: &Plan) -> Result<(), UnbundleError> {
        let path = self.path();
        let failed = |source| UnbundleError::Io { path: path.to_owned(), source };
        let beside = match path.parent() {
            Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
            Some(parent) => parent,
            None => return Err(failed(io::Error::from(io::ErrorKind::InvalidInput))),
        };
        // Removed with all that is still in it, however this ends.
        let room = tempfile::Builder::new().prefix(".unbundle-").tempdir_in(beside).map_err(failed)?;
        let new = room.path().join("content");
        write(&new, plan)?;
        match self {
            Self::Missing(_) => rename_to_free(&new, path).map_err(failed),
            Self::Empty(_) => {
                let keeps_mode = fs::metadata(path).and_then(|found| fs::set_permissions(&new, found.permissions()));
                keeps_mode.and_then(|()| fs::rename(&new, path)).map_err(failed)
            }
            Self::EmptyHere(_) => move_into(&new, path).map_err(failed),
            // What was there is in the room then, and goes with it.
            Self::Content(_) => {
                renameat_with(CWD, &new, CWD, path, RenameFlags::EXCHANGE).map_err(|e| failed(e.into()))
            }
        }
    }
}

/// Renames to where nothing was a moment ago, and where nothing must be lost that came since.
fn rename_to_free(new: &Path, path: &Path) -> io::Result<()> {
    renameat_with(CWD, new, CWD, path, RenameFlags::NOREPLACE).map_err(io::Error::from)
}

/// Moves everything into an empty directory, or nothing.
fn move_into(new: &Path, path: &Path) -> io::Result<()> {
    let mut moved: Vec<(PathBuf, PathBuf)> = Vec::new();
    let mut move_all = || {
        for entry in fs::read_dir(new)? {
            let entry = entry?;
            let to = path.join(entry.file_name());
            rename_to_free(&entry.path(), &to)?;
            moved.push((entry.path(), to));
        }
        Ok(())
    };
    let done = move_all();
    if done.is_err() {
        // The error that counts is the first one.
        moved.iter().for_each(|(from, to)| drop(fs::rename(to, from)));
    }
    done
}

fn write(root: &Path, plan: &Plan) -> Result<(), UnbundleError> {
    make(root, &plan.files)?;
    plan.sections.iter().try_for_each(|(section, files)| make(&root.join(section), files))
}

/// Makes a directory of files. Before it gets its name all of it is on the disk.
fn make(directory: &Path, files: &BTreeMap<String, String>) -> Result<(), UnbundleError> {
    fs::create_dir(directory).map_err(|source| UnbundleError::Io { path: directory.to_owned(), source })?;
    for (name, text) in files {
        let path = directory.join(name);
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        let written = file.and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
        written.map_err(|source| UnbundleError::Io { path, source })?;
    }
    Ok(())
}

/// Whether a bundler would read everything in the directory, so that nothing is lost which is no content.
fn only_content(root: &Path) -> Result<(), UnbundleError> {
    let entries = |path: &Path| {
        let read = || fs::read_dir(path)?.map(|entry| Ok((entry?.path(), ()))).collect::<io::Result<Vec<_>>>();
        read().map_err(|source| UnbundleError::Io { path: path.to_owned(), source })
    };
    for (path, ()) in entries(root)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let found = fs::symlink_metadata(&path);
        if found.as_ref().is_ok_and(fs::Metadata::is_dir) && !name.starts_with('.') {
            for (path, ()) in entries(&path)? {
                let is_object = name == TEMPLATES || Format::of(&path).is_some();
                if !is_object || !fs::symlink_metadata(&path).is_ok_and(|found| found.is_file()) {
                    return Err(UnbundleError::NotContent(path));
                }
            }
        } else if !(found.is_ok_and(|found| found.is_file()) && (name == NOTE || is_metadata(&name))) {
            return Err(UnbundleError::NotContent(path));
        }
    }
    Ok(())
}

fn is_metadata(name: &str) -> bool {
    let field = name.strip_prefix("._").and_then(|name| name.strip_suffix(".meta"));
    field.is_some_and(|field| Metadata::FIELDS.contains(&field))
}
