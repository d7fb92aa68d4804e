//! Every parser that faces outside, as a plain function of bytes.
//!
//! A target reads any bytes without a panic, and panics itself where what it read breaks a promise: that it is written
//! back as it was, say. The ordinary tests run every target on its corpus, `corpus/<target>/*`, and on what comes of
//! it by cutting and changing bytes; `cargo xtask fuzz` hands the same functions to libFuzzer.

mod callback;
mod content_check;
mod error;
mod event_frame;
mod model;
mod patch;
mod query;
mod schema;
mod selector;
mod version;
mod yaml_content;

/// A target: its name, which is also its corpus' directory, and its function.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name.
    pub name: &'static str,
    /// Reads the bytes.
    pub run: fn(&[u8]),
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "error", run: error::run },
    Target { name: "model", run: model::run },
    Target { name: "patch", run: patch::run },
    Target { name: "event_frame", run: event_frame::run },
    Target { name: "selector", run: selector::run },
    Target { name: "yaml_content", run: yaml_content::run },
    Target { name: "callback", run: callback::run },
    Target { name: "content_check", run: content_check::run },
    Target { name: "query", run: query::run },
    Target { name: "schema", run: schema::run },
    Target { name: "version", run: version::run },
];
