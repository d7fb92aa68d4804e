//! Black-box conformance suites for plugin providers of Digital Rebar Provision, in any language, and for the servers
//! that host them.
//!
//! [`Suite`] runs an executable as a server does, over the real wire, with a host that stands in for one, and holds it
//! to the rules of [`Code`], each of which passes, fails with a [`Finding`] and the exchange that shows it, or is
//! skipped with the reason. It shares no code with the framework and the host of this project: what both of them took
//! for the contract by mistake would else look right.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use drp_conformance::{Suite, output};
//!
//! let mut suite = Suite::new("./ipmi");
//! suite.actions.push("powerstatus".parse()?);
//! let report = suite.run(|_| {}).await?;
//! print!("{}", output::people(&report, &Default::default()));
//! # Ok(())
//! # }
//! ```
//!
//! [`HostSuite`] does the same with any server that is compatible with dr-provision, over HTTPS and its websocket: its
//! objects, params, lists, events, and what it does with a provider that is uploaded to it.

mod code;
mod expected;
pub mod output;
mod report;

mod answer;
mod figures;
mod host;
mod mask;
mod process;
mod provider;
pub mod puppet;
mod stage;
mod transcript;
mod verdict;

pub use code::{Code, Phase, UnknownCodeError};
pub use expected::{Expected, ExpectedError};
pub use host::{HostError, HostRun, HostSuite, Trust};
pub use provider::{Call, Echo, ParseCallError, ParseEchoError, Suite, SuiteError};
pub use report::{Checked, Counts, Finding, Outcome, Report};
