//! Tenants, and rights that change while a websocket is open (`api.md` §2.3, §13.3; `host.md` §18 #43).

use serde_json::json;

use crate::{
    access::{role, user},
    peer::Peer,
    websocket::Socket,
};

const READER: &[[&str; 3]] = &[["*", "*", "*"]];

async fn tenant(peer: &Peer, members: serde_json::Value) {
    let body = json!({ "Name": "acme", "Users": ["bob"], "Members": members }).to_string();
    let made = peer.call("POST", "/tenants", &body).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
}

#[tokio::test]
async fn what_a_tenant_does_not_name_is_not_there_for_its_users() {
    let peer = Peer::start().await;
    role(&peer, "all", READER).await;
    let bob = user(&peer, "bob", &["all"]).await;
    peer.create("tasks", &["t1"]).await;
    let mut uuids = Vec::new();
    for name in ["m1", "m2"] {
        let body = json!({ "Name": name, "Tasks": ["t1"], "Params": { "a/b": 1 } }).to_string();
        uuids.push(peer.call("POST", "/machines", &body).await.json()["Uuid"].as_str().unwrap().to_owned());
        assert_eq!(peer.call("POST", "/profiles", &json!({ "Name": name }).to_string()).await.status, 201);
    }
    let hidden_job = peer.call("POST", "/jobs", &json!({ "Machine": uuids[1] }).to_string()).await.json();
    tenant(&peer, json!({ "machines": [uuids[0]] })).await;

    let list = peer.call_as(&bob, "GET", "/machines", "").await;
    assert_eq!((list.json().as_array().unwrap().len(), list.header("x-drp-list-total-count")), (1, "1"));
    let count = peer.call_as(&bob, "HEAD", "/machines?Name=m2", "").await;
    assert_eq!((count.header("x-drp-list-filter-count"), count.header("x-drp-list-count")), ("0", "0"));
    let stats = peer.call_as(&bob, "GET", "/info", "").await.json()["stats"].clone();
    assert_eq!(stats[0], json!({ "name": "machines.count", "count": 1 }));
    assert_eq!(peer.call_as(&bob, "GET", "/profiles/m2", "").await.status, 200, "profiles are not restricted");

    let contents = peer.call_as(&bob, "GET", "/contents", "").await.json();
    assert_eq!((&contents[0]["Counts"]["machines"], &contents[0]["Counts"]["profiles"]), (&json!(1), &json!(3)));
    let backing = peer.call_as(&bob, "GET", "/contents/BackingStore", "").await.json()["sections"].clone();
    assert_eq!(backing["machines"].as_object().unwrap().keys().collect::<Vec<_>>(), [&uuids[0]]);
    assert_eq!(backing["jobs"], json!({}));

    let patch = r#"[{"op":"replace","path":"/Description","value":"x"}]"#;
    for (seen, key) in [(true, &uuids[0]), (false, &uuids[1])] {
        for (method, path, body) in [
            ("GET", format!("/machines/{key}"), ""),
            ("HEAD", format!("/machines/{key}"), ""),
            ("GET", format!("/machines/{key}/params"), ""),
            ("GET", format!("/machines/{key}/params/a/b"), ""),
            ("POST", format!("/machines/{key}/params/a/b"), "2"),
            ("PATCH", format!("/machines/{key}"), patch),
            ("GET", format!("/machines/{key}/actions"), ""),
            ("GET", format!("/machines/{key}/token"), ""),
            ("GET", format!("/machines/{key}/pubkey"), ""),
            ("GET", format!("/meta/machines/{key}"), ""),
            ("DELETE", format!("/machines/{key}"), ""),
        ] {
            let answer = peer.call_as(&bob, method, &path, body).await;
            let expected = if seen { 200 } else { 404 };
            assert_eq!(answer.status.as_u16(), expected, "{method} {path}");
            if !seen && method != "HEAD" {
                assert_eq!(answer.error(), (404, method.to_owned(), "Not Found".to_owned()), "{method} {path}");
            }
        }
    }
    assert_eq!(peer.call_as(&bob, "GET", "/machines/Name:m2", "").await.status, 404);
    assert_eq!(peer.call_as(&bob, "GET", "/machines/N%61me:m2", "").await.status, 404);
    assert_eq!(peer.call_as(&bob, "GET", "/jobs", "").await.json(), json!([]));
    let job = format!("/jobs/{}", hidden_job["Uuid"].as_str().unwrap());
    assert_eq!(peer.call_as(&bob, "GET", &job, "").await.status, 404);
    let another = peer.call_as(&bob, "POST", "/jobs", &json!({ "Machine": uuids[1] }).to_string()).await;
    assert_eq!(another.error().2, format!("Machine {} does not exist", uuids[1]));
    assert_eq!(peer.call("GET", &job, "").await.status, 200);
    peer.host.stop().await;
}

