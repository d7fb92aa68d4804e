#![allow(clippy::unwrap_used)]

use std::{path::PathBuf, time::Duration};

use serde_json::Value;

use super::*;
use crate::plugins::peer;

const LIMIT: Duration = Duration::from_secs(10);

fn socket() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("to");
    (directory, socket)
}

/// Runs an action against a plugin that answers with `bytes`.
async fn answered(bytes: Option<String>) -> Result<Raw, Error> {
    let (_directory, socket) = socket();
    let _requests = peer::serve(&socket, move |_| bytes.clone());
    let caller = PluginCaller::new("p1", &socket, Arc::default());
    caller.action(&Action::default(), Some(LIMIT)).await.map_err(|error| error.into_wire("p1", "it"))
}

async fn check_error(bytes: Option<String>, code: i64, text: &str) {
    let error = answered(bytes).await.unwrap_err();
    assert_eq!((error.code, error.messages[0].as_str()), (code, text));
}

#[tokio::test]
async fn requests_are_those_of_the_real_host() {
    let (Some(exchanges), Some(direct)) = (
        peer::recorded("realhost-incrementer.jsonl", "host->plugin"),
        peer::recorded("listen-incrementer.jsonl", "host->plugin"),
    ) else {
        return;
    };
    let (_directory, socket) = socket();
    let (answer, next) = std::sync::mpsc::channel::<Option<String>>();
    let next = Arc::new(std::sync::Mutex::new(next));
    let requests = peer::serve(&socket, move |_| next.lock().unwrap().recv().unwrap());
    let caller = PluginCaller::new("incr", &socket, Arc::default());
    // What a peer sent by hand to provoke the plugin is nothing that a host sends.
    let told = |exchange: &&Value| exchange["note"].as_str().is_some_and(|note| note.contains("as the real host"));
    for exchange in exchanges.iter().chain(direct.iter().filter(told)) {
        let status = exchange["status"].as_u64().map(|status| u16::try_from(status).unwrap());
        let body = exchange["response_body"].as_str().unwrap_or_default();
        answer.send(status.and_then(|status| peer::answer(status, body))).unwrap();
        let sent = exchange["body"].as_str().unwrap();
        let result = match exchange["path"].as_str().unwrap() {
            contract::CONFIG_PATH => {
                caller.config(&serde_json::from_str(sent).unwrap(), LIMIT).await.map(|()| Raw::null())
            }
            contract::STOP_PATH => caller.stop(LIMIT).await.map(|()| Raw::null()),
            contract::ACTION_PATH => caller.action(&serde_json::from_str(sent).unwrap(), None).await,
            path => panic!("a host does not call {path}"),
        };
        let result = result.unwrap();
        if exchange["path"] == contract::ACTION_PATH {
            assert_eq!(result, serde_json::from_str(body).unwrap());
        }
        check_request(&requests.recv().unwrap(), exchange);
    }
}

fn check_request(request: &peer::Message, exchange: &Value) {
    let line = format!("{} {} HTTP/1.1", exchange["method"].as_str().unwrap(), exchange["path"].as_str().unwrap());
    assert_eq!(request.first_line, line);
    let recorded = |name: &str| {
        let headers = exchange["headers"].as_array().unwrap();
        headers.iter().find(|header| header[0] == name).and_then(|header| header[1].as_str())
    };
    assert_eq!(request.header("content-type"), recorded("Content-Type"));
    assert_eq!(request.header("host"), recorded("Host"));
    let mut body = request.json();
    let expected: Value = serde_json::from_str(exchange["body"].as_str().unwrap()).unwrap();
    if expected.get("CommandSet").is_none() && body.get("Command").is_some() {
        // The recorded host is too old to send it.
        body.as_object_mut().unwrap().remove("CommandSet").unwrap();
    }
    assert_eq!(body, expected);
}

#[tokio::test]
async fn answers_are_passed_on_as_they_came() {
    for text in ["1.00000000000000000001", "\"x\"", "null", "[1,{}]"] {
        assert_eq!(answered(peer::answer(200, text)).await.unwrap().get(), text);
    }
    assert!(answered(peer::answer(200, "")).await.unwrap().is_null());
}

#[tokio::test]
async fn an_error_of_the_plugin_is_unchanged_whatever_it_is() {
    let text = r#"{"Model":"plugin","Key":"p","Type":"rpc","Messages":["no tea","hot"],"Code":418,"More":1}"#;
    let error = answered(peer::answer(418, text)).await.unwrap_err();
    assert_eq!(serde_json::to_string(&error).unwrap(), text);
    let bare = r#"{"Model":"","Key":"/x","Type":"POST","Messages":null,"Code":404}"#;
    let error = answered(peer::answer(404, bare)).await.unwrap_err();
    assert_eq!(serde_json::to_string(&error).unwrap(), bare);
}

