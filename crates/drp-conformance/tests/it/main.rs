//! The suite in process, against executables of the workspace.

mod examples;
mod repertoire;
mod rude;
mod traces;
