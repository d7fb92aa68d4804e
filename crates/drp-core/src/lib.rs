//! Wire types and plugin contract of Digital Rebar Provision (DRP), without I/O.
//!
//! Everything that the framework ([`drp-plugin`]), the host ([`drp-host`]) and the client ([`drp-client`]) must
//! agree on is here and only here: the JSON models, the paths, environment variables and limits of the plugin
//! protocol, selectors, patches and name rules. Nothing in this crate reads a file, a socket or a clock's zone.
//!
//! Three rules hold for every model:
//! * unknown keys survive a round trip (they are kept in `extra`);
//! * untyped values stay the JSON text that came ([`Raw`]) and are parsed when asked, so numbers stay exact;
//! * `null`, a missing key and a key in other letter case are read as a Go peer reads them.
//!
//! [`drp-plugin`]: https://docs.rs/drp-plugin
//! [`drp-host`]: https://docs.rs/drp-host
//! [`drp-client`]: https://docs.rs/drp-client

mod wire;

pub mod contract;
pub mod json;
pub mod limits;
pub mod names;
pub mod patch;

mod error;
mod event;
mod log;
mod machine;
mod mixin;
mod model;
mod param;
mod plugin;
mod profile;
mod raw_model;
mod scalar;
mod secure_data;
mod selector;

pub use error::{Error, chain};
pub use event::Event;
pub use json::{List, Map, OrNull, Params, Raw};
pub use log::{Level, Line, ParseLevelError};
pub use machine::{Fingerprint, Machine, TaskErrorStack};
pub use mixin::{Access, Bundled, Meta, Owned, Partialed, Validation};
pub use model::Model;
pub use param::Param;
pub use plugin::{Action, AvailableAction, Plugin, PluginProvider};
pub use profile::Profile;
pub use raw_model::RawModel;
pub use scalar::{Blank, Time, Uuid};
pub use secure_data::SecureData;
pub use selector::{Selector, SelectorError};
