#![allow(clippy::unwrap_used)]

use std::os::unix::net::UnixStream;

use drp_core::Level;

use super::*;
use crate::{
    bus::{Delivery, Subscription},
    plugins::{
        peer::{self, Message},
        rude::TestHost,
    },
};

struct Socket {
    host: TestHost,
    events: Subscription,
    leaving: watch::Receiver<Option<Error>>,
    stream: UnixStream,
    _server: AbortOnDropHandle<()>,
}

impl Socket {
    async fn open() -> Self {
        let host = TestHost::new().await;
        let (leave, leaving) = watch::channel(None);
        let redactor = Arc::new(Redactor::default());
        redactor.add(&drp_core::Raw::from("s3cr3t"));
        let callbacks = Callbacks {
            pace: Arc::default(),
            plugin: "p1".to_owned(),
            redactor,
            log: host.log.clone(),
            bus: host.bus.clone(),
            objects: host.objects.clone(),
            listing: Mutex::default(),
            leaving: leave,
        };
        let path = host.directory.path().join("from");
        let server = callbacks.listen(&path).unwrap();
        let events = host.bus.subscribe(100);
        Self { host, events, leaving, stream: UnixStream::connect(&path).unwrap(), _server: server }
    }

    async fn send(&self, bytes: String) -> Option<Message> {
        let mut stream = self.stream.try_clone().unwrap();
        tokio::task::spawn_blocking(move || peer::exchange(&mut stream, bytes.as_bytes())).await.unwrap()
    }

    async fn post(&self, path: &str, content_type: &str, body: &str) -> Message {
        let length = body.len();
        let head = format!("Host: unix\r\nContent-Type: {content_type}\r\nContent-Length: {length}");
        self.send(format!("POST {path} HTTP/1.1\r\n{head}\r\n\r\n{body}")).await.unwrap()
    }

    async fn event(&mut self) -> Event {
        let Delivery::Event(published) = self.events.next().await else { panic!("events were lost") };
        published.event.clone()
    }
}

#[tokio::test]
async fn recorded_calls_of_a_go_plugin_are_answered_as_recorded() {
    let Some(exchanges) = peer::recorded("realhost-incrementer.jsonl", "plugin->host") else { return };
    let socket = Socket::open().await;
    assert!(!exchanges.is_empty());
    for exchange in exchanges {
        let headers = exchange["headers"].as_array().unwrap().iter();
        let headers =
            headers.map(|header| format!("{}: {}\r\n", header[0].as_str().unwrap(), header[1].as_str().unwrap()));
        let body = exchange["body"].as_str().unwrap();
        let head = format!("{} {}", exchange["method"].as_str().unwrap(), exchange["path"].as_str().unwrap());
        // Lengths were recorded before the secrets were masked.
        let headers: String = headers.filter(|header| !header.starts_with("Content-Length")).collect();
        let length = body.len();
        let bytes = format!("{head} HTTP/1.1\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
        let answer = socket.send(bytes).await.unwrap();
        assert!(answer.first_line.starts_with("HTTP/1.1 204"), "{}", answer.first_line);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.body, exchange["response_body"].as_str().unwrap());
        let line = socket.host.log.lines().pop().unwrap();
        let posted: Line = serde_json::from_str(body).unwrap();
        assert_eq!((&line.message, line.level, &line.service), (&posted.message, posted.level, &posted.service));
    }
}

