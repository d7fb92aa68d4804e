//! The wire types against recorded data: what is read is written back as it was.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod kept;
mod models;
mod vectors;
