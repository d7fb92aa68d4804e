//! Event streams against a websocket server that does what real ones do, and worse.

use std::{path::Path, time::Duration};

use drp_client::{Client, ClientErrorKind, StreamItem};
use drp_core::{Selector, limits};
use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    peer::soon,
    ws_peer::{WsPeer, echo, event, next},
};

#[tokio::test]
async fn a_stream_opens_when_all_echoes_came_and_events_between_them_are_not_lost() {
    let peer = WsPeer::start().await;
    let client = peer.client();
    let selectors: Vec<Selector> =
        ["machines.update.*", "jobs.*.*", "jobs.*.*"].iter().map(|text| text.parse().unwrap()).collect();
    let open = tokio::spawn(async move { client.events(selectors).await });
    let mut side = peer.accept().await;
    // The same selector is registered once.
    for selector in ["machines.update.*", "jobs.*.*"] {
        assert_eq!(side.receive().await, Message::text(format!("register {selector}")));
    }
    // Echoes may come in any order; one that nobody waits for counts for nothing.
    side.send(echo("register", "jobs.*.*")).await;
    side.send(echo("register", "other.*.*")).await;
    side.send(echo("deregister", "machines.update.*")).await;
    side.send_event("early").await;
    side.wait_until_read().await;
    assert!(!open.is_finished());
    side.send(echo("register", "machines.update.*")).await;
    let mut stream = soon(open).await.unwrap().unwrap();
    side.send_event("late").await;
    assert_eq!(next(&mut stream).await, "early");
    assert_eq!(next(&mut stream).await, "late");
}

#[tokio::test]
async fn closing_deregisters_and_says_goodbye() {
    let peer = WsPeer::start().await;
    let selectors = ["machines.create.*", "machines.delete.*"];
    let (stream, mut side) = peer.stream(&peer.client(), &selectors).await;
    let close = tokio::spawn(stream.close());
    side.expect_commands("deregister", &selectors).await;
    let Message::Close(Some(frame)) = side.receive().await else { panic!("no close frame") };
    assert_eq!(u16::from(frame.code), 1000);
    assert!(soon(side.socket.next()).await.is_none());
    soon(close).await.unwrap();

    // Dropping it does the same in the background.
    let (stream, mut side) = peer.stream(&peer.client(), &selectors).await;
    drop(stream);
    side.expect_commands("deregister", &selectors).await;
}

#[tokio::test]
async fn closing_does_not_wait_for_ever() {
    let peer = WsPeer::start().await;
    let mut config = peer.config();
    config.event_times.echo = Duration::from_millis(300);
    let (stream, _mute) = peer.stream(&Client::new(config).unwrap(), &["*.*.*"]).await;
    soon(stream.close()).await;
}

