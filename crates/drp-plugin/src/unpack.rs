//! Files that a provider ships, and unpacking them.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Component, Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};
use thiserror::Error;

/// A file in the executable that is to be unpacked; made by [`files!`](crate::files!).
#[derive(Clone, Copy, Debug)]
pub struct EmbeddedFile {
    pub(crate) path: &'static str,
    pub(crate) contents: &'static [u8],
    pub(crate) mode: u32,
}

impl EmbeddedFile {
    /// A file by its path below the target, with these permissions (`0o644`).
    #[must_use]
    pub const fn new(path: &'static str, contents: &'static [u8], mode: u32) -> Self {
        Self { path, contents, mode }
    }
}

/// A file whose path is known to stay below the target.
#[derive(Clone, Debug)]
pub(crate) struct File {
    path: PathBuf,
    contents: &'static [u8],
    mode: u32,
}

/// A path that must not be unpacked.
#[derive(Debug, Error)]
#[error("file `{0}` is no relative path below the target: it must not be empty, absolute or hold `..`")]
pub(crate) struct BadPath(String);

/// Why a file was not unpacked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum UnpackError {
    /// The directory has no name. Text as Go providers print it (`vectors/wire/plugin-cli.json`).
    #[error("Not a valid location: `{0}`")]
    NoLocation(String),
    /// A directory cannot be made.
    #[error("cannot make directory `{path}`")]
    MakeDirectory {
        /// The directory.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// Something else is where a directory has to be.
    #[error("`{0}` is a link or no directory: nothing is unpacked through it")]
    NotADirectory(PathBuf),
    /// A file cannot be written.
    #[error("cannot write `{path}`")]
    Write {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
}

impl File {
    pub(crate) fn new(path: &str, contents: &'static [u8], mode: u32) -> Result<Self, BadPath> {
        let parts = Path::new(path).components();
        if path.is_empty() || !parts.clone().all(|part| matches!(part, Component::Normal(_))) {
            return Err(BadPath(path.to_owned()));
        }
        Ok(Self { path: parts.collect(), contents, mode: mode & 0o777 })
    }
}

/// Paths that are there twice, or that are a file and a directory.
pub(crate) fn clashes(files: &[File]) -> Vec<String> {
    let mut paths: Vec<&Path> = files.iter().map(|file| file.path.as_path()).collect();
    paths.sort_unstable();
    // Sorted by their parts, a path comes right before those below it.
    let clash = |pair: &&[&Path]| matches!(pair, [first, second] if second.starts_with(first));
    let describe = |pair: &[&Path]| match pair {
        [first, second] if first == second => format!("file `{}` is there twice", first.display()),
        [first, second] => format!("`{}` is a file and the directory of `{}`", first.display(), second.display()),
        _ => String::new(),
    };
    paths.windows(2).filter(clash).map(describe).collect()
}

/// Writes the files below `root`, which is made where it is missing.
///
/// Each file appears whole under its name or not at all, never through a link and never outside of `root`.
/// Unpacking again leaves files alone that are as they should be.
pub(crate) fn unpack(files: &[File], root: &Path) -> Result<(), UnpackError> {
    let location = root.to_string_lossy();
    if location.trim().is_empty() {
        return Err(UnpackError::NoLocation(location.into_owned()));
    }
    fs::create_dir_all(root).map_err(|source| UnpackError::MakeDirectory { path: root.to_owned(), source })?;
    let alone = lock(root);
    for file in files {
        make_parents(root, &file.path)?;
        let path = root.join(&file.path);
        if alone.is_some() {
            remove_parts(&path);
        }
        if !is_unpacked(file, &path) {
            write(file, &path).map_err(|source| UnpackError::Write { path, source })?;
        }
    }
    Ok(())
}

/// Keeps other processes from unpacking below `root` until it is dropped, or its process has ended in whatever way.
/// `None` where the file system has no locks: then everything works but for cleaning up.
fn lock(root: &Path) -> Option<fs::File> {
    let directory = fs::File::open(root).ok()?;
    flock(&directory, FlockOperation::LockExclusive).ok()?;
    Some(directory)
}

/// Removes what processes have left beside a file that were killed while they wrote it.
fn remove_parts(path: &Path) {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else { return };
    let is_part = |found: &OsStr| {
        let (found, start) = (found.as_encoded_bytes(), part_prefix(name));
        found.starts_with(start.as_encoded_bytes()) && found.ends_with(PART_SUFFIX.as_bytes())
    };
    for found in fs::read_dir(directory).into_iter().flatten().flatten() {
        if is_part(&found.file_name()) {
            // What cannot be removed does no harm.
            let _ = fs::remove_file(found.path());
        }
    }
}

/// How the names of files begin that are to become the file of this name.
fn part_prefix(name: &OsStr) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(name);
    prefix.push(".");
    prefix
}

const PART_SUFFIX: &str = ".part";

