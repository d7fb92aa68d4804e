//! REST and websocket client of Digital Rebar Provision (DRP).
//!
//! It is made for plugin providers, which live for months beside their server: every call has a time limit, every
//! answer a size limit, every queue an end, and what gets lost is told. It depends on no part of the server or the
//! framework.
//!
//! ```no_run
//! use drp_client::{Client, Config, Query, StreamItem};
//! use drp_core::Machine;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! // A provider finds endpoint, token and certificate authority in its environment.
//! let client = Client::new(Config::from_env()?)?;
//!
//! let machines = client.objects::<Machine>();
//! for machine in machines.list(&Query::new().sort("Name")).await? {
//!     // Reads, computes and writes only if nobody else wrote in between; else tries again.
//!     let params = machines.params(&machine.uuid.to_string());
//!     let count = params.update("incrementer/touched", |old: Option<u64>| old.unwrap_or(0) + 1).await?;
//!     println!("{} was touched {count} times", machine.name);
//! }
//!
//! let mut events = client.events(vec!["machines.create,delete.*".parse()?]).await?;
//! while let Some(item) = events.next().await {
//!     match item {
//!         StreamItem::Event(event) => println!("{} {}", event.action, event.key),
//!         // Events are missing here: whoever mirrors the server's state lists it again.
//!         StreamItem::Resynced | StreamItem::Lagged(_) => println!("look at everything again"),
//!         _ => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Connections
//! [`Config`] says where to and who; [`TlsPolicy`] says whom to believe. A provider reads its own from the environment
//! that its host gives it ([`Config::from_env`]), and a command that people run from theirs and from `~/.drpclirc`
//! ([`Config::for_people`], [`PeopleSettings`]).
//!
//! A token is sent as it is. For a user a token is fetched at the first call, renewed when half of its life is over,
//! and fetched anew, once for all calls under way, when the server does not accept it any more
//! ([`Credentials::UserPassword`]).
//!
//! The default believes the system's root certificates. A provider believes the CA file that its host names, else the
//! system's roots, else it pins the first certificate it meets, because DRP servers sign their own. People may name a
//! CA file or the [`Fingerprint`] of one certificate; to believe anyone has to be said aloud and is logged.
//!
//! Plain HTTP is refused but for loopback addresses. REST calls honour the `HTTPS_PROXY` family of variables except
//! towards loopback addresses; websockets always connect directly, as those of every DRP client do. Both go over
//! [`Config::local_proxy`] if there is one.
//!
//! # Calls
//! [`Client::objects`] has every verb on objects of a type, [`Objects::params`] on their params and
//! [`Objects::actions`] on their actions. [`Client::jobs`], [`Client::files`], [`Client::isos`], [`Client::contents`]
//! and [`Client::plugin_providers`] have what is different there; what there is once only is in [`Client`] itself.
//!
//! [`Request`] builds every call as a plain value, and [`Client::send`] sends any of them, so what has no method of
//! its own can be called all the same:
//!
//! ```no_run
//! # async fn example(client: drp_client::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use drp_client::Request;
//! use drp_core::Raw;
//! let pools: Raw = client.send(Request::list("pools-active")?).await?;
//! # Ok(())
//! # }
//! ```
//!
//! A call has a time for everything, the login and its repetitions included. It is repeated, with growing waits that
//! no two clients share, when it never reached the server; when it only reads and the connection broke or the server
//! answered 500, 502, 503 or 504; and when the server is busy (429), which it says before it does anything. A
//! `Retry-After`, in seconds or as a date, is waited for up to [`RETRY_AFTER_MAX`](drp_core::limits::RETRY_AFTER_MAX);
//! a longer one is told at once. A write that may have been carried out is never sent again.
//!
//! Answers may be packed with gzip, and have at most [`Config::body_bytes_max`] bytes unpacked. Redirects are never
//! followed: credentials are for one server.
//!
//! # Events
//! [`Client::events`] opens a websocket of its own for each stream, so that a slow reader holds up nobody else. A stream
//! comes back by itself after a cut, and tells each gap in its place: [`StreamItem::Resynced`] for a lost connection,
//! [`StreamItem::Lagged`] for what its reader was too slow for. [`EventStream::set_selectors`] changes what it is about
//! without losing events of what stays. [`Objects::wait_for`] waits for a state of one object:
//!
//! ```no_run
//! # async fn example(client: drp_client::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use drp_client::Waited;
//! use drp_core::Machine;
//! use std::time::Duration;
//! let machines = client.objects::<Machine>();
//! match machines.wait_for("Name:web1", |machine| machine.runnable, Duration::from_secs(600)).await? {
//!     Waited::Met(machine) => println!("{} can run jobs", machine.name),
//!     Waited::TimedOut => println!("not yet"),
//!     Waited::Deleted => println!("never again"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Errors
//! [`ClientError`] names the call that failed, and [`ClientErrorKind`] why; a server's own error object is in
//! [`ClientError::wire`]. What cannot be used of an answer is a [`BadAnswer`], which says what was expected and what
//! came, with the place in its JSON. [`ClientError::is_unauthenticated`] tells who is not known from who may not.
//! No error, log line or `Debug` text of this crate holds a token or password, or a URL with one.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod backoff;
mod endpoint;

mod config;
mod settings;
mod tls;

mod request;

mod answer;
mod client;
mod download;
mod error;
mod hex;
mod login;
mod retry;
mod send;
mod upload;

mod attempts;
mod turns;

mod actions;
mod objects;
mod params;
mod query;
pub mod secure;

mod contents;
mod files;
mod jobs;
mod plugin_providers;
mod server;
mod users;

mod events;
mod wait;

#[doc(hidden)]
pub mod foreign;

pub use actions::ObjectActions;
pub use client::Client;
pub use config::{Config, ConfigError, Credentials};
pub use contents::Contents;
pub use download::{Download, SaveError, Saved};
pub use drp_core::Secret;
pub use error::{BadAnswer, ClientError, ClientErrorKind};
#[doc(hidden)]
pub use events::fuzz_event_frame;
pub use events::{EventStream, EventTimes, StreamItem};
pub use files::{FileInfo, Files, Uploaded};
pub use jobs::{JobLogWriter, Jobs, NextJob, PurgeJobs};
pub use objects::{Objects, Pages};
pub use params::{CompareAndSetError, ObjectParams};
pub use plugin_providers::PluginProviders;
pub use query::{Filter, ParseQueryError, Query};
pub use request::{BuildRequestError, Request};
pub use settings::PeopleSettings;
pub use tls::{Fingerprint, ParseFingerprintError, TlsPolicy};
pub use upload::Upload;
pub use wait::{Waited, field_is};
