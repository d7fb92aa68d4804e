//! The verbs of objects (§18.1).

use http::StatusCode;
use serde_json::{Value, json};

use crate::peer::Peer;

async fn check(peer: &Peer, method: &str, path: &str, body: Value, expected: (u16, &str, &str)) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let (code, type_, message) = peer.call(method, path, &body).await.error();
    assert_eq!((code, type_.as_str(), message.as_str()), expected, "{method} {path}");
}

#[tokio::test]
async fn t48_objects_lists_the_types_that_are_stored() {
    let peer = Peer::start().await;
    // The recorded list also has a `kk`, which nobody can explain.
    let expected = "bootenvs catalog_items contexts endpoints jobs leases machines params plugins pools preferences \
                    profiles reservations roles stages subnets tasks templates tenants users version_sets workflows";
    let list = peer.call("GET", "/objects", "").await.json();
    assert_eq!(list, json!(expected.split_whitespace().collect::<Vec<_>>()));
    peer.host.stop().await;
}

#[tokio::test]
async fn t48_info_says_who_and_where_the_server_is() {
    let peer = Peer::start().await;
    let info = peer.call("GET", "/info", "").await.json();
    let port: u16 = peer.address().rsplit(':').next().unwrap().parse().unwrap();
    assert_eq!((&info["api_port"], &info["address"]), (&json!(port), &json!("127.0.0.1")));
    assert_eq!(
        (&info["ha_is_active"], &info["ha_status"], &info["ha_enabled"]),
        (&json!(true), &json!("Up"), &json!(false))
    );
    assert_eq!((&info["id"], &info["local_id"]), (&info["ha_id"], &info["ha_id"]));
    let stats = json!([
        { "name": "machines.count", "count": 0 }, { "name": "subnets.count", "count": 0 },
        { "name": "contexts.count", "count": 0 },
    ]);
    assert_eq!(info["stats"], stats);
    for service in ["binl_enabled", "dhcp_enabled", "tftp_enabled"] {
        assert_eq!(info[service], false, "{service}");
    }
    peer.host.stop().await;
}

#[tokio::test]
async fn t48_a_new_machine_has_its_defaults() {
    let peer = Peer::start().await;
    let machine = peer.call("POST", "/machines", r#"{"Name":"fred"}"#).await.json();
    let expected = json!({
        "Runnable": true, "Stage": "none", "BootEnv": "local", "Pool": "default", "PoolStatus": "Free",
        "WorkflowComplete": true, "CurrentTask": 0, "Arch": "amd64", "Available": true, "Validated": true,
    });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&machine[key], value, "{key}");
    }
    peer.host.stop().await;
}

