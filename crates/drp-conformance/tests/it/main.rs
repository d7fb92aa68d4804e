//! The suite in process, against executables of the workspace.
#![allow(clippy::unwrap_used, reason = "tests")]

mod examples;
mod repertoire;
mod rude;
mod traces;
