//! Configurations.

use std::{io::Write, os::unix::net::UnixStream, thread};

use serde_json::{Value, json};

use raw_peer::eventually;

use crate::peer::{CONFIG, Host, STOP};

/// Makes `configure` wait for ever.
const FOR_EVER: u8 = 95;
/// Makes `configure` take its time.
const SLOW: u8 = 94;

fn config(limit: u8) -> Value {
    json!({"Name": "instance", "subject/token": "t0ken", "subject/limit": limit})
}

#[test]
fn every_problem_of_a_configuration_is_named_and_the_old_one_stays() {
    let host = Host::configured();
    let (status, body) = host.post(CONFIG, &json!({"Name": "instance", "subject/limit": 300}));
    assert_eq!(status, 400);
    let messages = body["Messages"].to_string();
    assert!(messages.contains("Params/subject/token: required") && messages.contains("Params/subject/limit"), "{body}");
    assert_eq!(host.act("limit", &json!({})), (200, json!(10)));
}

#[test]
fn a_good_configuration_takes_the_place_of_the_last() {
    let host = Host::configured();
    let (status, _) = host.post(CONFIG, &json!({"subject/token": "another-token", "subject/limit": 20.0}));
    assert_eq!((status, host.act("limit", &json!({}))), (200, (200, json!(20))));
}

#[test]
fn an_empty_configuration_is_a_configuration() {
    let host = Host::start();
    let (status, body) = raw_peer::send(&host.socket(), "POST", CONFIG, &[("Content-Type", "application/json")], "");
    assert_eq!(status, 400, "the token is required: {body}");
    assert!(body.contains("subject/token"));
}

#[test]
fn only_an_author_who_says_so_answers_403() {
    let host = Host::start();
    let (status, body) = host.post(CONFIG, &json!({"subject/token": "t0ken", "subject/limit": 99}));
    assert_eq!((status, &body["Messages"]), (500, &json!(["upstream refused"])));
    let (status, body) = host.post(CONFIG, &json!({"subject/token": "t0ken", "subject/limit": 98}));
    assert_eq!((status, &body["Messages"]), (403, &json!(["no licence"])));
}

#[test]
fn a_stop_ends_a_configuration_that_hangs_and_the_ones_behind_it() {
    let mut host = Host::start();
    let post = |limit: u8| {
        let socket = host.socket();
        thread::spawn(move || raw_peer::post(&socket, CONFIG, &config(limit)))
    };
    let hanging = post(FOR_EVER);
    host.callbacks.wait_for_line("configuring for ever");
    let waiting = post(1);
    assert_eq!(host.post(STOP, &Value::Null).0, 200);
    let (status, body) = hanging.join().unwrap();
    assert_eq!((status, &body["Messages"]), (503, &json!(["cancelled: the plugin is stopping"])));
    assert_eq!(waiting.join().unwrap().0, 503);
    assert!(host.wait_for_exit().success());
}

#[test]
fn of_many_configurations_at_once_the_last_one_counts_and_the_others_are_overtaken() {
    let host = Host::configured();
    let posts: Vec<_> = (1..=50)
        .map(|limit| {
            let socket = host.socket();
            thread::spawn(move || (raw_peer::post(&socket, CONFIG, &config(limit)).0, limit))
        })
        .collect();
    let mut answers: Vec<(u16, u8)> = posts.into_iter().map(|post| post.join().unwrap()).collect();
    answers.retain(|(status, _)| *status != 409);
    let (status, limit) = host.act("limit", &json!({}));
    assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
    assert!(status == 200 && answers.iter().any(|(_, good)| json!(good) == limit), "{limit} in {answers:?}");
}

#[test]
fn a_configuration_is_carried_out_though_its_caller_has_hung_up() {
    let host = Host::start();
    let body = config(SLOW).to_string();
    let mut caller = UnixStream::connect(host.socket()).unwrap();
    let length = body.len();
    let head =
        format!("POST {CONFIG} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}");
    write!(caller, "{head}\r\n\r\n{body}").unwrap();
    host.callbacks.wait_for_line("config is");
    drop(caller);
    let limit =
        eventually("it is configured", || Some(host.act("limit", &json!({}))).filter(|(status, _)| *status == 200));
    assert_eq!(limit.1, json!(SLOW));
}
