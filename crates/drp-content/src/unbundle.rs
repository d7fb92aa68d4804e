//! A bundle written as a directory with one file for each object (`models.md` §19.4).
//!
//! Go's unbundler loses what file names and raw templates cannot say. Here nothing is lost: bundling the directory gives
//! the bundle again, and a Go bundler gives what it can.

mod place;
mod plan;

use std::{
    io,
    path::{Path, PathBuf},
};

use drp_core::limits;
use thiserror::Error;

use self::{place::Target, plan::Plan};
use crate::{Bundle, Format, WriteYamlError};

/// Where a bundle's directory may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Where nothing is, or an empty directory.
    Free,
    /// Also where a directory of content is, which is replaced. One that holds anything else is left alone.
    Content,
}

/// Why a bundle is not written as a directory. Nothing has changed then.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum UnbundleError {
    /// No directory may be called as a section is.
    #[error("no directory can have the name of the section {0:?}")]
    Section(String),
    /// There are more objects than [`limits::CONTENT_FILES_MAX`].
    #[error("the bundle has more than {max} objects", max = limits::CONTENT_FILES_MAX)]
    TooMany,
    /// An object cannot be written as JSON.
    #[error("cannot write {section}:{key} as JSON")]
    Json {
        /// Its section.
        section: String,
        /// Its key.
        key: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// An object cannot be written as YAML.
    #[error("cannot write {section}:{key} as YAML")]
    Yaml {
        /// Its section.
        section: String,
        /// Its key.
        key: String,
        /// Why.
        #[source]
        source: WriteYamlError,
    },
    /// There is something in the directory.
    #[error("`{path}` is not empty", path = .0.display())]
    NotEmpty(PathBuf),
    /// There is something in the directory that is no content, which would be lost.
    #[error("`{path}` is no content, and would be lost", path = .0.display())]
    NotContent(PathBuf),
    /// There is something else than a directory.
    #[error("`{path}` is no directory", path = .0.display())]
    NotADirectory(PathBuf),
    /// The system says no.
    #[error("cannot write `{path}`", path = path.display())]
    Io {
        /// What was being written.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl Bundle {
    /// Writes the bundle as a directory, objects in the given format. Its parent must be there.
    ///
    /// Everything is written beside the directory first, which then gets its name in one step. Files are called as their
    /// keys, with `.` for `/`, and never stand anywhere else, whatever the keys are.
    ///
    /// # Errors
    /// See [`UnbundleError`].
    pub fn write_directory(&self, path: &Path, format: Format, place: Place) -> Result<(), UnbundleError> {
        let plan = Plan::of(self, format)?;
        let target = Target::find(path, place)?;
        target.put(&plan)
    }
}

#[cfg(test)]
mod tests;
