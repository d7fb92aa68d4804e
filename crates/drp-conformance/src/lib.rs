//! Black-box conformance suites for plugin providers of Digital Rebar Provision, in any language.
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

mod code;
mod expected;
pub mod output;
mod report;

mod figures;
mod mask;
mod process;
mod provider;
mod stage;
mod transcript;
mod verdict;

pub use code::{Code, Phase, UnknownCodeError};
pub use expected::{Expected, ExpectedError};
pub use provider::{Call, Echo, ParseCallError, ParseEchoError, Suite, SuiteError};
pub use report::{Checked, Counts, Finding, Outcome, Report};
