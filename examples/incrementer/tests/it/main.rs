//! The incrementer as a process: against what was recorded from the real one, and against the real host of drpx.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod command_line;
mod definition;
mod host;
mod recorded;
mod vectors;
