//! `drpx events` and `drpx logs`, against `drpx serve` and against a server of bare sockets.

use std::{
    io::{BufRead, BufReader, Lines},
    process::{Child, ChildStderr, ChildStdout, Command, Stdio},
};

use drp_core::{Event, Machine, Raw};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{
    process::{PATIENCE, Server, drpx, eventually, texts},
    raw_server::RawServer,
};

/// A command that goes on until it is interrupted.
struct Watching {
    child: Child,
    out: Lines<BufReader<ChildStdout>>,
    err: Lines<BufReader<ChildStderr>>,
}

impl Watching {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap()).lines();
        let err = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, out, err }
    }

    fn out(&mut self) -> String {
        self.out.next().expect("there is another line").unwrap()
    }

    fn err(&mut self) -> String {
        self.err.next().expect("there is another line").unwrap()
    }

    fn interrupt(mut self) -> (Vec<String>, Option<i32>) {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
        let rest = self.out.map(Result::unwrap).collect();
        (rest, self.child.wait().unwrap().code())
    }
}

/// A row without what is different in every run.
fn columns(row: &str) -> Vec<&str> {
    row.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).skip(1).collect()
}

#[test]
fn events_are_shown_while_they_happen_until_somebody_interrupts() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start(data.path());
    let client = crate::killed::client(&server);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let selectors = ["machines.create,update,delete.*", "free.*.*"];
    let mut people = Watching::start(&mut server.command(&[&["events"], &selectors[..]].concat()));
    let mut script = Watching::start(&mut server.command(&[&["events", "--json"], &selectors[..]].concat()));
    for watching in [&mut people, &mut script] {
        let line = watching.err();
        assert!(line.contains("watching machines.create,update,delete.* free.*.*"), "{line}");
    }
    let key = runtime.block_on(async {
        let machine = Machine { name: "web1".to_owned(), ..Machine::default() };
        let machine: Machine = client.send(drp_client::Request::create("machines", &machine).unwrap()).await.unwrap();
        let key = machine.uuid.to_string();
        let set = drp_client::Request::set_param("machines", &key, "greeting", &"hello\u{1b}[2J").unwrap();
        client.send_only(set).await.unwrap();
        let event = Event::new("free", "said", "a.b.c", Raw::from("nothing\nat all"));
        client.post_event(&event).await.unwrap();
        client.post_event(&Event::new("other", "said", "x", Raw::null())).await.unwrap();
        client.send_only(drp_client::Request::delete("machines", &key).unwrap()).await.unwrap();
        key
    });
    let expected: [&[&str]; 4] = [
        &["machines", "create", &key, "admin", "web1"],
        &["machines", "update", &key, "admin", "web1: Params greeting = hello\\u{1b}[2J"],
        &["free", "said", "a.b.c", "admin", "nothing\\nat all"],
        &["machines", "delete", &key, "admin", "web1"],
    ];
    for expected in expected {
        let row = people.out();
        assert_eq!(columns(&row), expected);
        assert!(row.starts_with("20") && row.as_bytes()[23] == b'Z', "no time, or colours in a pipe: {row:?}");
        let event: Value = serde_json::from_str(&script.out()).unwrap();
        assert_eq!([&event["Type"], &event["Action"], &event["Key"], &event["Principal"]], expected[..4]);
    }
    assert_eq!(people.interrupt(), (vec![], Some(130)));
    assert_eq!(script.interrupt(), (vec![], Some(130)));
    server.stop();
}

