//! The document and the host say the same.

use http::{Request, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::peer::{Peer, start_with_provider};

#[tokio::test]
async fn the_document_is_for_everybody() {
    let peer = Peer::start().await;
    let answer = peer.send(Request::get("/openapi.json").body(Full::default()).unwrap()).await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "application/json"));
    assert_eq!(answer.json(), drp_host::openapi());
    let moved = peer.send(Request::get("/swagger.json").body(Full::default()).unwrap()).await;
    assert_eq!((moved.status.as_u16(), moved.header("location")), (308, "/openapi.json"));
    for path in ["/", "/ui", "/openapi.yaml"] {
        let answer = peer.send(Request::get(path).body(Full::default()).unwrap()).await;
        assert_eq!(answer.error().2, "No route", "{path}");
    }
    peer.host.stop().await;
}

#[tokio::test]
async fn everything_in_the_document_is_served() {
    let peer = start_with_provider("farm", json!({ "StoreObjects": { "cows": {} } })).await;
    let document = drp_host::openapi();
    let mut calls = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        calls.extend(item.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())));
    }
    // What ends something others need comes last.
    calls.sort_by_key(|(method, path)| (method == "DELETE", path.clone()));
    for (method, path) in calls {
        let path = path.replace("{prefix}", "cows").replace("{key}", "k1").replace(['{', '}'], "");
        let request = Request::builder()
            .method(&*method)
            .uri(&path)
            .header("authorization", peer.bearer())
            .header("content-type", "application/json");
        let answer = peer.send(request.body(Full::from("{}")).unwrap()).await;
        assert!(!answer.status.is_server_error(), "{method} {path}: {}", answer.status);
        let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        assert_ne!(said["Messages"][0], "No route", "{method} {path}");
        if method == "GET" {
            let request = Request::head(&path).header("authorization", peer.bearer());
            let head = peer.send(request.body(Full::default()).unwrap()).await;
            assert_eq!((head.status, head.body.len()), (answer.status, 0), "HEAD {path}");
        }
    }
    peer.host.stop().await;
}

#[tokio::test]
async fn the_statuses_of_the_document_are_those_of_the_host() {
    let peer = Peer::start().await;
    let document = drp_host::openapi();
    let said = |method: &str, path: &str, status: StatusCode| {
        document["paths"][format!("/api/v3{path}")][method]["responses"][status.as_str()].is_object()
    };
    for (method, call, path, body) in [
        ("post", "/profiles", "/profiles", r#"{"Name":"p1"}"#),
        ("post", "/profiles", "/profiles", r#"{"Name":"p1"}"#),
        ("post", "/profiles", "/profiles", "{"),
        ("post", "/profiles", "/profiles", r#"{"Name":"/"}"#),
        ("get", "/profiles", "/profiles", ""),
        ("get", "/profiles?limit=-1", "/profiles", ""),
        ("get", "/profiles/p1", "/profiles/{key}", ""),
        ("get", "/profiles/p2", "/profiles/{key}", ""),
        ("patch", "/profiles/p1", "/profiles/{key}", r#"[{"op":"test","path":"/Name","value":"x"}]"#),
        ("delete", "/profiles/p1", "/profiles/{key}", ""),
        ("get", "/info", "/info", ""),
        ("post", "/prefs", "/prefs", "{}"),
        ("post", "/events", "/events", r#"{"Type":"x","Action":"y","Key":"z"}"#),
        ("post", "/files/foo", "/files/{path}", ""),
        ("get", "/files/foo", "/files/{path}", ""),
        ("delete", "/files/foo", "/files/{path}", ""),
        ("post", "/isos/foo", "/isos/{path}", ""),
        ("get", "/ws", "/ws", ""),
        ("get", "/users/rocketskates/token", "/users/{name}/token", ""),
    ] {
        let answer = peer.call(&method.to_uppercase(), call, body).await;
        assert!(said(method, path, answer.status), "{method} {call}: {}", answer.status);
    }
    peer.host.stop().await;
}
