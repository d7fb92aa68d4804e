//! Holds the table of who may depend on whom: a new edge is a design decision, not a code change.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;

/// Each crate and which of ours it may depend on. Host and framework meet in `drp-core` and `drp-content` only, which
/// do no I/O but files: if they shared more, tests of one against the other would prove nothing.
const ROOMS: &[(&str, &[&str])] = &[
    ("drp-core", &[]),
    ("drp-content", &["drp-core"]),
    ("drp-client", &["drp-core"]),
    ("drp-conformance", &["drp-content", "drp-core"]),
    ("drp-macros", &["drp-content", "drp-core"]),
    ("drp-plugin", &["drp-client", "drp-content", "drp-core", "drp-macros"]),
    ("drp-host", &["drp-content", "drp-core"]),
    ("drp-test", &["drp-client", "drp-core", "drp-host", "drp-plugin"]),
    ("drpx", &["drp-client", "drp-conformance", "drp-content", "drp-core", "drp-host"]),
    ("xtask", &[]),
    ("bench", &["drp-core", "drp-host", "drp-plugin"]),
    ("fuzz", &["drp-client", "drp-content", "drp-core"]),
    ("soak", &["drp-client", "drp-core"]),
    ("abilities", &["drp-plugin"]),
    ("content-only", &["drp-plugin"]),
    ("incrementer", &["drp-plugin"]),
    ("power-control", &["drp-plugin"]),
    ("probe", &["drp-plugin"]),
];

/// Test binaries speak raw bytes: they know nothing of ours.
const STRANGERS: [&str; 2] = ["raw-peer", "rude-provider"];

#[test]
fn crates_depend_only_on_those_they_may_know() {
    let output = Command::new(env!("CARGO")).args(["metadata", "--format-version=1", "--no-deps"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let ours: BTreeSet<&str> = packages.iter().map(|package| package["name"].as_str().unwrap()).collect();
    let mut rooms: BTreeMap<&str, &[&str]> = ROOMS.iter().copied().collect();
    rooms.extend(STRANGERS.map(|name| (name, &[] as &[&str])));

    for package in packages {
        let name = package["name"].as_str().unwrap();
        let may_know = rooms.remove(name).unwrap_or_else(|| panic!("`{name}` is not in the table of rooms"));
        let dependencies = package["dependencies"].as_array().unwrap().iter();
        // A test may know more: it looks at a room from outside.
        let knows = dependencies.filter(|dependency| dependency["kind"] != "dev");
        for other in knows.filter_map(|dependency| dependency["name"].as_str()).filter(|name| ours.contains(name)) {
            assert!(may_know.contains(&other), "`{name}` must not depend on `{other}`");
        }
    }
    assert!(rooms.is_empty(), "in the table of rooms, but not in the workspace: {rooms:?}");
}
