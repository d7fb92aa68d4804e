//! Content bundles of Digital Rebar Provision: metadata and objects by section, as files and providers carry them.
//!
//! A plugin provider carries its bundle in the `Content` of its definition; a host loads it as a layer.
//! Reading YAML is behind the feature `yaml`, so that a provider, which only writes bundles, does not compile it.

mod bundle;
#[cfg(feature = "yaml")]
mod directory;
#[cfg(feature = "yaml")]
mod yaml;

pub use bundle::{Bundle, Metadata, Sections};
#[cfg(feature = "yaml")]
pub use directory::ReadDirectoryError;
#[cfg(feature = "yaml")]
pub use yaml::ReadBundleError;
