//! A proxy on a unix socket, and an endpoint behind another.

use drp_client::{Client, Config, Credentials, StreamItem};
use futures_util::{SinkExt, StreamExt};
use tokio::net::UnixListener;
use tokio_tungstenite::{
    accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{Request, Response},
    },
};

use crate::peer::{Peer, json, serve, soon};

fn proxied(socket: &std::path::Path) -> Config {
    // Nothing of the endpoint is looked up or called.
    let mut config = Config::new("https://drp.invalid:8092", Credentials::Token("t0ken".into()));
    config.local_proxy = Some(socket.to_owned());
    config
}

/// What Go clients send to such a proxy: `api.md` §2.6, and seen at `drpcli proxy`, which passes all of it on.
#[tokio::test]
async fn calls_go_over_the_socket_as_those_of_go_clients_do() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("proxy.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let (heard, mut hears) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let heard = heard.clone();
            tokio::spawn(serve(stream, move |seen| {
                heard.send(seen.clone()).unwrap();
                json("200 OK", "{}")
            }));
        }
    });
    soon(Client::new(proxied(&socket)).unwrap().info()).await.unwrap();
    let seen = hears.recv().await.unwrap();
    assert_eq!((seen.line.as_str(), seen.header("host")), ("GET /api/v3/info", Some("unix")));
    assert_eq!(seen.header("authorization"), Some("Bearer t0ken"));
}

#[tokio::test]
async fn events_come_over_the_socket_too() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("proxy.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let serve = async {
        let (stream, _) = listener.accept().await.unwrap();
        #[allow(clippy::result_large_err)]
        let check = |request: &Request, response: Response| {
            assert_eq!(request.uri().path(), "/api/v3/ws");
            assert_eq!(request.headers()["authorization"], "Bearer t0ken");
            Ok(response)
        };
        let mut websocket = accept_hdr_async(stream, check).await.unwrap();
        websocket.next().await.unwrap().unwrap();
        let echo = r#"{"Type":"websocket","Action":"register","Key":"*.*.*"}"#;
        websocket.send(Message::text(echo)).await.unwrap();
        websocket.send(Message::text(r#"{"Type":"a","Action":"b","Key":"c"}"#)).await.unwrap();
        websocket
    };
    let client = Client::new(proxied(&socket)).unwrap();
    let (stream, _websocket) = soon(async { tokio::join!(client.events(vec!["*.*.*".parse().unwrap()]), serve) }).await;
    assert!(matches!(soon(stream.unwrap().next()).await, Some(StreamItem::Event(event)) if event.key == "c"));
}

#[tokio::test]
async fn a_socket_that_is_gone_is_a_connect_error() {
    let directory = tempfile::tempdir().unwrap();
    let client = Client::new(proxied(&directory.path().join("none"))).unwrap();
    let error = soon(client.info()).await.unwrap_err();
    assert!(matches!(error.kind(), drp_client::ClientErrorKind::Connect(_)), "{error:?}");
}

/// As `drpcli` does: the login is for the first server, everything else for the one behind it.
#[tokio::test]
async fn an_endpoint_behind_another_is_in_all_paths_but_the_logins() {
    let peer = Peer::script(vec![json("200 OK", r#"{"Token":"abc"}"#), json("200 OK", "{}")]).await;
    let mut config = peer.config();
    config.credentials = Credentials::UserPassword("bob".to_owned(), "s3cret".into());
    config.url_proxy = Some("site-1".to_owned());
    soon(Client::new(config).unwrap().info()).await.unwrap();
    let lines: Vec<_> = peer.seen().into_iter().map(|seen| seen.line).collect();
    assert_eq!(lines, ["GET /api/v3/users/bob/token", "GET /site-1/api/v3/info"]);
}
