//! Jobs, contents, users and the server itself: what each call sends.

use std::{collections::BTreeMap, time::Duration};

use drp_client::{NextJob, PurgeJobs, Secret, Upload};
use drp_core::{Model, PluginProvider, Whoami};
use serde_json::{Value, json as value};

use crate::peer::{Peer, head, json, lines, soon};

#[tokio::test]
async fn what_a_machine_does_next_is_told_by_the_status() {
    let job = r#"{"Uuid":"87a74f0e-d168-4687-99e8-8fd3a7ed551b","State":"created"}"#;
    let peer =
        Peer::script(vec![json("201 Created", job), json("202 Accepted", job), head("204 No Content", &[])]).await;
    let jobs = peer.client().jobs();
    let NextJob::New(new) = jobs.next("m1").await.unwrap() else { panic!("it is a new one") };
    assert_eq!(new.key(), "87a74f0e-d168-4687-99e8-8fd3a7ed551b");
    assert!(matches!(jobs.next("m1").await.unwrap(), NextJob::Again(_)));
    assert_eq!(jobs.next_in("m1", "docker").await.unwrap(), NextJob::Nothing);
    let bodies: Vec<String> = peer.seen().into_iter().map(|seen| seen.body).collect();
    assert_eq!(bodies, [r#"{"Machine":"m1"}"#, r#"{"Machine":"m1"}"#, r#"{"Context":"docker","Machine":"m1"}"#]);
    assert_eq!(lines(&peer), ["POST /jobs"; 3]);
}

#[tokio::test]
async fn a_job_changes_state_only_from_the_one_it_is_thought_to_be_in() {
    let peer = Peer::start(|_| json("200 OK", "{}")).await;
    let jobs = peer.client().jobs();
    jobs.set_state("j", "created", "running").await.unwrap();
    jobs.finish("j", "finished", "complete").await.unwrap();
    let bodies: Vec<String> = peer.seen().into_iter().map(|seen| seen.body).collect();
    let expected = [
        r#"[{"op":"test","path":"/State","from":"","value":"created"},{"op":"replace","path":"/State","from":"","value":"running"}]"#,
        r#"[{"op":"test","path":"/State","from":"","value":"running"},{"op":"replace","path":"/State","from":"","value":"finished"},{"op":"replace","path":"/ExitState","from":"","value":"complete"}]"#,
    ];
    assert_eq!(bodies, expected);
    assert_eq!(lines(&peer), ["PATCH /jobs/j"; 2]);
}

#[tokio::test]
async fn a_job_log_is_added_to_in_order_and_read() {
    let peer = Peer::start(|seen| match seen.line.split(' ').next().unwrap() {
        "PUT" => head("204 No Content", &["Content-Type: application/json"]),
        _ => {
            crate::peer::last_words("HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\r\nLog for Job: j\n")
        }
    })
    .await;
    let jobs = peer.client().jobs();
    jobs.append_log("j", "one\n").await.unwrap();
    jobs.append_log_from("j", Upload::reader(&b"two\n"[..])).await.unwrap();
    let mut writer = jobs.log_writer("j");
    for _ in 0..3 {
        writer.write("three\n").await.unwrap();
    }
    assert_eq!(peer.seen().len(), 2, "it waits for more");
    writer.write("x".repeat(40_000)).await.unwrap();
    writer.write("end").await.unwrap();
    writer.flush().await.unwrap();
    writer.flush().await.unwrap();
    let seen = peer.seen();
    let bodies: Vec<&str> = seen.iter().map(|seen| seen.body.as_str()).collect();
    let large = "three\n".repeat(3) + &"x".repeat(40_000);
    assert_eq!(bodies, ["one\n", "two\n", &large, "end"]);
    for put in &seen {
        assert_eq!(put.line, "PUT /api/v3/jobs/j/log");
        assert_eq!(put.header("content-type"), Some("application/octet-stream"));
    }
    assert_eq!(soon(async { jobs.log("j").await?.next().await }).await.unwrap().unwrap(), "Log for Job: j\n");
}

#[tokio::test]
async fn scripts_and_purges_say_what_is_wanted() {
    let peer = Peer::start(|seen| match seen.line.split(' ').next().unwrap() {
        "GET" => json("200 OK", r#"[{"Name":"s","Path":"","Content":"x","Meta":{}}]"#),
        _ => json("200 OK", "[]"),
    })
    .await;
    let jobs = peer.client().jobs();
    assert_eq!(jobs.scripts("j", Some("linux")).await.unwrap()[0].content, "x");
    jobs.scripts("j", None).await.unwrap();
    jobs.purge(&PurgeJobs::default()).await.unwrap();
    let wanted = PurgeJobs {
        is_dry_run: true,
        machine: Some("missing".to_owned()),
        keep: Some(3),
        failed_after: Some(Duration::from_secs(3600)),
        complete_after: Some(Duration::from_secs(60)),
    };
    jobs.purge(&wanted).await.unwrap();
    let expected = [
        "GET /jobs/j/actions?os=linux",
        "GET /jobs/j/actions",
        "DELETE /jobs",
        "DELETE /jobs?dryrun=true&machine=missing&jobsToKeep=3&failedJobsPurgedAfter=3600&completeJobsPurgedAfter=60",
    ];
    assert_eq!(lines(&peer), expected);
}

#[tokio::test]
async fn a_bundle_is_put_where_there_is_one_and_posted_where_there_is_none() {
    let peer = Peer::start(|seen| match seen.line.as_str() {
        "GET /api/v3/contents" => json("200 OK", r#"[{"meta":{"Name":"there"},"Counts":{"tasks":2}}]"#),
        line if line.starts_with("DELETE") => head("204 No Content", &[]),
        line if line.starts_with("GET") => json("200 OK", r#"{"meta":{"Name":"there"},"sections":{}}"#),
        _ => json("201 Created", r#"{"meta":{"Name":"x"},"Counts":{}}"#),
    })
    .await;
    let contents = peer.client().contents();
    let bundle = |name: &str| value!({"meta": {"Name": name}, "sections": {"tasks": {}}});
    assert_eq!(contents.list().await.unwrap()[0].counts["tasks"], 2);
    assert_eq!(contents.get::<Value>("there").await.unwrap()["meta"]["Name"], "there");
    contents.upload(&bundle("there")).await.unwrap();
    contents.clone().replace_writable().upload(&bundle("new")).await.unwrap();
    contents.create(&bundle("new")).await.unwrap();
    contents.clone().replace_writable().replace("there", &bundle("there")).await.unwrap();
    contents.delete("there").await.unwrap();
    let expected = [
        "GET /contents",
        "GET /contents/there",
        "GET /contents",
        "PUT /contents/there",
        "GET /contents",
        "POST /contents?replaceWritable=true",
        "POST /contents",
        "PUT /contents/there?replaceWritable=true",
        "DELETE /contents/there",
    ];
    assert_eq!(lines(&peer), expected);
    assert_eq!(serde_json::from_str::<Value>(&peer.seen()[3].body).unwrap(), bundle("there"));
}

#[tokio::test]
async fn what_there_is_once_only_is_asked_of_the_client_itself() {
    let index = r#"{"Type":"string","Unique":true,"Unordered":false,"Regex":true}"#;
    let peer = Peer::start(move |seen| match seen.line.strip_prefix("GET /api/v3/").unwrap_or(&seen.line) {
        "objects" => json("200 OK", r#"["machines"]"#),
        "indexes" => json("200 OK", &format!(r#"{{"machines":{{"Name":{index}}}}}"#)),
        "indexes/machines" => json("200 OK", &format!(r#"{{"Name":{index}}}"#)),
        "prefs" | "POST /api/v3/prefs" => json("201 Created", r#"{"logLevel":"warn"}"#),
        "interfaces" => json("200 OK", r#"[{"Name":"lo"}]"#),
        "logs" => json("200 OK", r#"[{"Message":"hello","Level":"warn"}]"#),
        "info" => json("200 OK", r#"{"version":"v4.8.0"}"#),
        "plugin_providers" => json("200 OK", "[]"),
        _ => json("200 OK", "{}"),
    })
    .await;
    let client = peer.client();
    assert_eq!(client.info().await.unwrap().version, "v4.8.0");
    assert_eq!(client.object_types().await.unwrap(), ["machines"]);
    assert!(client.indexes().await.unwrap()["machines"]["Name"].unique);
    assert!(client.indexes_of("machines").await.unwrap()["Name"].regex);
    assert!(!client.index("machines", "a/b").await.unwrap().unique);
    assert_eq!(client.prefs().await.unwrap()["logLevel"], "warn");
    client.set_prefs(&BTreeMap::from([("logLevel".to_owned(), "warn".to_owned())])).await.unwrap();
    assert_eq!(client.interfaces().await.unwrap()[0].name, "lo");
    client.interface("lo").await.unwrap();
    assert_eq!(client.logs().await.unwrap()[0].message, "hello");
    client.whoami(&Whoami::default()).await.unwrap();
    client.plugin_providers().list().await.unwrap();
    let _: PluginProvider = client.plugin_providers().get("incrementer").await.unwrap();
    let expected = [
        "GET /info",
        "GET /objects",
        "GET /indexes",
        "GET /indexes/machines",
        "GET /indexes/machines/a/b",
        "GET /prefs",
        "POST /prefs",
        "GET /interfaces",
        "GET /interfaces/lo",
        "GET /logs",
        "POST /whoami",
        "GET /plugin_providers",
        "GET /plugin_providers/incrementer",
    ];
    assert_eq!(lines(&peer), expected);
    assert_eq!(peer.seen()[6].body, r#"{"logLevel":"warn"}"#);
}

#[tokio::test]
async fn tokens_and_passwords_are_sent_and_received_but_never_shown() {
    let peer = Peer::start(|seen| match seen.line.split(' ').next().unwrap() {
        "GET" => json("200 OK", r#"{"Token":"t0k-en","Info":{"id":"x"}}"#),
        _ => json("200 OK", r#"{"Name":"fred"}"#),
    })
    .await;
    let client = peer.client();
    let token = client.user_token("fred", Some(Duration::from_secs(600)), &["a", "b"]).await.unwrap();
    assert_eq!((token.token.expose(), token.info.id.as_str()), ("t0k-en", "x"));
    assert!(!format!("{token:?}").contains("t0k-en"));
    client.user_token("fred", None, &[]).await.unwrap();
    client.machine_token("m", Some(Duration::from_secs(60))).await.unwrap();
    assert_eq!(client.set_password("fred", &Secret::from("hunter2")).await.unwrap().name, "fred");
    let expected = [
        "GET /users/fred/token?ttl=600&roles=a%2Cb",
        "GET /users/fred/token",
        "GET /machines/m/token?ttl=60",
        "PUT /users/fred/password",
    ];
    assert_eq!(lines(&peer), expected);
    assert_eq!(peer.seen()[3].body, r#"{"Password":"hunter2"}"#);

    let peer = Peer::start(|_| json("200 OK", r#"{"Token":["t0k-en"]}"#)).await;
    let error = peer.client().user_token("fred", None, &[]).await.unwrap_err();
    assert!(!format!("{error:?} {}", error.chain()).contains("t0k-en"), "{error:?}");
}
