//! Every example: its definition is the committed one, and it does what it shows, under the real host.
#![allow(clippy::unwrap_used, reason = "tests")]

mod actions;
mod definitions;
mod events;
mod guide;
mod objects;
mod outside;

use std::path::PathBuf;

use drp_test::TestHost;

/// The executable of an example.
fn executable(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_checked-config")).with_file_name(name)
}

/// A host with the example under it, which has still to be configured.
async fn start(name: &str) -> TestHost {
    TestHost::start_executable(executable(name)).await
}
