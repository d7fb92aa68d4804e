//! Objects that name others (§18.1, §18.3).

use serde_json::{Value, json};

use crate::peer::Peer;

const UUID: &str = "24679e38-53a2-4a82-99dd-5280139de00c";

/// Sends a machine, or a change of one, that must be refused with these messages.
async fn check(peer: &Peer, method: &str, path: &str, body: Value, expected: &[&str]) {
    let answer = peer.call(method, path, &body.to_string()).await;
    let error = json!({
        "Model": "machines", "Key": UUID, "Type": "ValidationError", "Messages": expected, "Code": 422,
    });
    assert_eq!((answer.status.as_u16(), answer.json()), (422, error), "{body}");
}

/// `Available` and `Errors` of an object.
async fn state(peer: &Peer, path: &str) -> (Value, Value) {
    let object = peer.call("GET", path, "").await.json();
    (object["Available"].clone(), object["Errors"].clone())
}

#[tokio::test]
async fn t48_a_machine_is_refused_that_names_what_is_not_there_or_not_for_it() {
    let peer = Peer::start().await;
    let foo = r#"{"Name":"foo","Kernel":"missing-kernel"}"#;
    let created = peer.call("POST", "/bootenvs", foo).await;
    assert_eq!((created.status.as_u16(), &created.json()["Available"]), (201, &json!(false)));
    let create = async |field: Value, expected: &[&str]| {
        let mut machine = json!({ "Uuid": UUID, "Name": "foo" });
        machine.as_object_mut().unwrap().extend(field.as_object().unwrap().clone());
        check(&peer, "POST", "/machines", machine, expected).await;
    };
    let both = ["Stage baz does not exist", "Bootenv bar does not exist"];
    create(json!({ "BootEnv": "bar", "Stage": "baz" }), &both).await;
    create(json!({ "Profiles": ["foo"] }), &[&format!("{UUID}: Profile foo (at 0) does not exist")]).await;
    create(json!({ "BootEnv": "foo" }), &["BootEnv foo is not available"]).await;
    let unknown = "BootEnv ignore does not allow Machine assignments, it has the OnlyUnknown flag.";
    create(json!({ "BootEnv": "ignore" }), &[unknown]).await;
    create(json!({ "Tasks": ["foo"] }), &[&format!("{UUID}: Task foo (at 0) does not exist")]).await;
    create(json!({ "Workflow": "nowhere" }), &["Workflow nowhere does not exist"]).await;
    // What actions there are is seen when their turn comes.
    let machine = json!({ "Uuid": UUID, "Name": "foo", "Stage": "local", "Tasks": ["action:TROGDOR:BURNINATE"] });
    assert_eq!(peer.call("POST", "/machines", &machine.to_string()).await.status, 201);
    peer.host.stop().await;
}

