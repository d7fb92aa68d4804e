//! Tokens of machines and of their jobs, and `whoami` (`api.md` §2.2, §16; `models.md` §12.4).

use serde_json::{Value, json};

use crate::{
    access::{role, user},
    peer::{Answer, Peer},
    websocket::Socket,
};

async fn machine(peer: &Peer, body: Value) -> String {
    let made = peer.call("POST", "/machines", &body.to_string()).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    made.json()["Uuid"].as_str().unwrap().to_owned()
}

fn bearer(answer: &Answer) -> String {
    format!("Bearer {}", answer.json()["Token"].as_str().unwrap_or_else(|| panic!("{}", answer.json())))
}

#[tokio::test]
async fn a_machines_token_is_for_that_machine_and_ends_with_its_secret_and_with_it() {
    let peer = Peer::start().await;
    peer.create("tasks", &["t1"]).await;
    let m1 = machine(&peer, json!({ "Name": "m1", "Tasks": ["t1"], "Address": "10.0.0.9" })).await;
    let m2 = machine(&peer, json!({ "Name": "m2", "Tasks": ["t1"] })).await;
    let answer = peer.call("GET", &format!("/machines/{m1}/token?ttl=3y"), "").await;
    assert_eq!((answer.status.as_u16(), &answer.json()["Info"]["ha_status"]), (200, &json!("Up")));
    let token = bearer(&answer);
    let as_machine = async |method: &str, path: &str, body: &str| {
        let answer = peer.call_as(&token, method, path, body).await;
        (answer.status.as_u16(), answer)
    };
    let describe = r#"[{"op":"replace","path":"/Description","value":"x"}]"#;
    assert_eq!(as_machine("GET", &format!("/machines/{m1}"), "").await.0, 200);
    assert_eq!(as_machine("PATCH", &format!("/machines/{m1}"), describe).await.0, 200);
    assert_eq!(as_machine("POST", &format!("/machines/{m1}/params/a/b"), "1").await.0, 200);
    assert_eq!(as_machine("GET", &format!("/machines/{m2}"), "").await.0, 404);
    assert_eq!(as_machine("PATCH", &format!("/machines/{m2}"), describe).await.0, 403);
    assert_eq!(as_machine("DELETE", &format!("/machines/{m1}"), "").await.0, 403);
    assert_eq!(as_machine("GET", "/users/rocketskates", "").await.0, 404);
    assert_eq!(as_machine("GET", "/machines", "").await.1.json(), json!([]));
    assert_eq!(as_machine("POST", "/events", r#"{"Type":"a","Action":"b","Key":"c"}"#).await.0, 204);
    assert_eq!(as_machine("POST", "/jobs", &json!({ "Machine": m2 }).to_string()).await.0, 403);
    let (status, job) = as_machine("POST", "/jobs", &json!({ "Machine": m1 }).to_string()).await;
    let path = format!("/jobs/{}", job.json()["Uuid"].as_str().unwrap());
    assert_eq!(
        (status, as_machine("GET", &path, "").await.0, as_machine("GET", &format!("{path}/log"), "").await.0),
        (201, 200, 200)
    );
    assert!(job.json().get("Token").is_none());

    let mut socket = Socket::open(&peer, &[("authorization", &token)]).await.unwrap();
    socket.say("register machines.*.*").await;
    socket.event().await.unwrap();
    peer.call("PATCH", &format!("/machines/{m2}"), describe).await;
    peer.call("PATCH", &format!("/machines/{m1}"), r#"[{"op":"replace","path":"/Description","value":"y"}]"#).await;
    let event = socket.event().await.unwrap();
    assert_eq!((&event["Key"], &event["Principal"]), (&json!(m1), &json!("rocketskates")));
    let rotate = r#"[{"op":"replace","path":"/Secret","value":"another one"}]"#;
    assert_eq!(peer.call("PATCH", &format!("/machines/{m1}"), rotate).await.status, 200);
    assert_eq!(as_machine("GET", "/info", "").await.1.error().2, "Validation failed");
    assert!(socket.event().await.is_none(), "the socket is closed with the token");

    let token = bearer(&peer.call("GET", "/machines/Name:m2/token", "").await);
    assert_eq!(peer.call_as(&token, "GET", "/info", "").await.status, 200);
    assert_eq!(peer.call("DELETE", &format!("/machines/{m2}"), "").await.status, 200);
    assert_eq!(peer.call_as(&token, "GET", "/info", "").await.status, 403);
    let cow = peer.call("GET", &format!("/machines/{m1}/token?ttl=cow"), "").await;
    assert_eq!(cow.error().2, r#"strconv.ParseInt: parsing "cow": invalid syntax"#);
    assert_eq!(cow.json()["Model"], "machines");
    assert_eq!(peer.call("GET", "/machines/nobody/token", "").await.error(), (404, "GET".into(), "Not Found".into()));
    peer.host.stop().await;
}

#[tokio::test]
async fn a_task_with_extra_claims_gives_its_job_a_token_that_ends_with_the_job() {
    let peer = Peer::start().await;
    role(&peer, "helper", &[["profiles", "get", "p1"]]).await;
    for name in ["p1", "p2"] {
        assert_eq!(peer.call("POST", "/profiles", &json!({ "Name": name }).to_string()).await.status, 201);
    }
    let task = json!({ "Name": "t1", "ExtraRoles": ["helper"],
        "ExtraClaims": [{ "scope": "profiles", "action": "update", "specific": "p1" }] });
    assert_eq!(peer.call("POST", "/tasks", &task.to_string()).await.status, 201);
    let uuid = machine(&peer, json!({ "Name": "m1", "Tasks": ["t1"] })).await;
    let job = peer.call("POST", "/jobs", &json!({ "Machine": uuid }).to_string()).await;
    let path = format!("/jobs/{}", job.json()["Uuid"].as_str().unwrap());
    let claims = json!([{ "scope": "profiles", "action": "get", "specific": "p1" },
        { "scope": "profiles", "action": "update", "specific": "p1" }]);
    assert_eq!(job.json()["ExtraClaims"], claims);
    let stored = peer.call("GET", &path, "").await.json();
    assert!(stored.get("Token").is_none(), "{stored}");

    let token = bearer(&job);
    let get = async |path: &str| peer.call_as(&token, "GET", path, "").await.status.as_u16();
    assert_eq!((get("/profiles/p1").await, get("/profiles/p2").await), (200, 404));
    assert_eq!(get(&format!("/machines/{uuid}")).await, 200);
    // Nobody gives themselves more.
    let more = r#"[{"op":"replace","path":"/ExtraClaims","value":[{"scope":"*","action":"*","specific":"*"}]}]"#;
    assert_eq!(peer.call_as(&token, "PATCH", &path, more).await.json()["ExtraClaims"], claims);
    assert_eq!(get("/profiles/p2").await, 404);
    let done = r#"[{"op":"replace","path":"/State","value":"finished"}]"#;
    assert_eq!(peer.call_as(&token, "PATCH", &path, done).await.status, 200);
    assert_eq!(get("/profiles/p1").await, 403);
    peer.host.stop().await;
}

/// `%6a` is `j`: a path means the same however it is written.
#[tokio::test]
async fn nobody_makes_a_job_with_claims_of_their_own() {
    let peer = Peer::start().await;
    peer.create("tasks", &["t1"]).await;
    let uuid = machine(&peer, json!({ "Name": "m1", "Tasks": ["t1"] })).await;
    let wanted = json!({ "Machine": uuid, "Task": "t1", "Stage": "none", "State": "incomplete",
        "ExtraClaims": [{ "scope": "*", "action": "*", "specific": "*" }] })
    .to_string();
    for path in ["/jobs", "/%6aobs"] {
        let made = peer.call("POST", path, &wanted).await;
        assert_eq!(made.status, 201, "{path} {:?}", made.body);
        let job = made.json();
        assert_eq!((job.get("ExtraClaims"), &job["State"]), (None, &json!("created")), "{path}");
        assert_eq!(peer.call("GET", &format!("/machines/{uuid}"), "").await.json()["CurrentJob"], job["Uuid"]);
        let done = r#"[{"op":"replace","path":"/State","value":"failed"}]"#;
        let job = format!("/jobs/{}", job["Uuid"].as_str().unwrap());
        assert_eq!(peer.call("PATCH", &job, done).await.status, 200);
    }
    peer.host.stop().await;
}

#[tokio::test]
async fn whoami_finds_the_machine_that_fits_best() {
    let peer = Peer::start().await;
    let address = "52:54:00:00:00:01";
    machine(&peer, json!({ "Name": "other", "HardwareAddrs": ["52:54:00:00:00:02"] })).await;
    let uuid = machine(&peer, json!({ "Name": "me", "HardwareAddrs": [address] })).await;
    let asked = json!({ "MacAddrs": [address], "OnDiskUUID": "", "Fingerprint": { "SSNHash": "", "CSNHash": "",
        "CloudInstanceID": "", "SystemUUID": "", "MemoryIds": [] }, "Result": {} });
    let found = peer.call("POST", "/whoami", &asked.to_string()).await;
    let result = found.json()["Result"].clone();
    assert_eq!((&result["Score"], &result["Uuid"]), (&json!(100), &json!(uuid)));
    let token = format!("Bearer {}", result["Token"].as_str().unwrap());
    assert_eq!(peer.call_as(&token, "GET", &format!("/machines/{uuid}"), "").await.status, 200);
    assert_eq!(found.json()["MacAddrs"], asked["MacAddrs"]);
    let nobody = peer.call("POST", "/whoami", r#"{"MacAddrs":["52:54:00:00:00:09"]}"#).await;
    assert_eq!((nobody.status.as_u16(), &nobody.json()["Result"]), (200, &json!({})));

    role(&peer, "asker", &[["machines", "whoami", "*"]]).await;
    let bob = user(&peer, "bob", &["asker"]).await;
    let found = peer.call_as(&bob, "POST", "/whoami", &asked.to_string()).await.json();
    assert_eq!(found["Result"], json!({ "Score": 100, "Uuid": uuid }));
    let eve = user(&peer, "eve", &[]).await;
    assert_eq!(peer.call_as(&eve, "POST", "/whoami", "{}").await.error().0, 403);
    let many = json!({ "MacAddrs": vec!["x"; 2000] }).to_string();
    assert_eq!(peer.call("POST", "/whoami", &many).await.error().0, 400);
    peer.host.stop().await;
}

/// `api.md` §4.2: `force` is taken from whoever sends it. Nothing here needs it, because no workflow engine stands
/// behind the stage of a machine.
#[tokio::test]
async fn a_stage_changes_with_tasks_ahead_forced_or_not() {
    let peer = Peer::start().await;
    peer.create("tasks", &["t1", "t2"]).await;
    peer.create("stages", &["s1", "s2"]).await;
    let made = peer.call("POST", "/machines?force=true", r#"{"Name":"m1","Tasks":["t1","t2"]}"#).await;
    assert_eq!(made.status, 201);
    for (query, stage) in [("", "s1"), ("?force=true", "s2")] {
        let patch = json!([{ "op": "replace", "path": "/Stage", "value": stage }]).to_string();
        let changed = peer.call("PATCH", &format!("/machines/Name:m1{query}"), &patch).await;
        assert_eq!((changed.status.as_u16(), &changed.json()["Stage"]), (200, &json!(stage)));
    }
    peer.host.stop().await;
}