#[tokio::test]
async fn a_recorded_servers_frames_are_understood() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/wire/listen-eventselect.jsonl");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: {} is absent", path.display());
        return;
    };
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // The first session: up to the server's answer to the close frame.
    let end = lines.iter().position(|line| line["dir"] == "ws server->client" && line["ws_opcode"] == 8).unwrap();
    let frames = |dir: &str| {
        let texts = lines[..end].iter().filter(move |line| line["dir"] == dir && line["ws_opcode"] == 1);
        texts.map(|line| line["body"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (commands, answers) = (frames("ws client->server"), frames("ws server->client"));
    assert_eq!((commands.len(), answers.len()), (4, 6));

    let peer = WsPeer::start().await;
    let client = peer.client();
    let opening = tokio::spawn(async move {
        client.events(vec!["machines.create.*".parse().unwrap(), "machines.delete.*".parse().unwrap()]).await
    });
    let mut side = peer.accept().await;
    for command in &commands[..2] {
        assert_eq!(side.receive().await, Message::text(command.clone()));
    }
    for answer in &answers[..4] {
        side.send(answer.clone()).await;
    }
    let mut stream = soon(opening).await.unwrap().unwrap();
    for action in ["create", "delete"] {
        let Some(StreamItem::Event(event)) = soon(stream.next()).await else { panic!("no event") };
        assert_eq!((event.type_.as_str(), event.action.as_str()), ("machines", action));
        assert!(event.object.get().contains(r#""Name":"sel-1795334521.example.com""#));
    }
    let closing = tokio::spawn(stream.close());
    for command in &commands[2..] {
        assert_eq!(side.receive().await, Message::text(command.clone()));
    }
    for answer in &answers[4..] {
        side.send(answer.clone()).await;
    }
    assert!(matches!(side.receive().await, Message::Close(Some(frame)) if u16::from(frame.code) == 1000));
    let _ = soon(side.socket.next()).await;
    soon(closing).await.unwrap();
}

#[tokio::test]
async fn a_cut_connection_is_made_again_and_the_gap_is_told() {
    let peer = WsPeer::start().await;
    let (mut stream, mut side) = peer.stream(&peer.client(), &["machines.*.*"]).await;
    side.send_event("1").await;
    side.wait_until_read().await;
    drop(side);
    // The server is away for a while: it takes connections and drops them.
    for _ in 0..3 {
        drop(soon(peer.listener.accept()).await.unwrap());
    }
    let mut side = peer.accept().await;
    side.expect_commands("register", &["machines.*.*"]).await;
    side.send_event("2").await;
    assert_eq!(next(&mut stream).await, "1");
    assert_eq!(next(&mut stream).await, "Resynced");
    assert_eq!(next(&mut stream).await, "2");

    // So is one that the server closes, for instance because the reader stayed behind.
    side.socket.close(None).await.unwrap();
    let mut side = peer.accept().await;
    side.expect_commands("register", &["machines.*.*"]).await;
    assert_eq!(next(&mut stream).await, "Resynced");
}

#[tokio::test]
async fn a_half_open_connection_is_noticed_by_its_silence() {
    let peer = WsPeer::start().await;
    let mut config = peer.config();
    config.event_times.ping = Duration::from_millis(50);
    config.event_times.silence = Duration::from_millis(400);
    let (mut stream, stalled) = peer.stream(&Client::new(config).unwrap(), &["machines.*.*"]).await;
    // The first connection stays open, but nobody reads it, so no ping is answered.
    let mut side = peer.accept().await;
    side.expect_commands("register", &["machines.*.*"]).await;
    side.send_event("1").await;
    assert_eq!(next(&mut stream).await, "Resynced");
    assert_eq!(next(&mut stream).await, "1");
    drop(stalled);
}

#[tokio::test]
async fn pings_keep_a_quiet_connection() {
    let peer = WsPeer::start().await;
    let mut config = peer.config();
    config.event_times.ping = Duration::from_millis(20);
    config.event_times.silence = Duration::from_secs(10);
    let (mut stream, mut side) = peer.stream(&Client::new(config).unwrap(), &["machines.*.*"]).await;
    for _ in 0..5 {
        assert!(matches!(soon(side.socket.next()).await.unwrap().unwrap(), Message::Ping(_)));
    }
    side.send_event("1").await;
    assert_eq!(next(&mut stream).await, "1");
}

#[tokio::test]
async fn a_slow_reader_is_told_what_it_lost_and_never_holds_up_the_connection() {
    let peer = WsPeer::start().await;
    let (mut stream, mut side) = peer.stream(&peer.client(), &["machines.*.*"]).await;
    let lost = 500;
    for n in 0..limits::SUBSCRIBER_EVENTS_MAX + lost {
        side.socket.feed(Message::text(event(&n.to_string()))).await.unwrap();
    }
    side.wait_until_read().await;
    assert_eq!(next(&mut stream).await, format!("Lagged({lost})"));
    for n in lost..limits::SUBSCRIBER_EVENTS_MAX + lost {
        assert_eq!(next(&mut stream).await, n.to_string());
    }
}

#[tokio::test]
async fn the_servers_own_losses_are_told_and_malformed_frames_are_counted() {
    let peer = WsPeer::start().await;
    let (mut stream, mut side) = peer.stream(&peer.client(), &["machines.*.*"]).await;
    side.send("{").await;
    side.socket.send(Message::binary(b"{}".to_vec())).await.unwrap();
    side.send(r#"{"Type":"jobs","Action":"create","Key":"not asked for"}"#).await;
    side.send(r#"{"Type":"websocket","Action":"lagged","Key":"","Object":17}"#).await;
    side.send_event("1").await;
    // Two of them may have been meant to be events.
    assert_eq!(next(&mut stream).await, "Lagged(19)");
    assert_eq!(next(&mut stream).await, "1");
    assert_eq!(stream.malformed(), 2);
}

#[tokio::test]
async fn a_first_connection_that_fails_is_an_error() {
    let selectors = || vec!["*.*.*".parse().unwrap()];
    let refusing = crate::peer::Peer::script(vec![crate::peer::json(
        "403 Forbidden",
        r#"{"Model":"system","Key":"","Type":"","Messages":["Invalid token: x"],"Code":403}"#,
    )])
    .await;
    let error = soon(refusing.client().events(selectors())).await.unwrap_err();
    assert!(error.is_unauthenticated() && error.chain().ends_with(": system: Invalid token: x"), "{}", error.chain());

    let peer = WsPeer::start().await;
    let mut config = peer.config();
    config.event_times.echo = Duration::from_millis(50);
    let client = Client::new(config).unwrap();
    let (opened, _mute) = tokio::join!(soon(client.events(selectors())), peer.accept());
    assert!(matches!(opened.unwrap_err().kind(), ClientErrorKind::Timeout(_)));

    let many = (0..=limits::SELECTORS_PER_WEBSOCKET_MAX).map(|n| format!("a.b.{n}").parse().unwrap()).collect();
    assert!(matches!(soon(client.events(many)).await.unwrap_err().kind(), ClientErrorKind::Build(_)));
}

#[tokio::test]
async fn as_many_selectors_as_allowed_are_registered() {
    let peer = WsPeer::start().await;
    let texts: Vec<String> = (0..limits::SELECTORS_PER_WEBSOCKET_MAX).map(|n| format!("machines.update.{n}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let (mut stream, mut side) = peer.stream(&peer.client(), &texts).await;
    side.send_event("7").await;
    assert_eq!(next(&mut stream).await, "7");
}
