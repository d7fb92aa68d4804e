//! The numbers of a plugin's life.

use std::{
    fs,
    io::BufReader,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use raw_peer::{eventually, eventually_within, wait_for_ready};
use serde_json::{Value, json};

use crate::peer::{ACTION, CONFIG, PROBE, Probe, STOP, TOKEN, action};

/// The drain is 20 s.
const PATIENCE: Duration = Duration::from_secs(40);
const METRICS: &str = "/api/v3/plugin-apis/probe-1/metrics";

#[test]
fn without_its_hosts_sockets_a_thousand_lines_cost_no_memory() {
    const GROWTH_KB_MAX: u64 = 32_000;
    let probe = Probe::quiet();
    std::fs::remove_file(probe.dir.path().join("from")).unwrap();
    let before = probe.memory_kb();
    assert_eq!(probe.act("log", &json!({"probe/count": 1000})), (200, json!(1000)));
    let growth = probe.memory_kb().saturating_sub(before);
    assert!(growth < GROWTH_KB_MAX, "{growth} kB");
    assert_eq!(probe.act("seen", &json!({})).0, 200);
}

#[test]
fn a_stop_waits_for_an_action_of_3_s_and_cancels_one_of_60_s() {
    let outcome = |seconds: u32| {
        let mut probe = Probe::quiet();
        let socket = probe.socket();
        let acting = thread::spawn(move || {
            raw_peer::post_within(PATIENCE, &socket, ACTION, &action("sleep", &json!({"probe/seconds": seconds})))
        });
        eventually("it sleeps", || {
            let (_, counters) = raw_peer::send(&probe.socket(), "GET", METRICS, &[], "");
            counters.contains("drp_plugin_actions_running 1\n").then_some(())
        });
        assert_eq!(raw_peer::post_within(PATIENCE, &probe.socket(), STOP, &Value::Null).0, 200);
        assert!(probe.wait_for_exit().success());
        assert!(!probe.socket().exists());
        acting.join().unwrap()
    };
    let (short, long) = thread::scope(|scope| {
        let (short, long) = (scope.spawn(|| outcome(3)), scope.spawn(|| outcome(60)));
        (short.join().unwrap(), long.join().unwrap())
    });
    assert_eq!(short, (200, json!("slept")));
    assert!(long.0 == 503 && long.1["Messages"].to_string().contains("cancelled"), "{long:?}");
}

#[test]
fn a_signal_stops_it_as_stop_does_and_a_second_one_at_once() {
    let stopped_by = |signals: &[&str], seconds: f64| {
        let mut probe = Probe::quiet();
        let socket = probe.socket();
        let request = action("sleep", &json!({"probe/seconds": seconds})).to_string();
        let json = ("Content-Type", "application/json");
        let acting = thread::spawn(move || raw_peer::try_send(&socket, "POST", ACTION, &[json], &request));
        eventually("it sleeps", || {
            let (_, counters) = raw_peer::send(&probe.socket(), "GET", METRICS, &[], "");
            counters.contains("drp_plugin_actions_running 1\n").then_some(())
        });
        for signal in signals {
            probe.signal(signal);
            probe.callbacks.wait_for_line("stopping");
        }
        let status = probe.wait_for_exit();
        assert!(!probe.socket().exists());
        (status.success(), acting.join().unwrap())
    };
    let slept = Some((200, "\"slept\"".to_owned()));
    assert_eq!(stopped_by(&["TERM"], 1.0), (true, slept.clone()));
    assert_eq!(stopped_by(&["INT"], 1.0), (true, slept));
    assert_eq!(stopped_by(&["TERM", "INT"], 60.0), (false, None));
}

/// The probe in `dir`, whose parent has been killed.
fn orphan(dir: &Path) -> u32 {
    let mut shell = Command::new("sh");
    shell.args(["-c", r#""$@" & echo $! > pid; wait"#, "sh", PROBE, "listen", "to", "from"]).current_dir(dir);
    shell.env("RS_ENDPOINT", "https://127.0.0.1:1").env("RS_TOKEN", "any").stdout(Stdio::piped());
    let mut shell = shell.stderr(Stdio::null()).spawn().unwrap();
    wait_for_ready(&mut BufReader::new(shell.stdout.take().unwrap()));
    let pid = eventually("it says who it is", || fs::read_to_string(dir.join("pid")).ok()?.trim().parse().ok());
    shell.kill().unwrap();
    shell.wait().unwrap();
    pid
}

#[test]
fn an_orphan_ends_within_ten_seconds_and_takes_its_children_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let pid = orphan(dir.path());
    let socket = dir.path().join("to");
    let config = json!({"probe/token": TOKEN, "probe/events": []});
    assert_eq!(raw_peer::post(&socket, CONFIG, &config).0, 200);
    let child = dir.path().join("child");
    let script = format!("echo $$ > {}; sleep 600", child.display());
    let spawn = action("spawn", &json!({"probe/command": script, "probe/timeout": 600}));
    let acting = thread::spawn(move || raw_peer::post(&socket, ACTION, &spawn).0);
    let runs = |pid: u32| Path::new(&format!("/proc/{pid}")).exists();
    eventually_within(Duration::from_secs(10), "the orphan ends", || (!runs(pid)).then_some(()));
    assert!(!dir.path().join("to").exists());
    assert_eq!(acting.join().unwrap(), 503);
    if let Ok(child) = fs::read_to_string(child) {
        let child = child.trim().parse().unwrap();
        eventually("its child has ended", || (!runs(child)).then_some(()));
    }
}
