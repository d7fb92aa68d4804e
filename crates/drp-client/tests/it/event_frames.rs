//! Frames and answers that are not what a websocket of events should hold.

use std::time::Duration;

use drp_client::{BadAnswer, ClientErrorKind};
use drp_core::limits;
use futures_util::SinkExt;
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use crate::{
    peer::{Peer, Reply, json, last_words, soon},
    ws_peer::{Side, WsPeer, event, next},
};

#[tokio::test]
async fn an_answer_that_is_no_websocket_is_a_clear_error() {
    let check = async |reply: fn() -> Reply, expected: &str| {
        let peer = Peer::start(move |_| reply()).await;
        let error = soon(peer.client().events(vec!["*.*.*".parse().unwrap()])).await.unwrap_err();
        assert!(error.chain().starts_with(expected), "{}\nis not\n{expected}", error.chain());
        error
    };
    let error = check(|| json("401 Unauthorized", ""), "GET ws failed: the server answered 401").await;
    assert!(error.is_unauthenticated());
    let unknown = || json("403 Forbidden", r#"{"Model":"system","Messages":["Invalid token: x"],"Code":403}"#);
    assert!(check(unknown, "GET ws failed: the server answered 403").await.is_unauthenticated());
    let denied = || json("403 Forbidden", r#"{"Type":"AUTH","Messages":["Cannot access URL"],"Code":403}"#);
    let error = check(denied, "GET ws failed: the server answered 403: AUTH: Cannot access URL").await;
    assert!(!error.is_unauthenticated());
    let error = check(|| json("404 Not Found", "nothing here"), "GET ws failed: the server answered 404").await;
    assert!(error.is_not_found());
    let redirect = || last_words("HTTP/1.1 302 Found\r\nLocation: https://elsewhere/\r\nContent-Length: 0\r\n\r\n");
    let error =
        check(redirect, "GET ws failed: the answer cannot be used: status 302 redirects to `https://elsewhere/`").await;
    assert!(matches!(error.kind(), ClientErrorKind::BadAnswer(BadAnswer::Redirect { .. })));
    let html = || last_words("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 15\r\n\r\n<html>Hi</html>");
    let error = check(html, "GET ws failed: the answer cannot be used: it is no websocket's").await;
    assert!(matches!(error.kind(), ClientErrorKind::BadAnswer(BadAnswer::Websocket(_))));
    check(|| last_words("SSH-2.0-OpenSSH_9.2\r\n"), "GET ws failed: the answer cannot be used: it is no websocket's")
        .await;
    check(|| last_words(""), "GET ws failed: ").await;
}

#[tokio::test]
async fn an_answer_that_never_ends_is_no_websocket_either() {
    let peer = WsPeer::start().await;
    let mut config = peer.config();
    config.connect_time = Duration::from_secs(5);
    let client = drp_client::Client::new(config).unwrap();
    let flood = async {
        let (mut stream, _) = peer.listener.accept().await.unwrap();
        let _ = stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\n").await;
        let mut sent = 0_usize;
        while stream.write_all(b"X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n").await.is_ok() {
            sent += 1;
        }
        sent
    };
    let (opened, sent) = tokio::join!(soon(client.events(vec!["*.*.*".parse().unwrap()])), soon(flood));
    let error = opened.unwrap_err();
    assert!(matches!(error.kind(), ClientErrorKind::BadAnswer(_)), "{} after {sent} lines", error.chain());
}

/// What is not an event is counted and told in its place; what follows is read.
#[tokio::test]
async fn frames_that_are_no_events_are_told_as_lost() {
    let peer = WsPeer::start().await;
    let (mut stream, mut side) = peer.stream(&peer.client(), &["*.*.*"]).await;
    let deep = format!(r#"{{"Type":"a","Action":"b","Object":{}}}"#, "[".repeat(200) + &"]".repeat(200));
    let bad = ["", "pong", "<html>", "[1]", "{}", r#"{"Kind":"b"}"#, r#"{"Type":7}"#, &deep];
    let mut count = 0;
    for text in bad {
        side.send(text).await;
        side.send_event("good").await;
        count += 1;
        assert_eq!(next(&mut stream).await, "Lagged(1)", "{text}");
        assert_eq!(next(&mut stream).await, "good");
        assert_eq!(stream.malformed(), count);
    }
    side.socket.send(Message::binary(event("binary").into_bytes())).await.unwrap();
    assert_eq!(next(&mut stream).await, "Lagged(1)");
}

#[tokio::test]
async fn a_message_in_pieces_is_one_event() {
    let peer = WsPeer::start().await;
    let (mut stream, mut side) = peer.stream(&peer.client(), &["machines.*.*"]).await;
    let text = event("in pieces →");
    let last = text.len() - 1;
    for (n, byte) in text.bytes().enumerate() {
        let data = if n == 0 { Data::Text } else { Data::Continue };
        side.socket.send(Message::Frame(Frame::message(vec![byte], OpCode::Data(data), n == last))).await.unwrap();
        if n == 10 {
            // What controls the connection may stand between the pieces.
            side.socket.send(Message::Ping(b"between"[..].into())).await.unwrap();
        }
    }
    assert_eq!(next(&mut stream).await, "in pieces →");
}

#[tokio::test]
async fn a_frame_of_64_mib_is_an_event_and_a_larger_one_costs_the_connection() {
    let peer = WsPeer::start().await;
    let (mut stream, mut side) = peer.stream(&peer.client(), &["machines.*.*"]).await;
    let of_bytes = |bytes: usize| {
        let around = event("large").len();
        event("large").replace("{}", &format!("\"{}\"", "x".repeat(bytes - around)))
    };
    let largest = of_bytes(limits::WS_MESSAGE_TO_CLIENT_BYTES_MAX);
    assert_eq!(largest.len(), limits::WS_MESSAGE_TO_CLIENT_BYTES_MAX);
    side.send(largest).await;
    assert_eq!(next(&mut stream).await, "large");

    // One byte more in one frame, or in two of them: not even read.
    let too_large = of_bytes(limits::WS_MESSAGE_TO_CLIENT_BYTES_MAX + 1).into_bytes();
    let (first, second) = too_large.split_at(too_large.len() / 2);
    let whole = vec![Frame::message(too_large.clone(), OpCode::Data(Data::Text), true)];
    let halves = vec![
        Frame::message(first.to_vec(), OpCode::Data(Data::Text), false),
        Frame::message(second.to_vec(), OpCode::Data(Data::Continue), true),
    ];
    for frames in [whole, halves] {
        for frame in frames {
            // The client may be gone before the last byte.
            let _ = side.socket.send(Message::Frame(frame)).await;
        }
        side = comes_back(&peer).await;
        side.send_event("after").await;
        assert_eq!(next(&mut stream).await, "Resynced");
        assert_eq!(next(&mut stream).await, "after");
    }
    assert_eq!(stream.malformed(), 0);
}

async fn comes_back(peer: &WsPeer) -> Side {
    let mut side = peer.accept().await;
    side.expect_commands("register", &["machines.*.*"]).await;
    side
}

#[tokio::test]
async fn what_breaks_the_rules_of_websockets_costs_the_connection() {
    let peer = WsPeer::start().await;
    let (mut stream, mut side) = peer.stream(&peer.client(), &["machines.*.*"]).await;
    let broken: [&[u8]; 5] = [
        // A text that is no UTF-8.
        b"\x81\x02\xff\xfe",
        // A frame of a kind that there is not.
        b"\x83\x01a",
        // A piece of a message that never began.
        b"\x80\x01a",
        // A frame that says it has 2^63 - 1 bytes.
        b"\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xff",
        // HTTP where frames should be.
        b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 0\r\n\r\n",
    ];
    for bytes in broken {
        side.socket.get_mut().write_all(bytes).await.unwrap();
        side = comes_back(&peer).await;
        side.send_event("after").await;
        assert_eq!(next(&mut stream).await, "Resynced", "{}", bytes.escape_ascii());
        assert_eq!(next(&mut stream).await, "after");
    }
}

#[tokio::test]
async fn a_frame_that_never_ends_is_noticed() {
    let peer = WsPeer::start().await;
    let mut config = peer.config();
    config.event_times.ping = Duration::from_millis(50);
    config.event_times.silence = Duration::from_millis(400);
    let (mut stream, mut side) = peer.stream(&drp_client::Client::new(config).unwrap(), &["machines.*.*"]).await;
    // 1 MiB is announced, and comes byte by byte: pings are answered by none of them.
    side.socket.get_mut().write_all(b"\x81\x7f\0\0\0\0\0\x10\0\0{").await.unwrap();
    let trickle = async {
        while side.socket.get_mut().write_all(b" ").await.is_ok() {
            tokio::task::yield_now().await
        }
    };
    let (mut back, ()) = tokio::join!(comes_back(&peer), trickle);
    back.send_event("after").await;
    assert_eq!(next(&mut stream).await, "Resynced");
    assert_eq!(next(&mut stream).await, "after");
}
