//! Configurations, good and bad.

use std::thread;

use raw_peer::{Api, eventually};
use serde_json::{Value, json};

use crate::peer::{CONFIG, Probe};

#[test]
fn one_error_names_every_wrong_param_and_the_old_configuration_stays() {
    let probe = Probe::quiet();
    let (status, body) = probe.post(
        CONFIG,
        &json!({
            "Name": "probe-1",
            "probe/limit": 101,
            "probe/mode": "sideways",
            "probe/events": ["probe.*.*", "no selector"],
            "probe/handler_ms": -1,
            "probe/handler_fail": "x",
        }),
    );
    assert!((400..500).contains(&status) && body["Code"] == json!(status), "{status} {body}");
    let messages = body["Messages"].to_string();
    for name in ["token", "limit", "mode", "events", "handler_ms", "handler_fail"] {
        assert!(messages.contains(&format!("probe/{name}")), "{name} in {messages}");
    }
    assert!(messages.contains("no selector"), "the selector is named: {messages}");
    assert_eq!(probe.act("secret", &json!({})), (200, json!(crate::peer::TOKEN.len())));
}

#[test]
fn params_are_bounded_and_others_ignored() {
    let probe = Probe::start();
    let check = |param: &str, value: Value, expected: u16| {
        let (status, body) = probe.try_configure(&json!({"probe/events": [], param: value}));
        assert_eq!(status, expected, "{param}: {body}");
        if expected == 400 {
            assert!(body["Messages"].to_string().contains(param), "{param} in {body}");
        }
    };
    for (value, expected) in [(json!(1), 200), (json!(100), 200), (json!(5.0), 200), (json!(0), 400), (json!(101), 400)]
    {
        check("probe/limit", value, expected);
    }
    check("probe/limit", json!(1.5), 400);
    check("probe/limit", json!("10"), 400);
    check("probe/mode", json!("slow"), 200);
    check("probe/mode", json!("Slow"), 400);
    check("probe/handler_ms", json!(0), 200);
    check("probe/handler_ms", json!(-1), 400);
    check("probe/handler_fail", json!(true), 200);
    check("probe/handler_fail", json!(1), 400);
    check("probe/token", json!(5), 400);
    check("probe/token", Value::Null, 400);
    check("somebody/else", json!({"any": ["thing"]}), 200);
}

#[test]
fn nothing_runs_before_the_first_good_configuration() {
    let probe = Probe::start();
    assert_eq!(probe.act("seen", &json!({})).0, 409);
    assert_eq!(probe.post(CONFIG, &json!({})).0, 400);
    assert_eq!(probe.act("seen", &json!({})).0, 409);
    probe.configure(&json!({"probe/events": []}));
    assert_eq!(probe.act("seen", &json!({})).0, 200);
}

#[test]
fn two_hundred_in_a_row_and_fifty_at_once_leave_nothing_behind() {
    const GROWTH_KB_MAX: u64 = 4000;
    let api = Api::events();
    let probe = &Probe::under(api.endpoint());
    let configure = |n: u32| probe.try_configure(&json!({"probe/limit": n % 100 + 1})).0;
    let at_once = || {
        thread::scope(|scope| {
            let posts: Vec<_> = (0..50).map(|n| scope.spawn(move || configure(n))).collect();
            posts.into_iter().map(|post| post.join().unwrap()).collect::<Vec<u16>>()
        })
    };
    // What is made once is there by then.
    at_once();
    let (descriptors, threads, memory) = (probe.count("fd"), probe.count("task"), probe.memory_kb());
    assert!((0..200).all(|n| configure(n) == 200));
    let answers = at_once();
    // One that waits while a later one arrives is overtaken.
    assert!(answers.contains(&200) && answers.iter().all(|status| matches!(status, 200 | 409)), "{answers:?}");
    eventually("descriptors and threads are as before", || {
        (probe.count("fd") <= descriptors && probe.count("task") <= threads).then_some(())
    });
    let growth = probe.memory_kb().saturating_sub(memory);
    assert!(growth < GROWTH_KB_MAX, "{growth} kB");
    api.wait_until_registered(&["probe.*.*"]);
}
