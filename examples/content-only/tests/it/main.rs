//! The example under the real host.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{os::unix::fs::PermissionsExt, process::Command};

use drp_test::TestHost;
use serde_json::Value;

const PROVIDER: &str = env!("CARGO_BIN_EXE_content-only");

#[test]
fn the_definition_is_the_committed_one() {
    let output = Command::new(PROVIDER).arg("define").output().unwrap();
    let parse = |text: &[u8]| {
        let mut definition: Value = serde_json::from_slice(text).unwrap();
        definition["Content"] = serde_json::from_str(definition["Content"].as_str().unwrap()).unwrap();
        definition
    };
    let committed = parse(include_bytes!("../../define.json"));
    let again = "if it is meant to be: cargo run -p content-only define > examples/content-only/define.json";
    assert_eq!(parse(&output.stdout), committed, "{again}");
}

#[tokio::test]
async fn its_content_and_its_files_are_on_the_server() {
    let host = TestHost::start_executable(PROVIDER).await;
    let get = |prefix: &str, key: &str| {
        let objects = host.client().raw_objects(prefix);
        let key = key.to_owned();
        async move { objects.get(&key).await.unwrap() }
    };
    assert_eq!(get("stages", "content-only-motd").await.text("Bundle"), "content-only");
    assert_eq!(
        get("tasks", "content-only-motd").await.get::<Vec<String>>("RequiredParams").unwrap(),
        ["content-only/motd"]
    );
    assert_eq!(get("params", "content-only/motd").await.text("Description"), "What people read when they log in");
    // It starts by itself, and there is nothing to configure.
    host.wait_for_event("plugins.configed.content-only").await;

    let motd = host.unpacked().join("bin/motd");
    assert_eq!(motd.metadata().unwrap().permissions().mode() & 0o777, 0o755);
    assert_eq!(host.unpacked().join("README").metadata().unwrap().permissions().mode() & 0o777, 0o644);
    let written = host.unpacked().join("written");
    assert!(Command::new(&motd).arg("hello").env("MOTD", &written).status().unwrap().success());
    assert_eq!(std::fs::read_to_string(written).unwrap(), "hello\n");
    host.stop().await;
}