#[tokio::test]
async fn t48_machines_and_boot_environments_live_from_post_to_delete() {
    let peer = Peer::start().await;
    for (prefix, extra) in [("machines", json!({})), ("bootenvs", json!({ "OnlyUnknown": true }))] {
        let at = |key: &str| format!("/{prefix}/{key}");
        for method in ["GET", "DELETE"] {
            check(&peer, method, &at("Name:fred"), Value::Null, (404, method, "Not Found")).await;
        }
        check(&peer, "PATCH", &at("fred"), json!([]), (404, "PATCH", "Not Found")).await;
        let mut fred = extra.clone();
        fred["Name"] = json!("fred");
        let created = peer.call("POST", &format!("/{prefix}"), &fred.to_string()).await;
        assert_eq!(created.status, StatusCode::CREATED, "{:?}", created.body);
        let fred = created.json();
        let key = fred[if prefix == "machines" { "Uuid" } else { "Name" }].as_str().unwrap().to_owned();
        check(&peer, "POST", &format!("/{prefix}"), fred.clone(), (409, "CREATE", "already exists")).await;
        let mut bad = fred.clone();
        bad["Name"] = json!("foo/");
        // v4.8 puts the key before each text.
        let text = format!("{key}: Invalid Name `foo/`");
        if prefix == "machines" {
            check(&peer, "PUT", &at(&key), bad, (422, "ValidationError", &text)).await;
        }
        for form in [key.clone(), format!("Key:{key}"), "Name:fred".to_owned()] {
            assert_eq!(peer.call("GET", &at(&form), "").await.json(), fred, "{form}");
        }
        check(&peer, "GET", &at("OnlyUnknown:true"), Value::Null, (404, "GET", "Not Found")).await;

        let patch = json!([{ "op": "test", "path": "/Description", "value": "no" }, { "op": "replace", "path": "/Description", "value": "x" }]);
        let conflict = peer.call("PATCH", &at(&key), &patch.to_string()).await;
        assert_eq!(conflict.status, StatusCode::CONFLICT);
        // The whole patch comes back, each operation with a `from`.
        let messages = conflict.json()["Messages"].clone();
        assert_eq!(messages[0], "Patch error at line 0: Test op failed.");
        let told: Value = serde_json::from_str(messages[1].as_str().unwrap().strip_prefix("Patch: ").unwrap()).unwrap();
        assert_eq!((&told[0]["from"], &told[1]["value"]), (&json!(""), &json!("x")));

        let mut put = fred.clone();
        put["Description"] = json!("put");
        assert_eq!(peer.call("PUT", &at(&key), &put.to_string()).await.json()["Description"], "put");
        let deleted = peer.call("DELETE", &at(&key), "").await;
        assert_eq!((deleted.status, &deleted.json()["Description"]), (StatusCode::OK, &json!("put")));
        check(&peer, "GET", &at(&key), Value::Null, (404, "GET", "Not Found")).await;
    }
    peer.host.stop().await;
}

#[tokio::test]
async fn t48_lists_that_cannot_be_are_406() {
    let peer = Peer::start().await;
    let check = async |query: &str, text: &str| check(&peer, "GET", query, Value::Null, (406, "GET", text)).await;
    check("/bootenvs?limit=-1", "Limit cannot be negative").await;
    check("/bootenvs?offset=-1", "Offset cannot be negative").await;
    check("/bootenvs?sort=Nope", "Not sortable: Nope").await;
    check("/bootenvs?Nope=1", "Filter not found: Nope").await;
    check("/bootenvs?Available=fred", "Available must be true or false").await;
    check("/machines?Uuid=false", "Invalid UUID: false").await;
    let time = r#"parsing time "fred" as "2006-01-02T15:04:05Z07:00": cannot parse "fred" as "2006""#;
    check("/jobs?StartTime=fred", time).await;
    assert_eq!(peer.call("GET", "/bootenvs?limit=0", "").await.json(), json!([]));
    peer.host.stop().await;
}

#[tokio::test]
async fn t48_leases_are_found_by_eight_hex_digits() {
    let peer = Peer::start().await;
    for (asked, named) in [("foo", "foo"), ("0.0.0.0", "00000000")] {
        let missing = peer.call("GET", &format!("/leases/{asked}"), "").await;
        assert_eq!(missing.error(), (404, "GET".into(), "Not Found".into()));
        assert_eq!(missing.json()["Key"], named);
        assert_eq!(peer.call("DELETE", &format!("/leases/{asked}"), "").await.json()["Key"], named);
    }
    let lease = json!({ "Addr": "0.0.0.1", "Token": "tok", "Strategy": "MAC", "State": "ACK" });
    assert_eq!(peer.call("POST", "/leases", &lease.to_string()).await.status, StatusCode::CREATED);
    assert_eq!(peer.call("GET", "/leases/00000001", "").await.json()["Addr"], "0.0.0.1");
    peer.host.stop().await;
}

