//! The probe as a process, held to its contract by bare sockets that know nothing of ours.
#![allow(clippy::unwrap_used, reason = "tests")]

mod actions;
mod command_line;
mod config;
mod definition;
mod events;
mod life;
mod peer;
mod secrets;
mod spawn;
mod store;
