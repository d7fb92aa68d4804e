//! What an operator sets is what holds.

use http::StatusCode;
use serde_json::json;
use tokio::{io::AsyncReadExt, net::TcpStream};

use crate::peer::{Peer, start_with_provider_in, within};

#[tokio::test]
async fn there_are_as_many_websockets_and_connections_as_the_operator_allows() {
    let peer = Peer::start_in(tempfile::tempdir().unwrap(), |mut config| {
        config.limits.websockets = 1;
        config.limits.connections_per_address = 3;
        config
    })
    .await;
    let (first, held) = peer.upgrade().await;
    let (second, also_held) = peer.upgrade().await;
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
