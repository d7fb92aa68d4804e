//! The wire types against recorded data: what is read is written back as it was.
#![allow(clippy::needless_pass_by_value, clippy::print_stdout, clippy::unwrap_used, reason = "tests")]

mod kept;
mod models;
mod patch;
mod validate;
mod vectors;
