//! Contents, events, params and claims (§18.1, §18.3).

use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    peer::{Answer, Peer},
    websocket::Socket,
};

async fn socket(peer: &Peer, selector: &str) -> Socket {
    let mut socket = Socket::open(peer, &[("authorization", &peer.bearer())]).await.unwrap();
    socket.say(&format!("register {selector}")).await;
    assert_eq!(socket.summary().await, format!("websocket.register.{selector}"));
    socket
}

fn whole(answer: &Answer) -> Value {
    let json = answer.json();
    assert_eq!(json["Code"], answer.status.as_u16(), "{json}");
    json!([json["Type"], json["Model"], json["Key"], json["Messages"]])
}

#[tokio::test]
async fn t48_events_of_any_type_reach_who_registered() {
    let peer = Peer::start().await;
    let mut socket = socket(&peer, "beeblebrox.*.*").await;
    let event = json!({ "Type": "beeblebrox", "Action": "zaphod", "Key": "prefect" });
    let posted = peer.call("POST", "/events", &event.to_string()).await;
    assert_eq!((posted.status, posted.header("content-type")), (StatusCode::NO_CONTENT, "application/json"));
    assert_eq!(socket.summary().await, "beeblebrox.zaphod.prefect");
    peer.host.stop().await;
}

#[tokio::test]
async fn t48_events_of_users_come_while_others_read_users() {
    let peer = Peer::start().await;
    let mut socket = socket(&peer, "users.*.*").await;
    let read = async {
        loop {
            assert_eq!(peer.call("GET", "/users/rocketskates", "").await.status, StatusCode::OK);
        }
    };
    let change = async {
        assert_eq!(peer.call("POST", "/users", r#"{"Name":"fred"}"#).await.status, StatusCode::CREATED);
        assert_eq!(peer.call("DELETE", "/users/fred", "").await.status, StatusCode::OK);
        assert_eq!(socket.summary().await, "users.create.fred");
        assert_eq!(socket.summary().await, "users.delete.fred");
    };
    tokio::select! {
        () = change => {}
        () = read => unreachable!("reading never ends"),
    }
    peer.host.stop().await;
}

#[tokio::test]
async fn t48_waiting_for_a_machine_takes_one_update() {
    let peer = Peer::start().await;
    let machine = peer.call("POST", "/machines", r#"{"Name":"fred"}"#).await.json();
    let key = machine["Uuid"].as_str().unwrap();
    let mut socket = socket(&peer, &format!("machines.update.{key}")).await;
    socket.say(&format!("register machines.save.{key}")).await;
    assert_eq!(socket.summary().await, format!("websocket.register.machines.save.{key}"));
    let patch = r#"[{"op":"replace","path":"/Runnable","value":false}]"#;
    assert_eq!(peer.call("PATCH", &format!("/machines/{key}"), patch).await.status, StatusCode::OK);
    let event = socket.event().await.unwrap();
    assert_eq!((&event["Object"]["Runnable"], &event["Original"]["Runnable"]), (&json!(false), &json!(true)));
    peer.host.stop().await;
}

#[tokio::test]
async fn t48_contents_bring_boot_environments_and_take_them_away() {
    let peer = Peer::start().await;
    let pack = |sections: Value| json!({ "meta": { "Name": "BarkingStore" }, "sections": sections }).to_string();
    assert_eq!(peer.call("POST", "/contents", &pack(json!({}))).await.status, StatusCode::CREATED);
    let fred = json!({ "bootenvs": { "fred": { "Name": "fred" } } });
    let put = peer.call("PUT", "/contents/BarkingStore", &pack(fred)).await;
    assert_eq!((put.status, put.json()["Counts"].clone()), (StatusCode::OK, json!({ "bootenvs": 1 })));
    let fred = peer.call("GET", "/bootenvs/fred", "").await.json();
    assert_eq!(
        (&fred["Bundle"], &fred["ReadOnly"], &fred["Available"]),
        (&json!("BarkingStore"), &json!(true), &json!(true))
    );
    assert_eq!(peer.call("DELETE", "/contents/BarkingStore", "").await.status, StatusCode::NO_CONTENT);
    let gone = peer.call("GET", "/bootenvs/fred", "").await;
    assert_eq!(whole(&gone), json!(["GET", "bootenvs", "fred", ["Not Found"]]));
    peer.host.stop().await;
}

#[tokio::test]
async fn t40_contents_have_short_versions_and_conflict_as_the_store_says() {
    let peer = Peer::start().await;
    let pack = |name: &str, version: &str, profile: Value| {
        json!({ "meta": { "Name": name, "Version": version }, "sections": { "profiles": { "p1-prof": profile } } })
            .to_string()
    };
    let profile = json!({ "Name": "p1-prof", "Description": "pack1" });
    let posted = peer.call("POST", "/contents", &pack("Pack1", "0.1", profile.clone())).await;
    assert_eq!((posted.status, &posted.json()["meta"]["Version"]), (StatusCode::CREATED, &json!("0.1")));
    let shown = peer.call("GET", "/profiles/p1-prof", "").await.json();
    assert_eq!((&shown["Bundle"], &shown["ReadOnly"]), (&json!("Pack1"), &json!(true)));

    let conflict = peer.call("POST", "/contents", &pack("Pack2", "0.2", profile.clone())).await;
    let text = "profiles:p1-prof in layer dynamic-Pack2 would override layer dynamic-Pack1";
    assert_eq!(whole(&conflict), json!(["STORE_ERROR", "contents", "", [text]]));
    let bad = json!({ "Name": "p1-prof", "Params": 12 });
    let failed = whole(&peer.call("POST", "/contents", &pack("PackBad", "0.1", bad.clone())).await);
    assert_eq!(
        (&failed[0], &failed[1], &failed[2]),
        (&json!("Failed to load backing objects from cache"), &json!(""), &json!(""))
    );
    let reason = failed[3][0].as_str().unwrap();
    assert!(reason.starts_with("Store profiles item p1-prof failed to load from layer content-PackBad: "), "{reason}");
    assert_eq!(failed[3][1], "Try manually replacing content layer PackBad");
    let failed = whole(&peer.call("PUT", "/contents/Pack1", &pack("Pack1", "0.3", bad)).await);
    assert_eq!((&failed[0], &failed[1], &failed[2]), (&json!("PUT"), &json!("contents"), &json!("Pack1")));
    assert_eq!(peer.call("GET", "/profiles/p1-prof", "").await.json(), shown, "what was there stays");

    // T40: a bundled object is refused by its bare key.
    let refused = peer.call("POST", "/profiles/p1-prof/params/fred", "1").await;
    assert_eq!(whole(&refused), json!(["POST", "profiles", "p1-prof", ["p1-prof"]]));
    let refused = peer.call("DELETE", "/profiles/p1-prof", "").await;
    assert_eq!(whole(&refused), json!(["DELETE", "profiles", "p1-prof", ["readonly: p1-prof"]]));
    peer.host.stop().await;
}

#[tokio::test]
async fn t40_params_are_refused_under_the_key_as_it_was_written() {
    let peer = Peer::start().await;
    peer.call("POST", "/params", r#"{"Name":"goodDefault","Schema":{"type":"string","default":"x"}}"#).await;
    peer.call("POST", "/machines", r#"{"Name":"bob"}"#).await;
    let refused = peer.call("POST", "/machines/Name:bob/params/goodDefault", "[5]").await;
    let text = "Key 'goodDefault': invalid val '[5]': : (root): Invalid type. Expected: string, given: array";
    assert_eq!(whole(&refused), json!(["POST", "machines", "Name:bob", [text]]));
    let default = peer.call("GET", "/machines/Name:bob/params/goodDefault?aggregate=true", "").await;
    assert_eq!(default.json(), "x");
    peer.host.stop().await;
}

#[tokio::test]
async fn t40_the_log_of_a_job_that_is_not_there_names_no_object() {
    let peer = Peer::start().await;
    let missing = peer.call("GET", "/jobs/john/log", "").await;
    assert_eq!(
        (missing.status, whole(&missing)),
        (StatusCode::NOT_FOUND, json!(["ValidationError", "", "", ["Job john does not exist"]]))
    );
    peer.host.stop().await;
}
