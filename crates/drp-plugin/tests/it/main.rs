//! The framework as a process, against a raw-socket peer that uses nothing of ours.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod callbacks;
mod commands;
mod config;
mod content;
mod embedded;
mod events;
mod http_calls;
mod http_limits;
mod http_ways;
mod lifecycle;
mod logging;
mod peer;
mod requests;
mod standalone;
mod storms;
mod subject;
