//! A host of bare sockets, for tests: HTTP by hand over unix streams, and nothing of ours.
//!
//! A framework and a host that were tested only against each other could agree on anything. This peer speaks the
//! bytes that were recorded from the real ones.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test that cannot go on has failed")]

mod api;
mod built;
mod device;
mod request;

use std::{
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

pub use self::{
    api::{Api, TlsStream, accept, event, tls_config},
    built::built,
    device::{Connection, Device, Identity, Request, reply},
};

/// How long anything may take that a test waits for.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The prefix that real hosts serve on the callback socket.
pub const CALLBACK_PREFIX: &str = "/api-server-plugin/v4";

/// The answer to a request: its status and its body.
pub type Answer = (u16, String);

/// Posts JSON and reads JSON; what is no JSON reads as `null`.
pub fn post(socket: &Path, path: &str, body: &Value) -> (u16, Value) {
    post_within(PATIENCE, socket, path, body)
}

/// Like [`post`], with a limit of its own for the answer.
pub fn post_within(limit: Duration, socket: &Path, path: &str, body: &Value) -> (u16, Value) {
    let request = request_text("POST", path, &[("Content-Type", "application/json")], &body.to_string());
    let answer = exchange_within(limit, socket, request.as_bytes());
    let (status, answer) = answer.unwrap_or_else(|| panic!("POST {path} was not answered"));
    (status, serde_json::from_str(&answer).unwrap_or(Value::Null))
}

/// One request on a connection of its own.
pub fn send(socket: &Path, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    try_send(socket, method, path, headers, body).unwrap_or_else(|| panic!("{method} {path} was not answered"))
}

/// Like [`send`]; `None` where the peer hangs up before it has answered.
pub fn try_send(socket: &Path, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Option<Answer> {
    exchange(socket, request_text(method, path, headers, body).as_bytes())
}

fn request_text(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: unix\r\n{headers}Content-Length: {}\r\n", body.len());
    format!("{head}Connection: close\r\n\r\n{body}")
}

/// Sends bytes as they are and reads until the peer closes.
pub fn exchange(socket: &Path, request: &[u8]) -> Option<Answer> {
    exchange_within(PATIENCE, socket, request)
}

fn exchange_within(limit: Duration, socket: &Path, request: &[u8]) -> Option<Answer> {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(limit)).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    // A peer that ends may reset the connection behind its answer.
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Some((status, body.to_owned()))
}

/// Waits for the line that says a provider serves; other lines may come first.
pub fn wait_for_ready(out: &mut impl BufRead) {
    let mut line = String::new();
    while line.trim_end() != "READY!" {
        line.clear();
        assert!(out.read_line(&mut line).unwrap() > 0, "the provider ended before it was ready");
    }
}

/// Waits for something to be so.
pub fn eventually<T>(what: &str, check: impl FnMut() -> Option<T>) -> T {
    eventually_within(PATIENCE, what, check)
}

/// Like [`eventually`], with a limit of its own.
pub fn eventually_within<T>(limit: Duration, what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = check() {
            return value;
        }
        assert!(started.elapsed() < limit, "waited {limit:?} in vain: {what}");
        thread::park_timeout(Duration::from_millis(10));
    }
}

/// Two objects, which is what every list has.
const OBJECTS: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 32\r\n\r\n\
    [{\"Id\":\"bessie\"},{\"Id\":\"clara\"}]";

/// What a plugin said on the callback socket: paths and bodies.
#[derive(Clone, Debug, Default)]
pub struct Callbacks(Arc<Mutex<Vec<(String, String)>>>);

impl Callbacks {
    /// Serves the callback socket. What comes under `prefix` is kept and answered 204, or with two objects where objects are
    /// asked for; everything else is a 404.
    pub fn serve(socket: &Path, prefix: &'static str) -> Self {
        let callbacks = Self::default();
        let listener = UnixListener::bind(socket).unwrap();
        let said = callbacks.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let said = said.clone();
                thread::spawn(move || said.serve_connection(stream.unwrap(), prefix));
            }
        });
        callbacks
    }

    /// All log lines so far.
    pub fn lines(&self) -> Vec<Value> {
        self.said("log")
    }

    /// All bodies so far of one kind: `log`, `publish` or `leaving`.
    pub fn said(&self, what: &str) -> Vec<Value> {
        let said = self.0.lock().unwrap();
        let of_kind = said.iter().filter(|(path, _)| path.rsplit('/').next() == Some(what));
        of_kind.map(|(_, body)| serde_json::from_str(body).unwrap()).collect()
    }

    /// Waits for a log line whose message contains the text.
    pub fn wait_for_line(&self, text: &str) -> Value {
        let found = || self.lines().into_iter().find(|line| line["Message"].as_str().unwrap().contains(text));
        eventually(text, found)
    }

    fn serve_connection(&self, mut stream: UnixStream, prefix: &str) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        while let Some(request) = request::read(&mut reader) {
            let answer: &[u8] = if request.path.starts_with(prefix) {
                let is_list = request.path.contains("/objects/");
                self.0.lock().unwrap().push((request.path, request.body));
                if is_list { OBJECTS } else { b"HTTP/1.1 204 No Content\r\nContent-Type: application/json\r\n\r\n" }
            } else {
                b"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
            };
            if stream.write_all(answer).is_err() {
                return;
            }
        }
    }
}
