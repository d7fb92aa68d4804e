//! Executables of other packages of the workspace, which only cargo can find.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::Command,
    sync::{LazyLock, Mutex, PoisonError},
};

use serde_json::Value;

/// The executable of a package, built as it is now; a process asks cargo once for each.
pub fn built(package: &str) -> PathBuf {
    static BUILT: LazyLock<Mutex<BTreeMap<String, PathBuf>>> = LazyLock::new(Mutex::default);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    built.entry(package.to_owned()).or_insert_with(|| build(package)).clone()
}

fn build(package: &str) -> PathBuf {
    let build = ["build", "--quiet", "--package", package, "--message-format", "json"];
    let output = Command::new(env!("CARGO")).args(build).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let messages = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut executables = messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from));
    executables.next_back().unwrap_or_else(|| panic!("{package}: {}", String::from_utf8_lossy(&output.stderr)))
}
