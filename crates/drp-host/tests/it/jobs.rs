//! Jobs over the wire.

use bytes::Bytes;
use http::{Request, header::AUTHORIZATION};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::peer::{Answer, Peer};

async fn put_log(peer: &Peer, job: &str, content_type: &str, text: &'static str) -> Answer {
    let request = Request::builder()
        .method("PUT")
        .uri(format!("/api/v3/jobs/{job}/log"))
        .header(AUTHORIZATION, peer.bearer())
        .header("content-type", content_type);
    peer.send(request.body(Full::from(Bytes::from(text))).unwrap()).await
}

#[tokio::test]
async fn a_job_lives_from_post_to_delete() {
    let peer = Peer::start().await;
    peer.create("tasks", &["t1"]).await;
    peer.create("workflows", &["w1"]).await;
    let machine = json!({ "Name": "m1", "Tasks": ["t1"], "Workflow": "w1" }).to_string();
    let machine = peer.call("POST", "/machines", &machine).await.json()["Uuid"].as_str().unwrap().to_owned();
    let wanted = json!({ "Machine": machine }).to_string();
    let made = peer.call("POST", "/jobs", &wanted).await;
    assert_eq!(made.status, 201);
    let job = made.json();
    let key = job["Uuid"].as_str().unwrap().to_owned();
    let expected = json!({ "Machine": machine, "Task": "t1", "Stage": "none", "BootEnv": "local", "Workflow": "w1",
        "State": "created", "ExitState": "", "Current": true, "Archived": false, "CurrentIndex": 0, "NextIndex": 1,
        "Previous": "", "EndTime": "0001-01-01T00:00:00Z", "Available": true });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(job[name], *value, "{name}");
    }
    assert!(job.get("Token").is_none() && job.get("ExtraClaims").is_none());
    assert_eq!(peer.call("GET", &format!("/machines/{machine}"), "").await.json()["CurrentJob"], *key);
    assert_eq!(peer.call("POST", "/jobs", &wanted).await.error().0, 409);
    assert_eq!(peer.call("POST", "/jobs", "{}").await.error().2, "Create request must have Machine field");

    let path = format!("/jobs/{key}");
    let to = |from: &str, to: &str| {
        json!([{ "op": "test", "path": "/State", "value": from }, { "op": "replace", "path": "/State", "value": to }])
            .to_string()
    };
    assert_eq!(peer.call("PATCH", &path, &to("created", "running")).await.json()["State"], "running");
    assert_eq!(peer.call("PATCH", &path, &to("created", "running")).await.error().0, 409);
    assert_eq!(peer.call("PATCH", &path, &to("running", "nonsense")).await.error().0, 422);
    for (method, path) in [("GET", format!("{path}/actions?os=linux")), ("GET", format!("{path}/plugin_actions"))] {
        assert_eq!(peer.call(method, &path, "").await.json(), json!([]), "{path}");
    }

    let added = put_log(&peer, &key, "application/octet-stream", "one\n").await;
    assert_eq!((added.status.as_u16(), added.header("content-type")), (204, "application/json"));
    put_log(&peer, &key, "application/octet-stream", "two\n").await;
    assert_eq!(put_log(&peer, &key, "text/plain", "x").await.error().0, 415);
    let log = peer.call("GET", &format!("{path}/log"), "").await;
    assert_eq!(String::from_utf8_lossy(&log.body), format!("Log for Job: {key}\none\ntwo\n"));
    assert_eq!(log.header("content-type"), "application/octet-stream");
    let head = peer.call("HEAD", &format!("{path}/log"), "").await;
    assert_eq!((head.header("content-length"), head.body.len()), (log.body.len().to_string().as_str(), 0));
    assert_eq!(peer.call("HEAD", &path, "").await.status, 200);
    assert_eq!(peer.call("HEAD", "/logs", "").await.status, 200);
    assert_eq!(peer.call("HEAD", "/jobs?State=running", "").await.header("x-drp-list-filter-count"), "1");

    assert_eq!(peer.call("PATCH", &path, &to("running", "finished")).await.json()["State"], "finished");
    let nothing = peer.call("POST", "/jobs", &wanted).await;
    assert_eq!((nothing.status.as_u16(), nothing.body.len()), (204, 0));
    assert_eq!(peer.call("DELETE", &path, "").await.status, 200);
    let gone = peer.call("GET", &format!("{path}/log"), "").await;
    assert_eq!(gone.error(), (404, "ValidationError".to_owned(), format!("Job {key} does not exist")));
    assert_eq!(std::fs::read_dir(peer.dir.path().join("data/job-logs")).unwrap().count(), 0);
    peer.host.stop().await;
}

