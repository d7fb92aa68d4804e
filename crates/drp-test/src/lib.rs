//! Test kit for authors of plugin providers.
//!
//! A [`TestHost`] is the real host with a provider under it: real sockets, real HTTPS, real events, and a data directory
//! that goes with the test. The provider runs inside of the test, so a debugger sees it and its coverage counts; each
//! test has its own.
//!
//! ```
//! use drp_plugin::{Context, Machine, Provider, Result};
//! use drp_test::TestHost;
//! use schemars::JsonSchema;
//! use serde::Deserialize;
//! use serde_json::json;
//!
//! #[derive(Deserialize, JsonSchema)]
//! struct Blink {
//!     /// Seconds to blink for.
//!     #[serde(rename = "blinker/seconds")]
//!     seconds: u32,
//! }
//!
//! async fn blink(_context: Context<()>, machine: Machine, params: Blink) -> Result<String> {
//!     tracing::info!("{} blinks", machine.name);
//!     Ok(format!("blinked for {} seconds", params.seconds))
//! }
//!
//! fn provider() -> Provider<()> {
//!     Provider::new("blinker", "v1.0.0").action("blink", blink)
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! // In your crate: #[tokio::test] async fn a_machine_blinks() {
//! let host = TestHost::start(provider()).await;
//! host.configure(json!({})).await.unwrap();
//! let machine = host.machine("demo").await;
//! let said: String = host.act("blink", &machine, json!({"blinker/seconds": 3})).await.unwrap();
//! assert_eq!(said, "blinked for 3 seconds");
//! host.wait_for_log("demo blinks").await;
//!
//! let refused = host.act::<String>("blink", &machine, json!({"blinker/seconds": -1})).await.unwrap_err();
//! assert_eq!(refused.code, 400);
//! host.stop().await;
//! # }
//! ```
//!
//! A handler is a plain function, and a test that needs no server calls it with [`context()`].
//!
//! What cannot be set up, and what a test waits for in vain, is a panic that says what was seen instead.
#![allow(clippy::missing_panics_doc, reason = "a test that cannot go on has failed")]

mod actions;
mod configure;
mod context;
mod host;
mod objects;
mod proxy;
mod record;
mod stand_in;
mod wait;

pub use actions::ActionError;
pub use configure::ConfigureError;
pub use context::context;
pub use host::{Stopped, TestHost};
