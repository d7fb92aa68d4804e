//! Rude at `publish`: requests that make events never wait for those who take them (`#5`).

use crate::rig::{Client, Rig, SHORT};

async fn rig(mode: &str) -> Rig {
    let rig = Rig::start().await;
    rig.run(mode).await;
    rig.until_in_service().await;
    rig
}

/// Events reach the plugin in the order in which they were made.
///
/// `#5`.
#[tokio::test]
async fn events_come_in_their_order() {
    let rig = rig("publish-print").await;
    Client::new(&rig.peer).await.post_events("ordered", 200).await;
    rig.until_logged(r#""Key":"199""#).await;
    let log = rig.log().await;
    let events = log.iter().filter(|line| line.starts_with("Plugin p1(so): event ") && line.contains("\"ordered\""));
    let keys: Vec<usize> = events.map(|line| key(line)).collect();
    assert_eq!(keys, (0..200).collect::<Vec<_>>());
    rig.end().await;
}

fn key(line: &str) -> usize {
    line.split_once(r#""Key":""#).unwrap().1.split('"').next().unwrap().parse().unwrap()
}

/// More events than fit its queue: the requests are answered, and what is lost is counted.
///
/// `#5`.
#[tokio::test]
async fn who_is_slow_loses_events_and_holds_nobody_up() {
    let rig = rig("publish-slow").await;
    Client::new(&rig.peer).await.post_events("storm", drp_core::limits::SUBSCRIBER_EVENTS_MAX + 200).await;
    rig.until_logged("events were lost: the plugin is too slow").await;
    rig.end().await;
}

/// `#3`.
#[tokio::test]
async fn who_never_answers_an_event_answers_actions() {
    let rig = Rig::start_with(|times| times.publish = SHORT).await;
    rig.run("publish-silent").await;
    rig.until_in_service().await;
    Client::new(&rig.peer).await.post_events("storm", 10).await;
    rig.until_logged("Event storm.happens was not taken: INVOKE: Plugin p1 did not answer an event within 500ms").await;
    rig.until_in_service().await;
    rig.end().await;
}

#[tokio::test]
async fn who_refuses_events_gets_the_next_ones() {
    let rig = rig("publish-error").await;
    Client::new(&rig.peer).await.post_events("storm", 10).await;
    rig.until_logged("Event storm.happens was not taken: plugin: no events").await;
    rig.end().await;
}

/// An event for each event never ends, and is never faster than its plugin.
#[tokio::test]
async fn who_makes_an_event_of_each_event_holds_nobody_up() {
    let rig = rig("publish-echo").await;
    for _ in 0..10 {
        Client::new(&rig.peer).await.post_events("spark", 10).await;
        rig.others_are_served().await;
        rig.until_in_service().await;
    }
    rig.end().await;
}
