//! What an operator sets is what holds.

use http::StatusCode;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::peer::{Peer, start_with_provider_in, within};

/// Asks for a websocket and reads the first line of the answer; the connection stays open with it.
async fn upgrade(peer: &Peer) -> (String, impl Sized) {
    let mut stream = peer.connect().await;
    let request = format!(
        "GET /api/v3/ws HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        peer.bearer()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = [0; 12];
    within(stream.read_exact(&mut head)).await.unwrap();
    (String::from_utf8_lossy(&head).into_owned(), stream)
}

#[tokio::test]
async fn there_are_as_many_websockets_and_connections_as_the_operator_allows() {
    let peer = Peer::start_in(tempfile::tempdir().unwrap(), |mut config| {
        config.limits.websockets = 1;
        config.limits.connections_per_address = 3;
        config
    })
    .await;
    let (first, held) = upgrade(&peer).await;
    let (second, also_held) = upgrade(&peer).await;
    assert_eq!((first.as_str(), second.as_str()), ("HTTP/1.1 101", "HTTP/1.1 503"));
    let _third = peer.connect().await;
    let mut fourth = TcpStream::connect(peer.address()).await.unwrap();
    assert_eq!(within(fourth.read(&mut [0; 1])).await.unwrap_or(0), 0, "there is no seat for it");
    drop((held, also_held));
    peer.host.stop().await;
}

#[tokio::test]
async fn the_log_keeps_as_many_lines_as_the_operator_wants() {
    let peer = Peer::start_in(tempfile::tempdir().unwrap(), |mut config| {
        config.retention.log_lines = 3;
        config
    })
    .await;
    for _ in 0..3 {
        peer.host.reload().await;
    }
    assert_eq!(peer.call("GET", "/logs", "").await.json().as_array().unwrap().len(), 3);
    peer.host.stop().await;
}

#[tokio::test]
async fn unpacked_files_of_a_provider_go_with_it_unless_the_operator_keeps_them() {
    for keep in [false, true] {
        let peer = start_with_provider_in(tempfile::tempdir().unwrap(), "carrier", json!({}), |mut config| {
            config.retention.keep_unpacked = keep;
            config
        })
        .await;
        let unpacked = peer.dir.path().join("data/tftpboot/files/plugin_providers/carrier");
        assert!(unpacked.is_dir());
        assert_eq!(peer.call("DELETE", "/plugin_providers/carrier", "").await.status, StatusCode::NO_CONTENT);
        assert_eq!(unpacked.is_dir(), keep);
        peer.host.stop().await;
    }
}