#[tokio::test]
async fn t40_a_change_of_a_machine_is_refused_only_for_what_it_adds() {
    let peer = Peer::start().await;
    let pack = |section: Value| json!({ "meta": { "Name": "pack" }, "sections": { "profiles": section } }).to_string();
    let sections = pack(json!({ "p1-prof": { "Name": "p1-prof" } }));
    assert_eq!(peer.call("POST", "/contents", &sections).await.status, 201);
    let machine = json!({ "Uuid": UUID, "Name": "john", "Profiles": ["p1-prof"] }).to_string();
    assert_eq!(peer.call("POST", "/machines", &machine).await.status, 201);
    let replaced = peer.call("PUT", "/contents/pack", &pack(json!({ "p2": { "Name": "p2" } }))).await;
    assert_eq!(replaced.json()["Warnings"], json!(["Profile p1-prof (at 0) does not exist"]));

    let path = format!("/machines/{UUID}");
    let refused = async |field: &str, value: Value, expected: &str| {
        let patch = json!([{ "op": "replace", "path": format!("/{field}"), "value": value }]);
        check(&peer, "PATCH", &path, patch, &[expected]).await;
    };
    refused("BootEnv", json!("john2"), "Bootenv john2 does not exist").await;
    refused("Stage", json!("john2"), "Stage john2 does not exist").await;
    refused("Profiles", json!(["p1-prof", "p3"]), &format!("{UUID}: Profile p3 (at 1) does not exist")).await;
    assert_eq!(peer.call("POST", "/workflows", r#"{"Name":"bad","Stages":["nonexistent-stage"]}"#).await.status, 201);
    let text = format!("Machine {UUID} wants Workflow bad, which is not available");
    refused("Workflow", json!("bad"), &text).await;
    for value in [json!(["p1-prof", "p2"]), json!(["p1-prof"])] {
        let patch = json!([{ "op": "replace", "path": "/Profiles", "value": value }]).to_string();
        assert_eq!(peer.call("PATCH", &path, &patch).await.json()["Profiles"], value, "what is gone may stay");
    }
    peer.host.stop().await;
}

#[tokio::test]
async fn t40_stages_and_workflows_are_unavailable_until_what_they_name_comes() {
    let peer = Peer::start().await;
    assert_eq!(peer.call("POST", "/stages", r#"{"Name":"fred","BootEnv":"fredhammer"}"#).await.status, 201);
    assert_eq!(peer.call("POST", "/workflows", r#"{"Name":"w1","Stages":["later","local"]}"#).await.status, 201);
    let lacks = |text: &str| (json!(false), json!([text]));
    assert_eq!(state(&peer, "/stages/fred").await, lacks("fred: BootEnv fredhammer does not exist"));
    assert_eq!(state(&peer, "/workflows/w1").await, lacks("w1: Stage later does not exist"));
    peer.create("bootenvs", &["fredhammer"]).await;
    let content = r#"{"meta":{"Name":"pack"},"sections":{"stages":{"later":{"Name":"later"}}}}"#;
    assert_eq!(peer.call("POST", "/contents", content).await.status, 201);
    let whole = (json!(true), json!([]));
    assert_eq!(state(&peer, "/stages/fred").await, whole);
    assert_eq!(state(&peer, "/workflows/w1").await, whole);
    peer.host.stop().await;
}

#[tokio::test]
async fn t40_a_boot_environment_with_a_kernel_needs_an_os_and_a_template_to_be_available() {
    let peer = Peer::start().await;
    peer.create("bootenvs", &["john"]).await;
    let update = async |body: Value| {
        let answer = peer.call("PUT", "/bootenvs/john", &body.to_string()).await;
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        state(&peer, "/bootenvs/john").await
    };
    let mut env = json!({ "Name": "john", "Kernel": "lpxelinux.0" });
    assert_eq!(update(env.clone()).await, (json!(false), json!(["john: bootenv: Missing OS.Name"])));
    env["OS"] = json!({ "Name": "johann" });
    let text = "john: bootenv: Missing elilo or pxelinux template";
    assert_eq!(update(env.clone()).await, (json!(false), json!([text])));
    env["Templates"] = json!([{ "Name": "pxelinux", "Path": "p", "Contents": "x" }]);
    assert_eq!(update(env).await, (json!(true), json!([])));
    peer.host.stop().await;
}

#[tokio::test]
async fn a_machine_keeps_its_tasks_whatever_its_stage_and_workflow_say() {
    let peer = Peer::start().await;
    peer.create("tasks", &["gohai"]).await;
    for (prefix, body) in [
        ("stages", json!({ "Name": "discover", "BootEnv": "local", "Tasks": ["gohai"] })),
        ("workflows", json!({ "Name": "w1", "Stages": ["discover"] })),
        ("machines", json!({ "Uuid": UUID, "Name": "john", "Stage": "discover", "Workflow": "w1" })),
    ] {
        let created = peer.call("POST", &format!("/{prefix}"), &body.to_string()).await;
        assert_eq!(created.status, 201, "{:?}", created.body);
    }
    assert_eq!(peer.call("GET", &format!("/machines/{UUID}"), "").await.json()["Tasks"], json!([]));
    peer.host.stop().await;
}
