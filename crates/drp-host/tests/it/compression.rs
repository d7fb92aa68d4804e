//! gzip, where it is asked for and worth it.

use std::io::Read;

use http::{Request, StatusCode};
use http_body_util::Full;
use serde_json::json;

use crate::peer::{Answer, Peer};

async fn get(peer: &Peer, method: &str, path: &str, encodings: &str) -> Answer {
    let request = Request::builder().method(method).uri(path).header("authorization", peer.bearer());
    peer.send(request.header("accept-encoding", encodings).body(Full::default()).unwrap()).await
}

#[tokio::test]
async fn large_json_is_compressed_for_who_asks_and_nothing_else() {
    let peer = Peer::start().await;
    let large = json!({ "Name": "large", "Description": "x".repeat(8 << 10) }).to_string();
    assert_eq!(peer.call("POST", "/profiles", &large).await.status, StatusCode::CREATED);
    let path = "/api/v3/profiles/large";
    let plain = get(&peer, "GET", path, "identity").await;
    assert_eq!(
        (plain.header("content-encoding"), plain.header("content-length")),
        ("", &*plain.body.len().to_string())
    );
    let packed = get(&peer, "GET", path, "gzip").await;
    assert_eq!((packed.header("content-encoding"), packed.header("content-type")), ("gzip", "application/json"));
    assert!(packed.body.len() < 1000 && packed.header("vary").to_ascii_lowercase().contains("accept-encoding"));
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&*packed.body).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain.body);
    assert_eq!(packed.header("etag"), plain.header("etag"), "the tag is the object's");

    let head = get(&peer, "HEAD", path, "identity").await;
    assert_eq!(
        (head.header("content-length"), head.header("etag")),
        (plain.header("content-length"), plain.header("etag"))
    );
    assert_eq!(get(&peer, "HEAD", path, "gzip").await.header("etag"), plain.header("etag"));
    let list = get(&peer, "GET", "/api/v3/profiles", "gzip, deflate, br").await;
    assert_eq!((list.header("content-encoding"), list.header("x-drp-list-total-count")), ("gzip", "2"));

    assert_eq!(get(&peer, "GET", "/api/v3/profiles/global", "gzip").await.header("content-encoding"), "", "small");
    let upload = Request::post("/api/v3/files/zeros")
        .header("authorization", peer.bearer())
        .header("content-type", "application/octet-stream");
    peer.send(upload.body(Full::from(vec![0; 64 << 10])).unwrap()).await;
    for path in ["/api/v3/files/zeros", "/files/zeros"] {
        let file = get(&peer, "GET", path, "gzip").await;
        assert_eq!((file.header("content-encoding"), file.body.len()), ("", 64 << 10), "{path}");
    }
    peer.host.stop().await;
}

#[tokio::test]
async fn a_compressed_request_is_refused_and_never_inflated() {
    let peer = Peer::start().await;
    for path in ["/profiles", "/files/foo", "/contents", "/plugin_providers/foo"] {
        let request = Request::post(format!("/api/v3{path}"))
            .header("authorization", peer.bearer())
            .header("content-type", "application/json")
            .header("content-encoding", "gzip");
        let answer = peer.send(request.body(Full::from("{}")).unwrap()).await;
        assert_eq!((answer.error().0, answer.header("accept-encoding")), (415, "identity"), "{path}");
    }
    peer.host.stop().await;
}
