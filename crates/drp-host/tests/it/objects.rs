//! The verbs of objects, and what stands beside them.

use http::StatusCode;
use serde_json::{Value, json};

use crate::peer::Peer;

async fn created(peer: &Peer, path: &str, body: Value) -> Value {
    let answer = peer.call("POST", path, &body.to_string()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{:?}", answer.body);
    answer.json()
}

#[tokio::test]
async fn an_object_lives_from_post_to_delete() {
    let peer = Peer::start().await;
    let machine = created(&peer, "/machines", json!({ "Name": "m1.example.com", "Params": { "a/b": 1 } })).await;
    let path = format!("/machines/{}", machine["Uuid"].as_str().unwrap());
    let by_name = peer.call("GET", "/machines/Name:m1.example.com", "").await;
    assert_eq!(by_name.json(), machine);
    assert!(by_name.header("etag").starts_with('"') && by_name.header("content-type") == "application/json");
    let head = peer.call("HEAD", &path, "").await;
    assert_eq!((head.status, head.header("etag"), head.body.len()), (StatusCode::OK, by_name.header("etag"), 0));

    let patch = json!([{ "op": "test", "path": "/Description", "value": "" }, { "op": "replace", "path": "/Description", "value": "x" }]);
    assert_eq!(peer.call("PATCH", &path, &patch.to_string()).await.json()["Description"], "x");
    let again = peer.call("PATCH", &path, &patch.to_string()).await;
    assert_eq!(again.error(), (409, "PATCH".to_owned(), "Patch error at line 0: Test op failed.".to_owned()));
    assert!(again.json()["Messages"][1].as_str().unwrap().starts_with("Patch: [\n  {\n    \"op\": \"test\""));
    assert_ne!(peer.call("GET", &path, "").await.header("etag"), by_name.header("etag"));

    let mut whole = machine.clone();
    whole["Description"] = json!("put");
    assert_eq!(peer.call("PUT", &path, &whole.to_string()).await.json()["Description"], "put");
    whole["Uuid"] = json!("00000000-0000-4000-8000-000000000000");
    let moved = peer.call("PUT", &path, &whole.to_string()).await;
    assert!(moved.error().2.starts_with("Key change from "), "{:?}", moved.error());

    let slim = peer.call("GET", &format!("{path}?slim=params"), "").await.json();
    assert_eq!((&slim["Params"], &slim["Partial"]), (&json!({}), &json!(true)));
    let some = peer.call("GET", &format!("{path}?params=c,a/b"), "").await.json();
    assert_eq!((&some["Params"], &some["Partial"]), (&json!({ "a/b": 1 }), &json!(true)));

    let deleted = peer.call("DELETE", &path, "").await;
    assert_eq!((deleted.status, &deleted.json()["Description"]), (StatusCode::OK, &json!("put")));
    for (method, body) in [("GET", ""), ("PUT", "{}"), ("PATCH", "[]"), ("DELETE", "")] {
        let gone = peer.call(method, &path, body).await;
        assert_eq!(gone.error(), (404, method.to_owned(), "Not Found".to_owned()));
    }
    peer.host.stop().await;
}

#[tokio::test]
async fn lists_are_filtered_and_counted() {
    let peer = Peer::start().await;
    for n in 0..5 {
        created(
            &peer,
            "/profiles",
            json!({ "Name": format!("p{n}"), "Description": if n % 2 == 0 { "even" } else { "odd" } }),
        )
        .await;
    }
    let check = async |query: &str, names: &[&str], counts: [&str; 3]| {
        let answer = peer.call("GET", &format!("/profiles?{query}"), "").await;
        let found: Vec<_> =
            answer.json().as_array().unwrap().iter().map(|p| p["Name"].as_str().unwrap().to_owned()).collect();
        assert_eq!(found, names, "{query}");
        let head = peer.call("HEAD", &format!("/profiles?{query}"), "").await;
        for headers in [&answer, &head] {
            let header = |name: &str| headers.header(name).to_owned();
            let found = ["x-drp-list-total-count", "x-drp-list-filter-count", "x-drp-list-count"].map(header);
            assert_eq!(found, counts, "{query}");
        }
    };
    check("Description=even&sort=Name&reverse=true&limit=2", &["p4", "p2"], ["6", "3", "2"]).await;
    check("Name=In(p0,p1)", &["p0", "p1"], ["6", "2", "2"]).await;
    let bad = peer.call("GET", "/users?nosuch=1", "").await;
    assert_eq!(bad.error(), (406, "GET".to_owned(), "Filter not found: nosuch".to_owned()));
    peer.host.stop().await;
}

#[tokio::test]
async fn params_and_meta_are_read_and_written_on_their_own() {
    let peer = Peer::start().await;
    created(&peer, "/profiles", json!({ "Name": "p1" })).await;
    let base = "/profiles/p1/params";
    let value = r#"{"a":[1,2.50,12345678901234567890123]}"#;
    let set = peer.call("POST", &format!("{base}/foo/bar"), value).await;
    assert_eq!((set.status, &*set.body), (StatusCode::OK, value.as_bytes()));
    assert_eq!(&*peer.call("GET", &format!("{base}/foo/bar"), "").await.body, value.as_bytes());
    let unset = peer.call("GET", &format!("{base}/nosuch"), "").await;
    assert_eq!((unset.status, unset.json()), (StatusCode::OK, Value::Null));
    let all = peer.call("POST", base, r#"{"xx":null}"#).await;
    assert_eq!(all.json(), json!({ "xx": null }));
    let add = r#"[{"op":"test","path":"","value":{"xx":null}},{"op":"add","path":"/yy","value":2}]"#;
    assert_eq!(peer.call("PATCH", base, add).await.json(), json!({ "xx": null, "yy": 2 }));
    let failed = peer.call("PATCH", base, add).await;
    assert_eq!(failed.json()["Messages"], json!(["Patch failed to apply at line 0", "Test op failed."]));
    assert_eq!(peer.call("DELETE", &format!("{base}/yy"), "").await.json(), json!(2));
    let gone = peer.call("DELETE", &format!("{base}/yy"), "").await;
    assert_eq!(
        gone.json(),
        json!({ "Model": "params", "Key": "yy", "Type": "DELETE", "Messages": ["Not Found"], "Code": 404 })
    );

    let colour = r#"[{"op":"add","path":"/color","value":"red"}]"#;
    assert_eq!(peer.call("PATCH", "/meta/profiles/p1", colour).await.json(), json!({ "color": "red" }));
    assert_eq!(peer.call("GET", "/meta/profiles/Name:p1", "").await.json(), json!({ "color": "red" }));
    let unknown = peer.call("GET", "/meta/freds/p1", "").await;
    assert_eq!(unknown.error(), (400, "GET".to_owned(), "No such object type: freds".to_owned()));

    created(&peer, "/params", json!({ "Name": "typed/one", "Schema": { "type": "string" } })).await;
    let named = peer.call("GET", "/params/typed/one", "").await;
    assert_eq!(named.json()["Name"], "typed/one");
    let wrong = peer.call("POST", &format!("{base}/typed/one"), "[1]").await;
    let text = "Key 'typed/one': invalid val '[1]': : (root): Invalid type. Expected: string, given: array";
    assert_eq!(wrong.error(), (409, "POST".to_owned(), text.to_owned()));
    peer.host.stop().await;
}

#[tokio::test]
async fn what_nobody_serves_is_no_route() {
    let peer = Peer::start().await;
    for (method, path) in [
        ("GET", "/freds/john"),
        ("GET", "/freds?x=1"),
        ("POST", "/freds"),
        ("PUT", "/info"),
        ("DELETE", "/machines"),
        ("GET", "/info/x"),
        ("GET", "/machines/x/nosuch"),
        ("GET", "/users/x/params"),
        ("GET", "/jobs/x/actions/y"),
    ] {
        let answer = peer.call(method, path, "{}").await;
        let expected = json!({ "Model": "", "Key": format!("/api/v3{path}"), "Type": method, "Messages": ["No route"], "Code": 404 });
        assert_eq!(answer.json(), expected, "{method} {path}");
    }
    peer.host.stop().await;
}

#[tokio::test]
async fn an_event_that_is_posted_is_answered_with_204_and_json() {
    let peer = Peer::start().await;
    let answer = peer.call("POST", "/events", r#"{"Type":"a","Action":"b","Key":"c"}"#).await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::NO_CONTENT, "application/json"));
    let bad = peer.call("POST", "/events", r#"{"Type":1}"#).await;
    assert_eq!(bad.error().0, 400);
    assert!(peer.call("GET", "/logs", "").await.json().is_array());
    assert!(peer.call("GET", "/objects", "").await.json().as_array().unwrap().contains(&json!("machines")));
    peer.host.stop().await;
}

/// What `drpcli` calls that this host does not do (`api.md` §15): it is told so, and waits for nothing.
#[tokio::test]
async fn what_is_not_served_is_said_so_at_once() {
    let peer = Peer::start().await;
    for (method, path) in [
        ("POST", "/system/upgrade"),
        ("POST", "/system/active"),
        ("POST", "/system/passive"),
        ("GET", "/system/cert"),
        ("POST", "/system/cert"),
        ("GET", "/static/cert"),
        ("GET", "/system/consensus/id"),
        ("GET", "/system/consensus/fullstate"),
        ("POST", "/system/consensus/enroll"),
        ("POST", "/system/consensus/failOverSafe"),
        ("DELETE", "/system/consensus/node/n1"),
        ("GET", "/pools-active"),
        ("GET", "/pools/p1/status"),
        ("POST", "/pools/p1/addMachines"),
        ("POST", "/machines/m1/releaseToPool"),
        ("GET", "/debug/heap"),
        ("GET", "/drp_debug/index/machines"),
        ("GET", "/bootenvs/b1/purgeLocal"),
    ] {
        let answer = peer.call(method, path, "").await;
        let expected = json!({ "Model": "", "Key": format!("/api/v3{path}"), "Type": method, "Code": 404,
            "Messages": ["No route"] });
        assert_eq!(answer.json(), expected, "{method} {path}");
    }
    peer.host.stop().await;
}
