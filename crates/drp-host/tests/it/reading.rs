//! What all that can be read has in common: HEAD, ETags, and requests that want to be logged.

use http::{Request, StatusCode};
use http_body_util::Full;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::peer::{Answer, Peer, start_with_provider};

async fn conditional(peer: &Peer, method: &str, path: &str, known: &str) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(format!("/api/v3{path}"))
        .header("authorization", peer.bearer())
        .header("if-none-match", known);
    peer.send(request.body(Full::default()).unwrap()).await
}

#[tokio::test]
async fn a_providers_executable_can_be_fetched_once() {
    let peer = start_with_provider("cowboy", json!({})).await;
    let executable = std::fs::read(peer.dir.path().join("data/plugins/cowboy")).unwrap();
    let path = "/plugin_providers/cowboy/binary";
    let got = peer.call("GET", path, "").await;
    assert_eq!((got.header("content-type"), &got.body[..]), ("application/octet-stream", &executable[..]));
    let head = peer.call("HEAD", path, "").await;
    let sum = Sha256::digest(&executable).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!((head.header("x-drp-sha256sum"), head.body.len()), (sum.as_str(), 0));
    let tag = format!("\"SHA256:{sum}\"");
    assert_eq!(head.header("etag"), tag);
    assert_eq!(conditional(&peer, "GET", path, &tag).await.status, StatusCode::NOT_MODIFIED);
    assert_eq!(conditional(&peer, "GET", path, "\"SHA256:0\"").await.status, StatusCode::OK);
    let missing = peer.call("GET", "/plugin_providers/nosuch/binary", "").await;
    assert_eq!(missing.error(), (404, "GET".to_owned(), "Not Found".to_owned()));
    peer.host.stop().await;
}

#[tokio::test]
async fn what_a_client_has_already_is_not_sent_again() {
    let peer = Peer::start().await;
    let request = Request::post("/api/v3/files/foo")
        .header("authorization", peer.bearer())
        .header("content-type", "application/octet-stream");
    assert_eq!(peer.send(request.body(Full::from("content")).unwrap()).await.status, StatusCode::CREATED);
    for path in ["/files/foo", "/profiles/global"] {
        let tag = peer.call("HEAD", path, "").await.header("etag").to_owned();
        for method in ["GET", "HEAD"] {
            let answer = conditional(&peer, method, path, &tag).await;
            let seen = (answer.status, answer.header("etag"), answer.body.len());
            assert_eq!(seen, (StatusCode::NOT_MODIFIED, tag.as_str(), 0), "{method} {path}");
        }
        assert_eq!(conditional(&peer, "GET", path, "\"other\"").await.status, StatusCode::OK, "{path}");
    }
    let tag = peer.call("HEAD", "/files/foo", "").await.header("etag").to_owned();
    let public = Request::get("/files/foo").header("if-none-match", tag);
    assert_eq!(peer.send(public.body(Full::default()).unwrap()).await.status, StatusCode::NOT_MODIFIED);
    // A change has another tag.
    let tag = peer.call("HEAD", "/profiles/global", "").await.header("etag").to_owned();
    peer.call("POST", "/profiles/global/params/aa", "1").await;
    assert_eq!(conditional(&peer, "GET", "/profiles/global", &tag).await.status, StatusCode::OK);
    peer.host.stop().await;
}

#[tokio::test]
async fn everything_that_can_be_read_has_a_head() {
    let peer = start_with_provider("cowboy", json!({})).await;
    for path in [
        "/info",
        "/objects",
        "/indexes",
        "/indexes/machines",
        "/indexes/machines/Name",
        "/interfaces",
        "/prefs",
        "/logs",
        "/files",
        "/plugin_providers",
        "/plugin_providers/cowboy",
        "/plugin_providers/cowboy/binary",
        "/system/actions",
        "/users/rocketskates/token",
        "/meta/profiles/global",
        "/profiles",
        "/profiles/global",
        "/profiles/global/params",
        "/profiles/global/params/aa",
        "/profiles/global/pubkey",
        "/profiles/global/actions",
    ] {
        let (head, get) = (peer.call("HEAD", path, "").await, peer.call("GET", path, "").await);
        assert_eq!((head.status, head.body.len()), (get.status, 0), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
    }
    peer.host.stop().await;
}

#[tokio::test]
async fn a_request_is_logged_at_the_level_it_asks_for() {
    let peer = Peer::start().await;
    let traced = async |level: &str| {
        let request = Request::get("/api/v3/machines?token=hidden")
            .header("authorization", peer.bearer())
            .header("x-log-request", level)
            .header("x-log-token", "find me");
        assert_eq!(peer.send(request.body(Full::default()).unwrap()).await.status, StatusCode::OK);
        let lines = peer.call("GET", "/logs", "").await.json();
        let lines = lines.as_array().unwrap().iter().filter(|line| line["Service"] == "frontend");
        lines
            .map(|line| {
                assert_eq!((&line["Principal"], &line["IgnorePublish"]), (&json!("rocketskates"), &json!(true)));
                (line["Level"].as_str().unwrap().to_owned(), line["Message"].as_str().unwrap().to_owned())
            })
            .collect::<Vec<_>>()
    };
    let lines = traced("audit").await;
    assert_eq!(lines[0], ("error".to_owned(), "Log token: find me".to_owned()));
    assert_eq!(lines[1].0, "audit");
    assert!(lines[1].1.starts_with("GET /api/v3/machines?token=***: 200 in "), "{lines:?}");
    let lines = traced("loud").await;
    assert_eq!(lines[3], ("error".to_owned(), "Invalid requested log level loud".to_owned()));
    assert_eq!(lines.len(), 4);
    peer.host.stop().await;
}