#[tokio::test]
async fn a_line_is_logged_in_the_name_of_the_sockets_plugin_and_without_secrets() {
    let socket = Socket::open().await;
    let line = r#"{"Level":"panic","Principal":"root","Message":"token s3cr3t","Data":[{"a":"s3cr3t"}]}"#;
    let answer = socket.post("/api-plugin-server/v4/log", "Application/JSON; charset=utf-8", line).await;
    assert!(answer.first_line.starts_with("HTTP/1.1 204"));
    let line = socket.host.log.lines().pop().unwrap();
    assert_eq!((line.level, line.principal.as_str(), line.service.as_str()), (Level::Error, "plugin:p1", "p1"));
    assert_eq!(line.message, "token <secret>");
    assert_eq!(line.data[0].get(), r#"{"a":"<secret>"}"#);
}

#[tokio::test]
async fn an_event_is_published_as_given_in_the_name_of_the_plugin() {
    let mut socket = Socket::open().await;
    let event = r#"{"Time":"2020-01-01T00:00:00Z","Type":"a","Action":"b","Key":"c","Object":1.50,"Principal":"root"}"#;
    let answer = socket.post("/api-server-plugin/v4/publish", "application/json", event).await;
    assert_eq!(answer.json()["Code"], 200);
    let event = socket.event().await;
    assert_eq!((event.type_.as_str(), event.action.as_str(), event.key.as_str()), ("a", "b", "c"));
    assert_eq!((event.object.get(), event.principal.as_str()), ("1.50", "plugin:p1"));
    assert_eq!(event.time.as_str(), "2020-01-01T00:00:00Z");
}

#[tokio::test]
async fn leaving_is_told_with_its_reason() {
    let mut socket = Socket::open().await;
    let answer = socket.post("/api-server-plugin/v4/leaving", "application/json", r#"{"Code":403}"#).await;
    assert!(answer.first_line.starts_with("HTTP/1.1 204"));
    assert_eq!(socket.leaving.borrow_and_update().as_ref().unwrap().code, 403);
    socket.post("/api-server-plugin/v4/leaving", "application/json", "null").await;
    assert_eq!(socket.leaving.borrow_and_update().as_ref().unwrap().code, 0);
}

#[tokio::test]
async fn objects_are_listed() {
    let socket = Socket::open().await;
    socket.host.create("profiles", serde_json::json!({"Name": "one"})).await;
    let get = |path: &str| format!("GET /api-server-plugin/v4/{path} HTTP/1.1\r\nHost: unix\r\n\r\n");
    let answer = socket.send(get("objects/profiles")).await.unwrap();
    let listed = answer.json();
    assert!(listed.as_array().unwrap().iter().any(|profile| profile["Name"] == "one"), "{listed}");
    for path in ["objects/nosuch", "objects/a/b", "objects", "log"] {
        let answer = socket.send(get(path)).await.unwrap();
        assert!(answer.first_line.starts_with("HTTP/1.1 404"), "{path}: {}", answer.first_line);
        assert_eq!(answer.json()["Code"], 404);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_call_is_said() {
    let socket = Socket::open().await;
    let check = async |path: &str, content_type: &str, body: &str, code: u16, text: &str| {
        let answer = socket.post(path, content_type, body).await;
        assert!(answer.first_line.starts_with(&format!("HTTP/1.1 {code}")), "{path}: {}", answer.first_line);
        let error: Error = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(error.code, i64::from(code));
        assert!(error.to_string().contains(text), "{error}");
    };
    check("/api-server-plugin/v4/log", "text/plain", "{}", 400, "POST: Invalid content type: text/plain").await;
    check("/api-server-plugin/v4/log", "application/json", "{", 400, "EOF").await;
    check("/api-server-plugin/v4/publish", "application/json", "[1]", 400, "expected").await;
    check("/api-server-plugin/v4/nosuch", "application/json", "{}", 404, "/api-server-plugin/v4/nosuch").await;
    let head = "POST /api-server-plugin/v4/log HTTP/1.1\r\nHost: unix\r\nContent-Type: application/json";
    let huge = format!("{head}\r\nContent-Length: {}\r\n\r\n", limits::BODY_BYTES_MAX + 1);
    let other = Socket::open().await;
    assert_eq!(other.send(huge).await.unwrap().json()["Code"], 413);
    check("/log", "application/json", "{}", 404, "POST: /log").await;
}
