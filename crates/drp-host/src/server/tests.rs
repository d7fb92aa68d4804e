#![allow(clippy::unwrap_used)]

use std::net::Ipv4Addr;

use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

const SHORT: Duration = Duration::from_millis(100);
const LONG: Duration = Duration::from_secs(10);

async fn served(tls: Option<Arc<ServerConfig>>) -> (Server, SocketAddr) {
    let server = Server::new(
        CancellationToken::new(),
        Patience { handshake: SHORT, headers: SHORT },
        Arc::new(Connections::new(10)),
    );
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new()
        .route("/", get(async || "here"))
        .route("/panic", get(async || -> &'static str { panic!("on purpose") }))
        .route("/never", get(std::future::pending::<()>));
    server.serve(listener, tls, router);
    (server, address)
}

/// Sends a text and reads until the server closes.
async fn talk(address: SocketAddr, text: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = time::timeout(LONG, stream.read_to_end(&mut answer)).await.expect("the server closes");
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn headers_that_do_not_come_end_the_connection() {
    let (server, address) = served(None).await;
    for text in ["", "GET / HTTP/1.1\r\nHost: x\r\nX: "] {
        assert!(!talk(address, text).await.contains("200"), "{text}");
    }
    assert!(talk(address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.ends_with("here"));
    server.stop(LONG).await;
}

#[tokio::test]
async fn a_handshake_that_does_not_come_ends_the_connection() {
    let dir = tempfile::tempdir().unwrap();
    let identity = crate::tls::Identity::open(dir.path(), Ipv4Addr::LOCALHOST.into(), None).unwrap();
    let (server, address) = served(Some(identity.config)).await;
    for text in ["", "\u{16}\u{3}\u{1}"] {
        assert_eq!(talk(address, text).await, "");
    }
    server.stop(LONG).await;
}

#[tokio::test]
async fn a_panic_is_a_500_and_the_connection_lives() {
    let (server, address) = served(None).await;
    let answer = talk(address, "GET /panic HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 500 ") && answer.ends_with("here"), "{answer}");
    assert!(answer.contains(r#""Messages":["Internal error"],"Code":500"#) && !answer.contains("purpose"), "{answer}");
    server.stop(LONG).await;
}

#[tokio::test]
async fn a_stop_cuts_off_what_does_not_end() {
    let (server, address) = served(None).await;
    let mut hanging = TcpStream::connect(address).await.unwrap();
    hanging.write_all(b"GET /never HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    idle.read_exact(&mut [0; 12]).await.unwrap();
    time::timeout(LONG, server.stop(SHORT)).await.expect("the stop ends");
    let _ = time::timeout(LONG, hanging.read_to_end(&mut Vec::new())).await.expect("the connection is closed");
    assert!(TcpStream::connect(address).await.is_err());
}
