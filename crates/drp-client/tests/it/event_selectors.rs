//! Selectors of a stream that is open already.

use std::time::Duration;

use drp_client::{Client, ClientErrorKind, EventStream};
use drp_core::{Selector, limits};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    peer::soon,
    ws_peer::{Side, WsPeer, echo, next},
};

fn selectors(texts: &[&str]) -> Vec<Selector> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// Changes the selectors while the server expects these commands.
async fn change(stream: &mut EventStream, side: &mut Side, to: &[&str], commands: &[(&str, &str)]) {
    let expect = async {
        for (word, selector) in commands {
            side.expect_commands(word, &[selector]).await;
        }
    };
    let (changed, ()) = tokio::join!(soon(stream.set_selectors(selectors(to))), expect);
    changed.unwrap();
}

#[tokio::test]
async fn what_is_new_is_registered_before_what_goes_is_deregistered_and_what_stays_is_left_alone() {
    let peer = WsPeer::start().await;
    let (mut stream, mut side) = peer.stream(&peer.client(), &["machines.create.*", "machines.update.*"]).await;
    let commands = [("register", "jobs.*.*"), ("deregister", "machines.create.*")];
    change(&mut stream, &mut side, &["machines.update.*", "jobs.*.*", "jobs.*.*"], &commands).await;
    side.send_event("stays").await;
    side.send(r#"{"Type":"machines","Action":"create","Key":"gone"}"#).await;
    side.send(r#"{"Type":"jobs","Action":"create","Key":"new"}"#).await;
    assert_eq!(next(&mut stream).await, "stays");
    assert_eq!(next(&mut stream).await, "new");
    assert_eq!(stream.selectors().to_vec(), selectors(&["machines.update.*", "jobs.*.*"]));

    // The same once more is nothing to do.
    change(&mut stream, &mut side, &["jobs.*.*", "machines.update.*"], &[]).await;
    change(&mut stream, &mut side, &[], &[("deregister", "jobs.*.*"), ("deregister", "machines.update.*")]).await;
    let close = tokio::spawn(stream.close());
    assert!(matches!(side.receive().await, Message::Close(_)));
    drop(side);
    soon(close).await.unwrap();
}

#[tokio::test]
async fn events_that_come_in_the_middle_of_a_change_are_not_lost() {
    let peer = WsPeer::start().await;
    let (mut stream, mut side) = peer.stream(&peer.client(), &["machines.update.*"]).await;
    let serve = async {
        assert_eq!(side.receive().await, Message::text("register machines.*.*"));
        side.send_event("old selector").await;
        side.send(echo("register", "machines.*.*")).await;
        side.send(r#"{"Type":"machines","Action":"create","Key":"new selector"}"#).await;
        assert_eq!(side.receive().await, Message::text("deregister machines.update.*"));
        side.send_event("both").await;
        side.send(echo("deregister", "machines.update.*")).await;
    };
    let (changed, ()) = tokio::join!(soon(stream.set_selectors(selectors(&["machines.*.*"]))), serve);
    changed.unwrap();
    for expected in ["old selector", "new selector", "both"] {
        assert_eq!(next(&mut stream).await, expected);
    }
}

#[tokio::test]
async fn a_connection_that_is_lost_in_the_middle_of_a_change_comes_back_with_the_new_selectors() {
    let peer = WsPeer::start().await;
    let (mut stream, mut side) = peer.stream(&peer.client(), &["machines.update.*"]).await;
    let serve = async {
        assert_eq!(side.receive().await, Message::text("register jobs.*.*"));
        drop(side);
        let mut side = peer.accept().await;
        side.expect_commands("register", &["jobs.*.*"]).await;
        side
    };
    let (changed, mut side) = tokio::join!(soon(stream.set_selectors(selectors(&["jobs.*.*"]))), serve);
    changed.unwrap();
    side.send(r#"{"Type":"jobs","Action":"create","Key":"1"}"#).await;
    assert_eq!(next(&mut stream).await, "Resynced");
    assert_eq!(next(&mut stream).await, "1");
}

#[tokio::test]
async fn a_change_while_the_server_is_away_counts_when_it_is_back() {
    let peer = WsPeer::start().await;
    let mut config = peer.config();
    config.request_time = Duration::from_millis(200);
    let (mut stream, side) = peer.stream(&Client::new(config).unwrap(), &["machines.update.*"]).await;
    drop(side);
    let error = soon(stream.set_selectors(selectors(&["jobs.*.*"]))).await.unwrap_err();
    assert_eq!(error.chain(), "changing the selectors of an event stream failed: no answer within 200ms");
    loop {
        let mut side = peer.accept().await;
        // An attempt from before the change may still stand in the queue of connections.
        if side.receive().await == Message::text("register jobs.*.*") {
            side.send(echo("register", "jobs.*.*")).await;
            assert_eq!(next(&mut stream).await, "Resynced");
            break;
        }
    }
}

#[tokio::test]
async fn too_many_selectors_change_nothing() {
    let peer = WsPeer::start().await;
    let (mut stream, mut side) = peer.stream(&peer.client(), &["machines.update.*"]).await;
    let many: Vec<Selector> =
        (0..limits::SELECTORS_PER_WEBSOCKET_MAX).map(|n| format!("a.b.{n}").parse().unwrap()).collect();
    let error = soon(stream.set_selectors(many)).await.unwrap_err();
    assert!(matches!(error.kind(), ClientErrorKind::Build(_)));
    side.send_event("1").await;
    assert_eq!(next(&mut stream).await, "1");
}

#[tokio::test]
async fn lists_and_escapes_go_to_the_server_as_they_are_and_count_for_what_comes() {
    let peer = WsPeer::start().await;
    let selector = r"machines,jobs.update , save.a\1b,c\2d.e";
    let (mut stream, mut side) = peer.stream(&peer.client(), &[selector]).await;
    let send = |type_: &str, action: &str, key: &str| {
        format!(r#"{{"Type":"{type_}","Action":"{action}","Key":"{key}","Object":null}}"#)
    };
    // A server that does not know lists may send too much; what was asked for is in the stream.
    for (type_, action, key) in [
        ("machines", "save", "a.b"),
        ("machines", "create", "a.b"),
        ("jobs", "update", "c,d.e"),
        ("jobs", "update", "c"),
    ] {
        side.send(send(type_, action, key)).await;
    }
    side.send(send("jobs", "save", "a.b")).await;
    assert_eq!(next(&mut stream).await, "a.b");
    assert_eq!(next(&mut stream).await, "c,d.e");
    assert_eq!(next(&mut stream).await, "a.b");
}
