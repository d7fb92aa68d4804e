//! The command as people run it.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod action;
mod backup;
mod check;
mod client;
mod conformance;
mod conformance_host;
mod connection;
mod content;
mod content_check;
mod events;
mod full;
mod killed;
mod memory;
mod new;
mod process;
mod raw_server;
mod run;
mod serve;
mod store;
mod trace;
mod watch;
