//! Providers that come and go over the API.

use std::{fs, os::unix::fs::PermissionsExt};

use http::{Request, StatusCode};
use http_body_util::Full;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    access::{role, user},
    peer::{Answer, Peer, within},
};

const STREAM: &str = "application/octet-stream";

/// A provider that can say what it is, and nothing more.
fn provider(name: &str, version: &str) -> String {
    let define = json!({ "Name": name, "Version": version, "PluginVersion": 4 });
    format!("#!/bin/sh\n[ \"$1\" = define ] && echo '{define}'\n")
}

async fn upload(peer: &Peer, path: &str, content_type: &str, body: String) -> Answer {
    let request = Request::post(format!("/api/v3/plugin_providers/{path}"))
        .header("authorization", peer.bearer())
        .header("content-type", content_type);
    peer.send(request.body(Full::from(body)).unwrap()).await
}

/// `#12`.
#[tokio::test]
async fn an_uploaded_provider_is_listed_read_back_and_deleted() {
    let peer = Peer::start().await;
    let program = provider("fresh", "v1.0.0");
    let posted = upload(&peer, "fresh", STREAM, program.clone()).await;
    let expected = json!({ "path": "fresh", "size": program.len() });
    assert_eq!((posted.status, posted.json()), (StatusCode::CREATED, expected));
    let shown = peer.call("GET", "/plugin_providers/fresh", "").await.json();
    assert_eq!((&shown["Version"], &shown["Meta"]["Source"]), (&json!("v1.0.0"), &json!("FromPluginProvider")));
    let file = peer.dir.path().join("data/plugins/fresh");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o700);

    let sum: String = Sha256::digest(&program).iter().map(|byte| format!("{byte:02x}")).collect();
    let binary = peer.call("GET", "/plugin_providers/fresh/binary", "").await;
    assert_eq!((&*binary.body, binary.header("content-type")), (program.as_bytes(), STREAM));
    assert_eq!((binary.header("x-drp-sha256sum"), binary.header("etag")), (&*sum, &*format!("\"SHA256:{sum}\"")));
    let known = Request::get("/api/v3/plugin_providers/fresh/binary")
        .header("authorization", peer.bearer())
        .header("if-none-match", binary.header("etag"));
    let known = peer.send(known.body(Full::default()).unwrap()).await;
    assert_eq!((known.status, known.body.len()), (StatusCode::NOT_MODIFIED, 0));

    assert_eq!(upload(&peer, "fresh", STREAM, provider("fresh", "v2.0.0")).await.status, 201);
    assert_eq!(peer.call("GET", "/plugin_providers/fresh", "").await.json()["Version"], "v2.0.0");
    assert_eq!(peer.call("DELETE", "/plugin_providers/fresh", "").await.status, StatusCode::NO_CONTENT);
    assert!(!file.exists());
    let gone = peer.call("DELETE", "/plugin_providers/fresh", "").await;
    assert_eq!(gone.error(), (404, "DELETE".into(), "Not Found".into()));
    assert_eq!(peer.call("GET", "/plugin_providers/fresh/binary", "").await.status, StatusCode::NOT_FOUND);
    peer.host.stop().await;
}

#[tokio::test]
async fn a_form_names_its_provider() {
    let peer = Peer::start().await;
    let program = provider("formed", "v1.0.0");
    let form = format!(
        "--b\r\ncontent-disposition: form-data; name=\"other\"\r\n\r\nx\r\n--b\r\n\
         content-disposition: form-data; name=\"file\"; filename=\"bin/formed\"\r\n\r\n{program}\r\n--b--\r\n"
    );
    let posted = upload(&peer, "any", "multipart/form-data; boundary=b", form).await;
    assert_eq!(posted.json(), json!({ "path": "formed", "size": program.len() }));
    let empty = upload(&peer, "any", "multipart/form-data; boundary=b", "--b--\r\n".to_owned()).await;
    assert!(empty.error().2.starts_with("upload: Failed to find multipart file: "), "{:?}", empty.error());
    peer.host.stop().await;
}

