//! Events over a websocket that a test cuts, stalls and floods.

use std::{
    thread,
    time::{Duration, Instant},
};

use raw_peer::{Api, event, eventually, eventually_within};
use serde_json::{Value, json};

use crate::peer::Probe;

/// A probe that sees the events of a server, configured with these params.
fn watching(params: &Value) -> (Api, Probe) {
    let api = Api::events();
    let probe = Probe::under(api.endpoint());
    probe.configure(params);
    (api, probe)
}

#[test]
fn own_events_are_handled_unless_a_configuration_says_others() {
    let (api, probe) = watching(&json!({}));
    api.wait_until_registered(&["probe.*.*"]);
    api.send("probe", "any", "key", &json!({}));
    probe.wait_until_seen("handled", 1);
    // The stream follows every good configuration, and no bad one.
    probe.configure(&json!({"probe/events": ["machines.update.*", "jobs.*.*"]}));
    api.wait_until_registered(&["machines.update.*", "jobs.*.*"]);
    assert_eq!(probe.try_configure(&json!({"probe/events": ["tasks.*.*", "bad"]})).0, 400);
    api.send("jobs", "create", "key", &json!({}));
    probe.wait_until_seen("handled", 2);
    api.wait_until_registered(&["machines.update.*", "jobs.*.*"]);
    probe.configure(&json!({}));
    api.wait_until_registered(&["probe.*.*"]);
    let expected = json!({"handled": 2, "out_of_order": 0, "lagged": 0, "resyncs": 0});
    assert_eq!(probe.act("seen", &json!({})), (200, expected));
}

#[test]
fn errors_count_and_panics_do_not() {
    let (api, probe) = watching(&json!({"probe/handler_fail": true}));
    api.wait_until_registered(&["probe.*.*"]);
    api.send("probe", "any", "key", &json!({}));
    probe.wait_until_seen("handled", 1);
    probe.callbacks.wait_for_line("asked to fail");
    for _ in 0..20 {
        api.send("probe", "panic", "key", &json!({}));
    }
    api.send("probe", "any", "key", &json!({}));
    probe.wait_until_seen("handled", 2);
    probe.callbacks.wait_for_line("asked to panic");
    // What is logged for an event must never become one.
    let lines = probe.callbacks.lines();
    let made_for_events = lines.iter().filter(|line| line["Message"].to_string().contains("asked to"));
    assert!(made_for_events.clone().count() > 1);
    made_for_events.for_each(|line| assert_eq!(line["IgnorePublish"], json!(true), "{line}"));
}

#[test]
fn a_slow_object_holds_up_itself_alone_and_keeps_its_order() {
    let (api, probe) = watching(&json!({"probe/handler_ms": 1}));
    api.wait_until_registered(&["probe.*.*"]);
    let started = Instant::now();
    api.send("probe", "any", "slow", &json!({"Seq": 1, "SleepMs": 4000}));
    api.send("probe", "any", "slow", &json!({"Seq": 2}));
    api.send_all((0..100).map(|n| event("probe", "any", &format!("key-{n}"), &json!({"Seq": 1}))));
    probe.wait_until_seen("handled", 100);
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    probe.wait_until_seen("handled", 102);
    assert!(started.elapsed() >= Duration::from_secs(4));
    assert_eq!(probe.seen("out_of_order"), 0);
}

#[test]
fn what_comes_out_of_order_is_judged() {
    let (api, probe) = watching(&json!({}));
    api.wait_until_registered(&["probe.*.*"]);
    for object in
        [json!({"Seq": 5}), json!({"Seq": 5}), json!({"Seq": 4}), json!({}), json!({"Seq": "x"}), json!({"Seq": 6})]
    {
        api.send("probe", "any", "key", &object);
    }
    api.send("probe", "any", "other", &json!({"Seq": 1}));
    probe.wait_until_seen("handled", 7);
    assert_eq!(probe.seen("out_of_order"), 2);
}

#[test]
fn of_ten_thousand_events_on_a_hundred_keys_each_is_handled_in_order_or_counted() {
    const EVENTS: u64 = 10_000;
    let (api, probe) = watching(&json!({"probe/handler_ms": 5}));
    api.wait_until_registered(&["probe.*.*"]);
    let before = probe.memory_kb();
    api.send_all((0..EVENTS).map(|n| event("probe", "flood", &format!("key-{}", n % 100), &json!({"Seq": n}))));
    eventually_within(Duration::from_secs(60), "every event is handled or counted", || {
        let (_, seen) = probe.act("seen", &json!({}));
        let all = seen["handled"].as_u64().unwrap() + seen["lagged"].as_u64().unwrap();
        (all == EVENTS).then_some(())
    });
    assert_eq!(probe.seen("out_of_order"), 0);
    let growth = probe.memory_kb().saturating_sub(before);
    assert!(growth < 64_000, "{growth} kB");
}

#[test]
fn a_websocket_that_is_cut_comes_back_and_the_gap_is_told_once() {
    let (api, probe) = watching(&json!({}));
    for cut in 1..=3 {
        api.wait_until_registered(&["probe.*.*"]);
        api.cut();
        api.wait_until_registered(&["probe.*.*"]);
        probe.wait_until_seen("resyncs", cut);
        api.send("probe", "any", "key", &json!({}));
        probe.wait_until_seen("handled", cut);
    }
    assert_eq!(probe.seen("lagged"), 0);
}

#[test]
fn a_websocket_that_is_half_open_is_noticed() {
    let (api, probe) = watching(&json!({}));
    api.wait_until_registered(&["probe.*.*"]);
    api.stall();
    eventually_within(Duration::from_secs(90), "it is registered again", || (api.told().len() == 2).then_some(()));
    probe.wait_until_seen("resyncs", 1);
    api.send("probe", "any", "key", &json!({}));
    probe.wait_until_seen("handled", 1);
}

#[test]
fn configurations_one_after_the_other_lose_no_event() {
    let (api, probe) = watching(&json!({}));
    api.wait_until_registered(&["probe.*.*"]);
    thread::scope(|scope| {
        let sender = scope.spawn(|| {
            for n in 0..200 {
                api.send("probe", "any", "key", &json!({"Seq": n}));
                thread::park_timeout(Duration::from_millis(2));
            }
        });
        for n in 0..20 {
            let more = if n % 2 == 0 { json!(["probe.*.*", "machines.*.*"]) } else { json!(["probe.*.*"]) };
            probe.configure(&json!({"probe/events": more}));
        }
        sender.join().unwrap();
    });
    eventually("all are handled", || (probe.seen("handled") == 200).then_some(()));
    assert_eq!((probe.seen("out_of_order"), probe.seen("resyncs")), (0, 0));
}