#[tokio::test]
async fn an_open_websocket_follows_tenants_roles_and_the_user() {
    let peer = Peer::start().await;
    role(&peer, "all", READER).await;
    let bob = user(&peer, "bob", &["all"]).await;
    for name in ["p1", "p2"] {
        assert_eq!(peer.call("POST", "/profiles", &json!({ "Name": name }).to_string()).await.status, 201);
    }
    let mut socket = Socket::open(&peer, &[("authorization", &bob)]).await.unwrap();
    socket.say("register profiles.*.*").await;
    socket.event().await.unwrap();
    let touch = async |name: &str, value: &str| {
        let patch = json!([{ "op": "replace", "path": "/Description", "value": value }]).to_string();
        assert_eq!(peer.call("PATCH", &format!("/profiles/{name}"), &patch).await.status, 200);
    };
    touch("p1", "1").await;
    assert_eq!(socket.summary().await, "profiles.update.p1");
    // From now on bob sees p2 alone, and then neither.
    tenant(&peer, json!({ "profiles": ["p2"] })).await;
    touch("p1", "2").await;
    touch("p2", "2").await;
    assert_eq!(socket.summary().await, "profiles.update.p2");
    let in_use = peer.call("DELETE", "/tenants/acme", "").await.error();
    assert_eq!(in_use, (422, "StillInUseError".into(), "Constraining Users: [bob]".into()));
    let free = r#"[{"op":"replace","path":"/Users","value":[]}]"#;
    assert_eq!(peer.call("PATCH", "/tenants/acme", free).await.status, 200);
    assert_eq!(peer.call("DELETE", "/tenants/acme", "").await.status, 200);
    let narrow = r#"{"Name":"all","Claims":[{"scope":"profiles","action":"update","specific":"p1"}]}"#;
    assert_eq!(peer.call("PUT", "/roles/all", narrow).await.status, 200);
    touch("p2", "3").await;
    touch("p1", "3").await;
    assert_eq!(socket.summary().await, "profiles.update.p1");
    assert_eq!(peer.call("PUT", "/users/bob/password", r#"{"Password":"other"}"#).await.status, 200);
    touch("p1", "4").await;
    assert!(socket.event().await.is_none(), "another password ends the session");

    let token = peer.call("GET", "/users/bob/token", "").await.json()["Token"].as_str().unwrap().to_owned();
    let mut socket = Socket::open(&peer, &[("authorization", &format!("Bearer {token}"))]).await.unwrap();
    socket.say("register profiles.*.*").await;
    socket.event().await.unwrap();
    assert_eq!(peer.call("DELETE", "/users/bob", "").await.status, 200);
    assert!(socket.event().await.is_none(), "a deleted user is not there any more");
    peer.host.stop().await;
}

#[tokio::test]
async fn another_token_secret_ends_open_websockets() {
    let peer = Peer::start().await;
    role(&peer, "all", READER).await;
    user(&peer, "bob", &["all"]).await;
    let token = peer.call("GET", "/users/bob/token", "").await.json()["Token"].as_str().unwrap().to_owned();
    let mut socket = Socket::open(&peer, &[("authorization", &format!("Bearer {token}"))]).await.unwrap();
    socket.say("register *.*.*").await;
    socket.event().await.unwrap();
    let secret = json!({ "baseTokenSecret": "0123456789abcdef0123456789ABCDEF" }).to_string();
    assert_eq!(peer.call("POST", "/prefs", &secret).await.status, 201);
    assert!(socket.event().await.is_none());
    peer.host.stop().await;
}

#[tokio::test]
async fn who_does_not_see_everything_takes_no_backup() {
    let peer = Peer::start().await;
    role(&peer, "all", READER).await;
    let bob = user(&peer, "bob", &["all"]).await;
    assert_eq!(peer.call_as(&bob, "HEAD", "/system/backup", "").await.status, 200);
    tenant(&peer, json!({ "machines": [], "interfaces": [] })).await;
    let refused = peer.call_as(&bob, "GET", "/system/backup", "").await;
    assert_eq!(refused.error(), (403, "AUTH".into(), "Cannot access /api/v3/system/backup".into()));
    assert_eq!(peer.call_as(&bob, "GET", "/interfaces", "").await.json(), json!([]));
    peer.host.stop().await;
}
