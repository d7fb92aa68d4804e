//! Executables of other packages of the workspace, which only cargo can find.

use std::{
    collections::BTreeMap,
    env,
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
    let mut cargo = Command::new(env!("CARGO"));
    // What cargo tells a test of its own package are not the variables under which everything else was built: build
    // scripts that look at them would run again, and with them half of the dependencies would be built anew each time.
    for (name, _) in env::vars_os() {
        let name_shown = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_"].iter().any(|prefix| name_shown.starts_with(prefix)) {
            cargo.env_remove(&name);
        }
    }
    let output = cargo.args(build).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let messages = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut executables = messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from));
    executables.next_back().unwrap_or_else(|| panic!("{package}: {}", String::from_utf8_lossy(&output.stderr)))
}
