//! @NAME@: content and files for Digital Rebar Provision, in a plugin provider that brings both.

use std::process::ExitCode;

use drp_plugin::{Provider, content, files};

fn provider() -> Provider {
    Provider::new(
        env!("CARGO_PKG_NAME"),
        concat!("v", env!("CARGO_PKG_VERSION")),
    )
    .about(env!("CARGO_PKG_DESCRIPTION"))
    .documentation("Put stage ``@NAME@-hello`` into a workflow: its task says hello.")
    // Everything below `content`, a file for each object. What is wrong with one is a compiler's error.
    .content(content!("content"))
    // Everything below `files`, unpacked on the server, which serves it below `/files/plugin_providers/@NAME@`.
    .files(files!("files"))
}

fn main() -> ExitCode {
    provider().run()
}

#[cfg(test)]
mod tests;
