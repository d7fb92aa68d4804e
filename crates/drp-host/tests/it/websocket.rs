//! Events as they happen, to a client that is not ours.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time};
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest, http::HeaderValue},
};

use crate::peer::{Peer, vectors, within};

pub(crate) struct Socket(WebSocketStream<TlsStream<TcpStream>>);

impl Socket {
    pub(crate) async fn open(peer: &Peer, headers: &[(&'static str, &str)]) -> Result<Self, Error> {
        let mut request = format!("wss://{}/api/v3/ws", peer.address()).into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::try_from(*value).unwrap());
        }
        within(client_async(request, peer.connect().await)).await.map(|(socket, _)| Self(socket))
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    /// The next event; `None` when the host closes.
    pub(crate) async fn event(&mut self) -> Option<Value> {
        loop {
            match within(self.0.next()).await? {
                Ok(Message::Text(text)) => return Some(serde_json::from_str(&text).unwrap()),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    pub(crate) async fn summary(&mut self) -> String {
        let event = self.event().await.unwrap();
        format!("{}.{}.{}", text(&event["Type"]), text(&event["Action"]), text(&event["Key"]))
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

async fn post(peer: &Peer, type_: &str, key: &str) {
    let event = json!({ "Type": type_, "Action": "happens", "Key": key, "Time": "2026-11-22T08:02:01.241622081Z" });
    assert_eq!(peer.call("POST", "/events", &event.to_string()).await.status, 204);
}

#[tokio::test]
async fn every_command_is_echoed_before_what_it_asks_for() {
    let peer = Peer::start().await;
    let mut socket = Socket::open(&peer, &[("authorization", &peer.bearer())]).await.unwrap();
    post(&peer, "early", "0").await;
    for _ in 0..2 {
        socket.say("register *.happens.*").await;
        let echo = socket.event().await.unwrap();
        assert_eq!(
            (text(&echo["Type"]), text(&echo["Action"]), text(&echo["Key"])),
            ("websocket", "register", "*.happens.*")
        );
        assert_eq!(echo["Object"], Value::Null);
    }
    // However many selectors match, it comes once; keys may hold dots.
    socket.say("register test.happens.a.b").await;
    assert_eq!(socket.summary().await, "websocket.register.test.happens.a.b");
    for key in ["a.b", "c"] {
        post(&peer, "test", key).await;
    }
    let event = socket.event().await.unwrap();
    assert_eq!((text(&event["Key"]), text(&event["Time"])), ("a.b", "2026-11-22T08:02:01.241622081Z"));
    assert_eq!(text(&event["Principal"]), "rocketskates");
    assert_eq!(socket.summary().await, "test.happens.c");
    for selector in ["*.happens.*", "test.happens.a.b"] {
        socket.say(&format!("deregister {selector}")).await;
        assert_eq!(socket.summary().await, format!("websocket.deregister.{selector}"));
    }
    post(&peer, "test", "unheard").await;
    socket.say("deregister never.was.there").await;
    assert_eq!(socket.summary().await, "websocket.deregister.never.was.there");
    peer.host.stop().await;
}

/// `#31`.
#[tokio::test]
async fn what_is_no_command_harms_nobody() {
    let peer = Peer::start().await;
    let mut socket = Socket::open(&peer, &[("authorization", &peer.bearer())]).await.unwrap();
    for text in ["", "register", "register  a.b.c", "subscribe a.b.c", "\u{0}"] {
        socket.say(text).await;
    }
    socket.0.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    // A selector that is none is answered, because Go clients wait for an answer to each verb.
    socket.say("register machines.create").await;
    assert_eq!(socket.summary().await, "websocket.error.register machines.create");
    socket.say("register test.*.*").await;
    assert_eq!(socket.summary().await, "websocket.register.test.*.*");
    post(&peer, "test", "1").await;
    assert_eq!(socket.summary().await, "test.happens.1");
    peer.host.stop().await;
}

#[tokio::test]
async fn only_what_the_claims_allow_is_sent() {
    let peer = Peer::start().await;
    let role = json!({ "Name": "some", "Claims": [{ "scope": "contexts", "action": "update", "specific": "a,b" }] });
    assert_eq!(peer.call("POST", "/roles", &role.to_string()).await.status, 201);
    assert_eq!(peer.call("POST", "/users", r#"{"Name":"bob","Roles":["some"]}"#).await.status, 201);
    assert_eq!(peer.call("PUT", "/users/bob/password", r#"{"Password":"p"}"#).await.status, 200);
    let mut socket = Socket::open(&peer, &[("authorization", "Basic Ym9iOnA=")]).await.unwrap();
    socket.say("register *.*.*").await;
    assert_eq!(socket.summary().await, "websocket.register.*.*.*");
    for key in ["c", "a", "d", "b"] {
        let event = json!({ "Type": "contexts", "Action": "update", "Key": key });
        assert_eq!(peer.call("POST", "/events", &event.to_string()).await.status, 204);
    }
    assert_eq!([socket.summary().await, socket.summary().await], ["contexts.update.a", "contexts.update.b"]);
    peer.host.stop().await;
}

#[tokio::test]
async fn a_bad_token_is_answered_before_any_upgrade() {
    let peer = Peer::start().await;
    for header in [("authorization", "Bearer x"), ("x", "x")] {
        let refused = Socket::open(&peer, &[header]).await;
        let Err(Error::Http(response)) = refused.map(drop) else { panic!("no refusal") };
        assert!(matches!(response.status().as_u16(), 401 | 403));
    }
    let plain = peer.call("GET", "/ws", "").await;
    assert_eq!(plain.error().0, 400);
    peer.host.stop().await;
}

#[tokio::test]
async fn a_message_that_is_too_long_ends_the_socket_and_nothing_else() {
    let peer = Peer::start().await;
    let mut socket = Socket::open(&peer, &[("authorization", &peer.bearer())]).await.unwrap();
    let _ = socket.0.send(Message::text("x".repeat(drp_core::limits::WS_MESSAGE_FROM_CLIENT_BYTES_MAX + 1))).await;
    assert_eq!(socket.event().await, None);
    assert_eq!(peer.call("GET", "/info", "").await.status, 200);
    peer.host.stop().await;
}

/// Publishes more than a socket that is not read can hold, until the host has noticed.
async fn flood(peer: &Peer) {
    let body = json!({ "Type": "flood", "Action": "happens", "Key": "", "Object": "x".repeat(1 << 20) }).to_string();
    for _ in 0..100 {
        assert_eq!(peer.call("POST", "/events", &body).await.status, 204);
    }
}

/// `#31`.
#[tokio::test]
async fn who_stays_behind_is_closed_with_1013_or_told_if_it_asked() {
    let peer = Peer::start().await;
    let bearer = peer.bearer();
    let mut plain = Socket::open(&peer, &[("authorization", &bearer)]).await.unwrap();
    let mut asking = Socket::open(&peer, &[("authorization", &bearer), ("x-drpx-lagged", "1")]).await.unwrap();
    for socket in [&mut plain, &mut asking] {
        socket.say("register flood.*.*").await;
        assert_eq!(socket.summary().await, "websocket.register.flood.*.*");
    }
    flood(&peer).await;
    let code = within(async {
        loop {
            match plain.0.next().await {
                Some(Ok(Message::Close(Some(frame)))) => return u16::from(frame.code),
                Some(Ok(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    })
    .await;
    assert_eq!(code, 1013);
    let (mut seen, mut lost) = (0, 0);
    while seen + lost < 100 {
        let event = asking.event().await.unwrap();
        match (text(&event["Type"]), text(&event["Action"])) {
            ("websocket", "lagged") => lost += event["Object"].as_u64().unwrap(),
            _ => seen += 1,
        }
    }
    assert!(lost > 0 && seen > 0, "{seen} {lost}");
    assert_eq!(seen + lost, 100);
    peer.host.stop().await;
}

#[tokio::test]
async fn a_stopping_host_says_good_bye() {
    let peer = Peer::start().await;
    let mut socket = Socket::open(&peer, &[("authorization", &peer.bearer())]).await.unwrap();
    let stop = peer.host.stop();
    let close = async {
        match socket.0.next().await {
            Some(Ok(Message::Close(Some(frame)))) => u16::from(frame.code),
            other => panic!("{other:?}"),
        }
    };
    let ((), code) = time::timeout(Duration::from_secs(10), async { tokio::join!(stop, close) }).await.unwrap();
    assert_eq!(code, 1001);
}

#[tokio::test]
async fn the_recorded_session_of_a_go_plugin_goes_the_same_way() {
    let Some(vectors) = vectors() else { return };
    let recorded = std::fs::read_to_string(vectors.join("wire/listen-eventselect.jsonl")).unwrap();
    let peer = Peer::start().await;
    let mut socket: Option<Socket> = None;
    let mut machine = String::new();
    let mut replayed = 0;
    for line in recorded.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let is_ws = line["path"] == "/api/v3/ws";
        match (text(&line["dir"]), &mut socket) {
            ("plugin->api", _) if is_ws => {
                socket = Some(Socket::open(&peer, &[("authorization", &peer.bearer())]).await.unwrap());
            }
            ("ws client->server", Some(socket)) if line["ws_opcode"] == 1 => socket.say(text(&line["body"])).await,
            ("ws client->server", Some(socket)) if line["ws_opcode"] == 8 => {
                socket.0.send(Message::Close(None)).await.unwrap();
            }
            ("ws server->client", Some(socket)) if line["ws_opcode"] == 1 => {
                let expected: Value = serde_json::from_str(text(&line["body"])).unwrap();
                // What the recorded client did on another connection is done here when its event is due.
                match (text(&expected["Type"]), text(&expected["Action"])) {
                    ("machines", "create") => {
                        let body = json!({ "Name": expected["Object"]["Name"] }).to_string();
                        machine = text(&peer.call("POST", "/machines", &body).await.json()["Uuid"]).to_owned();
                    }
                    ("machines", "delete") => {
                        let deleted = peer.call("DELETE", &format!("/machines/{machine}"), "").await;
                        assert_eq!(deleted.status, 200);
                    }
                    _ => {}
                }
                let event = socket.event().await.unwrap();
                for key in ["Type", "Action"] {
                    assert_eq!(event[key], expected[key], "{line}");
                }
                let key = if expected["Type"] == "machines" { machine.as_str() } else { text(&expected["Key"]) };
                assert_eq!(event["Key"], key, "{line}");
                assert_eq!(event["Object"].is_object(), expected["Object"].is_object(), "{line}");
                replayed += 1;
            }
            ("ws server->client", Some(socket)) if line["ws_opcode"] == 8 => {
                assert!(matches!(within(socket.0.next()).await, Some(Ok(Message::Close(_)))), "{line}");
            }
            _ => {}
        }
    }
    assert!(replayed >= 10, "{replayed} events replayed");
    peer.host.stop().await;
}
