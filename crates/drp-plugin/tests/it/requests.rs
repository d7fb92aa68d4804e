//! How requests are answered.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use raw_peer::send;

use crate::peer::{ACTION, Host, STOP, action};

const JSON: (&str, &str) = ("Content-Type", "application/json");

#[test]
fn actions_are_refused_until_the_plugin_is_configured() {
    let host = Host::start();
    let (status, body) = host.act("limit", &json!({}));
    assert_eq!((status, &body["Code"]), (409, &json!(409)), "{body}");
    host.configure();
    assert_eq!(host.act("limit", &json!({})), (200, json!(10)));
}

#[test]
fn numbers_come_back_exactly() {
    let host = Host::configured();
    for text in ["9007199254740993", "0.123456789", "1e-9", "123456789012345678901234567890", r#"{"a":[1.10,null]}"#] {
        let body = format!(r#"{{"Command":"echo","Params":{{"subject/value":{text}}}}}"#);
        assert_eq!(send(&host.socket(), "POST", ACTION, &[JSON], &body), (200, text.to_owned()));
    }
}

/// Where a request names its action behind the object, both are read in one pass; every other one is read step by
/// step. Nobody may see a difference.
#[test]
fn a_request_is_answered_the_same_however_it_is_read() {
    let host = Host::configured();
    let check = |body: &[u8], status: u16, expected: &str| {
        let head = format!("POST {ACTION} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json");
        let head = format!("{head}\r\nContent-Length: {}\r\n\r\n", body.len());
        let (found, answer) = raw_peer::exchange(&host.socket(), &[head.as_bytes(), body].concat()).unwrap();
        let body = String::from_utf8_lossy(body);
        assert!(found == status && answer.contains(expected), "{body}: {found} {answer}");
    };
    let behind =
        |model: &str, rest: &str| format!(r#"{{"Model":{model},"Command":"echo","CommandSet":"system"{rest}}}"#);
    let number = r#","Params":{"subject/value":1.10}"#;
    check(behind("{}", number).as_bytes(), 200, "1.10");
    check(behind("null", number).as_bytes(), 200, "1.10");
    check(behind(r#"{"Command":"limit"}"#, number).as_bytes(), 200, "1.10");
    check(behind("{}", r#","Params":{"subject/value":{"Command":"limit"}}"#).as_bytes(), 200, r#"{"Command":"limit"}"#);
    check(behind("{}", &format!(r#"{number},"Command":"limit""#)).as_bytes(), 200, "10");
    check(br#"{"CommandSet":"system","command":"echo","PARAMS":{"subject/value":2},"Model":[1]}"#, 200, "2");
    check(br#"{"Model":{},"Command":"\u006cimit","CommandSet":"system"}"#, 200, "10");
    check(behind("{", number).as_bytes(), 400, "line 1 column");
    check(format!("{} x", behind("{}", number)).as_bytes(), 400, "trailing characters at line 1 column");
    let no_text = [br#"{"Model":""#.as_slice(), b"\xff", br#"","Command":"limit","CommandSet":"system"}"#].concat();
    check(&no_text, 400, "unicode");
    let deep = "[".repeat(200) + &"]".repeat(200);
    check(behind(&deep, number).as_bytes(), 400, "JSON nests deeper than 128 levels");
    check(behind("{}", "").as_bytes(), 400, "Params/subject/value: required, but not set");
}

#[test]
fn a_panic_is_a_500_without_a_trace_and_others_go_on() {
    let host = Host::configured();
    let (status, body) = host.act("panic", &json!({}));
    assert_eq!((status, &body["Messages"]), (500, &json!(["action `panic` panicked; the log says more"])));
    host.callbacks.wait_for_line("asked to panic");
    assert_eq!(host.act("early", &json!({})).0, 500);
    assert_eq!(host.act("limit", &json!({})), (200, json!(10)));
}

#[test]
fn an_error_whose_code_is_none_is_a_500_with_its_message() {
    let host = Host::configured();
    for code in [0, 200, 700] {
        let (status, body) = host.act("fail", &json!({"subject/code": code, "subject/message": "why"}));
        assert_eq!((status, &body["Messages"], &body["Code"]), (500, &json!(["why"]), &json!(500)));
    }
    let (status, body) = host.act("fail", &json!({"subject/code": 418, "subject/message": "tea"}));
    let expected = json!({"Model": "plugin", "Key": "subject", "Type": "plugin", "Messages": ["tea"], "Code": 418});
    assert_eq!((status, body), (418, expected));
}

#[test]
fn params_that_are_missing_or_wrong_are_all_named() {
    let host = Host::configured();
    let (status, body) = host.act("fail", &json!({"subject/code": "x"}));
    assert_eq!(status, 400);
    let messages = body["Messages"].as_array().unwrap();
    assert_eq!(messages.len(), 2, "{body}");
    assert_eq!(messages[0], "Params/subject/message: required, but not set");
    assert!(messages[1].as_str().unwrap().starts_with("Params/subject/code: invalid type"), "{body}");
}

#[test]
fn bad_requests_get_an_error_object() {
    let host = Host::configured();
    let check = |method: &str, path: &str, headers: &[(&str, &str)], body: &str, status: u16, message: &str| {
        let (found, answer) = send(&host.socket(), method, path, headers, body);
        let error: Value = serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{body:?} got {answer:?}"));
        assert_eq!((found, &error["Code"]), (status, &json!(status)), "{method} {path} {body:?}: {answer}");
        assert!(error["Messages"].to_string().contains(message), "{message:?} in {answer}");
    };
    check("POST", ACTION, &[], "{}", 400, "Invalid content type: ");
    check("POST", ACTION, &[("Content-Type", "text/plain")], "{}", 400, "Invalid content type: text/plain");
    check("POST", ACTION, &[JSON], "{", 400, "EOF");
    check("POST", ACTION, &[JSON], "[1]", 400, "invalid type: sequence");
    check("POST", ACTION, &[JSON], r#"{"Command":5}"#, 400, "invalid type: integer");
    check("POST", ACTION, &[JSON], r#"{"Command":"limit"} trailing"#, 400, "trailing");
    check(
        "POST",
        ACTION,
        &[JSON],
        &format!(r#"{{"Model":{}{}}}"#, "[".repeat(500), "]".repeat(500)),
        400,
        "128 levels",
    );
    check("POST", ACTION, &[JSON], r#"{"Command":"nosuch"}"#, 404, "Unknown command: nosuch");
    check("GET", ACTION, &[JSON], "", 404, "null");
    check("POST", "/api-plugin/v4/nosuch", &[JSON], "{}", 404, "null");
    check("POST", "/api-plugin/v4/publish", &[JSON], "{}", 404, "null");
}

#[test]
fn what_is_too_large_is_refused_before_it_has_come() {
    let host = Host::configured();
    let check = |head: &str, body: &str, status: u16| {
        let request =
            format!("POST {ACTION} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{head}\r\n\r\n{body}");
        let (found, answer) = raw_peer::exchange(&host.socket(), request.as_bytes()).unwrap();
        assert_eq!(found, status, "{answer}");
    };
    check(&format!("Content-Length: {}", (64 << 20) + 1), "{", 413);
    check(&format!("X-Padding: {}\r\nContent-Length: 2", "x".repeat(128 << 10)), "{}", 431);
    assert_eq!(host.act("limit", &json!({})), (200, json!(10)));
}

#[test]
fn hundreds_of_slow_actions_run_at_the_same_time() {
    const ACTIONS: usize = 500;
    let host = Host::configured();
    let sleep = action("sleep", &json!({"subject/count": 1000})).to_string();
    let length = sleep.len();
    let head = format!("POST {ACTION} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close");
    let request = format!("{head}\r\nContent-Length: {length}\r\n\r\n{sleep}");
    let started = Instant::now();
    let callers: Vec<UnixStream> = (0..ACTIONS)
        .map(|_| {
            let mut caller = UnixStream::connect(host.socket()).unwrap();
            caller.write_all(request.as_bytes()).unwrap();
            caller
        })
        .collect();
    for caller in callers {
        let answer = std::io::read_to_string(caller).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\"slept\""), "{answer}");
    }
    let took = started.elapsed();
    assert!(took < Duration::from_secs(20), "one after the other they take {ACTIONS} s; they took {took:?}");
}

#[test]
fn an_action_in_flight_ends_before_stop_is_answered() {
    let mut host = Host::configured();
    let socket = host.socket();
    let action = std::thread::spawn(move || {
        raw_peer::post(&socket, ACTION, &crate::peer::action("sleep", &json!({"subject/count": 700})))
    });
    host.wait_until_busy();
    let (status, body) = host.post(STOP, &Value::Null);
    assert_eq!((status, &body["Code"]), (200, &json!(200)));
    assert_eq!(action.join().unwrap(), (200, json!("slept")));
    assert!(host.wait_for_exit().success());
    assert!(!host.socket().exists());
    host.callbacks.wait_for_line("the stop hook ran");
}

#[test]
fn an_action_that_outlasts_the_drain_is_cancelled_with_503() {
    let mut host = Host::configured();
    let socket = host.socket();
    let action = std::thread::spawn(move || {
        raw_peer::post(&socket, ACTION, &crate::peer::action("sleep", &json!({"subject/count": 60_000})))
    });
    host.wait_until_busy();
    assert_eq!(host.post(STOP, &Value::Null).0, 200);
    let (status, body) = action.join().unwrap();
    assert_eq!(status, 503, "{body}");
    assert!(host.wait_for_exit().success());
}

#[test]
fn who_is_refused_may_still_send_the_rest_and_sees_the_answer() {
    const REST: usize = 4 << 20;
    let host = Host::configured();
    let check = |path: &str, content_type: &str, length: usize, expected: &str| {
        let mut stream = UnixStream::connect(host.socket()).unwrap();
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}");
        write!(stream, "{head}\r\nContent-Length: {length}\r\n\r\n").unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        assert_eq!(String::from_utf8_lossy(&status), format!("HTTP/1.1 {expected}"), "{path}");
        // A sender that writes on without looking must not be cut off: it would never read what was said.
        stream.write_all(&vec![b'x'; REST]).unwrap();
    };
    check("/api-plugin/v4/nothing", "application/json", REST, "404");
    check("/api-plugin/v4//action", "application/json", REST, "301");
    check(ACTION, "text/plain", REST, "400");
    check(ACTION, "application/json", 65 << 20, "413");
    check("/api/v3/plugin-apis/instance/none", "application/json", REST, "404");
}