#[tokio::test]
async fn t40_a_locked_machine_changes_with_its_unlocking_only() {
    let peer = Peer::start().await;
    let machine = peer.call("POST", "/machines", r#"{"Name":"john","Locked":true}"#).await.json();
    let at = format!("/machines/{}", machine["Uuid"].as_str().unwrap());
    let patch = |path: &str, value: Value| json!({ "op": "replace", "path": path, "value": value });
    let address = patch("/Address", json!("192.168.124.20"));
    let locked = |method| (409, method, "Locked");
    check(&peer, "PATCH", &at, json!([address.clone()]), locked("PATCH")).await;
    check(&peer, "DELETE", &at, Value::Null, locked("DELETE")).await;
    let unlock = json!([address, patch("/Locked", json!(false))]);
    let unlocked = peer.call("PATCH", &at, &unlock.to_string()).await.json();
    assert_eq!((&unlocked["Address"], &unlocked["Locked"]), (&json!("192.168.124.20"), &json!(false)));
    assert_eq!(peer.call("DELETE", &at, "").await.status, StatusCode::OK);
    peer.host.stop().await;
}

#[tokio::test]
async fn t40_lists_are_filtered_by_all_profiles_and_params_that_are_named() {
    let peer = Peer::start().await;
    peer.create("profiles", &["foo", "bar"]).await;
    for (name, profiles, params) in [
        ("bob", json!(["foo", "bar"]), json!({ "bird": 1, "dog": 1 })),
        ("fred", json!(["bar"]), json!({ "bird": 1, "cat": 1 })),
        ("julius", json!([]), json!({ "cat": 1, "dog": 1 })),
    ] {
        let machine = json!({ "Name": name, "Profiles": profiles, "Params": params });
        assert_eq!(peer.call("POST", "/machines", &machine.to_string()).await.status, StatusCode::CREATED);
    }
    let check = async |filter: &str, expected: &[&str]| {
        let list = peer.call("GET", &format!("/machines?sort=Name&{filter}"), "").await.json();
        let names: Vec<&str> =
            list.as_array().unwrap().iter().map(|machine| machine["Name"].as_str().unwrap()).collect();
        assert_eq!(names, expected, "{filter}");
    };
    check("Profiles=Eq(bar)", &["bob", "fred"]).await;
    check("Profiles=Eq(foo,bar)", &["bob"]).await;
    check("Params=Eq(dog,cat)", &["julius"]).await;
    check("Params=Eq(cat,bird)", &["fred"]).await;
    check("Params=In(cat,bird)", &["bob", "fred", "julius"]).await;
    peer.host.stop().await;
}

#[tokio::test]
async fn t40_slim_objects_keep_the_params_that_are_asked_for() {
    let peer = Peer::start().await;
    let john = json!({ "Name": "john", "Meta": { "a": "b" }, "Params": { "FRED": "GREG", "JESSIE": "JAMES" } });
    peer.call("POST", "/profiles", &john.to_string()).await;
    let check = async |query: &str, meta: Value, params: Value| {
        let list = peer.call("GET", &format!("/profiles?Name=john&{query}"), "").await.json();
        assert_eq!(
            (&list[0]["Meta"], &list[0]["Params"], &list[0]["Partial"]),
            (&meta, &params, &json!(true)),
            "{query}"
        );
    };
    check("slim=params,meta", json!({}), json!({})).await;
    check("slim=params,meta&params=FREDJESSIE", json!({}), json!({})).await;
    check("slim=params,meta&params=FRED", json!({}), json!({ "FRED": "GREG" })).await;
    check("params=FRED,JOHN", john["Meta"].clone(), json!({ "FRED": "GREG" })).await;
    peer.host.stop().await;
}

#[tokio::test]
async fn t40_a_machine_has_no_profile_twice() {
    let peer = Peer::start().await;
    peer.create("profiles", &["jill", "jean"]).await;
    let machine = peer.call("POST", "/machines", r#"{"Name":"john","Profiles":["jill","jean"]}"#).await.json();
    let key = machine["Uuid"].as_str().unwrap();
    let patch = json!([{ "op": "add", "path": "/Profiles/-", "value": "jill" }]);
    // v4.8 puts the key before each text.
    let text = format!("{key}: Duplicate profile jill: at 0 and 2");
    check(&peer, "PATCH", &format!("/machines/{key}"), patch, (422, "ValidationError", &text)).await;
    peer.host.stop().await;
}
