//! Write plugin providers for Digital Rebar Provision (DRP).
//!
//! A *plugin provider* is an executable that extends a dr-provision server: it adds actions, listens to events, ships
//! files, content and object types. With this crate it is a value made of typed handlers; its definition, its params
//! with their schemas, and its documentation are read off the types, so they cannot drift from the code.
//!
//! ```
//! use drp_plugin::{Context, Machine, Provider, Result};
//! use schemars::JsonSchema;
//! use serde::Deserialize;
//!
//! #[derive(Deserialize, JsonSchema)]
//! struct Blink {
//!     /// Seconds to blink for.
//!     #[serde(rename = "blinker/seconds", default)]
//!     seconds: u32,
//! }
//!
//! /// Blinks the machine's light.
//! async fn blink(_context: Context<()>, machine: Machine, params: Blink) -> Result<String> {
//!     tracing::info!(machine = machine.name, "blinking");
//!     Ok(format!("blinked for {} seconds", params.seconds))
//! }
//!
//! fn provider() -> Provider<()> {
//!     Provider::new("blinker", "v1.0.0").about("Blinks machines").action("blink", blink)
//! }
//! # assert!(provider().definition().is_ok());
//! // fn main() -> std::process::ExitCode { provider().run() }
//! ```
//!
//! # What a handler can rely on
//! * It never runs unconfigured: before the first good configuration actions are answered with 409.
//! * State is what the last good `configure` returned, swapped whole; a failing one leaves the old state serving.
//! * A wrong or missing model or param never reaches it: the caller gets a 400 that names every problem.
//! * A panic becomes a 500 without a trace on the wire, and the provider goes on.
//! * `tracing` lines reach the host's log. They never block, never recurse, and secrets ([`Secure`]) are cut out.
//! * On stop it is given [time](drp_core::limits::DRAIN_TIME) to end, then it is cancelled.

mod action;
mod bounds;
mod cache;
mod callback;
mod command;
mod configure;
mod content;
mod context;
mod define;
mod endpoint;
mod error;
mod event;
mod exchange;
mod handler;
mod host;
mod http_client;
mod job_log;
mod listen;
mod log;
mod metrics;
mod owned;
mod param;
mod parent;
mod process;
mod provider;
mod redact;
mod retry;
mod schema;
mod secure;
mod serve;
mod stall;
mod standalone;
mod target;
mod undo;
mod unpack;
mod validate;

/// Everything a server can be asked, for what the names above do not have.
#[doc(no_inline)]
pub use drp_client as client;
/// All models of a server, for those that are not among the names above.
#[doc(no_inline)]
pub use drp_core as models;

pub use action::{Action, ActionCall};
pub use cache::Cache;
pub use content::Content;
pub use context::{Alone, Context};
pub use define::DefineError;
pub use drp_client::{Client, ClientError, Filter, Fingerprint, Objects, Query, TlsPolicy};
pub use drp_core::{
    AvailableAction, Event, Job, Machine, Model, ObjectType, Param, Params, Plugin, PluginProvider, Profile, Raw,
    RawModel, Selector, Stored, Uuid,
};
pub use endpoint::{EndpointRequest, EndpointResponse};
pub use error::{Error, Result, ResultExt};
pub use event::{EventLimits, Missed, On, Overflow};
pub use http_client::{HttpAnswer, HttpClient, HttpClientBuilder, HttpRequest, ParseTlsTrustError, TlsTrust};
pub use job_log::{JobLog, JobLogWriter};
pub use listen::{Listen, ListenError};
pub use param::NoParams;
pub use process::{Command, CommandError, Output};
pub use provider::Provider;
pub use retry::{Retry, wait_until};
pub use secure::Secure;
pub use standalone::Standalone;
pub use target::{System, Target};
pub use undo::{Undo, with_undo};
pub use unpack::{EmbeddedFile, UnpackError};

/// Bundles a directory of content while the provider is compiled, for [`Provider::content`].
///
/// The path is relative to the package. Each sub-directory is a type of objects and each file in it an object, as
/// `drpcli contents bundle` and `drpx content bundle` have it; no tool is needed. A file that cannot be bundled is an
/// error of the compiler, which names the file and the line.
///
/// A change of a file is noticed by cargo, and so is a file that goes. For cargo to notice a *new* file the package needs
/// a `build.rs` of one line:
///
/// ```text
/// fn main() { println!("cargo::rerun-if-changed=content"); }
/// ```
///
/// # Examples
/// ```
/// use drp_plugin::{Provider, content};
/// let provider = Provider::new("pdu", "v1.0.0").content(content!("tests/content"));
/// # let definition = provider.definition().unwrap();
/// # assert!(definition.content.contains("content/setting"));
/// ```
///
/// ```compile_fail
/// drp_plugin::content!("no/such/directory");
/// ```
#[cfg(feature = "content")]
pub use drp_macros::content;

/// Embeds a directory of files while the provider is compiled, for [`Provider::files`].
///
/// The path is relative to the package. Every file below it is shipped, hidden ones too, under its path from there on
/// and with its permissions, save that nobody but the owner may write it. A link is an error of the compiler.
///
/// As for [`content!`], cargo needs a `build.rs` of one line to notice a *new* file:
///
/// ```text
/// fn main() { println!("cargo::rerun-if-changed=assets"); }
/// ```
///
/// # Examples
/// ```
/// use drp_plugin::{Provider, files};
/// let provider = Provider::new("pdu", "v1.0.0").files(files!("tests/content"));
/// # let dir = tempfile::tempdir().unwrap();
/// # provider.unpack(dir.path()).unwrap();
/// # assert!(dir.path().join("tasks/hello.yaml").exists());
/// ```
///
/// ```compile_fail
/// drp_plugin::files!("no/such/directory");
/// ```
#[cfg(feature = "content")]
pub use drp_macros::files;

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