/// `#21`, `#22`.
#[tokio::test]
async fn what_is_no_answer_is_a_clear_error() {
    let check = check_error;
    check(peer::answer(500, "plain text"), 500, "Raw response: plain text").await;
    check(peer::answer(503, "{}"), 503, "Raw response: {}").await;
    check(peer::answer(301, ""), 502, "Plugin p1 did not answer it: it answered with status 301").await;
    check(
        None,
        502,
        "Plugin p1 did not answer it: client error (SendRequest): connection closed before message completed",
    )
    .await;
    let error = answered(peer::answer(200, "<html>")).await.unwrap_err();
    assert!(error.code == 502 && error.messages[0].ends_with(": <html>"), "{error}");
    let error =
        answered(Some("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 99\r\n\r\n{".into())).await.unwrap_err();
    assert_eq!(error.code, 502);
    let error = answered(Some("garbage\r\n\r\n".into())).await.unwrap_err();
    assert_eq!(error.code, 502);
    let huge = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", limits::BODY_BYTES_MAX + 1);
    let error = answered(Some(huge)).await.unwrap_err();
    assert!(error.code == 502 && error.messages[0].contains("over the limit"), "{error}");
}

#[tokio::test]
async fn a_plugin_that_does_not_listen_or_answer_is_an_error() {
    let (_directory, socket) = socket();
    let caller = PluginCaller::new("p1", &socket, Arc::default());
    assert!(matches!(caller.stop(LIMIT).await, Err(CallError::Failed(_))));
    let _requests = peer::serve(&socket, |_| Some(String::new()));
    let slow =
        caller.config(&Params::default(), Duration::from_millis(20)).await.unwrap_err().into_wire("p1", "config");
    assert_eq!((slow.code, slow.messages[0].as_str()), (504, "Plugin p1 did not answer config within 20ms"));
}

#[tokio::test]
async fn a_stop_that_breaks_the_connection_is_a_success_and_a_refused_one_is_not() {
    let (_directory, socket) = socket();
    let _requests = peer::serve(&socket, |_| None);
    PluginCaller::new("p1", &socket, Arc::default()).stop(LIMIT).await.unwrap();
    let (_directory, socket) = self::socket();
    let _requests = peer::serve(&socket, |_| peer::answer(500, r#"{"Messages":["no"],"Code":500}"#));
    assert!(matches!(PluginCaller::new("p1", &socket, Arc::default()).stop(LIMIT).await, Err(CallError::Refused(_))));
}

#[tokio::test]
async fn connections_are_used_again_and_replaced_when_the_plugin_closes_them() {
    let (_directory, socket) = socket();
    let requests = peer::serve(&socket, |request| {
        let close = request.body.contains("close");
        let answer = peer::answer(200, "1").unwrap();
        Some(if close { answer.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n") } else { answer })
    });
    let caller = PluginCaller::new("p1", &socket, Arc::default());
    for command in ["a", "b", "close", "c"] {
        let action = Action { command: command.to_owned(), ..Action::default() };
        caller.action(&action, Some(LIMIT)).await.unwrap();
    }
    assert_eq!(requests.try_iter().count(), 4);
}

/// `#23`.
#[tokio::test]
async fn a_drain_waits_for_calls_in_flight_and_then_fails_them() {
    let (_directory, socket) = socket();
    let requests = peer::serve(&socket, |_| Some(String::new()));
    let caller = Arc::new(PluginCaller::new("p1", &socket, Arc::default()));
    let reservation = caller.reserve().unwrap();
    let (busy, action) = (caller.clone(), Action::default());
    let call = tokio::spawn(async move {
        let _reservation = reservation;
        busy.action(&action, None).await
    });
    tokio::task::spawn_blocking(move || requests.recv().unwrap()).await.unwrap();
    caller.drain(Duration::from_millis(20)).await;
    assert!(caller.reserve().is_none());
    assert!(matches!(call.await.unwrap(), Err(CallError::Ended)));
    caller.drain(LIMIT).await;
}

#[test]
fn an_error_in_an_error_is_taken_out() {
    let check = |outer: &str, code: i64, text: &str| {
        let error = unwrap_double(serde_json::from_str(outer).unwrap());
        assert_eq!((error.code, error.to_string().as_str()), (code, text));
    };
    let inner = r#"{\"Model\":\"plugin\",\"Key\":\"p\",\"Type\":\"plugin\",\"Messages\":[\"bad\"],\"Code\":422}"#;
    check(&format!(r#"{{"Messages":["{inner}"],"Code":422}}"#), 422, "plugin: plugin/p: bad");
    check(r#"{"Messages":["{\"Messages\":[\"x\"],\"Code\":0}"],"Code":400}"#, 400, ": x");
    check(r#"{"Messages":["{}"],"Code":400}"#, 400, ": {}");
    check(r#"{"Messages":["no JSON"],"Code":400}"#, 400, ": no JSON");
    check(r#"{"Type":"t","Messages":["{\"Messages\":[\"x\"]}"],"Code":400}"#, 400, r#"t: {"Messages":["x"]}"#);
}
