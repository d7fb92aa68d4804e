//! Events and what comes of them.

use std::fs;

use drp_plugin::{Event, Machine, Model};
use serde_json::{Value, json};

use crate::start;

#[tokio::test]
async fn an_instance_comes_changes_and_goes_with_its_machine() {
    let host = start("machine-lifecycle").await;
    host.configure(json!({"machine-lifecycle/import": true, "machine-lifecycle/patience": 1})).await.unwrap();
    host.wait_for_log("comparing machines with instances").await;
    let make = async |name: &str, params: Value| {
        let machine = json!({"Name": name, "Params": params});
        host.client().objects::<Machine>().create(&machine).await.unwrap()
    };
    let ours = json!({"machine-plugin": "machine-lifecycle"});
    make("other", json!({})).await;
    let web = make("web", ours.clone()).await;
    host.wait_for_log("instance web runs at 10.0.0.7").await;
    assert_eq!(host.get::<Machine>(&web.key()).await.address.to_string(), "10.0.0.7");
    host.set_param(&web, "machine-lifecycle/size", 4).await;
    host.wait_for_log("instance web has size 4").await;

    make("lemon1", ours).await;
    host.wait_for_log("taken back: make instance lemon1").await;
    host.client().objects::<Machine>().delete(&web.key()).await.unwrap();
    host.wait_for_log("instance web is deleted").await;

    // What happens while the provider is cut off, it finds when it is back.
    host.act_on_system::<()>("stray", json!({})).await.unwrap();
    host.drop_connections();
    host.wait_for_log("instance stray is a machine now").await;
    let stray: Machine = host.client().objects().get("Name:stray").await.unwrap();
    assert_eq!(stray.params.get("machine-plugin").unwrap().as_string().as_deref(), Some("machine-lifecycle"));
    let stopped = host.stop().await;
    assert!(!stopped.logged("instance other"));
}

#[tokio::test]
async fn events_are_in_the_file_in_their_order_when_the_sink_has_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (dir.path().join("first"), dir.path().join("second"));
    let host = start("event-sink").await;
    let bad = host.configure(json!({"event-sink/path": "/no/such/directory/file"})).await.unwrap_err();
    assert!(bad.to_string().contains("cannot open"), "{bad}");
    host.configure(json!({"event-sink/path": first, "event-sink/events": ["sheep.*.*"]})).await.unwrap();
    emit_and_wait(&host, "sheep", 50).await;
    host.configure(json!({"event-sink/path": second, "event-sink/events": ["goats.*.*"]})).await.unwrap();
    emit_and_wait(&host, "goats", 3).await;
    host.emit("goats", "bleat", "last", json!({})).await;
    emit_and_wait(&host, "goats", 5).await;
    assert!(host.stop().await.error.is_none());
    let counted = |path| {
        let text: String = fs::read_to_string(path).unwrap();
        let events = text.lines().map(|line| serde_json::from_str::<Event>(line).unwrap());
        events.map(|event| format!("{} {}", event.type_, event.object.get())).collect::<Vec<_>>()
    };
    assert_eq!(counted(&first), (0..50).map(|n| format!("sheep {n}")).collect::<Vec<_>>());
    assert_eq!(counted(&second).len(), 9);
}

/// Emits events about one object and waits until as many more are written.
async fn emit_and_wait(host: &drp_test::TestHost, type_: &str, count: u64) {
    let written = || async {
        let written: Value = host.act_on_system("written", json!({})).await.unwrap();
        written["written"].as_u64().unwrap()
    };
    let before = written().await;
    for number in 0..count {
        host.emit(type_, "bleat", "dolly", number).await;
    }
    let all = async {
        while written().await < before + count {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), all).await.unwrap();
}

#[tokio::test]
async fn every_event_is_posted_where_a_provider_asks_for_the_deprecated_way() {
    let host = start("synchronous-publish").await;
    assert!(host.provider().has_publish);
    host.configure(json!({})).await.unwrap();
    let machine = host.machine("m1").await;
    host.wait_for_log(&format!("posted: machines.create.{}", machine.key())).await;
    assert!(host.act_on_system::<u64>("count", json!({})).await.unwrap() >= 1);
    host.stop().await;
}

#[tokio::test]
async fn a_plugin_raises_events_lists_objects_and_leaves() {
    let host = start("talking-back").await;
    host.configure(json!({})).await.unwrap();
    let machine = host.machine("m1").await;
    assert_eq!(host.act("report", &machine, json!({"talking-back/degrees": 20})).await, Ok(false));
    assert_eq!(host.act("report", &machine, json!({"talking-back/degrees": 90})).await, Ok(true));
    let alarm = host.wait_for_event("alarms.raised.*").await;
    assert_eq!((alarm.key, alarm.object.get()), (machine.key(), r#"{"Machine":"m1","Degrees":90}"#));
    assert_eq!(host.act_on_system("count", json!({"talking-back/type": "machines"})).await, Ok(1));
    let unknown = host.act_on_system::<usize>("count", json!({"talking-back/type": "unicorns"})).await.unwrap_err();
    assert_eq!(unknown.code, 404);
    host.act_on_system::<()>("retire", json!({})).await.unwrap();
    host.wait_for_log("there is nothing left to do").await;
    host.stop().await;
}
