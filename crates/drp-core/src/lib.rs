//! Wire types and plugin contract of Digital Rebar Provision (DRP), without I/O.
//!
//! Everything that the framework ([`drp-plugin`]), the host ([`drp-host`]) and the client ([`drp-client`]) must
//! agree on is here and only here: the JSON models, the paths, environment variables and limits of the plugin
//! protocol, selectors, patches and name rules. Nothing in this crate reads a file, a socket or a clock's zone.
//!
//! [`MODELS`] lists the object types that every server has; [`RawModel`] stands for objects of any type.
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

mod blob;
mod boot_env;
mod catalog_item;
mod content;
mod context;
mod endpoint;
mod error;
mod event;
mod fields;
mod ha;
mod info;
mod interface;
mod job;
mod log;
mod machine;
mod mixin;
mod model;
mod network;
mod param;
mod plugin;
mod pool;
mod problem;
mod profile;
mod raw_model;
mod role;
mod scalar;
mod secret;
mod secure_data;
mod selector;
mod stage;
mod stored;
mod task;
mod template;
mod user;
mod whoami;

pub use blob::{BlobInfo, Index, PluginProviderUploadInfo};
pub use boot_env::{ArchInfo, BootEnv, OsInfo};
pub use catalog_item::CatalogItem;
pub use content::{ContentMeta, ContentSummary};
pub use context::Context;
pub use endpoint::{Element, ElementAction, Endpoint, SourceFile, VersionSet};
pub use error::{Error, chain};
pub use event::Event;
pub use fields::{Field, Form, MisfitError};
pub use ha::{ClusterState, CurrentHaState, GlobalHaState, HaRoot, NodeHaState, NodeInfo};
pub use info::{HaPassiveState, Info, License, LicenseBundle, Stat};
pub use interface::{Interface, Pref};
pub use job::{Job, JobAction};
pub use json::{List, Map, OrNull, Params, Raw};
pub use log::{Level, Line, ParseLevelError};
pub use machine::{Fingerprint, Machine, TaskErrorStack};
pub use mixin::{Access, Bundled, Meta, Owned, Partialed, Validation};
pub use model::{MODELS, Model, ModelType, hex_key};
pub use network::{
    ACTIVE_LEASE_SECONDS_MIN, DhcpOption, Lease, RESERVED_LEASE_SECONDS_MIN, Reservation, Subnet, network_range,
};
pub use param::Param;
pub use plugin::{Action, ActionOn, AvailableAction, Plugin, PluginProvider};
pub use pool::{Pool, PoolAutoFill, PoolResult, PoolTransition};
pub use problem::Problem;
pub use profile::Profile;
pub use raw_model::RawModel;
pub use role::{Claim, Role, Tenant};
pub use scalar::{Blank, Time, Uuid};
pub use secret::Secret;
pub use secure_data::SecureData;
pub use selector::{Selector, SelectorError};
pub use stage::{Stage, Workflow};
pub use stored::{ObjectType, Stored};
pub use task::Task;
pub use template::{Template, TemplateInfo};
pub use user::{User, UserPassword, UserToken};
pub use whoami::{Whoami, WhoamiResult};
