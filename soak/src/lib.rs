//! A server and 20 plugins under load and faults, watched from outside.
//!
//! `drpx serve` and the providers run as processes of their own; this crate knows them by their API, their exit codes,
//! the server's log and `/proc`. The run is cut into laps. In each, actions, events, log lines and writes go on while
//! some plugins are killed, stopped for a while, configured anew or cut off from the API. Then the load ends, faults are
//! mended, and the lap is over when everything that was asked for is accounted for: answered, handled, or told to be
//! lost. In that quiet moment descriptors, threads and memory are read, so that they can be compared.
//!
//! `cargo xtask soak` runs it for half an hour; the ordinary tests for some seconds.

mod faults;
mod lap;
mod ledger;
mod listeners;
mod load;
mod log;
mod plan;
mod plugins;
mod process;
mod proxy;
mod report;
mod run;
mod server;
mod usage;
mod writes;

pub use plan::{Executables, Plan};
pub use report::Report;
pub use run::run;
