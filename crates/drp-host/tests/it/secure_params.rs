//! Params that are or become secret (`api.md` §5, the features `secure-params`, `secure-param-upgrade` and
//! `secure-params-in-content-packs`).

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::{Value, json};

use crate::{
    access::{role, user},
    peer::{Peer, start_with_provider},
    websocket::Socket,
};

const SECRET: &str = "hush-hush";
const MACHINE: &str = "24679e38-53a2-4a82-99dd-5280139de00c";

/// An object of each type that has params, each with the secret in plain. `rings` is what the provider declares.
async fn objects_with_a_plain_value(peer: &Peer) -> Vec<String> {
    let params = json!({ "the/secret": SECRET, "other": "open" });
    let mut paths = Vec::new();
    for (prefix, key, body) in [
        ("machines", MACHINE, json!({ "Uuid": MACHINE, "Name": "m1" })),
        ("profiles", "p1", json!({ "Name": "p1" })),
        ("plugins", "l1", json!({ "Name": "l1", "Provider": "nobody" })),
        ("stages", "s1", json!({ "Name": "s1" })),
        ("endpoints", "e1", json!({ "Id": "e1" })),
        ("rings", "r1", json!({ "Id": "r1" })),
    ] {
        let mut body = body;
        body["Params"] = params.clone();
        let made = peer.call("POST", &format!("/{prefix}"), &body.to_string()).await;
        assert_eq!((made.status.as_u16(), &made.json()["Params"]), (201, &params), "{prefix}");
        paths.push(format!("/{prefix}/{key}"));
    }
    paths
}

fn is_sealed(value: &Value) -> bool {
    ["Key", "Nonce", "Payload"].iter().all(|key| value[key].is_string())
}

/// Looks at an object from all sides.
async fn require_sealed(peer: &Peer, path: &str) {
    let object = peer.call("GET", path, "").await.json();
    assert!(is_sealed(&object["Params"]["the/secret"]), "{path}: {object}");
    assert!(!object.to_string().contains(SECRET), "{path}");
    for path in [format!("{path}/params"), format!("{path}/params/the/secret"), format!("{path}?params=the/secret")] {
        let shown = peer.call("GET", &path, "").await;
        assert!(!String::from_utf8_lossy(&shown.body).contains(SECRET), "{path}");
    }
    let opened = peer.call("GET", &format!("{path}/params/the/secret?decode=true"), "").await;
    assert_eq!(opened.json(), SECRET, "{path}");
    let list = path.rsplit_once('/').unwrap().0;
    let listed = peer.call("GET", list, "").await;
    assert!(!String::from_utf8_lossy(&listed.body).contains(SECRET), "{list}");
}

async fn host_with_rings() -> Peer {
    start_with_provider("ringer", json!({ "StoreObjects": { "rings": {} } })).await
}