#[tokio::test]
async fn claims_on_jobs_speak_of_their_machines() {
    let peer = Peer::start().await;
    peer.create("tasks", &["t1"]).await;
    let mut jobs = Vec::new();
    for name in ["m1", "m2"] {
        let machine = json!({ "Name": name, "Tasks": ["t1"] }).to_string();
        let machine = peer.call("POST", "/machines", &machine).await.json()["Uuid"].clone();
        let job = peer.call("POST", "/jobs", &json!({ "Machine": machine }).to_string()).await.json();
        jobs.push((machine, job["Uuid"].as_str().unwrap().to_owned()));
    }
    let role = json!({ "Name": "some", "Claims": [{ "scope": "jobs", "action": "log,get,update:/State", "specific": jobs[0].0 }] });
    assert_eq!(peer.call("POST", "/roles", &role.to_string()).await.status, 201);
    assert_eq!(peer.call("POST", "/users", r#"{"Name":"bob","Roles":["some"]}"#).await.status, 201);
    assert_eq!(peer.call("PUT", "/users/bob/password", r#"{"Password":"p"}"#).await.status, 200);
    let read = async |job: &str| peer.call_as("Basic Ym9iOnA=", "GET", &format!("/jobs/{job}/log"), "").await.status;
    assert_eq!(read(&jobs[0].1).await, 200);
    assert_eq!(read(&jobs[1].1).await, 403);
    assert_eq!(read("24679e38-53a2-4a82-99dd-5280139de00c").await, 403);
    let state = r#"[{"op":"replace","path":"/State","value":"running"}]"#;
    for ((_, job), expected) in jobs.iter().zip([[200, 200], [404, 403]]) {
        let path = format!("/jobs/{job}");
        let get = peer.call_as("Basic Ym9iOnA=", "GET", &path, "").await.status.as_u16();
        let patch = peer.call_as("Basic Ym9iOnA=", "PATCH", &path, state).await.status.as_u16();
        assert_eq!([get, patch], expected);
    }
    peer.host.stop().await;
}

#[tokio::test]
async fn types_without_anything_special_are_served_as_others() {
    let peer = Peer::start().await;
    for (prefix, key, body) in [
        ("stages", "s1", json!({ "Name": "s1", "Params": { "a/b": 1 } })),
        ("tasks", "t1", json!({ "Name": "t1" })),
        ("templates", "t1.tmpl", json!({ "ID": "t1.tmpl", "Contents": "x" })),
        ("workflows", "w1", json!({ "Name": "w1", "Stages": ["s1"] })),
        ("pools", "p1", json!({ "Id": "p1" })),
        ("reservations", "192.168.124.11", json!({ "Addr": "192.168.124.11" })),
        ("subnets", "n1", json!({ "Name": "n1", "Subnet": "10.0.0.0/24", "OnlyReservations": true })),
    ] {
        let made = peer.call("POST", &format!("/{prefix}"), &body.to_string()).await;
        assert_eq!(made.status, 201, "{prefix}: {:?}", made.body);
        let path = format!("/{prefix}/{key}");
        assert_eq!(peer.call("GET", &path, "").await.json(), made.json());
        let patched = peer.call("PATCH", &path, r#"[{"op":"add","path":"/Meta/color","value":"red"}]"#).await;
        assert_eq!(patched.json()["Meta"], json!({ "color": "red" }), "{prefix}");
        assert_eq!(
            peer.call("HEAD", &format!("/{prefix}?Valid=true&ReadOnly=false"), "").await.header("x-drp-list-count"),
            "1"
        );
        let types: Value = peer.call("GET", "/objects", "").await.json();
        assert!(types.as_array().unwrap().contains(&json!(prefix)));
    }
    assert_eq!(peer.call("GET", "/stages/s1/params", "").await.json(), json!({ "a/b": 1 }));
    assert_eq!(peer.call("DELETE", "/stages/s1", "").await.error().2, "In use by Workflow w1");
    peer.host.stop().await;
}

#[tokio::test]
async fn a_purge_takes_what_is_more_than_is_to_be_kept_and_tells_what_that_is() {
    let peer = Peer::start().await;
    peer.create("tasks", &["t1", "t2", "t3"]).await;
    let machine = json!({ "Name": "m1", "Tasks": ["t1", "t2", "t3"] }).to_string();
    let machine = peer.call("POST", "/machines", &machine).await.json()["Uuid"].as_str().unwrap().to_owned();
    let mut keys = Vec::new();
    for _ in 0..3 {
        let job = peer.call("POST", "/jobs", &json!({ "Machine": machine }).to_string()).await.json();
        let key = job["Uuid"].as_str().unwrap().to_owned();
        let done = r#"[{"op":"replace","path":"/State","value":"finished"}]"#;
        assert_eq!(peer.call("PATCH", &format!("/jobs/{key}"), done).await.status, 200);
        keys.push(key);
    }
    let purge = async |query: &str| {
        let answer = peer.call("DELETE", &format!("/jobs?{query}"), "").await;
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        answer.json()
    };
    assert_eq!(purge("").await, json!([]), "no preference says that anything goes");
    assert_eq!(purge("dryrun=true&jobsToKeep=1").await, json!(keys[..2]));
    assert_eq!(purge("completeJobsPurgedAfter=1d&failedJobsPurgedAfter=0").await, json!([]));
    assert_eq!(purge(&format!("machine={machine}&jobsToKeep=2")).await, json!(keys[..1]));
    assert_eq!(peer.call("GET", &format!("/jobs/{}/log", keys[0]), "").await.status, 404);
    assert_eq!(peer.call("POST", "/prefs", r#"{"jobsToKeep":"1"}"#).await.status, 201);
    assert_eq!(purge("machine=Name:m1").await, json!(keys[1..2]));
    assert_eq!(purge("jobsToKeep=0").await, json!([]), "the current job stays");
    assert_eq!(purge("machine=missing").await, json!([]));
    assert_eq!(peer.call("DELETE", &format!("/machines/{machine}"), "").await.status, 200);
    assert_eq!(purge("machine=missing").await, json!(keys[2..]));
    assert_eq!(peer.call("GET", "/jobs", "").await.json(), json!([]));

    for (query, text) in [
        ("jobsToKeep=cow", "jobsToKeep: must be a number, not cow"),
        ("failedJobsPurgedAfter=cow", r#"failedJobsPurgedAfter: strconv.ParseInt: parsing "cow": invalid syntax"#),
    ] {
        assert_eq!(
            peer.call("DELETE", &format!("/jobs?{query}"), "").await.error(),
            (400, "DELETE".into(), text.into())
        );
    }
    assert_eq!(peer.call("DELETE", "/jobs?machine=nobody", "").await.error().0, 404);
    assert_eq!(peer.call("POST", "/users", r#"{"Name":"bob"}"#).await.status, 201);
    let token = peer.call("GET", "/users/bob/token", "").await.json()["Token"].as_str().unwrap().to_owned();
    assert_eq!(peer.call_as(&format!("Bearer {token}"), "DELETE", "/jobs", "").await.error().0, 403);
    peer.host.stop().await;
}
