//! The numbers of a plugin's life.

use std::{thread, time::Duration};

use raw_peer::eventually;
use serde_json::{Value, json};

use crate::peer::{ACTION, Probe, STOP, action};

/// The drain is 20 s.
const PATIENCE: Duration = Duration::from_secs(40);
const METRICS: &str = "/api/v3/plugin-apis/probe-1/metrics";

#[test]
fn without_its_hosts_sockets_a_thousand_lines_cost_no_memory() {
    const GROWTH_KB_MAX: u64 = 32_000;
    let probe = Probe::quiet();
    std::fs::remove_file(probe.dir.path().join("from")).unwrap();
    let before = probe.memory_kb();
    assert_eq!(probe.act("log", &json!({"probe/count": 1000})), (200, json!(1000)));
    let growth = probe.memory_kb().saturating_sub(before);
    assert!(growth < GROWTH_KB_MAX, "{growth} kB");
    assert_eq!(probe.act("seen", &json!({})).0, 200);
}

#[test]
fn a_stop_waits_for_an_action_of_3_s_and_cancels_one_of_60_s() {
    let outcome = |seconds: u32| {
        let mut probe = Probe::quiet();
        let socket = probe.socket();
        let acting = thread::spawn(move || {
            raw_peer::post_within(PATIENCE, &socket, ACTION, &action("sleep", &json!({"probe/seconds": seconds})))
        });
        eventually("it sleeps", || {
            let (_, counters) = raw_peer::send(&probe.socket(), "GET", METRICS, &[], "");
            counters.contains("drp_plugin_actions_running 1\n").then_some(())
        });
        assert_eq!(raw_peer::post_within(PATIENCE, &probe.socket(), STOP, &Value::Null).0, 200);
        assert!(probe.wait_for_exit().success());
        assert!(!probe.socket().exists());
        acting.join().unwrap()
    };
    let (short, long) = thread::scope(|scope| {
        let (short, long) = (scope.spawn(|| outcome(3)), scope.spawn(|| outcome(60)));
        (short.join().unwrap(), long.join().unwrap())
    });
    assert_eq!(short, (200, json!("slept")));
    assert!(long.0 == 503 && long.1["Messages"].to_string().contains("cancelled"), "{long:?}");
}