#[tokio::test]
async fn what_was_plain_is_sealed_when_its_param_becomes_secret_and_no_event_shows_it() {
    let peer = host_with_rings().await;
    let paths = objects_with_a_plain_value(&peer).await;
    let mut socket = Socket::open(&peer, &[("authorization", &peer.bearer())]).await.unwrap();
    socket.say("register *.*.*").await;
    socket.event().await.unwrap();

    let declared = peer.call("POST", "/params", r#"{"Name":"the/secret","Secure":true}"#).await;
    assert_eq!(declared.status, 201);
    for path in &paths {
        require_sealed(&peer, path).await;
        // The next change does not bring it back.
        let changed = peer.call("PATCH", path, r#"[{"op":"add","path":"/Meta/seen","value":"yes"}]"#).await;
        assert_eq!(changed.status, 200);
    }
    peer.call("POST", "/events", r#"{"Type":"done","Action":"now","Key":"x"}"#).await;
    let mut updated = 0;
    loop {
        let event = socket.event().await.unwrap();
        assert!(!event.to_string().contains(SECRET), "{event}");
        updated += usize::from(event["Action"] == "update");
        if event["Type"] == "done" {
            break;
        }
    }
    assert!(updated >= 2 * paths.len(), "{updated}");
    let logs = peer.call("GET", "/logs", "").await;
    assert!(!String::from_utf8_lossy(&logs.body).contains(SECRET));
    let other = peer.call("GET", &format!("/machines/{MACHINE}/params/other"), "").await;
    assert_eq!(other.json(), "open");
    peer.host.stop().await;
}

#[tokio::test]
async fn a_param_that_is_made_secret_later_and_one_that_is_no_more() {
    let peer = host_with_rings().await;
    assert_eq!(peer.call("POST", "/params", r#"{"Name":"the/secret"}"#).await.status, 201);
    let paths = objects_with_a_plain_value(&peer).await;
    let secure = |secure: bool| json!([{ "op": "replace", "path": "/Secure", "value": secure }]).to_string();
    assert_eq!(peer.call("PATCH", "/params/the/secret", &secure(true)).await.json()["Secure"], true);
    for path in &paths {
        require_sealed(&peer, path).await;
    }
    // What was sealed stays so, whatever becomes of the param, and opens for whom it did.
    assert_eq!(peer.call("PATCH", "/params/the/secret", &secure(false)).await.status, 200);
    require_sealed(&peer, &paths[0]).await;
    let set = async |value: &str| {
        let path = format!("{}/params/the/secret", paths[1]);
        peer.call("POST", &path, &format!("{value:?}")).await.json()
    };
    assert_eq!(set("plain").await, "plain");
    assert_eq!(peer.call("PATCH", "/params/the/secret", &secure(true)).await.status, 200);
    assert!(is_sealed(&set("again").await));
    assert_eq!(peer.call("DELETE", "/params/the/secret", "").await.status, 200);
    require_sealed(&peer, &paths[0]).await;
    assert_eq!(set("plain").await, "plain");
    assert_eq!(peer.call("POST", "/params", r#"{"Name":"the/secret","Secure":true}"#).await.status, 201);
    let value = peer.call("GET", &format!("{}/params/the/secret", paths[1]), "").await.json();
    assert!(is_sealed(&value), "{value}");
    peer.host.stop().await;
}

#[tokio::test]
async fn a_param_that_comes_with_content_seals_the_store_and_other_layers_for_good() {
    let peer = host_with_rings().await;
    let paths = objects_with_a_plain_value(&peer).await;
    let pack = |name: &str, sections: Value| json!({ "meta": { "Name": name }, "sections": sections }).to_string();
    let packed = json!({ "profiles": { "packed": { "Name": "packed", "Params": { "the/secret": SECRET } } },
        "unheard-of": { "x": { "Params": { "the/secret": SECRET } } } });
    assert_eq!(peer.call("POST", "/contents", &pack("values", packed)).await.status, 201);
    let declaration = json!({ "params": { "the/secret": { "Name": "the/secret", "Secure": true } } });
    assert_eq!(peer.call("POST", "/contents", &pack("declarations", declaration)).await.status, 201);
    require_sealed(&peer, &paths[0]).await;
    require_sealed(&peer, "/profiles/packed").await;

    let peer = peer.restart().await;
    for path in paths.iter().map(String::as_str).chain(["/profiles/packed"]) {
        require_sealed(&peer, path).await;
    }
    peer.host.stop().await;
}

#[tokio::test]
async fn a_param_of_a_provider_seals_what_is_there_and_what_is_written_before_the_provider_is_loaded_again() {
    let content = "sections:\n  params:\n    the/secret:\n      Name: the/secret\n      Secure: true\n";
    let peer = Peer::start().await;
    let set = async |peer: &Peer| {
        peer.call("POST", "/profiles/global/params/the/secret", &json!(SECRET).to_string()).await.json()
    };
    assert_eq!(set(&peer).await, SECRET);
    let provider = peer.dir.path().join("data/plugins/sealer");
    let definition = json!({ "Name": "sealer", "Version": "v1.0.0", "PluginVersion": 4, "Content": content });
    fs::write(&provider, format!("#!/bin/sh\n[ \"$1\" = unpack ] && exit 0\ncat <<'END'\n{definition}\nEND\n"))
        .unwrap();
    fs::set_permissions(&provider, fs::Permissions::from_mode(0o700)).unwrap();
    let peer = peer.restart().await;
    require_sealed(&peer, "/profiles/global").await;

    // A host that starts without the file has not been told that the param is no secret any more.
    fs::remove_file(peer.dir.path().join("data/plugins/sealer")).unwrap();
    let peer = peer.restart().await;
    assert_eq!(peer.call("GET", "/params/the/secret", "").await.status, 404);
    assert!(is_sealed(&set(&peer).await));
    peer.host.stop().await;
}

#[tokio::test]
async fn content_packs_carry_secrets_to_and_from_whom_they_are_for() {
    let peer = Peer::start().await;
    let sections = json!({
        "params": { "the/secret": { "Name": "the/secret", "Secure": true, "Schema": { "type": "string" } } },
        "profiles": { "packed": { "Name": "packed", "Params": { "the/secret": SECRET } } },
    });
    let pack = json!({ "meta": { "Name": "pack" }, "sections": sections }).to_string();
    assert_eq!(peer.call("POST", "/contents", &pack).await.status, 201);
    require_sealed(&peer, "/profiles/packed").await;
    // A client seals what it gets in plain for a key of its own (models.md §19.7), so it needs it in plain.
    let shown = peer.call("GET", "/contents/pack", "").await.json();
    assert_eq!(shown["sections"]["profiles"]["packed"]["Params"]["the/secret"], SECRET);
    let secure = peer.call("GET", "/params?Secure=Eq(true)", "").await.json();
    assert_eq!(secure[0]["Name"], "the/secret");

    let role = json!({ "Name": "reader", "Claims": [{ "scope": "contents", "action": "*", "specific": "*" }] });
    assert_eq!(peer.call("POST", "/roles", &role.to_string()).await.status, 201);
    assert_eq!(peer.call("POST", "/users", r#"{"Name":"bob","Roles":["reader"]}"#).await.status, 201);
    let token = peer.call("GET", "/users/bob/token", "").await.json()["Token"].as_str().unwrap().to_owned();
    let bob = format!("Bearer {token}");
    let sealed = peer.call_as(&bob, "GET", "/contents/pack", "").await;
    assert!(!String::from_utf8_lossy(&sealed.body).contains(SECRET));
    let value = sealed.json()["sections"]["profiles"]["packed"]["Params"]["the/secret"].clone();
    assert!(is_sealed(&value));
    // It goes back as it came, but not to where nobody could open it.
    let sealed = String::from_utf8_lossy(&sealed.body).into_owned();
    assert_eq!(peer.call_as(&bob, "PUT", "/contents/pack", &sealed).await.status, 200);
    require_sealed(&peer, "/profiles/packed").await;
    let moved = peer.call("PUT", "/contents/pack", &sealed.replace("packed", "moved")).await;
    let text = "Store profiles item moved failed to load from layer content-pack: \
        Key 'the/secret': invalid val '***': : SecureData corrupted";
    assert_eq!((moved.status.as_u16(), moved.error().2.as_str()), (422, text));

    let features = peer.call("GET", "/info", "").await.json()["features"].to_string();
    for feature in ["secure-params", "secure-param-upgrade", "secure-params-in-content-packs"] {
        assert!(features.contains(&format!("\"{feature}\"")), "{features}");
    }
    peer.host.stop().await;
}

/// `api.md` §18.3, Secure params.
#[tokio::test]
async fn roles_without_the_secure_claims_are_refused_with_the_texts_of_the_server() {
    let peer = Peer::start().await;
    assert_eq!(peer.call("POST", "/params", r#"{"Name":"the/secret","Secure":true}"#).await.status, 201);
    let bob = json!({ "Name": "bob", "Provider": "nobody", "Params": { "the/secret": SECRET } }).to_string();
    assert_eq!(peer.call("POST", "/plugins", &bob).await.status, 201);
    require_sealed(&peer, "/plugins/bob").await;
    role(&peer, "seer", &[["plugins", "list,get,update", "*"]]).await;
    let seer = user(&peer, "seer", &["seer"]).await;
    for (path, requires) in [
        ("/plugins/Name:bob?decode=true", "plugins getSecure Name:bob"),
        ("/plugins/Name:bob/params?decode=true", "plugins getSecure Name:bob"),
        ("/plugins/Name:bob/params/the/secret?decode=true", "plugins getSecure Name:bob"),
        ("/plugins?decode=true", "plugins getSecure "),
        ("/plugins/Name:bob/pubkey", "plugins updateSecure Name:bob"),
    ] {
        let answer = peer.call_as(&seer, "GET", path, "").await;
        let expected = json!({ "Model": "", "Key": "", "Type": "AUTH", "Code": 403,
            "Messages": [format!("Cannot access /api/v3{path}"), format!("Requires: {requires}")] });
        assert_eq!((answer.status.as_u16(), answer.json()), (403, expected), "{path}");
    }
    peer.host.stop().await;
}
