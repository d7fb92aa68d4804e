//! The command as people run it.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod action;
mod backup;
mod client;
mod connection;
mod events;
mod content;
mod full;
mod killed;
mod memory;
mod process;
mod raw_server;
mod run;
mod serve;
mod store;
