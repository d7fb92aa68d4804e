//! Planted secrets: the probe does its best to let them out.

use std::{process::Command, thread};

use serde_json::{Value, json};

use crate::peer::{PROBE, Probe, RS_TOKEN, STOP, TOKEN, define};

#[test]
fn a_secret_is_in_no_line_error_or_output() {
    let mut probe = Probe::quiet();
    assert_eq!(probe.act("secret", &json!({})), (200, json!(TOKEN.len())));
    let (status, body) = probe.act("secret", &json!({"probe/fail": true}));
    assert!(status >= 400 && !body.to_string().contains(TOKEN), "{body}");
    let info = probe.callbacks.wait_for_line("token=");
    assert_eq!(info["Level"], json!("info"));
    // A configuration that is refused shows it as little.
    let (_, body) = probe.try_configure(&json!({"probe/limit": 999, "probe/events": [TOKEN]}));
    assert!(!body.to_string().contains(TOKEN), "{body}");
    probe.post(STOP, &Value::Null);
    probe.wait_for_exit();
    let lines = probe.callbacks.lines();
    assert_eq!(lines.iter().filter(|line| line["Message"].as_str().unwrap().starts_with("token=")).count(), 4);
    for line in &lines {
        assert!(!line.to_string().contains(TOKEN) && !line.to_string().contains(RS_TOKEN), "{line}");
    }
    let (out, err) = probe.outputs();
    assert_eq!(out, "");
    assert!(!err.contains(TOKEN) && !err.contains(RS_TOKEN), "{err}");
}

#[test]
fn a_secret_stays_secret_without_a_host_to_log_to() {
    let probe = Probe::quiet();
    std::fs::remove_file(probe.dir.path().join("from")).unwrap();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| probe.act("secret", &json!({"probe/fail": true})));
        }
    });
    probe.post(STOP, &Value::Null);
    let (_, err) = probe.outputs();
    assert!(!err.contains(TOKEN), "{err}");
}

#[test]
fn the_plugins_own_token_is_in_no_child_and_no_command_line() {
    let probe = Probe::quiet();
    let script = "env; tr '\\0' ' ' < /proc/self/cmdline";
    let (status, result) = probe.act("spawn", &json!({"probe/command": script}));
    assert_eq!(status, 200);
    let said = result.to_string();
    assert!(!said.contains(RS_TOKEN) && !said.contains("RS_") && !said.contains(TOKEN), "{said}");
    let own = std::fs::read(format!("/proc/{}/cmdline", probe.child.id())).unwrap();
    assert!(!String::from_utf8_lossy(&own).contains(RS_TOKEN));
    let output = Command::new(PROBE).arg("define").env("RS_TOKEN", RS_TOKEN).output().unwrap();
    assert!(!String::from_utf8_lossy(&output.stdout).contains(RS_TOKEN) && output.stderr.is_empty());
    assert!(!define().contains(TOKEN));
}
