//! A provider of nothing but content and files: three lines, and two directories.
//!
//! `cargo run -p drpx -- run examples/content-only` starts it under a server; `/files/plugin_providers/content-only/`
//! has the files then, and the stage `content-only-motd` puts a message on machines.

use std::process::ExitCode;

use drp_plugin::{Provider, content, files};

fn main() -> ExitCode {
    let provider = Provider::new("content-only", concat!("v", env!("CARGO_PKG_VERSION"))).auto_start();
    provider.content(content!("content")).files(files!("assets")).run()
}
