//! Who gets in, and what that one may do.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{Request, StatusCode};
use http_body_util::Full;
use serde_json::json;

use crate::peer::{PASSWORD, Peer};

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// A user with a password and roles.
pub(crate) async fn user(peer: &Peer, name: &str, roles: &[&str]) -> String {
    let body = json!({ "Name": name, "Roles": roles }).to_string();
    assert_eq!(peer.call("POST", "/users", &body).await.status, StatusCode::CREATED);
    let answer = peer.call("PUT", &format!("/users/{name}/password"), r#"{"Password":"secret"}"#).await;
    assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
    basic(name, "secret")
}

pub(crate) async fn role(peer: &Peer, name: &str, claims: &[[&str; 3]]) {
    let claims: Vec<_> = claims
        .iter()
        .map(|[scope, action, specific]| json!({ "scope": scope, "action": action, "specific": specific }))
        .collect();
    let answer = peer.call("POST", "/roles", &json!({ "Name": name, "Claims": claims }).to_string()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{:?}", answer.body);
}

#[tokio::test]
async fn nobody_gets_in_without_saying_who() {
    let peer = Peer::start().await;
    for header in [None, Some("Negotiate x"), Some("Basic !"), Some("Basic bm9jb2xvbg=="), Some("bearer x")] {
        let mut request = Request::get("/api/v3/info");
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        let answer = peer.send(request.body(Full::default()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{header:?}");
        assert_eq!((answer.header("www-authenticate"), answer.body.len()), ("dr-provision", 0));
    }
    let wrong = peer.call_as(&basic("rocketskates", "wrong"), "GET", "/info", "").await;
    assert_eq!(wrong.error(), (403, String::new(), "Access Denied".to_owned()));
    let unknown = peer.call_as(&basic("nobody", PASSWORD), "GET", "/info", "").await;
    assert_eq!(unknown.body, wrong.body);
    let token = peer.call_as("Bearer notatoken", "GET", "/info", "").await;
    assert_eq!(token.header("www-authenticate"), "dr-provision");
    assert!(token.error().2.starts_with("Invalid token: "));
    peer.host.stop().await;
}

#[tokio::test]
async fn a_token_works_in_the_header_and_in_the_query_until_the_password_changes() {
    let peer = Peer::start().await;
    let password = user(&peer, "bob", &[]).await;
    let answer = peer.call_as(&password, "GET", "/users/bob/token?ttl=600", "").await;
    let token = answer.json()["Token"].as_str().unwrap().to_owned();
    assert_eq!(answer.json()["Info"]["ha_status"], "Up");
    assert_eq!(peer.call_as(&format!("Bearer {token}"), "GET", "/info", "").await.status, StatusCode::OK);
    for query in [token.as_str(), "bob:secret"] {
        let request = Request::get(format!("/api/v3/info?token={query}")).body(Full::default()).unwrap();
        assert_eq!(peer.send(request).await.status, StatusCode::OK, "{query}");
    }
    // bob may do that himself.
    let changed = peer.call_as(&password, "PUT", "/users/bob/password", r#"{"Password":"other"}"#).await;
    assert_eq!(changed.status, StatusCode::OK);
    assert_eq!(changed.json().get("PasswordHash"), None);
    assert_eq!(changed.json().get("Secret"), None);
    let old = peer.call_as(&format!("Bearer {token}"), "GET", "/info", "").await;
    assert_eq!(old.error(), (403, "AUTH".to_owned(), "Validation failed".to_owned()));
    assert_eq!(peer.call_as(&password, "GET", "/info", "").await.status, StatusCode::FORBIDDEN);
    assert_eq!(peer.call_as(&basic("bob", "other"), "GET", "/info", "").await.status, StatusCode::OK);
    peer.host.stop().await;
}

#[tokio::test]
async fn an_error_does_not_repeat_the_token_of_the_query() {
    let peer = Peer::start().await;
    let token = peer.host.admin_token().to_owned();
    for name in ["token", "%74ok%65n"] {
        let request = Request::get(format!("/api/v3/nosuch?a=1&{name}={token}")).body(Full::default()).unwrap();
        let answer = peer.send(request).await;
        assert_eq!(answer.json()["Key"], "/api/v3/nosuch?a=1&token=***");
    }
    peer.host.stop().await;
}

/// `#43`.
#[tokio::test]
async fn the_token_of_a_deleted_user_is_worth_nothing() {
    let peer = Peer::start().await;
    let password = user(&peer, "bob", &[]).await;
    let answer = peer.call_as(&password, "GET", "/users/bob/token", "").await;
    let token = format!("Bearer {}", answer.json()["Token"].as_str().unwrap());
    assert_eq!(peer.call("DELETE", "/users/bob", "").await.status, StatusCode::OK);
    assert_eq!(peer.call_as(&token, "GET", "/info", "").await.status, StatusCode::FORBIDDEN);
    user(&peer, "bob", &[]).await;
    assert_eq!(peer.call_as(&token, "GET", "/info", "").await.status, StatusCode::FORBIDDEN);
    peer.host.stop().await;
}

#[tokio::test]
async fn tokens_and_passwords_survive_a_restart_and_operator_tokens_do_not() {
    let dir = tempfile::tempdir().unwrap();
    let peer = Peer::start_in(dir, |config| config).await;
    let answer = peer.call_as(&basic("rocketskates", PASSWORD), "GET", "/users/rocketskates/token", "").await;
    let token = format!("Bearer {}", answer.json()["Token"].as_str().unwrap());
    let operator = peer.bearer();
    peer.host.stop().await;
    let Peer { host, dir, .. } = peer;
    drop(host);
    let peer = Peer::start_in(dir, |mut config| {
        config.admin = None;
        config
    })
    .await;
    assert_eq!(peer.host.new_admin_password(), None);
    assert_eq!(peer.call_as(&token, "GET", "/info", "").await.status, StatusCode::OK);
    assert_eq!(peer.call_as(&basic("rocketskates", PASSWORD), "GET", "/info", "").await.status, StatusCode::OK);
    assert_eq!(peer.call_as(&operator, "GET", "/info", "").await.status, StatusCode::FORBIDDEN);
    peer.host.stop().await;
}

#[tokio::test]
async fn a_first_start_without_a_password_makes_one_and_tells_it() {
    let peer = Peer::start_in(tempfile::tempdir().unwrap(), |mut config| {
        config.admin = None;
        config
    })
    .await;
    let password = peer.host.new_admin_password().unwrap().to_owned();
    assert_eq!(peer.call_as(&basic("rocketskates", &password), "GET", "/info", "").await.status, StatusCode::OK);
    peer.host.stop().await;
}

#[tokio::test]
async fn bad_lives_and_unknown_users_of_tokens_are_named() {
    let peer = Peer::start().await;
    let check = async |path: &str, expected: (u16, &str, &str)| {
        let answer = peer.call("GET", path, "").await;
        let json = answer.json();
        assert_eq!((json["Model"].as_str(), json["Type"].as_str()), (Some("users"), Some("GET")), "{json}");
        assert_eq!(
            (answer.status.as_u16(), json["Key"].as_str().unwrap(), json["Messages"][0].as_str().unwrap()),
            expected
        );
    };
    let cow = r#"strconv.ParseInt: parsing "cow": invalid syntax"#;
    check("/users/rocketskates/token?ttl=cow", (400, "rocketskates", cow)).await;
    check("/users/nobody/token", (404, "nobody", "Not Found")).await;
    peer.host.stop().await;
}

/// `#30`.
#[tokio::test]
async fn what_a_role_does_not_grant_is_hidden_or_refused() {
    let peer = Peer::start().await;
    role(&peer, "reader", &[["profiles", "get,update:/Description", "p1"]]).await;
    let bob = user(&peer, "bob", &["reader"]).await;
    for name in ["p1", "p2"] {
        let body = json!({ "Name": name }).to_string();
        assert_eq!(peer.call("POST", "/profiles", &body).await.status, StatusCode::CREATED);
    }
    assert_eq!(peer.call_as(&bob, "GET", "/profiles/p1", "").await.status, StatusCode::OK);
    let hidden = peer.call_as(&bob, "GET", "/profiles/p2", "").await;
    assert_eq!(hidden.error(), (404, "GET".to_owned(), "Not Found".to_owned()));
    let list = peer.call_as(&bob, "GET", "/profiles", "").await;
    assert_eq!((list.json(), list.header("x-drp-list-total-count")), (json!([]), "0"));
    let describe = r#"[{"op":"replace","path":"/Description","value":"x"}]"#;
    assert_eq!(peer.call_as(&bob, "PATCH", "/profiles/p1", describe).await.status, StatusCode::OK);

    let check = async |method: &str, path: &str, body: &str, requires: &str| {
        let answer = peer.call_as(&bob, method, path, body).await;
        let json = answer.json();
        assert_eq!((answer.status.as_u16(), json["Type"].as_str()), (403, Some("AUTH")), "{method} {path} {json}");
        let messages = [format!("Cannot access /api/v3{path}"), format!("Requires: {requires}")];
        assert_eq!(json["Messages"], json!(messages), "{method} {path}");
    };
    let rename = r#"[{"op":"replace","path":"/Documentation","value":"x"}]"#;
    check("PATCH", "/profiles/p1", rename, "profiles update:/Documentation p1").await;
    check("PATCH", "/profiles/p2", describe, "profiles update:/Description p2").await;
    check("PUT", "/profiles/p1", r#"{"Name":"p1","Documentation":"x"}"#, "profiles update:/Available p1").await;
    check("DELETE", "/profiles/p1", "", "profiles delete p1").await;
    check("POST", "/profiles", r#"{"Name":"p3"}"#, "profiles create ").await;
    check("GET", "/profiles/p1?decode=true", "", "profiles getSecure p1").await;
    check("GET", "/profiles/p1/params?decode=true", "", "profiles getSecure p1").await;
    check("GET", "/profiles/p1/pubkey", "", "profiles updateSecure p1").await;
    check("POST", "/profiles/p1/params/a/b", "1", "profiles update:/Params/a~1b p1").await;
    check("GET", "/logs", "", "logs get ").await;
    check("POST", "/events", "{}", "events post ").await;
    check("GET", "/users/rocketskates/token", "", "users token rocketskates").await;
    check("PUT", "/users/rocketskates/password", r#"{"Password":"x"}"#, "users password rocketskates").await;
    check("GET", "/system/actions", "", "system actions global").await;
    check("POST", "/profiles/p1/actions/x", "{}", "profiles action:x p1").await;
    peer.host.stop().await;
}

#[tokio::test]
async fn a_token_can_be_narrowed_and_never_widened() {
    let peer = Peer::start().await;
    role(&peer, "reader", &[["profiles", "list,get", "*"]]).await;
    role(&peer, "writer", &[["profiles", "create", "*"]]).await;
    let bob = user(&peer, "bob", &["reader"]).await;
    let token = async |who: &str, path: &str| {
        let answer = peer.call_as(who, "GET", path, "").await;
        format!("Bearer {}", answer.json()["Token"].as_str().unwrap())
    };
    let admin = peer.bearer();
    let narrow = token(&admin, "/users/rocketskates/token?roles=reader").await;
    assert_eq!(peer.call_as(&narrow, "GET", "/profiles/global", "").await.status, StatusCode::OK);
    assert_eq!(peer.call_as(&narrow, "POST", "/profiles", r#"{"Name":"p1"}"#).await.status, StatusCode::FORBIDDEN);
    for roles in ["writer", "superuser", "nosuch"] {
        let wide = token(&bob, &format!("/users/bob/token?roles={roles}")).await;
        assert_eq!(peer.call_as(&wide, "POST", "/profiles", r#"{"Name":"p1"}"#).await.status, StatusCode::FORBIDDEN);
    }
    peer.host.stop().await;
}

#[tokio::test]
async fn nobody_reads_or_sets_a_password_hash() {
    let peer = Peer::start().await;
    let bob = user(&peer, "bob", &[]).await;
    for answer in [peer.call("GET", "/users/bob", "").await, peer.call("GET", "/users", "").await] {
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(!text.contains("PasswordHash"), "{text}");
    }
    let copy = r#"[{"op":"copy","from":"/PasswordHash","path":"/Description"}]"#;
    assert_eq!(peer.call("PATCH", "/users/bob", copy).await.status, StatusCode::CONFLICT);
    // A whole replacement keeps what its sender never saw.
    let replaced = peer.call("PUT", "/users/bob", r#"{"Name":"bob","Description":"x"}"#).await;
    assert_eq!(replaced.json()["Description"], "x");
    assert_eq!(peer.call_as(&bob, "GET", "/info", "").await.status, StatusCode::OK);
    peer.host.stop().await;
}
