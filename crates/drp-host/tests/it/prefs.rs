//! Preferences: what they may be, that they stay, and that one of them ends all tokens.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::StatusCode;
use serde_json::json;

use crate::peer::{PASSWORD, Peer};

const SECRET: &str = "0123456789abcdef0123456789ABCDEF";

#[tokio::test]
async fn preferences_have_defaults_and_survive_a_restart() {
    let peer = Peer::start().await;
    let defaults = peer.call("GET", "/prefs", "").await.json();
    for (name, value) in [("debugPlugins", "warn"), ("defaultStage", "none"), ("knownTokenTimeout", "3600")] {
        assert_eq!(defaults[name], value, "{name}");
    }
    for name in ["baseTokenSecret", "systemGrantorSecret"] {
        assert_eq!(defaults[name].as_str().map(str::len), Some(32), "{name}");
    }
    // Clients of old send levels as digits.
    let set =
        peer.call("POST", "/prefs", r#"{"debugPlugins":"2","logLevel":"error","unknownTokenTimeout":"7000"}"#).await;
    assert_eq!(set.status, StatusCode::CREATED);
    let mut expected = defaults;
    for (name, value) in [("debugPlugins", "debug"), ("logLevel", "error"), ("unknownTokenTimeout", "7000")] {
        expected[name] = json!(value);
    }
    assert_eq!(set.json(), expected);
    peer.host.stop().await;
    let Peer { host, dir, .. } = peer;
    drop(host);
    let peer = Peer::start_in(dir, |config| config).await;
    assert_eq!(peer.call("GET", "/prefs", "").await.json(), expected);
    peer.host.stop().await;
}

#[tokio::test]
async fn everything_wrong_with_preferences_is_told_and_none_is_set() {
    let peer = Peer::start().await;
    let before = peer.call("GET", "/prefs", "").await.json();
    let check = async |body: serde_json::Value, expected: &[&str]| {
        let answer = peer.call("POST", "/prefs", &body.to_string()).await;
        let expected = json!({ "Model": "prefs", "Key": "", "Type": "POST", "Messages": expected, "Code": 400 });
        assert_eq!(answer.json(), expected, "{body}");
    };
    check(json!({ "baseTokenSecret": "illegal" }), &["baseTokenSecret: Must be 32 bytes long"]).await;
    check(json!({ "defaultBootEnv": "illegal" }), &["defaultBootEnv: Bootenv illegal does not exist"]).await;
    let atoi = r#"knownTokenTimeout: strconv.Atoi: parsing "illegal": invalid syntax"#;
    check(
        json!({ "greg": "ignore", "knownTokenTimeout": "illegal", "debugDhcp": "info" }),
        &["Unknown Preference greg", atoi],
    )
    .await;
    check(json!({ "debugDhcp": "loud" }), &["debugDhcp: Invalid level: loud"]).await;
    assert_eq!(peer.call("POST", "/prefs", r#"{"debugDhcp":1}"#).await.error().0, 400);
    assert_eq!(peer.call("GET", "/prefs", "").await.json(), before);
    peer.host.stop().await;
}

#[tokio::test]
async fn another_base_token_secret_ends_the_tokens_of_users() {
    let peer = Peer::start().await;
    let basic = format!("Basic {}", STANDARD.encode(format!("rocketskates:{PASSWORD}")));
    let token = async || {
        let answer = peer.call_as(&basic, "GET", "/users/rocketskates/token", "").await;
        format!("Bearer {}", answer.json()["Token"].as_str().unwrap())
    };
    let old = token().await;
    assert_eq!(peer.call_as(&old, "GET", "/info", "").await.status, StatusCode::OK);
    let set = peer.call_as(&old, "POST", "/prefs", &json!({ "baseTokenSecret": SECRET }).to_string()).await;
    assert_eq!((set.status, &set.json()["baseTokenSecret"]), (StatusCode::CREATED, &json!(SECRET)));
    assert_eq!(peer.call_as(&old, "GET", "/info", "").await.status, StatusCode::FORBIDDEN);
    assert_eq!(peer.call_as(&token().await, "GET", "/info", "").await.status, StatusCode::OK);
    peer.host.stop().await;
}

#[tokio::test]
async fn secrets_are_shown_only_to_who_may_set_them() {
    let peer = Peer::start().await;
    let role = r#"{"Name":"reader","Claims":[{"scope":"preferences","action":"list","specific":"*"}]}"#;
    assert_eq!(peer.call("POST", "/roles", role).await.status, StatusCode::CREATED);
    assert_eq!(peer.call("POST", "/users", r#"{"Name":"bob","Roles":["reader"]}"#).await.status, StatusCode::CREATED);
    peer.call("PUT", "/users/bob/password", r#"{"Password":"secret"}"#).await;
    let bob = format!("Basic {}", STANDARD.encode("bob:secret"));
    let shown = peer.call_as(&bob, "GET", "/prefs", "").await.json();
    assert_eq!((shown.get("baseTokenSecret"), &shown["logLevel"]), (None, &json!("warn")));
    let refused = peer.call_as(&bob, "POST", "/prefs", r#"{"logLevel":"info"}"#).await;
    assert_eq!(refused.json()["Messages"][1], "Requires: preferences post ");
    peer.host.stop().await;
}
