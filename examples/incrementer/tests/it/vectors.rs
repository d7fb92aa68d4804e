//! Recorded data beside the checkout.

use std::path::PathBuf;

use serde_json::Value;

const INCREMENTER: &str = env!("CARGO_BIN_EXE_incrementer");

/// A file of the recorded data; `None`, told, where the data is not there.
pub(crate) fn read(path: &str) -> Option<String> {
    let vectors = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors");
    if !vectors.exists() {
        println!("skipped: no recorded data in `{}`", vectors.display());
        return None;
    }
    let path = vectors.join(path);
    Some(std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("`{}`: {error}", path.display())))
}

/// The lines of a recording.
pub(crate) fn lines(path: &str) -> Option<Vec<Value>> {
    Some(read(path)?.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// The provider under test.
pub(crate) fn incrementer() -> std::process::Command {
    std::process::Command::new(INCREMENTER)
}
