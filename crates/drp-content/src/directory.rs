//! A bundle as authors keep it: a directory with one file for each object (`models.md` §19.3).

pub(crate) mod note;
mod reader;

use std::{
    io,
    path::{Path, PathBuf},
};

use drp_core::limits;
use thiserror::Error;

use self::reader::Reader;
use crate::{Bundle, Metadata, object::DecodeError, yaml::YamlError};

/// The section whose files may be contents and nothing else.
pub(crate) const TEMPLATES: &str = "templates";

/// A directory that is no content bundle. Texts are those of the bundler of Go servers, where it has one.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadDirectoryError {
    /// The directory itself cannot be read.
    #[error("cannot read the directory `{path}`", path = path.display())]
    Root {
        /// Which one.
        path: PathBuf,
        /// Why.
        #[source]
        source: ReadFileError,
    },
    /// The metadata in a file cannot be read.
    #[error("Cannot read metadata {file}")]
    Metadata {
        /// The file's name.
        file: String,
        /// Why.
        #[source]
        source: ReadFileError,
    },
    /// The directory of a section cannot be read.
    #[error("Cannot read substore {section}")]
    Section {
        /// Its name.
        section: String,
        /// Why.
        #[source]
        source: ReadFileError,
    },
    /// A file cannot be read.
    #[error("Cannot read item {section}/{file}")]
    Item {
        /// The section it is in.
        section: String,
        /// The file's name.
        file: String,
        /// Why.
        #[source]
        source: ReadFileError,
    },
    /// A file does not hold an object of its section's type.
    #[error("Cannot parse item {section}/{file}")]
    Parse {
        /// The section it is in.
        section: String,
        /// The file's name.
        file: String,
        /// What is wrong with it.
        #[source]
        source: ParseItemError,
    },
    /// A file is neither YAML nor JSON, and no template.
    #[error("No idea how to decode {file} into {section}")]
    Kind {
        /// The section it is in.
        section: String,
        /// The file's name.
        file: String,
    },
}

/// Why a file or directory of a bundle is not read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadFileError {
    /// The system says no.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is a pipe, a device, a directory or the like.
    #[error("it is no regular file")]
    NotAFile,
    /// It is a link to what is not in the bundle's directory.
    #[error("it is a link that leads out of the bundle's directory")]
    LeadsOut,
    /// All files together have more than [`limits::BODY_BYTES_MAX`].
    #[error("the content is over the limit of {max} bytes", max = limits::BODY_BYTES_MAX)]
    TooLarge,
    /// There are more files than [`limits::CONTENT_FILES_MAX`].
    #[error("the content has more than {max} files", max = limits::CONTENT_FILES_MAX)]
    TooMany,
    /// Content is text.
    #[error("it is no UTF-8 text")]
    NotText,
    /// What is the key of an object must be text.
    #[error("its name is no UTF-8 text")]
    Name,
    /// It does not hold what was left there for the bundler.
    #[error("it is not what `unbundle` wrote")]
    Note(#[source] serde_json::Error),
}

/// Why a file does not hold an object.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ParseItemError {
    /// It is not YAML.
    #[error("error converting YAML to JSON: yaml: {0}")]
    Yaml(YamlError),
    /// It is not JSON.
    #[error(transparent)]
    Json(drp_core::json::ParseError),
    /// It is no object of its section's type.
    #[error(transparent)]
    Object(DecodeError),
}

/// What was read of a directory.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct DirectoryContent {
    /// The bundle.
    pub bundle: Bundle,
    /// Every file that was read for it, in the order in which they were.
    pub files: Vec<ContentFile>,
    /// Keys that are not in the bundle because their type has no such key: misspelt, or of a newer server.
    pub left_out: Vec<LeftOut>,
}

/// A key of an object that is not in the bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The object's file.
    pub path: PathBuf,
    /// The key, after those and the indexes that it is within: `ExtraClaims/1/specifig`.
    pub key: String,
}

/// A file of a bundle's directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentFile {
    /// Where it is: the directory's path, and the rest.
    pub path: PathBuf,
    /// What is in it.
    pub holds: Holds,
}

/// What a file of a bundle's directory holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Holds {
    /// A field of the metadata.
    Metadata(&'static str),
    /// An object; of several with one key the last one counts.
    Object {
        /// Its section.
        section: String,
        /// Its key.
        key: String,
    },
    /// The contents of a template, whose key is the file's name.
    Template {
        /// Its key.
        key: String,
    },
    /// What the unbundler could say in no other way.
    Note,
}

impl Bundle {
    /// Reads a directory. Its sub-directories are the sections, and `._FIELD.meta` files its metadata; what has no file
    /// is `Unspecified`, `v0.0.0`, `dynamic` or empty. The key of an object is its own, whatever its file is called, and
    /// the last file with a key wins. Objects get all keys of their type, as servers have them, and lose others; [`read_directory`] tells which.
    ///
    /// # Errors
    /// See [`ReadDirectoryError`].
    pub fn from_directory(path: &Path) -> Result<Self, ReadDirectoryError> {
        read_directory(path, &Metadata::default()).map(|content| content.bundle)
    }
}

/// Reads a directory as [`Bundle::from_directory`] does, and tells what was read. Metadata that has no file is that of
/// `defaults`, where it is set there.
///
/// # Errors
/// See [`ReadDirectoryError`].
pub fn read_directory(path: &Path, defaults: &Metadata) -> Result<DirectoryContent, ReadDirectoryError> {
    let root = path
        .canonicalize()
        .map_err(|source| ReadDirectoryError::Root { path: path.to_owned(), source: source.into() })?;
    Reader::new(path, root).content(defaults)
}

#[cfg(test)]
mod tests;