/// The name that counts is that of the form, so the caller must have the right to that one.
#[tokio::test]
async fn a_form_brings_no_provider_that_its_sender_may_not_bring() {
    let peer = Peer::start().await;
    role(&peer, "mine", &[["plugin_providers", "create", "mine"]]).await;
    let bob = user(&peer, "bob", &["mine"]).await;
    let post = async |file: &str| {
        let form = format!(
            "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{file}\"\r\n\r\n{}\r\n--b--\r\n",
            provider(file, "v1.0.0")
        );
        let request = Request::post("/api/v3/plugin_providers/mine")
            .header("authorization", &bob)
            .header("content-type", "multipart/form-data; boundary=b");
        peer.send(request.body(Full::from(form)).unwrap()).await
    };
    let refused = post("other").await;
    assert_eq!((refused.status.as_u16(), &refused.json()["Type"]), (403, &json!("AUTH")), "{:?}", refused.body);
    assert_eq!(refused.json()["Messages"][1], "Requires: plugin_providers create other");
    assert_eq!(peer.call("GET", "/plugin_providers/other", "").await.status, StatusCode::NOT_FOUND);
    assert_eq!(post("mine").await.status, StatusCode::CREATED);
    peer.host.stop().await;
}

#[tokio::test]
async fn bad_uploads_are_refused_and_leave_nothing() {
    let peer = Peer::start().await;
    let check = |answer: Answer, code: u16, text: &str| {
        let (status, type_, message) = answer.error();
        assert_eq!((status, &*type_), (code, "API ERROR"), "{message}");
        assert!(message.starts_with(text), "{message}");
    };
    check(upload(&peer, "fresh", "text/plain", provider("fresh", "v1")).await, 415, "upload: ");
    check(upload(&peer, "fresh", STREAM, String::new()).await, 400, "upload: Missing body");
    check(
        upload(&peer, "fresh", STREAM, "no program".into()).await,
        400,
        "Import plugin failed fresh: Skipping fresh ",
    );
    check(upload(&peer, ".x", STREAM, provider("fresh", "v1")).await, 400, "upload: Invalid Name `.x`");
    let content = r#"#!/bin/sh
echo '{"Name":"fresh","PluginVersion":4,"Content":"sections: {profiles: {global: {Name: global}}}"}'"#;
    let text = "Import plugin failed fresh: Skipping fresh because of bad store errors: ";
    check(upload(&peer, "fresh?replaceWritable=true", STREAM, content.into()).await, 400, text);

    let mut stream = peer.connect().await;
    let head = format!(
        "POST /api/v3/plugin_providers/fresh HTTP/1.1\r\nhost: x\r\nauthorization: {}\r\ncontent-type: {STREAM}\r\n\
         content-length: 100\r\n\r\nhalf",
        peer.bearer()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let part = peer.dir.path().join("data/plugins/.fresh.part");
    let begun = async {
        while !part.exists() {
            tokio::task::yield_now().await;
        }
    };
    within(begun).await;
    let busy = upload(&peer, "fresh", STREAM, provider("fresh", "v1")).await;
    check(busy, 409, "upload: plugin_provider fresh already uploading");
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    // The host may close without the goodbye of TLS.
    let _ = within(stream.read_to_string(&mut answer)).await;
    let gone = async {
        while part.exists() {
            tokio::task::yield_now().await;
        }
    };
    within(gone).await;
    assert_eq!(fs::read_dir(peer.dir.path().join("data/plugins")).unwrap().count(), 0);
    assert_eq!(upload(&peer, "fresh", STREAM, provider("fresh", "v1")).await.status, StatusCode::CREATED);
    peer.host.stop().await;
}

/// `#32`.
#[tokio::test]
async fn only_a_running_plugin_serves_an_api_of_its_own() {
    let peer = Peer::start().await;
    let missing = peer.call("PUT", "/plugin-apis/nobody/a/b?c", "").await;
    assert_eq!(missing.error(), (404, "PUT".into(), "Not Found".into()));
    let plugin = r#"{"Name":"idle","Provider":"none"}"#;
    assert_eq!(peer.call("POST", "/plugins", plugin).await.status, 201);
    for path in ["/plugin-apis/idle", "/plugin-apis/idle/a"] {
        assert_eq!(peer.call("GET", path, "").await.error().2, "Plugin idle is not running");
    }
    peer.host.stop().await;
}
