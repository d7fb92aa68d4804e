//! Configurations.

use serde_json::json;

use crate::peer::{CONFIG, Host};

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
