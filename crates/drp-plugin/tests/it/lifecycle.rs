//! From the first socket to the last.

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::{
        fs::PermissionsExt,
        net::{UnixListener, UnixStream},
    },
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, test_kill_process};
use serde_json::{Value, json};

use raw_peer::{eventually, eventually_within, post, try_send, wait_for_ready};

use crate::peer::{ACTION, CONFIG, Host, STOP, Start, action, subject};

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
fn a_signal_while_the_host_stops_it_changes_nothing_and_a_second_one_ends_it() {
    let stopped_with = |signals: &[Signal]| {
        let mut host = Host::configured();
        let (socket, stopping) = (host.socket(), host.socket());
        let slow = thread::spawn(move || post(&socket, ACTION, &action("sleep", &json!({"subject/count": 60_000}))));
        host.wait_until_busy();
        let json = ("Content-Type", "application/json");
        let stop = thread::spawn(move || try_send(&stopping, "POST", STOP, &[json], "null"));
        host.callbacks.wait_for_line("stopping");
        signals.iter().for_each(|signal| host.signal(*signal));
        let status = host.wait_for_exit();
        // It is cut off or cancelled.
        drop(slow.join());
        (status.code(), stop.join().unwrap().map(|(status, _)| status))
    };
    assert_eq!(stopped_with(&[Signal::TERM]), (Some(0), Some(200)));
    assert_eq!(stopped_with(&[Signal::TERM, Signal::INT]), (Some(1), None));
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
fn a_host_that_nobody_can_be_at_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |from: &str| {
        let output = subject(dir.path(), ["to", from]).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refused(&"x".repeat(120)).contains("a unix socket takes 103 at most"));
    assert!(refused("to").contains("both socket paths are"));
    assert!(!dir.path().join("to").exists());
}

#[test]
fn swapped_socket_paths_are_put_right() {
    let host = Host::start_with(&Start { swap_sockets: true, ..Start::default() });
    host.configure();
    assert_eq!(host.act("limit", &json!({})), (200, json!(10)));
    host.callbacks.wait_for_line("the other way round");
}

/// A provider whose parent, a shell in between, has just been killed.
fn orphan(dir: &Path) -> Pid {
    let provider = subject(dir, ["to", "from"]);
    let mut shell = Command::new("sh");
    shell.args(["-c", r#""$@" & echo pid $!; wait"#, "sh"]).arg(provider.get_program()).args(provider.get_args());
    shell.envs(provider.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.env("RS_ENDPOINT", "https://127.0.0.1:1");
    let mut shell = shell.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    // The shell and the provider write to the same pipe, in any order.
    let mut lines = BufReader::new(shell.stdout.take().unwrap()).lines().map(Result::unwrap);
    let (mut pid, mut ready) = (None, false);
    while pid.is_none() || !ready {
        let line = lines.next().expect("the provider starts");
        pid = pid.or_else(|| Pid::from_raw(line.strip_prefix("pid ")?.parse().unwrap()));
        ready |= line == "READY!";
    }
    shell.kill().unwrap();
    shell.wait().unwrap();
    pid.unwrap()
}

#[test]
fn an_orphan_ends_within_ten_seconds_whatever_it_is_doing() {
    let dir = tempfile::tempdir().unwrap();
    let pid = orphan(dir.path());
    let socket = dir.path().join("to");
    let config = json!({"subject/token": "t0ken"});
    assert_eq!(post(&socket, CONFIG, &config).0, 200);
    let slow = thread::spawn(move || post(&socket, ACTION, &action("sleep", &json!({"subject/count": 60_000}))));
    eventually_within(Duration::from_secs(10), "the orphan ends", || test_kill_process(pid).err());
    assert!(!dir.path().join("to").exists());
    assert_eq!(slow.join().unwrap().0, 503);
}

#[test]
fn an_orphan_whose_host_is_still_there_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let host = UnixListener::bind(dir.path().join("from")).unwrap();
    let pid = orphan(dir.path());
    // It looks whether somebody is there, and does so again.
    for _ in 0..2 {
        drop(host.accept().unwrap());
    }
    assert!(test_kill_process(pid).is_ok());
    assert_eq!(post(&dir.path().join("to"), ACTION, &action("limit", &json!({}))).0, 409, "it is not configured");
    drop(host);
    eventually_within(Duration::from_secs(10), "it ends without its host", || test_kill_process(pid).err());
}

#[test]
fn all_who_ask_to_stop_are_answered() {
    let mut host = Host::configured();
    let mut callers: Vec<_> = (0..5).map(|_| UnixStream::connect(host.socket()).unwrap()).collect();
    let head = format!("POST {STOP} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 4");
    for caller in &mut callers {
        write!(caller, "{head}\r\n\r\nnull").unwrap();
    }
    for caller in callers {
        let answer = std::io::read_to_string(caller).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"Code\":200"), "{answer}");
    }
    assert!(host.wait_for_exit().success());
}

#[test]
fn a_host_that_keeps_its_connections_open_does_not_hold_up_the_end() {
    let mut host = Host::configured();
    let (idle, mut half) = (UnixStream::connect(host.socket()).unwrap(), UnixStream::connect(host.socket()).unwrap());
    half.write_all(b"POST /api-plugin/v4/action HTTP/1.1\r\nContent-Le").unwrap();
    let started = Instant::now();
    assert_eq!(host.post(STOP, &Value::Null).0, 200);
    assert!(host.wait_for_exit().success());
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    drop((idle, half));
}

#[test]
fn two_plugins_of_one_provider_know_nothing_of_each_other() {
    let (mut one, two) = (Host::configured(), Host::configured());
    let config = json!({"Name": "other", "subject/token": "t0ken", "subject/limit": 77});
    assert_eq!(two.post(CONFIG, &config).0, 200);
    assert_eq!((one.act("limit", &json!({})).1, two.act("limit", &json!({})).1), (json!(10), json!(77)));
    one.post(STOP, &Value::Null);
    assert!(one.wait_for_exit().success());
    assert_eq!(two.act("limit", &json!({})), (200, json!(77)));
}

#[test]
fn handlers_that_block_all_threads_are_noticed() {
    let host = Host::configured();
    let blocked: Vec<_> = (0..8)
        .map(|_| {
            let socket = host.socket();
            thread::spawn(move || post(&socket, ACTION, &action("block", &json!({"subject/count": 3000}))))
        })
        .collect();
    let line = host.callbacks.wait_for_line("handlers have blocked all threads for");
    assert_eq!((&line["Level"], &line["IgnorePublish"]), (&json!("warn"), &json!(true)));
    for answer in blocked {
        assert_eq!(answer.join().unwrap(), (200, json!("blocked")));
    }
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