#[test]
fn who_has_seen_enough_just_closes_the_pipe() {
    let server = RawServer::start("[]");
    // Even where nothing more happens, as in `drpx events | head -1`.
    for events in [0, 1] {
        let mut watching = Watching::start(&mut server.drpx(&["events"]));
        let mut websocket = server.registered("*.*.*");
        assert!(watching.err().contains("watching"));
        drop(watching.out);
        for _ in 0..events {
            websocket.send(r#"{"Type":"a","Action":"b","Key":"c"}"#);
        }
        let mut child = watching.child;
        let status = eventually(PATIENCE, "the command ends", || child.try_wait().unwrap());
        assert_eq!(status.code(), Some(0));
        assert_eq!(watching.err.map(Result::unwrap).collect::<Vec<_>>(), [""; 0]);
    }
}

#[test]
fn a_reader_that_has_stopped_keeps_nobody_from_interrupting() {
    let server = RawServer::start("[]");
    let watching = Watching::start(&mut server.drpx(&["events", "--json"]));
    let mut websocket = server.registered("*.*.*");
    // Much more than a pipe takes.
    let event = format!(r#"{{"Type":"a","Action":"b","Key":"{}"}}"#, "c".repeat(10_000));
    (0..200).for_each(|_| websocket.send(&event));
    let mut child = watching.child;
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let status = eventually(PATIENCE, "the command ends", || child.try_wait().unwrap());
    assert_eq!(status.code(), Some(130));
    drop(watching.out);
}

#[test]
fn what_is_lost_is_told_where_it_is() {
    let server = RawServer::start("[]");
    // Both into one pipe, as on a terminal.
    let mut command = Command::new("sh");
    command.args(["-c", "exec \"$0\" \"$@\" 2>&1"]);
    let original = server.drpx(&["events", "m.*.*"]);
    command.arg(original.get_program()).args(original.get_args());
    for (name, value) in original.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let mut watching = Watching::start(&mut command);
    let mut websocket = server.registered("m.*.*");
    let event = |key: &str| format!(r#"{{"Type":"m","Action":"b","Key":"{key}"}}"#);
    websocket.send(&event("1"));
    websocket.send(r#"{"Type":"websocket","Action":"lagged","Key":"","Object":12}"#);
    websocket.send(&event("2"));
    assert!(watching.out().contains("watching"));
    assert!(watching.out().contains("m          b         1"));
    assert_eq!(watching.out(), "... 12 events lost here");
    assert!(watching.out().contains("m          b         2"));
    drop(websocket);
    let line = watching.out();
    assert!(line.starts_with("warning: the event stream is interrupted"), "{line}");
    let mut websocket = server.registered("m.*.*");
    websocket.send(&event("3"));
    assert_eq!(watching.out(), "... connection lost and back: events may be missing here");
    assert!(watching.out().contains("m          b         3"));
    assert_eq!(watching.interrupt().1, Some(130));
}

const LOGS: &str = r#"[
    {"Group":1,"Seq":7,"Time":"2026-11-24T15:00:00Z","Service":"dhcp","Level":"debug","Message":"quiet"},
    {"Group":1,"Seq":8,"Time":"2026-11-24T15:00:01Z","Service":"static","Principal":"joe","Level":"warn","Message":"a\nb"},
    {"Group":1,"Seq":9,"Time":"2026-11-24T15:00:02Z","Service":"dhcp","Level":"audit","Message":"login","Data":[]}
]"#;

#[test]
fn the_lines_that_a_server_has_are_shown_and_filtered() {
    let server = RawServer::start(LOGS);
    let check = |args: &[&str], expected: &str| {
        let (out, err, code) = texts(&server.drpx(&[&["logs"], args].concat()).output().unwrap());
        assert_eq!((out.as_str(), err.as_str(), code), (expected, "", Some(0)), "{args:?}");
    };
    let debug = "2026-11-24T15:00:00.000Z  debug  dhcp          -             quiet\n";
    let warn = "2026-11-24T15:00:01.000Z  warn   static        joe           a\\nb\n";
    let audit = "2026-11-24T15:00:02.000Z  audit  dhcp          -             login\n";
    check(&[], &format!("{debug}{warn}{audit}"));
    check(&["--level", "INFO"], &format!("{warn}{audit}"));
    check(&["--level", "error"], audit);
    check(&["--service", "dhcp"], &format!("{debug}{audit}"));
    check(&["--service", "dhcp", "--service", "static", "--level", "warn"], &format!("{warn}{audit}"));
    let json = r#"{"Group":1,"Seq":9,"Time":"2026-11-24T15:00:02Z","Service":"dhcp","Level":"audit","Message":"login","Data":[]}"#;
    check(&["--json", "--level", "panic"], &format!("{json}\n"));
    assert_eq!(server.drpx(&["logs", "--level", "loud"]).output().unwrap().status.code(), Some(2));
}

#[test]
fn the_log_goes_on_without_a_line_twice() {
    let server = RawServer::start(LOGS);
    let mut watching = Watching::start(&mut server.drpx(&["logs", "-f", "--service", "dhcp"]));
    let mut websocket = server.registered("log.*.*");
    let line = |seq: i64, time: &str, service: &str, message: &str| {
        format!(
            r#"{{"Type":"log","Action":"info","Key":"{service}","Object":{{"Seq":{seq},"Time":"{time}","Service":"{service}","Level":"info","Message":"{message}"}}}}"#
        )
    };
    assert!(watching.out().ends_with("quiet"));
    assert!(watching.out().ends_with("login"));
    websocket.send(&line(9, "2026-11-24T15:00:02Z", "dhcp", "the same again"));
    websocket.send(&line(10, "2026-11-24T15:00:03Z", "static", "not asked for"));
    websocket.send(&line(11, "2026-11-24T15:00:03Z", "dhcp", "new"));
    // A server that was started again counts from the beginning.
    websocket.send(&line(9, "2026-11-24T15:10:00Z", "dhcp", "newer"));
    assert!(watching.out().ends_with("  new"));
    assert!(watching.out().ends_with("newer"));
    assert_eq!(watching.interrupt(), (vec![], Some(130)));
}

#[test]
fn a_real_servers_log_is_shown_and_followed() {
    let data = tempfile::tempdir().unwrap();
    let mut server = crate::action::serve_incrementer(data.path());
    let mut watching = Watching::start(&mut server.command(&["logs", "--follow", "--level", "info"]));
    let client = crate::killed::client(&server);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    assert!(watching.out().contains("incrementer"), "the provider was loaded");
    runtime.block_on(crate::killed::create_plugin_and_machine(&client));
    let live = std::iter::from_fn(|| Some(watching.out())).find(|line| line.contains("is listening")).unwrap();
    let (kept, err, code) = texts(&server.drpx(&["logs"]));
    assert_eq!((err.as_str(), code), ("", Some(0)));
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert!(kept.lines().any(|line| words(line) == words(&live)), "{live}\nis not in\n{kept}");
    let (rest, code) = watching.interrupt();
    assert_eq!(code, Some(130));
    assert!(!rest.contains(&live), "twice");
    server.stop();
}

#[test]
fn what_cannot_be_watched_is_said_at_once() {
    let check = |args: &[&str], code: i32, expected: &str| {
        let (out, err, is) = texts(&drpx().args(args).env("RS_TOKEN", "t0ken").output().unwrap());
        assert_eq!((out.as_str(), is), ("", Some(code)), "{err}");
        assert!(err.contains(expected), "{err}");
    };
    check(&["events", "machines.create"], 2, "`machines.create` is no event selector: expected TYPE.ACTION.KEY");
    check(&["events", "-E", "http://127.0.0.1:1"], 1, "GET ws failed: the server cannot be reached");
    check(&["logs", "-E", "http://127.0.0.1:1"], 1, "GET logs failed: the server cannot be reached");
}
