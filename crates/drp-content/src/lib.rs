//! Content bundles of Digital Rebar Provision: metadata and objects by section, as files and providers carry them.
//!
//! A plugin provider carries its bundle in the `Content` of its definition; a host loads it as a layer. Authors keep it as
//! a directory with one file for each object. What comes of a directory or a file here is what comes of it with the tools
//! of Go servers, value for value; where they lose something it is kept (`docs/design/0013-content-files.md`).
//!
//! ```
//! # #[cfg(feature = "write")] {
//! use drp_content::{Bundle, Format, Place};
//!
//! let text = "meta: {Name: lights, Version: v1.0.0}
//! sections:
//!   params:
//!     lights/colour: {Name: lights/colour, Schema: {type: string, default: 'off'}}
//! ";
//! let bundle = Bundle::from_yaml(text)?;
//! let room = tempfile::tempdir()?;
//! let directory = room.path().join("lights");
//! bundle.write_directory(&directory, Format::Yaml, Place::Free)?;
//! assert!(directory.join("params/lights.colour.yaml").exists());
//!
//! // Bundling gives every object all keys of its type.
//! let again = Bundle::from_directory(&directory)?;
//! assert_eq!(again.sections["params"]["lights/colour"].get::<bool>("Secure"), Some(false));
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//! * none: the bundle as a value, and as JSON. A provider needs no more.
//! * `yaml`: reads bundles from YAML and from directories.
//! * `write`: writes them too.
//! * `versions`, `schema`: versions and prerequisites; params and custom types against their JSON Schema.
//! * `check`, `document`: all that is wrong with a bundle, and what is in it, for people.

mod bundle;
#[cfg(feature = "check")]
pub mod check;
#[cfg(feature = "yaml")]
mod directory;
#[cfg(feature = "document")]
mod document;
#[cfg(feature = "yaml")]
mod file;
#[cfg(feature = "yaml")]
mod object;
#[cfg(feature = "versions")]
mod prerequisites;
#[cfg(feature = "schema")]
mod schema;
#[cfg(feature = "write")]
mod unbundle;
#[cfg(feature = "versions")]
mod version;
#[cfg(feature = "write")]
mod write;
#[cfg(feature = "yaml")]
mod yaml;

pub use bundle::{Bundle, Metadata, Sections};
#[cfg(feature = "yaml")]
pub use directory::{
    ContentFile, DirectoryContent, Holds, LeftOut, ParseItemError, ReadDirectoryError, ReadFileError, read_directory,
};
#[cfg(feature = "document")]
pub use document::{DocumentFormat, ParseDocumentFormatError, document};
#[cfg(feature = "yaml")]
pub use file::{Format, ParseFormatError, ReadBundleError};
#[cfg(feature = "yaml")]
pub use object::DecodeError;
#[cfg(feature = "versions")]
pub use prerequisites::{Prerequisite, PrerequisiteError};
#[cfg(feature = "schema")]
pub use schema::Schemas;
#[cfg(feature = "write")]
pub use unbundle::{Place, UnbundleError};
#[cfg(feature = "versions")]
pub use version::{Version, VersionError};
#[cfg(feature = "write")]
pub use write::WriteBundleError;
#[cfg(feature = "yaml")]
pub use yaml::{Entry, Node, NodeKind, Position, YamlError, YamlProblem, read_yaml};
#[cfg(feature = "write")]
pub use yaml::{WriteYamlError, write_yaml};
