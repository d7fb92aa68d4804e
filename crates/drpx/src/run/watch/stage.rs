//! Copies of executables: what is in service stays whole while the next one is built and tried.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::exit::Failure;

/// Where the copy is that is in service; always under one name, by which the server knows the provider.
pub(super) struct Stage(TempDir);

/// A copy that is in place, and what was there before.
pub(super) struct Staged {
    path: PathBuf,
    before: PathBuf,
}

impl Stage {
    pub(super) fn new() -> Result<Self, Failure> {
        let directory = tempfile::Builder::new().prefix("drpx-").tempdir();
        directory.map(Self).map_err(|error| Failure::new(format!("cannot make a directory for executables: {error}")))
    }

    /// Puts a copy in place in one step.
    pub(super) fn put(&self, executable: &Path) -> Result<Staged, Failure> {
        let path = self.0.path().join(executable.file_name().unwrap_or_default());
        let (next, before) = (self.0.path().join(".next"), self.0.path().join(".before"));
        let put = || {
            fs::copy(executable, &next)?;
            match fs::rename(&path, &before) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            fs::rename(&next, &path)
        };
        put().map_err(|error| Failure::new(format!("cannot copy `{}`: {error}", executable.display())))?;
        Ok(Staged { path, before })
    }
}

impl Staged {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the copy away again: what was there before is there again.
    pub(super) fn put_back(self) -> Result<(), Failure> {
        let put_back = match fs::rename(&self.before, &self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => fs::remove_file(&self.path),
            done => done,
        };
        put_back.map_err(|error| Failure::new(format!("cannot put `{}` back: {error}", self.path.display())))
    }

    /// Lets go of what was there before.
    pub(super) fn keep(self) {
        // Nothing was there at the first time; whatever it is, it goes with the directory.
        let _ = fs::remove_file(self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_in_place_comes_back_unless_the_next_one_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let executable = dir.path().join("provider");
        let stage = Stage::new().unwrap();
        let put = |text: &str| {
            fs::write(&executable, text).unwrap();
            stage.put(&executable).unwrap()
        };
        let staged = put("bad from the start");
        let path = staged.path().to_owned();
        staged.put_back().unwrap();
        assert!(!path.exists());
        put("one").keep();
        put("two").put_back().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one");
        put("three").keep();
        assert_eq!(fs::read_to_string(&path).unwrap(), "three");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}
