//! Content bundles that come and go over the API.

use http::StatusCode;
use serde_json::{Value, json};

use crate::peer::Peer;

fn bundle(name: &str, sections: &Value) -> Value {
    json!({ "meta": { "Name": name }, "sections": sections })
}

async fn post(peer: &Peer, bundle: &Value) -> crate::peer::Answer {
    peer.call("POST", "/contents", &bundle.to_string()).await
}

fn message(answer: &crate::peer::Answer) -> String {
    answer.error().2
}

#[tokio::test]
async fn contents_come_and_go_as_in_the_reference_tests() {
    let peer = Peer::start().await;
    for method in ["GET", "DELETE"] {
        let missing = peer.call(method, "/contents/BarkingStore", "").await;
        assert_eq!(missing.error(), (404, method.into(), "No such content store".into()));
    }
    let nameless = post(&peer, &json!({ "meta": {}, "sections": {} })).await;
    let expected = json!({
        "Model": "contents", "Key": "", "Type": "POST", "Code": 422,
        "Messages": ["Store at content- has no Name metadata"],
    });
    assert_eq!((nameless.status.as_u16(), nameless.json()), (422, expected));

    let posted = post(&peer, &bundle("BarkingStore", &json!({}))).await;
    assert_eq!(posted.status, StatusCode::CREATED);
    let summary = posted.json();
    assert_eq!((&summary["meta"]["Type"], &summary["meta"]["Writable"]), (&json!("dynamic"), &json!(false)));
    assert_eq!((&summary["Counts"], &summary["Warnings"]), (&json!({}), &json!([])));
    assert_eq!(message(&post(&peer, &bundle("BarkingStore", &json!({}))).await), "Content BarkingStore already exists");

    let put =
        async |name: &str, bundle: Value| peer.call("PUT", &format!("/contents/{name}"), &bundle.to_string()).await;
    let global = bundle("BarkingStore", &json!({ "profiles": { "global": { "Name": "global" } } }));
    let refused = put("BarkingStore", global.clone()).await;
    let text = "profiles:global in layer dynamic-BarkingStore would override layer writable-BackingStore";
    let expected = json!({
        "Model": "contents", "Key": "BarkingStore", "Type": "PUT", "Code": 422, "Messages": [text],
    });
    assert_eq!((refused.status.as_u16(), refused.json()), (422, expected));
    let refused = put("BarkingStore?replaceWritable=true", global).await;
    assert_eq!(message(&refused), text, "nothing takes the place of this one");
    let text = "Cannot change name from BarkingStore to x";
    assert_eq!(message(&put("BarkingStore", bundle("x", &json!({}))).await), text);
    assert_eq!(put("x", bundle("x", &json!({}))).await.error(), (404, "PUT".into(), "Cannot find x".into()));

    let sections = json!({
        "profiles": { "packed": { "Name": "packed", "Profiles": ["nobody"] } },
        "unheard-of": { "a/b": { "Any": [1, 2.50] } },
    });
    let replaced = put("BarkingStore", bundle("BarkingStore", &sections)).await;
    assert_eq!(replaced.status, StatusCode::OK);
    assert_eq!(replaced.json()["Counts"], json!({ "profiles": 1, "unheard-of": 1 }));
    assert_eq!(replaced.json()["Warnings"], json!(["Profile nobody (at 0) does not exist"]));
    let packed = peer.call("GET", "/profiles/packed", "").await.json();
    let marks = ["Bundle", "ReadOnly", "Available"].map(|key| packed[key].clone());
    assert_eq!(marks, [json!("BarkingStore"), json!(true), json!(true)]);
    // Whoever writes to it is told its bare key (`api.md` §18.3, Contents).
    for (method, path, body) in [
        ("POST", "/profiles/packed/params/a/b", "1"),
        ("PATCH", "/profiles/packed", r#"[{"op":"replace","path":"/Description","value":"x"}]"#),
    ] {
        assert_eq!(peer.call(method, path, body).await.error(), (409, method.into(), "packed".into()));
    }
    let deleted = peer.call("DELETE", "/profiles/packed", "").await;
    assert_eq!(deleted.error(), (404, "DELETE".into(), "readonly: packed".into()));
    let shown = peer.call("GET", "/contents/BarkingStore", "").await.json();
    assert_eq!(shown["sections"]["unheard-of"]["a/b"]["Any"], json!([1, 2.50]));
    assert_eq!(shown["meta"].as_object().unwrap().len(), 20);

    assert_eq!(peer.call("DELETE", "/contents/BarkingStore", "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(peer.call("GET", "/profiles/packed", "").await.status, StatusCode::NOT_FOUND);
    peer.host.stop().await;
}

#[tokio::test]
async fn layers_are_listed_from_top_to_bottom_and_only_uploaded_ones_can_go() {
    let peer = Peer::start().await;
    for name in ["zoo", "ant"] {
        assert_eq!(post(&peer, &bundle(name, &json!({}))).await.status, StatusCode::CREATED);
    }
    let list = peer.call("GET", "/contents", "").await;
    assert_eq!(list.header("x-drp-list-count"), "4");
    let of = |key: &str| -> Vec<String> {
        let list = list.json();
        list.as_array().unwrap().iter().map(|summary| summary["meta"][key].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(of("Name"), ["BackingStore", "ant", "zoo", "BasicStore"]);
    assert_eq!(of("Type"), ["writable", "dynamic", "dynamic", "basic"]);
    assert_eq!(list.json()[0]["Counts"], json!({ "profiles": 1, "users": 1 }));
    assert_eq!(list.json()[3]["Counts"], json!({ "bootenvs": 2, "roles": 1, "stages": 2 }));
    let backing = peer.call("GET", "/contents/BackingStore", "").await;
    assert!(!String::from_utf8_lossy(&backing.body).contains("PasswordHash"));
    assert_eq!(peer.call("DELETE", "/contents/BackingStore", "").await.status, StatusCode::CONFLICT);
    assert_eq!(post(&peer, &bundle("BasicStore", &json!({}))).await.status, StatusCode::CONFLICT);
    peer.host.stop().await;
}

#[tokio::test]
async fn what_a_bundle_demands_is_checked() {
    let peer = Peer::start().await;
    let check = async |meta: Value, expected: &str| {
        let answer = post(&peer, &json!({ "meta": meta })).await;
        assert_eq!((answer.status.as_u16(), message(&answer).as_str()), (422, expected));
    };
    let version = r#"Layer a: invalid version 1.2.foo: Invalid character(s) found in patch number "foo""#;
    check(json!({ "Name": "a", "Version": "1.2.foo" }), version).await;
    let feature = "Content layer a requires feature no-such, but dr-provision does not provide it";
    check(json!({ "Name": "a", "RequiredFeatures": "api-v3, no-such" }), feature).await;
    let answer = post(&peer, &json!({ "meta": { "Name": "a", "Prerequisites": "b: ~1.0.0" } })).await;
    assert!(message(&answer).starts_with("Layer a: error parsing prerequisites "), "{}", message(&answer));

    let meta = json!({ "Name": "basic", "Prerequisites": "foo, BasicStore: >=99.0.0, BackingStore" });
    let warned = post(&peer, &json!({ "meta": meta })).await.json();
    let expected = json!([
        "Layer basic has foo as a prerequisite, but foo does not exist!",
        "Layer basic prerequisite test on BasicStore failed",
    ]);
    assert_eq!(warned["Warnings"], expected);
    let bad = json!({ "params": { "x/y": { "Name": "x/y", "Schema": { "type": "nonsense" } } } });
    let refused = post(&peer, &bundle("bad", &bad)).await;
    assert_eq!(refused.error().1, "Failed to load backing objects from cache");
    assert!(message(&refused).starts_with("Store params item x/y failed to load from layer content-bad: "));
    assert_eq!(refused.json()["Messages"][1], "Try manually replacing content layer bad");
    peer.host.stop().await;
}

#[tokio::test]
async fn written_objects_make_room_only_where_that_is_asked_for_and_contents_outlive_the_host() {
    let peer = Peer::start().await;
    assert_eq!(peer.call("POST", "/params", r#"{"Name":"pack/key","Secure":true}"#).await.status, 201);
    let sections = json!({
        "params": { "pack/key": { "Name": "pack/key", "Secure": true, "Schema": { "type": "string" } } },
        "profiles": { "packed": { "Name": "packed", "Params": { "pack/key": "hush-hush" } } },
    });
    let pack = bundle("pack", &sections);
    let refused = post(&peer, &pack).await;
    let text = "params:pack/key in layer dynamic-pack would override layer writable-BackingStore";
    assert_eq!(refused.error(), (422, "STORE_ERROR".into(), text.into()));
    assert_eq!(peer.call("GET", "/contents/pack", "").await.status, StatusCode::NOT_FOUND);
    let posted = peer.call("POST", "/contents?replaceWritable=true", &pack.to_string()).await;
    assert_eq!(posted.status, StatusCode::CREATED, "{:?}", posted.body);
    assert_eq!(peer.call("GET", "/params/pack/key", "").await.json()["Bundle"], "pack");
    let shown = peer.call("GET", "/contents/pack", "").await;

    let peer = peer.restart().await;
    assert_eq!(peer.call("GET", "/contents/pack", "").await.json(), shown.json());
    assert_eq!(peer.call("GET", "/profiles/packed/params/pack/key?decode=true", "").await.json(), "hush-hush");
    assert_eq!(peer.call("DELETE", "/contents/pack", "").await.status, StatusCode::NO_CONTENT);
    let peer = peer.restart().await;
    assert_eq!(peer.call("GET", "/contents/pack", "").await.status, StatusCode::NOT_FOUND);
    peer.host.stop().await;
}

#[tokio::test]
async fn a_role_without_the_claim_changes_nothing() {
    let peer = Peer::start().await;
    let role = r#"{"Name":"reader","Claims":[{"scope":"contents","action":"list,get","specific":"*"}]}"#;
    assert_eq!(peer.call("POST", "/roles", role).await.status, 201);
    let bob = r#"{"Name":"bob","Roles":["reader"]}"#;
    assert_eq!(peer.call("POST", "/users", bob).await.status, 201);
    let token = peer.call("GET", "/users/bob/token", "").await.json()["Token"].as_str().unwrap().to_owned();
    let bob = format!("Bearer {token}");
    let pack = bundle("pack", &json!({})).to_string();
    assert_eq!(peer.call_as(&bob, "GET", "/contents", "").await.json().as_array().unwrap().len(), 2);
    for (method, path) in [("POST", "/contents"), ("PUT", "/contents/pack"), ("DELETE", "/contents/pack")] {
        assert_eq!(peer.call_as(&bob, method, path, &pack).await.error().0, 403, "{method}");
    }
    peer.host.stop().await;
}

#[tokio::test]
async fn what_is_built_in_is_there_to_be_read_and_makes_room_for_bundles() {
    let peer = Peer::start().await;
    for path in ["/bootenvs/ignore", "/bootenvs/local", "/stages/local", "/stages/none", "/roles/superuser"] {
        let object = peer.call("GET", path, "").await.json();
        let marks = ["Bundle", "ReadOnly", "Available"].map(|key| object[key].clone());
        assert_eq!(marks, [json!("BasicStore"), json!(true), json!(true)], "{path}");
        assert_eq!(peer.call("DELETE", path, "").await.status, StatusCode::NOT_FOUND);
    }
    let again = peer.call("POST", "/roles", r#"{"Name":"superuser"}"#).await;
    assert_eq!(again.error(), (409, "CREATE".into(), "already exists".into()));
    let stages = json!({ "stages": { "none": { "Name": "none", "Description": "ours" } } });
    assert_eq!(post(&peer, &bundle("ours", &stages)).await.status, StatusCode::CREATED);
    let none = async || peer.call("GET", "/stages?Name=none", "").await.json();
    let hidden = none().await;
    assert_eq!((hidden.as_array().unwrap().len(), &hidden[0]["Bundle"]), (1, &json!("ours")));
    assert_eq!(peer.call("DELETE", "/contents/ours", "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(none().await[0]["Bundle"], "BasicStore");
    assert_eq!(peer.call("DELETE", "/contents/BasicStore", "").await.status, StatusCode::CONFLICT);
    peer.host.stop().await;
}
