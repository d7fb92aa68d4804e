//! Actions and their results.

use std::{
    thread,
    time::{Duration, Instant},
};

use raw_peer::send;
use serde_json::{Value, json};

use crate::peer::{ACTION, Probe};

#[test]
fn echo_gives_any_json_back_as_it_came() {
    let probe = Probe::quiet();
    for value in
        ["9007199254740993", "0.123456789", "1e-9", "null", "\"ü\"", r#"{"b":[1.10,{}],"a":18446744073709551616}"#]
    {
        let body = format!(r#"{{"Command":"echo","CommandSet":"system","Params":{{"probe/value":{value}}}}}"#);
        let answer = send(&probe.socket(), "POST", ACTION, &[("Content-Type", "application/json")], &body);
        assert_eq!(answer, (200, value.to_owned()));
    }
    let (status, body) = probe.act("echo", &json!({}));
    assert_eq!(status, 400);
    assert!(body["Messages"].to_string().contains("probe/value"), "{body}");
}

#[test]
fn sleep_sleeps_and_many_sleep_at_once() {
    let probe = Probe::quiet();
    let started = Instant::now();
    thread::scope(|scope| {
        for _ in 0..40 {
            scope.spawn(|| assert_eq!(probe.act("sleep", &json!({"probe/seconds": 0.5})), (200, json!("slept"))));
        }
    });
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(500) && took < Duration::from_secs(15), "{took:?}");
    assert_eq!(probe.act("sleep", &json!({"probe/seconds": -1})).0, 400);
    assert_eq!(probe.act("sleep", &json!({"probe/seconds": "x"})).0, 400);
}

#[test]
fn a_panic_is_an_error_without_a_trace_and_ends_nothing_else() {
    let probe = Probe::quiet();
    let (status, body) = probe.act("panic", &json!({}));
    assert_eq!((status, &body["Code"]), (500, &json!(500)));
    assert!(!body.to_string().contains("main.rs") && !body.to_string().contains("stack"), "{body}");
    probe.callbacks.wait_for_line("asked to panic");
    assert_eq!(probe.act("seen", &json!({})).0, 200);
}

#[test]
fn fail_answers_with_its_code_if_that_is_one() {
    let probe = Probe::quiet();
    let check = |code: i64, expected: u16| {
        let (status, body) = probe.act("fail", &json!({"probe/code": code, "probe/message": "the reason"}));
        assert_eq!((status, &body["Code"], &body["Messages"]), (expected, &json!(expected), &json!(["the reason"])));
    };
    for code in [400, 404, 409, 418, 500, 503, 599] {
        check(code, u16::try_from(code).unwrap());
    }
    for code in [0, 1, 200, 204, 302, 399, 600, -1, 1_000_000] {
        check(code, 500);
    }
}

#[test]
fn log_writes_its_lines_in_their_order_at_level_info() {
    let probe = Probe::quiet();
    assert_eq!(probe.act("log", &json!({"probe/count": 50})), (200, json!(50)));
    let last = probe.callbacks.wait_for_line("probe line 50");
    assert_eq!((&last["Level"], &last["Service"]), (&json!("info"), &json!("probe")));
    let lines = probe.callbacks.lines();
    let texts = lines.iter().filter_map(|line| line["Message"].as_str());
    let found: Vec<&str> = texts.filter(|text| text.starts_with("probe line ")).collect();
    let expected: Vec<String> = (1..=50).map(|n| format!("probe line {n}")).collect();
    assert_eq!(found, expected);
    assert_eq!(probe.act("log", &json!({"probe/count": 0})), (200, json!(0)));
}

#[test]
fn what_is_no_action_is_a_404_and_what_is_no_param_a_400() {
    let probe = Probe::quiet();
    assert_eq!(probe.act("nosuch", &json!({})).0, 404);
    let (status, body) = probe.act("fail", &json!({"probe/code": "x"}));
    assert_eq!(status, 400);
    let messages = body["Messages"].to_string();
    assert!(messages.contains("probe/code") && messages.contains("probe/message"), "{messages}");
    let machines = |model: Value| json!({"Command": "store", "CommandSet": "machines", "Model": model, "Params": {}});
    for model in [Value::Null, json!({}), json!({"Uuid": "zz"}), json!([])] {
        let (status, body) = probe.post(ACTION, &machines(model));
        assert!(status == 400 && body.to_string().contains("Model"), "{body}");
    }
}
