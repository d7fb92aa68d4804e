//! A host of bare sockets: HTTP by hand over unix streams.

use std::{
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::subject::{PROCESS_TEST, SELECTOR_ENV, SOCKETS_ENV};

pub(crate) const CONFIG: &str = "/api-plugin/v4/config";
pub(crate) const ACTION: &str = "/api-plugin/v4/action";
pub(crate) const STOP: &str = "/api-plugin/v4/stop";
pub(crate) const SECRET: &str = "opensesame-4711";

/// How long anything may take that a test waits for.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the plugin said on the callback socket: path and body.
type Said = Arc<Mutex<Vec<(String, String)>>>;

pub(crate) struct Host {
    pub(crate) dir: TempDir,
    pub(crate) child: Child,
    _out: BufReader<ChildStdout>,
    pub(crate) err: Option<ChildStderr>,
    said: Said,
}

/// How a plugin is started, where the usual way is not what a test wants.
#[derive(Default)]
pub(crate) struct Start<'a> {
    pub(crate) endpoint: Option<&'a str>,
    pub(crate) selectors: Option<&'a str>,
    pub(crate) swap_sockets: bool,
    pub(crate) no_callback_socket: bool,
    /// The callback prefix that is answered; the other one is a 404.
    pub(crate) prefix: Option<&'static str>,
}

impl Host {
    pub(crate) fn start() -> Self {
        Self::start_with(&Start::default())
    }

    pub(crate) fn start_with(start: &Start<'_>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let said = Said::default();
        if !start.no_callback_socket {
            serve_callbacks(
                &dir.path().join("from"),
                start.prefix.unwrap_or("/api-server-plugin/v4"),
                Arc::clone(&said),
            );
        }
        let order = if start.swap_sockets { ["from", "to"] } else { ["to", "from"] };
        let mut command = subject(dir.path(), order);
        if let Some(selectors) = start.selectors {
            command.env(SELECTOR_ENV, selectors);
        }
        command.env("RS_ENDPOINT", start.endpoint.unwrap_or("https://127.0.0.1:1"));
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        wait_for_ready(&mut out);
        let err = child.stderr.take();
        Self { dir, child, _out: out, err, said }
    }

    /// A plugin that has been configured.
    pub(crate) fn configured() -> Self {
        let host = Self::start();
        host.configure();
        host
    }

    pub(crate) fn configure(&self) {
        let (status, body) = self.post(CONFIG, &json!({"Name": "instance", "subject/token": SECRET}));
        assert_eq!((status, &body["Code"]), (200, &json!(200)), "{body}");
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.dir.path().join("to")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        post(&self.socket(), path, body)
    }

    /// Runs a system action.
    pub(crate) fn act(&self, command: &str, params: &Value) -> (u16, Value) {
        self.post(ACTION, &action(command, params))
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) fn wait_for_exit(&mut self) -> ExitStatus {
        eventually("the plugin ends", || self.child.try_wait().unwrap())
    }

    /// All log lines so far.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let said = self.said.lock().unwrap();
        let logs = said.iter().filter(|(path, _)| path.ends_with("/log"));
        logs.map(|(_, body)| serde_json::from_str(body).unwrap()).collect()
    }

    /// Waits for a log line whose message contains the text.
    pub(crate) fn wait_for_line(&self, text: &str) -> Value {
        let found = || self.lines().into_iter().find(|line| line["Message"].as_str().unwrap().contains(text));
        eventually(text, found)
    }

    pub(crate) fn memory_kb(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The command that runs this test binary as the provider.
pub(crate) fn subject(dir: &Path, sockets: [&str; 2]) -> Command {
    let paths = sockets.map(|name| dir.join(name).to_str().unwrap().to_owned());
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", PROCESS_TEST, "--nocapture", "--quiet"])
        .env(SOCKETS_ENV, paths.join(" "))
        .env("RS_TOKEN", "token")
        .env_remove("RS_CA_FILE")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// The harness of the test binary prints some lines of its own first.
pub(crate) fn wait_for_ready(out: &mut impl BufRead) {
    let mut line = String::new();
    while line.trim_end() != "READY!" {
        line.clear();
        assert!(out.read_line(&mut line).unwrap() > 0, "the provider ended before it was ready");
    }
}

pub(crate) fn action(command: &str, params: &Value) -> Value {
    json!({"Model": {}, "Plugin": "instance", "Command": command, "CommandSet": "system", "Params": params})
}

pub(crate) fn post(socket: &Path, path: &str, body: &Value) -> (u16, Value) {
    let body = body.to_string();
    let (status, answer) = send(socket, "POST", path, &[("Content-Type", "application/json")], &body);
    (status, serde_json::from_str(&answer).unwrap_or(Value::Null))
}

/// One request on a connection of its own.
pub(crate) fn send(socket: &Path, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: unix\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).unwrap_or_else(|| panic!("no status in {answer:?}"));
    (status.parse().unwrap(), body.to_owned())
}

/// Waits for something to be so.
pub(crate) fn eventually<T>(what: &str, check: impl FnMut() -> Option<T>) -> T {
    eventually_within(PATIENCE, what, check)
}

pub(crate) fn eventually_within<T>(limit: Duration, what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = check() {
            return value;
        }
        assert!(started.elapsed() < limit, "waited {limit:?} in vain: {what}");
        thread::park_timeout(Duration::from_millis(10));
    }
}

fn serve_callbacks(path: &Path, prefix: &'static str, said: Said) {
    let listener = UnixListener::bind(path).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let said = Arc::clone(&said);
            thread::spawn(move || serve_one(stream.unwrap(), prefix, &said));
        }
    });
}

fn serve_one(stream: UnixStream, prefix: &str, said: &Said) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    loop {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if line == "\r\n" {
                break;
            }
            head.push(line);
        }
        let length = head
            .iter()
            .find_map(|line| line.to_lowercase().strip_prefix("content-length:").map(|n| n.trim().parse().unwrap()));
        let mut body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut body).unwrap();
        let path = head[0].split(' ').nth(1).unwrap().to_owned();
        let known = path.starts_with(prefix);
        if known {
            said.lock().unwrap().push((path, String::from_utf8(body).unwrap()));
        }
        let answer: &[u8] = if known {
            b"HTTP/1.1 204 No Content\r\nContent-Type: application/json\r\n\r\n"
        } else {
            b"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
        };
        if stream.write_all(answer).is_err() {
            return;
        }
    }
}
