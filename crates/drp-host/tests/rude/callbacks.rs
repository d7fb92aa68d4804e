//! Rude on the callback socket.

use http::StatusCode;

use crate::rig::{Rig, counts};

async fn rig(mode: &str) -> Rig {
    let rig = Rig::start().await;
    rig.run(mode).await;
    rig
}

#[tokio::test]
async fn a_flood_of_log_lines_holds_nobody_up() {
    let rig = rig("serve-log-flood").await;
    rig.until_logged("again and again and again").await;
    for _ in 0..5 {
        rig.until_in_service().await;
        rig.others_are_served().await;
    }
    rig.end().await;
}

#[tokio::test]
async fn a_storm_of_events_holds_nobody_up() {
    let rig = rig("serve-event-flood").await;
    for _ in 0..5 {
        rig.until_in_service().await;
        rig.others_are_served().await;
    }
    rig.end().await;
}

#[tokio::test]
async fn what_is_no_callback_is_answered_and_nothing_more() {
    let rig = rig("serve-bad-callbacks").await;
    rig.until_logged("bad callbacks are over").await;
    let log = rig.log().await;
    let printed: Vec<&str> = log.iter().filter_map(|line| line.strip_prefix("Plugin p1(so): bad ")).collect();
    let statuses = printed.iter().filter_map(|line| line.split(" HTTP/1.1 ").nth(1)).map(|rest| &rest[..3]);
    let found = counts(statuses);
    assert!(found["400"] >= 16 && found["404"] >= 16, "{found:?}\n{printed:#?}");
    assert!(!found.contains_key("500"), "{printed:#?}");
    rig.until_in_service().await;
    rig.end().await;
}

#[tokio::test]
async fn bodies_of_100_mb_are_refused() {
    let rig = rig("serve-huge-callbacks").await;
    for path in ["log", "publish", "leaving"] {
        rig.until_logged(&format!("huge {path}: HTTP/1.1 413")).await;
    }
    rig.until_in_service().await;
    rig.end().await;
}

#[tokio::test]
async fn a_thousand_connections_hold_nobody_up() {
    let rig = rig("serve-connections").await;
    rig.until_in_service().await;
    rig.others_are_served().await;
    rig.end().await;
}

#[tokio::test]
async fn half_requests_hold_nobody_up() {
    let rig = rig("serve-half-callbacks").await;
    rig.until_logged("holding 50 halves").await;
    rig.until_in_service().await;
    rig.end().await;
}

/// A rule to keep: a plugin that leaves is stopped, and not started again.
#[tokio::test]
async fn who_leaves_is_stopped() {
    let rig = rig("serve-leave").await;
    rig.until_error(&["Plugin left: : tired"]).await;
    assert_eq!(rig.peer.call("GET", "/plugin_providers/rude-serve-leave", "").await.status, StatusCode::OK);
    rig.end().await;
}

/// A rule to keep: 403 takes the provider away, and `#36`: with a reason.
#[tokio::test]
async fn who_leaves_for_good_takes_its_provider_along() {
    let rig = rig("serve-leave-forbidden").await;
    rig.until_error(&["Missing Plugin Provider: rude-serve-leave-forbidden"]).await;
    assert_eq!(rig.errors().await[1], "Provider rude-serve-leave-forbidden withdrew: : licence expired");
    rig.end().await;
}
