//! The static file space over HTTP.

use http::{Request, StatusCode};
use http_body_util::Full;
use serde_json::json;

use crate::peer::{Answer, Peer};

async fn upload(peer: &Peer, path: &str, content: &str, content_type: &str) -> Answer {
    upload_to(peer, &format!("/files{path}"), content, content_type).await
}

async fn upload_to(peer: &Peer, path: &str, content: &str, content_type: &str) -> Answer {
    let request = Request::post(format!("/api/v3{path}"))
        .header("authorization", peer.bearer())
        .header("content-type", content_type);
    peer.send(request.body(Full::from(content.to_owned())).unwrap()).await
}

#[tokio::test]
async fn files_come_and_go_as_in_the_reference_tests() {
    let peer = Peer::start().await;
    let stream = "application/octet-stream";
    let missing = peer.call("GET", "/files/foo", "").await;
    assert_eq!(
        missing.json(),
        json!({ "Model": "files", "Key": "/foo", "Type": "GET", "Messages": ["Not a regular file"], "Code": 404 })
    );
    let posted = upload(&peer, "/foo", "18 bytes of this..", stream).await;
    assert_eq!((posted.status, posted.json()), (StatusCode::CREATED, json!({ "Path": "/foo", "Size": 18 })));
    assert_eq!(upload(&peer, "/foo/bar", "x", stream).await.error().0, 409);
    assert_eq!(upload(&peer, "/bar/foo", "x", stream).await.status, StatusCode::CREATED);
    assert_eq!(peer.call("GET", "/files", "").await.json(), json!(["bar/", "foo"]));
    assert_eq!(peer.call("GET", "/files?path=/bar", "").await.json(), json!(["foo"]));
    let refused = upload(&peer, "/x", "x", "text/plain").await;
    assert_eq!(refused.error().2, "Want content-type application/octet-stream, not text/plain");
    assert_eq!(upload(&peer, "/dir/", "x", stream).await.error().0, 403);

    let head = peer.call("HEAD", "/files/foo", "").await;
    assert_eq!((head.header("content-length"), head.header("x-drp-sha256sum").len()), ("18", 64));
    let got = peer.call("GET", "/files/foo", "").await;
    assert_eq!((&*got.body, got.header("content-type")), (&b"18 bytes of this.."[..], stream));
    assert_eq!(got.header("etag"), format!("\"SHA256:{}\"", head.header("x-drp-sha256sum")));

    let full = peer.call("DELETE", "/files/bar", "").await;
    assert_eq!((full.error().2.as_str(), full.json()["Key"].as_str()), ("Unable to delete", Some("/bar")));
    for path in ["/files/bar/foo", "/files/bar"] {
        assert_eq!(peer.call("DELETE", path, "").await.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(peer.call("DELETE", "/files/bar", "").await.error().0, 404);
    peer.host.stop().await;
}

#[tokio::test]
async fn no_path_leads_out_of_the_file_space() {
    let peer = Peer::start().await;
    for path in [
        "/../token.key",
        "/..%2f..%2ftoken.key",
        "/%2e%2e/%2e%2e/token.key",
        "/a/../../../token.key",
        "//etc/passwd",
        "/%00",
    ] {
        for base in ["/api/v3/files", "/files"] {
            let request = Request::get(format!("{base}{path}")).header("authorization", peer.bearer());
            let answer = peer.send(request.body(Full::default()).unwrap()).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{base}{path}");
        }
        let answer = upload(&peer, path, "x", "application/octet-stream").await;
        assert!(answer.status.is_client_error() || path == "//etc/passwd", "{path} {}", answer.status);
    }
    assert!(peer.call("GET", "/files?path=/../..", "").await.error().0 == 404);
    assert!(!peer.dir.path().join("token.key").exists());
    peer.host.stop().await;
}

#[tokio::test]
async fn static_files_need_no_authentication_and_can_be_had_in_the_clear() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let peer = Peer::start_in(tempfile::tempdir().unwrap(), |mut config| {
        config.static_listen = Some("127.0.0.1:0".parse().unwrap());
        config
    })
    .await;
    upload(&peer, "/dir/foo", "content", "application/octet-stream").await;
    let answer = peer.send(Request::get("/files/dir/foo").body(Full::default()).unwrap()).await;
    assert_eq!((answer.status, &*answer.body), (StatusCode::OK, &b"content"[..]));

    let fileserver = peer.host.fileserver();
    let address = fileserver.strip_prefix("http://").unwrap();
    let get = async |path: &str| {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        crate::peer::within(stream.read_to_string(&mut answer)).await.unwrap();
        answer
    };
    let answer = get("/files/dir/foo").await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\ncontent"), "{answer}");
    assert!(get("/api/v3/info").await.starts_with("HTTP/1.1 404 "));
    peer.host.stop().await;
}

#[tokio::test]
async fn isos_come_and_go_as_in_the_reference_tests() {
    let peer = Peer::start().await;
    let stream = "application/octet-stream";
    let error = |type_: &str, message: &str| json!({ "Model": "isos", "Key": "/foo", "Type": type_, "Messages": [message], "Code": 404 });
    assert_eq!(peer.call("GET", "/isos", "").await.json(), json!([]));
    assert_eq!(peer.call("GET", "/isos/foo", "").await.json(), error("GET", "Not a regular file"));
    let posted = upload_to(&peer, "/isos/foo", "Hi i am a new iso", stream).await;
    assert_eq!((posted.status, posted.json()), (StatusCode::CREATED, json!({ "Path": "foo", "Size": 17 })));
    assert_eq!(peer.call("GET", "/isos", "").await.json(), json!(["foo"]));
    assert_eq!(&*peer.call("GET", "/isos/foo", "").await.body, b"Hi i am a new iso");
    assert_eq!(peer.call("HEAD", "/isos/foo", "").await.header("x-drp-sha256sum").len(), 64);
    assert_eq!(peer.call("GET", "/files", "").await.json(), json!([]));
    assert_eq!(upload_to(&peer, "/isos/a/b", "x", stream).await.error().0, 400);
    assert_eq!(upload_to(&peer, "/isos/a", "x", "text/plain").await.error().0, 415);
    assert_eq!(peer.call("DELETE", "/isos/foo", "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(peer.call("DELETE", "/isos/foo", "").await.json(), error("DELETE", "Unable to delete"));
    peer.host.stop().await;
}
