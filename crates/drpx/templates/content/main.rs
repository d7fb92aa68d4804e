//! @NAME@: content and files for Digital Rebar Provision, in a plugin provider that brings both.

use std::process::ExitCode;

use drp_plugin::{Provider, content};

fn provider() -> Provider {
    Provider::new(
        env!("CARGO_PKG_NAME"),
        concat!("v", env!("CARGO_PKG_VERSION")),
    )
    .about(env!("CARGO_PKG_DESCRIPTION"))
    .documentation("Put stage ``@NAME@-hello`` into a workflow: its task says hello.")
    // Everything below `content`, a file for each object. What is wrong with one is a compiler's error.
    .content(content!("content"))
    // Unpacked on the server, which serves it at `/files/plugin_providers/@NAME@/hello.sh`.
    .file("hello.sh", include_bytes!("../files/hello.sh"), 0o755)
}

fn main() -> ExitCode {
    provider().run()
}

#[cfg(test)]
mod tests;
