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

/// A tar of one file.
fn tar(name: &str, content: &str) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    // Past the builder's own checks.
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_cksum();
    builder.append(&header, content.as_bytes()).unwrap();
    builder.into_inner().unwrap()
}

#[tokio::test]
async fn an_archive_is_unpacked_beside_itself_if_that_is_asked_for() {
    let peer = Peer::start().await;
    let post = async |path: &str, archive: &[u8]| {
        let request = Request::post(format!("/api/v3/files{path}"))
            .header("authorization", peer.bearer())
            .header("content-type", "application/octet-stream");
        peer.send(request.body(Full::from(archive.to_vec())).unwrap()).await
    };
    let archive = tar("js/app.js", "run()");
    let posted = post("/ux/drp-ux.tar?explode=true", &archive).await;
    assert_eq!(posted.json(), json!({ "Path": "/ux/drp-ux.tar", "Size": archive.len() }));
    let all = peer.call("GET", "/files?all=true", "").await.json();
    assert_eq!(all, json!(["ux/", "ux/drp-ux.tar", "ux/js/", "ux/js/app.js"]));
    assert_eq!(peer.call("GET", "/files?path=ux&all=true", "").await.json(), json!(["drp-ux.tar", "js/", "js/app.js"]));
    assert_eq!(&*peer.call("GET", "/files/ux/js/app.js", "").await.body, b"run()");

    post("/plain.tar", &archive).await;
    assert_eq!(peer.call("GET", "/files", "").await.json(), json!(["plain.tar", "ux/"]));
    let refused = |path: &'static str, archive: Vec<u8>, code: u16, text: &'static str| {
        let post = &post;
        async move {
            let answer = post(path, &archive).await.error();
            assert!(answer.0 == code && answer.2.contains(text), "{path}: {answer:?}");
        }
    };
    refused("/bad/x.tar?explode=true", tar("../out", "x"), 400, "Failed to unpack x.tar: entry `../out` has a name")
        .await;
    refused("/bad/x.zip?explode=true", b"text".to_vec(), 400, "expected a tar, tar.gz").await;
    refused("/ux/y.tar?explode=true", tar("js", "x"), 409, "stands in the way").await;
    assert_eq!(peer.call("GET", "/files", "").await.json(), json!(["plain.tar", "ux/"]), "nothing is left");
    peer.host.stop().await;
}

#[tokio::test]
async fn parts_of_a_file_can_be_had() {
    let peer = Peer::start().await;
    upload(&peer, "/foo", "0123456789", "application/octet-stream").await;
    let get = async |method: &str, headers: &[(&str, &str)]| {
        let mut request = Request::builder().method(method).uri("/api/v3/files/foo");
        request = request.header("authorization", peer.bearer());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        peer.send(request.body(Full::default()).unwrap()).await
    };
    let whole = get("GET", &[]).await;
    assert_eq!((whole.status, whole.header("accept-ranges")), (StatusCode::OK, "bytes"));
    let etag = whole.header("etag").to_owned();
    assert_eq!(etag.len(), "\"SHA256:\"".len() + 64, "an upload's sum is known");

    let part = get("GET", &[("range", "bytes=2-5")]).await;
    assert_eq!((part.status.as_u16(), &*part.body), (206, &b"2345"[..]));
    assert_eq!((part.header("content-range"), part.header("content-length")), ("bytes 2-5/10", "4"));
    assert_eq!(part.header("etag"), etag);
    assert_eq!(&*get("GET", &[("range", "bytes=-3")]).await.body, b"789");
    assert_eq!(get("GET", &[("range", "bytes=2-5"), ("if-range", &etag)]).await.status.as_u16(), 206);
    assert_eq!(get("GET", &[("range", "bytes=2-5"), ("if-range", "\"SHA256:old\"")]).await.body.len(), 10);
    assert_eq!(get("GET", &[("range", "bytes=2-5"), ("if-none-match", &etag)]).await.status.as_u16(), 304);

    let none = get("GET", &[("range", "bytes=10-")]).await;
    assert_eq!((none.error().0, none.header("content-range")), (416, "bytes */10"));
    let head = get("HEAD", &[("range", "bytes=2-5")]).await;
    assert_eq!((head.status, head.header("content-length")), (StatusCode::OK, "10"));
    peer.host.stop().await;
}

#[tokio::test]
async fn everything_with_bytes_answers_head_with_their_sum() {
    let peer = Peer::start().await;
    upload(&peer, "/foo", "content", "application/octet-stream").await;
    upload_to(&peer, "/isos/foo", "content", "application/octet-stream").await;
    peer.create("tasks", &["t1"]).await;
    let machine = peer.call("POST", "/machines", r#"{"Name":"m1","Tasks":["t1"]}"#).await.json();
    let job = peer.call("POST", "/jobs", &json!({ "Machine": machine["Uuid"] }).to_string()).await.json();
    let log = format!("/jobs/{}/log", job["Uuid"].as_str().unwrap());
    for path in ["/files/foo", "/isos/foo", &log] {
        let head = peer.call("HEAD", path, "").await;
        let got = peer.call("GET", path, "").await;
        assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0), "{path}");
        assert_eq!(head.header("content-length"), got.body.len().to_string(), "{path}");
        assert_eq!(head.header("etag"), format!("\"SHA256:{}\"", head.header("x-drp-sha256sum")), "{path}");
        assert_eq!(head.header("x-drp-sha256sum").len(), 64, "{path}");
        assert_eq!(peer.call("HEAD", &format!("{path}x"), "").await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let contents = peer.call("HEAD", "/contents/BackingStore", "").await;
    assert_eq!((contents.status, contents.header("etag").is_empty()), (StatusCode::OK, false));
    peer.host.stop().await;
}

#[tokio::test]
async fn a_slow_upload_holds_up_nobody_but_its_own_name() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let peer = Peer::start().await;
    let stream = "application/octet-stream";
    upload(&peer, "/slow", "before", stream).await;
    let mut slow = peer.connect().await;
    let head = |length: usize| {
        format!(
            "POST /api/v3/files/slow HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\nContent-Type: {stream}\r\n\
             Connection: close\r\nContent-Length: {length}\r\n\r\n",
            peer.bearer()
        )
    };
    slow.write_all(format!("{}half", head(8)).as_bytes()).await.unwrap();
    // Once its bytes grow somewhere, the name is its own.
    let growing = peer.dir.path().join("data/tftpboot/.uploads");
    crate::peer::within(async {
        while std::fs::read_dir(&growing).unwrap().next().is_none() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let refused = upload(&peer, "/slow", "other", stream).await.error();
    assert_eq!((refused.0, refused.2.as_str()), (409, "File already uploading"));
    assert_eq!(upload(&peer, "/other", "x", stream).await.status, StatusCode::CREATED);
    let before = peer.call("GET", "/files/slow", "").await.body;
    assert_eq!(&*before, b"before");
    slow.write_all(b"half").await.unwrap();
    let mut answer = String::new();
    crate::peer::within(slow.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    assert_eq!(&*peer.call("GET", "/files/slow", "").await.body, b"halfhalf");

    // One that ends early changes nothing.
    let mut short = peer.connect().await;
    short.write_all(format!("{}half", head(8)).as_bytes()).await.unwrap();
    short.shutdown().await.unwrap();
    let mut answer = String::new();
    crate::peer::within(short.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("Failed to upload entire file slow"), "{answer}");
    assert_eq!(&*peer.call("GET", "/files/slow", "").await.body, b"halfhalf");
    peer.host.stop().await;
}
