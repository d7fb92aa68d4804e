//! Who knows the present state of an object, and who waits for the next one.

use std::time::Duration;

use http::{Request, StatusCode};
use http_body_util::Full;
use serde_json::json;
use tokio::time::{self, Instant};

use crate::peer::{Answer, PASSWORD, Peer, within};

/// Asks for a path with a known tag and a wait.
async fn wait(peer: &Peer, method: &str, path: &str, tag: &str, wait: &str) -> Answer {
    wait_as(peer, &peer.bearer(), method, path, tag, wait).await
}

async fn wait_as(peer: &Peer, by: &str, method: &str, path: &str, tag: &str, wait: &str) -> Answer {
    let request = Request::builder().method(method).uri(format!("/api/v3{path}")).header("authorization", by);
    let request = request.header("if-none-match", tag).header("prefer", format!("wait={wait}"));
    peer.send(request.body(Full::default()).unwrap()).await
}

/// Whether a request still waits after a while in which it could have been answered.
async fn waits(answer: &mut std::pin::Pin<&mut impl Future<Output = Answer>>) -> bool {
    time::timeout(Duration::from_millis(300), answer).await.is_err()
}

#[tokio::test]
async fn who_waits_is_answered_at_once_when_the_object_changes_or_goes() {
    let peer = Peer::start().await;
    let made = peer.call("POST", "/profiles", r#"{"Name":"p1"}"#).await;
    let tag = peer.call("HEAD", "/profiles/p1", "").await.header("etag").to_owned();
    assert_eq!(made.header("etag"), tag);
    assert_eq!(wait(&peer, "GET", "/profiles/p1", "\"other\"", "60").await.status, StatusCode::OK);
    for (method, path) in [("GET", "/profiles/p1"), ("HEAD", "/profiles/Name:p1"), ("GET", "/profiles/p1?slim=Meta")] {
        let tag = peer.call("HEAD", path, "").await.header("etag").to_owned();
        let mut waiting = std::pin::pin!(wait(&peer, method, path, &tag, "1m0s"));
        assert!(waits(&mut waiting).await, "{method} {path}");
        let other = peer.call("POST", "/profiles", r#"{"Name":"p2"}"#).await;
        assert!(waits(&mut waiting).await, "{method} {path}: another object is nothing to it");
        assert_eq!(
            (other.status, peer.call("DELETE", "/profiles/p2", "").await.status.as_u16()),
            (StatusCode::CREATED, 200)
        );
        let patch = json!([{ "op": "add", "path": "/Description", "value": format!("after {method} {path}") }]);
        peer.call("PATCH", "/profiles/p1", &patch.to_string()).await;
        let answer = within(waiting).await;
        assert_eq!((answer.status, answer.body.is_empty()), (StatusCode::OK, method == "HEAD"));
        assert_ne!(answer.header("etag"), tag);
    }
    let tag = peer.call("HEAD", "/profiles/p1", "").await.header("etag").to_owned();
    let mut waiting = std::pin::pin!(wait(&peer, "GET", "/profiles/p1", &tag, "60"));
    assert!(waits(&mut waiting).await);
    peer.call("DELETE", "/profiles/p1", "").await;
    assert_eq!(within(waiting).await.error().0, 404);
    peer.host.stop().await;
}

#[tokio::test]
async fn who_waits_in_vain_gets_304() {
    let peer = Peer::start().await;
    let tag = peer.call("HEAD", "/profiles/global", "").await.header("etag").to_owned();
    let began = Instant::now();
    let answer = wait(&peer, "GET", "/profiles/global", &tag, "300ms").await;
    assert_eq!((answer.status, answer.header("etag")), (StatusCode::NOT_MODIFIED, tag.as_str()));
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert_eq!(wait(&peer, "GET", "/profiles/global", &tag, "0").await.status, StatusCode::NOT_MODIFIED);
    let refused = wait(&peer, "GET", "/profiles/global", &tag, "cow").await.error();
    assert!(refused.0 == 400 && refused.2.contains("wait=cow"), "{refused:?}");
    // Only objects can be waited for.
    assert_eq!(wait(&peer, "GET", "/profiles/missing", "*", "60").await.status, StatusCode::NOT_FOUND);
    peer.host.stop().await;
}

#[tokio::test]
async fn a_stopping_host_lets_nobody_wait() {
    let peer = Peer::start().await;
    let tag = peer.call("HEAD", "/profiles/global", "").await.header("etag").to_owned();
    let mut waiting = std::pin::pin!(wait(&peer, "GET", "/profiles/global", &tag, "600"));
    assert!(waits(&mut waiting).await);
    let began = Instant::now();
    let (answer, ()) = within(async { tokio::join!(waiting, peer.host.stop()) }).await;
    assert_eq!(answer.status, StatusCode::NOT_MODIFIED);
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn claims_are_checked_again_before_the_answer() {
    let peer = Peer::start().await;
    peer.call("POST", "/users", r#"{"Name":"bob"}"#).await;
    peer.call("PUT", "/users/bob/password", &json!({ "Password": PASSWORD }).to_string()).await;
    let role = json!({ "Name": "reader", "Claims": [{ "scope": "profiles", "action": "get", "specific": "*" }] });
    assert_eq!(peer.call("POST", "/roles", &role.to_string()).await.status, StatusCode::CREATED);
    let give = |roles: serde_json::Value| json!([{ "op": "add", "path": "/Roles", "value": roles }]).to_string();
    assert_eq!(peer.call("PATCH", "/users/bob", &give(json!(["reader"]))).await.status, StatusCode::OK);
    let token = peer.call("GET", "/users/bob/token", "").await.json()["Token"].as_str().unwrap().to_owned();
    let bob = format!("Bearer {token}");
    let tag = peer.call("HEAD", "/profiles/global", "").await.header("etag").to_owned();
    let mut waiting = std::pin::pin!(wait_as(&peer, &bob, "GET", "/profiles/global", &tag, "60"));
    assert!(waits(&mut waiting).await);
    assert_eq!(peer.call("PATCH", "/users/bob", &give(json!([]))).await.status, StatusCode::OK);
    assert!(waits(&mut waiting).await);
    let change = json!([{ "op": "add", "path": "/Description", "value": "secret" }]).to_string();
    assert_eq!(peer.call("PATCH", "/profiles/global", &change).await.status, StatusCode::OK);
    assert_eq!(within(waiting).await.error().0, 404);
    peer.host.stop().await;
}
