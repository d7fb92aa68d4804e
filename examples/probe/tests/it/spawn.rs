//! Programs that the probe runs.

use std::{
    fs,
    time::{Duration, Instant},
};

use raw_peer::eventually;
use serde_json::{Value, json};

use crate::peer::{Probe, TOKEN};

impl Probe {
    fn spawn(&self, command: &str, timeout: f64) -> (u16, Value) {
        self.act("spawn", &json!({"probe/command": command, "probe/timeout": timeout}))
    }
}

/// Whether a process still runs; one that has ended and waits for its parent does not.
fn runs(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

#[test]
fn status_and_outputs_are_the_result_whatever_the_status() {
    let probe = Probe::quiet();
    let check = |command: &str, code: Value, stdout: &str, stderr: &str| {
        let expected = json!({"code": code, "stdout": stdout, "stderr": stderr, "truncated": false});
        assert_eq!(probe.act("spawn", &json!({"probe/command": command})), (200, expected), "{command}");
    };
    check("echo out; echo err >&2", json!(0), "out\n", "err\n");
    check("exit 3", json!(3), "", "");
    check("nosuchprogram 2>/dev/null", json!(127), "", "");
    check("kill -9 $$", Value::Null, "", "");
    check("cat", json!(0), "", "");
    // The caller's own text is run though a secret stands in it.
    check(&format!("echo {TOKEN} | wc -l"), json!(0), "1\n", "");
}

#[test]
fn out_of_time_is_an_error_and_leaves_nobody_behind() {
    let probe = Probe::quiet();
    let file = probe.dir.path().join("grandchild");
    let script = format!("trap '' TERM; sleep 600 & echo $! > {}; while :; do sleep 1; done", file.display());
    let started = Instant::now();
    let (status, body) = probe.spawn(&script, 0.5);
    assert!(status >= 400 && body["Code"] == json!(status), "{body}");
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    let grandchild = fs::read_to_string(&file).unwrap();
    eventually("the grandchild is gone", || (!runs(&grandchild)).then_some(()));
}

#[test]
fn output_without_end_is_cut_and_takes_no_memory() {
    let probe = Probe::quiet();
    let before = probe.memory_kb();
    let (status, result) = probe.spawn("head -c 50000000 /dev/zero | tr '\\0' x", 10.0);
    assert_eq!((status, &result["truncated"]), (200, &json!(true)));
    assert_eq!(result["stdout"].as_str().unwrap().len(), 1 << 20);
    assert!(probe.spawn("yes", 0.5).0 >= 400);
    let growth = probe.memory_kb().saturating_sub(before);
    assert!(growth < 32_000, "{growth} kB");
}

#[test]
fn a_grandchild_that_holds_the_outputs_holds_nobody_up() {
    let probe = Probe::quiet();
    let started = Instant::now();
    let (status, result) = probe.spawn("sleep 600 & echo $!", 10.0);
    assert!(status == 200 && started.elapsed() < Duration::from_secs(10), "{result}");
    let grandchild = result["stdout"].as_str().unwrap().to_owned();
    eventually("the grandchild is gone", || (!runs(&grandchild)).then_some(()));
}