fn make_parents(root: &Path, file: &Path) -> Result<(), UnpackError> {
    let mut directory = root.to_owned();
    for part in file.parent().into_iter().flat_map(Path::components) {
        directory.push(part);
        match fs::symlink_metadata(&directory) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return Err(UnpackError::NotADirectory(directory)),
            Err(_) => fs::create_dir(&directory)
                .map_err(|source| UnpackError::MakeDirectory { path: directory.clone(), source })?,
        }
    }
    Ok(())
}

fn is_unpacked(file: &File, path: &Path) -> bool {
    let same_kind = |found: fs::Metadata| found.is_file() && found.permissions().mode() & 0o777 == file.mode;
    fs::symlink_metadata(path).is_ok_and(same_kind) && fs::read(path).is_ok_and(|contents| contents == file.contents)
}

/// Writes beside the target and renames, which replaces a link instead of following it.
fn write(file: &File, path: &Path) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new(""));
    let prefix = part_prefix(path.file_name().unwrap_or_default());
    let mut part = tempfile::Builder::new().prefix(&prefix).suffix(PART_SUFFIX).tempfile_in(directory)?;
    part.write_all(file.contents)?;
    part.as_file().set_permissions(Permissions::from_mode(file.mode))?;
    part.as_file().sync_all()?;
    // What cannot be put in place is removed again.
    part.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn tool() -> File {
        File::new("bin/tool", b"#!", 0o755).unwrap()
    }

    #[test]
    fn files_are_unpacked_with_their_mode_and_again_without_change() {
        let dir = tempfile::tempdir().unwrap();
        let location = &dir.path().join("new/sub");
        unpack(&[tool()], location).unwrap();
        let path = location.join("bin/tool");
        let first = fs::metadata(&path).unwrap();
        assert_eq!(first.permissions().mode() & 0o777, 0o755);
        unpack(&[tool()], location).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), first.modified().unwrap());
        fs::write(&path, "damaged").unwrap();
        unpack(&[tool()], location).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"#!");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn nothing_is_written_through_a_link() {
        let (dir, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let location = dir.path();
        symlink(outside.path(), dir.path().join("bin")).unwrap();
        assert!(matches!(unpack(&[tool()], location), Err(UnpackError::NotADirectory(_))));
        fs::remove_file(dir.path().join("bin")).unwrap();
        fs::create_dir(dir.path().join("bin")).unwrap();
        let victim = outside.path().join("victim");
        fs::write(&victim, "safe").unwrap();
        symlink(&victim, dir.path().join("bin/tool")).unwrap();
        unpack(&[tool()], location).unwrap();
        assert_eq!(fs::read(&victim).unwrap(), b"safe");
    }

    #[test]
    fn what_is_in_the_way_is_told_and_nothing_is_left_half_written() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("bin/tool/mine")).unwrap();
        assert!(matches!(unpack(&[tool()], dir.path()), Err(UnpackError::Write { .. })));
        assert_eq!(fs::read_dir(dir.path().join("bin")).unwrap().count(), 1, "a part is left");
        fs::remove_dir_all(dir.path().join("bin")).unwrap();
        fs::write(dir.path().join("bin"), "a file").unwrap();
        assert!(matches!(unpack(&[tool()], dir.path()), Err(UnpackError::NotADirectory(_))));
        assert_eq!(fs::read(dir.path().join("bin")).unwrap(), b"a file");
        // A mode alone is put right too.
        fs::remove_file(dir.path().join("bin")).unwrap();
        unpack(&[tool()], dir.path()).unwrap();
        fs::set_permissions(dir.path().join("bin/tool"), Permissions::from_mode(0o600)).unwrap();
        unpack(&[tool()], dir.path()).unwrap();
        assert_eq!(dir.path().join("bin/tool").metadata().unwrap().permissions().mode() & 0o777, 0o755);
    }

    #[test]
    fn what_a_killed_process_has_left_is_removed_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let bin = dir.path().join("bin");
        fs::create_dir(&bin).unwrap();
        for name in [".tool.aBcDeF.part", ".other.aBcDeF.part", ".tool.part.mine"] {
            fs::write(bin.join(name), "half").unwrap();
        }
        unpack(&[tool()], dir.path()).unwrap();
        let mut names: Vec<_> = fs::read_dir(&bin).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, [".other.aBcDeF.part", ".tool.part.mine", "tool"]);
    }

    #[test]
    fn files_in_each_others_way_are_found() {
        let files = ["a", "b/c", "a.txt", "a/d", "b/c"].map(|path| File::new(path, b"", 0o644).unwrap());
        assert_eq!(clashes(&files), ["`a` is a file and the directory of `a/d`", "file `b/c` is there twice"]);
        assert!(clashes(&files[1..3]).is_empty());
    }

    #[test]
    fn paths_that_lead_out_are_refused() {
        for path in ["", "/etc/passwd", "../x", "a/../../x", "./x", "a/."] {
            let file = File::new(path, b"", 0o644);
            let inside =
                file.as_ref().is_ok_and(|file| file.path.components().all(|c| matches!(c, Component::Normal(_))));
            assert!(file.is_err() || inside, "{path}");
        }
        assert!(matches!(unpack(&[], Path::new("")), Err(UnpackError::NoLocation(_))));
    }
}
