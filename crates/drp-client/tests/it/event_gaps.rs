//! Where events are lost, and where the reader of a stream is told of it.

use std::time::Duration;

use drp_client::{Client, ClientErrorKind, Credentials, StreamItem};
use drp_core::limits;
use futures_util::SinkExt;
use tokio_tungstenite::tungstenite::Message;

use crate::{
    peer::{Reply, Seen, json, serve, soon},
    ws_peer::{Side, WsPeer, echo, event, next},
};

#[tokio::test]
async fn what_comes_while_selectors_are_registered_again_stands_behind_the_gap() {
    let peer = WsPeer::start().await;
    let selectors = ["machines.update.*", "jobs.update.*"];
    let (mut stream, mut side) = peer.stream(&peer.client(), &selectors).await;
    side.send_event("old").await;
    side.wait_until_read().await;
    drop(side);

    // Half of them are registered, an event comes, and the connection is lost again: that is one gap.
    let mut half = peer.accept().await;
    half.receive().await;
    half.send(echo("register", "machines.update.*")).await;
    half.send_event("in the gap").await;
    half.wait_until_read().await;
    drop(half);

    let mut side = peer.accept().await;
    side.receive().await;
    side.send(echo("register", "machines.update.*")).await;
    side.send_event("first").await;
    side.receive().await;
    side.send(echo("register", "jobs.update.*")).await;
    side.send_event("second").await;
    for expected in ["old", "Resynced", "first", "second"] {
        assert_eq!(next(&mut stream).await, expected);
    }
}

#[tokio::test]
async fn a_server_that_never_echoes_again_is_tried_until_one_does() {
    let peer = WsPeer::start().await;
    let mut config = peer.config();
    config.event_times.echo = Duration::from_millis(200);
    let (mut stream, side) = peer.stream(&Client::new(config).unwrap(), &["machines.*.*"]).await;
    drop(side);
    let mute = peer.accept().await;
    let mut talkative = peer.accept().await;
    // Events are no echoes, however many there are.
    let talk = async {
        let mut count = 0;
        while talkative.socket.send(Message::text(event("x"))).await.is_ok() {
            count += 1;
        }
        count
    };
    assert!(soon(talk).await > 0);
    let mut side = peer.accept().await;
    side.expect_commands("register", &["machines.*.*"]).await;
    side.send_event("1").await;
    assert_eq!(next(&mut stream).await, "Resynced");
    assert_eq!(next(&mut stream).await, "1");
    drop(mute);
}

#[tokio::test]
async fn only_so_many_bytes_wait_for_a_slow_reader() {
    let peer = WsPeer::start().await;
    let (mut stream, mut side) = peer.stream(&peer.client(), &["machines.*.*"]).await;
    // A tenth of what may wait, each: of 15, nine fit with what is around them.
    let filler = "x".repeat(limits::SUBSCRIBER_EVENT_BYTES_MAX / 10);
    for n in 0..15 {
        let text = event(&n.to_string()).replace("{}", &format!("\"{filler}\""));
        side.send(text).await;
    }
    side.wait_until_read().await;
    assert_eq!(next(&mut stream).await, "Lagged(6)");
    for n in 6..15 {
        assert_eq!(next(&mut stream).await, n.to_string());
    }
}

#[tokio::test]
async fn a_slow_subscriber_does_not_hold_up_another_of_the_same_client() {
    let peer = WsPeer::start().await;
    let client = peer.client();
    let (mut slow, mut to_slow) = peer.stream(&client, &["machines.*.*"]).await;
    let (mut quick, mut to_quick) = peer.stream(&client, &["machines.*.*"]).await;
    let all = limits::SUBSCRIBER_EVENTS_MAX * 2;
    for n in 0..all {
        to_slow.socket.feed(Message::text(event(&n.to_string()))).await.unwrap();
        to_quick.send_event(&n.to_string()).await;
        assert_eq!(next(&mut quick).await, n.to_string());
    }
    to_slow.wait_until_read().await;
    assert_eq!(next(&mut slow).await, format!("Lagged({})", all - limits::SUBSCRIBER_EVENTS_MAX));
}

