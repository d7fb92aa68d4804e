//! What objects can be found by, and the network interfaces.

use http::StatusCode;
use serde_json::{Value, json};

use crate::peer::{Peer, start_with_provider};

fn index(type_: &str, unique: bool, unordered: bool, regex: bool) -> Value {
    json!({ "Type": type_, "Unique": unique, "Unordered": unordered, "Regex": regex })
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn indexes_are_those_of_a_v4_server() {
    let definition = json!({ "StoreObjects": {
        "cows": {},
        "typed-cows": { "CanMilk": { "type": "boolean" }, "Location": { "type": "string" } },
    } });
    let peer = start_with_provider("cowboy", definition).await;
    let machines = peer.call("GET", "/indexes/machines", "").await.json();
    let string = index("string", false, false, true);
    let boolean = index("boolean", false, true, false);
    for (name, expected) in [
        ("Address", &index("IP Address", false, false, false)),
        ("Available", &boolean),
        ("BootEnv", &string),
        ("Bundle", &string),
        ("Key", &index("string", true, false, true)),
        ("Name", &index("string", true, false, true)),
        ("Params", &index("list", false, true, false)),
        ("Profiles", &index("list", false, true, false)),
        ("Runnable", &boolean),
        ("Uuid", &index("UUID string", true, false, false)),
        ("Valid", &boolean),
    ] {
        assert_eq!(&machines[name], expected, "{name}");
    }
    for name in ["Secret", "Fingerprint", "Errors", "Validated"] {
        assert_eq!(machines.get(name), None, "{name}");
    }
    assert_eq!(peer.call("GET", "/indexes/users", "").await.json().get("PasswordHash"), None);
    let cows = peer.call("GET", "/indexes/cows", "").await.json();
    assert_eq!(keys(&cows), ["Available", "Id", "Key", "ReadOnly", "Type", "Valid"]);
    let typed = peer.call("GET", "/indexes/typed-cows", "").await.json();
    assert_eq!((&typed["CanMilk"], &typed["Location"]), (&boolean, &string));
    let unknown = peer.call("GET", "/indexes/nosuch", "").await.json();
    assert_eq!(keys(&unknown), ["Available", "Key", "ReadOnly", "Valid"]);
    assert_eq!(peer.call("GET", "/indexes/machines/Valid", "").await.json(), boolean);
    assert_eq!(peer.call("GET", "/indexes/machines/nosuch", "").await.json(), index("", false, false, false));
    let all = peer.call("GET", "/indexes", "").await.json();
    assert_eq!((&all["machines"], &all["cows"]), (&machines, &cows));
    peer.host.stop().await;
}

#[tokio::test]
async fn interfaces_can_be_listed_and_missing_ones_are_named() {
    let peer = Peer::start().await;
    let list = peer.call("GET", "/interfaces", "").await;
    let interfaces = list.json();
    assert_eq!(list.header("x-drp-list-count"), interfaces.as_array().unwrap().len().to_string());
    for interface in interfaces.as_array().unwrap() {
        let name = interface["Name"].as_str().unwrap();
        assert_eq!(peer.call("HEAD", &format!("/interfaces/{name}"), "").await.status, StatusCode::OK, "{name}");
    }
    let missing = peer.call("GET", "/interfaces/nosuch", "").await;
    let expected =
        json!({ "Model": "interfaces", "Key": "nosuch", "Type": "GET", "Messages": ["No interface"], "Code": 404 });
    assert_eq!(missing.json(), expected);
    peer.host.stop().await;
}
