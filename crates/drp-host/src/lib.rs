//! Embeddable, dr-provision-compatible host of plugin providers.
//!
//! A *plugin provider* is an executable that extends a dr-provision server. This crate is such a server, as far as
//! providers, their authors and their operators need one: it runs providers written in any language, serves the API
//! they and `drpcli` call, and keeps everything on disk. It does not boot machines.
//!
//! ```no_run
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use drp_host::{Host, HostConfig};
//!
//! let host = Host::start(HostConfig { data: "/var/lib/drpx".into(), ..HostConfig::default() }).await?;
//! let provider = host.import("./incrementer".as_ref()).await?;
//! println!("{} {} at {}", provider.name, provider.version, host.endpoint());
//! host.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! `docs/design/0002-host-rooms.md` shows the rooms and what they promise each other.

mod config;
mod duration;
mod host;
mod shared;

pub mod backup;
pub mod store;

mod bus;
mod contents;
mod layers;
mod log;
mod objects;
mod params;
mod secrets;
mod types;

mod actions;
mod auth;
mod plugins;
mod prefs;
mod providers;

mod api;
mod disk;
mod files;
mod jobs;
mod metrics;
mod owner_only;
mod reload;
mod server;
mod tls;
mod trace;

pub use api::openapi::document as openapi;
pub use config::{Admin, HostConfig, Limits, Retention, Times, TlsFiles};
pub use host::{Host, LoadError, StartError, Starting};
pub use log::LogLines;
pub use plugins::attached::Launch;
pub use providers::{Trial, TrialError, TrialOutput};
pub use reload::{CertificateReload, ContentChange, ContentReload, Reloaded};
pub use tls::{CertificateError, CertificateInfo, TlsError};
pub use trace::{Difference, ReadError, Recorder, Replay, ReplayError, Trace};