#[tokio::test]
async fn many_cuts_that_nobody_read_about_are_one_gap() {
    let peer = WsPeer::start().await;
    let (mut stream, mut side) = peer.stream(&peer.client(), &["machines.*.*"]).await;
    for _ in 0..5 {
        drop(side);
        side = peer.accept().await;
        side.expect_commands("register", &["machines.*.*"]).await;
        side.wait_until_read().await;
    }
    side.send_event("1").await;
    assert_eq!(next(&mut stream).await, "Resynced");
    assert_eq!(next(&mut stream).await, "1");
}

#[tokio::test]
async fn order_is_kept_for_each_object() {
    let peer = WsPeer::start().await;
    let (mut stream, mut side) = peer.stream(&peer.client(), &["machines.*.*"]).await;
    for n in 0..900 {
        let text = event(&format!("m{}", n % 7)).replace("{}", &n.to_string());
        side.socket.feed(Message::text(text)).await.unwrap();
    }
    side.socket.flush().await.unwrap();
    let mut last = std::collections::HashMap::new();
    for _ in 0..900 {
        let Some(StreamItem::Event(event)) = soon(stream.next()).await else { panic!("no event") };
        let n: u64 = event.object.parse().unwrap();
        assert!(last.insert(event.key, n).is_none_or(|before| before < n));
    }
    assert_eq!(last.len(), 7);
}

#[tokio::test]
async fn a_registration_that_is_never_echoed_is_named() {
    let peer = WsPeer::start().await;
    let mut config = peer.config();
    config.event_times.echo = Duration::from_millis(300);
    let client = Client::new(config).unwrap();
    let open =
        tokio::spawn(
            async move { client.events(vec!["machines.*.*".parse().unwrap(), "jobs.*.*".parse().unwrap()]).await },
        );
    let mut side = peer.accept().await;
    side.send(echo("register", "machines.*.*")).await;
    side.send(echo("register", "other.*.*")).await;
    let error = soon(open).await.unwrap().unwrap_err();
    assert_eq!(error.chain(), "websocket command `register jobs.*.*` failed: no answer within 300ms");
    assert!(matches!(error.kind(), ClientErrorKind::Timeout(_)));
}

#[tokio::test]
async fn a_registration_that_is_refused_says_why() {
    let peer = WsPeer::start().await;
    let client = peer.client();
    let open = tokio::spawn(async move { client.events(vec!["machines.*.*".parse().unwrap()]).await });
    let mut side = peer.accept().await;
    side.send(
        r#"{"Type":"websocket","Action":"error","Key":"register machines.*.*","Object":{"Messages":["too many"],"Code":400}}"#,
    )
    .await;
    let error = soon(open).await.unwrap().unwrap_err();
    assert_eq!(error.chain(), "websocket command `register machines.*.*` failed: the server answered 400: : too many");
}

#[tokio::test]
async fn a_token_that_ended_is_replaced_when_the_connection_is_made_again() {
    let peer = WsPeer::start().await;
    let mut config = peer.config();
    config.credentials = Credentials::UserPassword("bob".to_owned(), "s3cret".into());
    let client = Client::new(config).unwrap();
    let log_in = async |token: &str| {
        let (stream, _) = soon(peer.listener.accept()).await.unwrap();
        let body = format!(r#"{{"Token":"{token}"}}"#);
        let reply = json("200 OK", &body);
        let asked = |request: &Seen| {
            assert_eq!(request.line, "GET /api/v3/users/bob/token");
            Reply { text: reply.text.clone(), close: true }
        };
        soon(serve(stream, asked)).await;
    };
    let websocket = async |token: &str| {
        let (stream, _) = soon(peer.listener.accept()).await.unwrap();
        Side::accept_only(stream, token).await
    };
    let open = tokio::spawn(async move { client.events(vec!["machines.*.*".parse().unwrap()]).await });
    log_in("token-1").await;
    let mut side = websocket("token-1").await.unwrap();
    side.expect_commands("register", &["machines.*.*"]).await;
    let mut stream = soon(open).await.unwrap().unwrap();
    drop(side);

    // The token ended meanwhile.
    assert!(websocket("token-2").await.is_none());
    log_in("token-2").await;
    let mut side = websocket("token-2").await.unwrap();
    side.expect_commands("register", &["machines.*.*"]).await;
    side.send_event("1").await;
    assert_eq!(next(&mut stream).await, "Resynced");
    assert_eq!(next(&mut stream).await, "1");
}
