//! Content as the tools of Go servers have it.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod vectors;
