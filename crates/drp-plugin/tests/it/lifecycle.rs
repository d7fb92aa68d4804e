//! From the first socket to the last.

use std::{
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, test_kill_process};
use serde_json::json;

use raw_peer::{eventually, eventually_within, post, try_send, wait_for_ready};

use crate::peer::{ACTION, Host, Start, action, subject};

impl Host {
    /// Waits until a `sleep` is under way.
    pub(crate) fn wait_until_busy(&self) {
        self.callbacks.wait_for_line("sleeping");
    }
}

#[test]
fn the_socket_is_its_owners_alone() {
    let host = Host::start();
    let mode = std::fs::metadata(host.socket()).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
}

#[test]
fn a_signal_stops_the_plugin_as_stop_does() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut host = Host::configured();
        host.signal(signal);
        assert!(host.wait_for_exit().success());
        assert!(!host.socket().exists());
        host.callbacks.wait_for_line("the stop hook ran");
    }
}

#[test]
fn a_second_signal_ends_the_plugin_at_once() {
    let mut host = Host::configured();
    let socket = host.socket();
    let slow = std::thread::spawn(move || {
        try_send(
            &socket,
            "POST",
            ACTION,
            &[("Content-Type", "application/json")],
            &action("sleep", &json!({"subject/count": 60_000})).to_string(),
        )
    });
    host.wait_until_busy();
    host.signal(Signal::TERM);
    host.callbacks.wait_for_line("stopping");
    host.signal(Signal::TERM);
    assert_eq!(host.wait_for_exit().code(), Some(1));
    assert_eq!(slow.join().unwrap(), None, "its connection was cut");
}

#[test]
fn a_stale_socket_is_replaced_and_a_living_one_is_not() {
    let mut first = Host::configured();
    let output = subject(first.dir.path(), ["to", "from"]).env("RS_ENDPOINT", "https://127.0.0.1:1").output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("another process serves socket"), "{output:?}");
    assert_eq!(first.act("limit", &json!({})).0, 200);

    first.child.kill().unwrap();
    first.child.wait().unwrap();
    assert!(first.socket().exists(), "a killed process leaves its socket behind");
    let mut child =
        subject(first.dir.path(), ["to", "from"]).env("RS_ENDPOINT", "https://127.0.0.1:1").spawn().unwrap();
    wait_for_ready(&mut BufReader::new(child.stdout.take().unwrap()));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_path_that_is_too_long_is_refused_with_the_limit() {
    let dir = tempfile::tempdir().unwrap();
    let long = "x".repeat(120);
    let output = subject(dir.path(), [&long, "from"]).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("a unix socket takes 103 at most"), "{output:?}");
}

#[test]
fn swapped_socket_paths_are_put_right() {
    let host = Host::start_with(&Start { swap_sockets: true, ..Start::default() });
    host.configure();
    assert_eq!(host.act("limit", &json!({})), (200, json!(10)));
    host.callbacks.wait_for_line("the other way round");
}

#[test]
fn an_orphan_ends_within_ten_seconds() {
    let dir = tempfile::tempdir().unwrap();
    // A shell in between is the parent that dies; it has no callback socket.
    let provider = subject(dir.path(), ["to", "from"]);
    let mut shell = Command::new("sh");
    shell.args(["-c", r#""$@" & echo pid $!; wait"#, "sh"]).arg(provider.get_program()).args(provider.get_args());
    shell.envs(provider.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut shell = shell.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    // The shell and the provider write to the same pipe, in any order.
    let mut lines = BufReader::new(shell.stdout.take().unwrap()).lines().map(Result::unwrap);
    let (mut pid, mut ready) = (None, false);
    while pid.is_none() || !ready {
        let line = lines.next().expect("the provider starts");
        pid = pid.or_else(|| Pid::from_raw(line.strip_prefix("pid ")?.parse().unwrap()));
        ready |= line == "READY!";
    }
    let pid = pid.unwrap();
    shell.kill().unwrap();
    shell.wait().unwrap();
    eventually_within(Duration::from_secs(10), "the orphan ends", || test_kill_process(pid).err());
    assert!(!dir.path().join("to").exists());
}

#[test]
fn a_plugin_that_is_stopping_refuses_new_work() {
    let mut host = Host::configured();
    let socket = host.socket();
    let slow = std::thread::spawn(move || post(&socket, ACTION, &action("sleep", &json!({"subject/count": 1000}))));
    host.wait_until_busy();
    host.signal(Signal::TERM);
    let refused = eventually("new work is refused", || {
        let (status, body) = host.act("limit", &json!({}));
        (status == 503).then_some(body)
    });
    assert_eq!(refused["Messages"], json!(["the plugin is stopping"]));
    assert_eq!(slow.join().unwrap().0, 200);
    assert!(host.wait_for_exit().success());
}
