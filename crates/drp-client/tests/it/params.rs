//! Compare-and-set and updates, against a server that takes patches seriously.

use std::{sync::Mutex, time::Instant};

use drp_client::{
    CompareAndSetError, ObjectParams,
    secure::{PrivateKey, open},
};
use drp_core::{Machine, Params, Raw, SecureData, patch::Patch};

use crate::peer::{Peer, Seen, json, lines, soon};

/// A server that holds the params of one machine.
async fn params_server(params: &str) -> Peer {
    let params: Mutex<Raw> = Mutex::new(serde_json::from_str(params).unwrap());
    Peer::start(move |seen| {
        let mut params = params.lock().unwrap();
        let path = seen.line.split_once(" /api/v3/machines/x/params").unwrap().1;
        match (seen.line.split(' ').next().unwrap(), path) {
            ("GET", "") => json("200 OK", params.get()),
            ("GET", name) => {
                let all: Params = params.parse().unwrap();
                json("200 OK", all.get(&name[1..]).map_or("null", Raw::get))
            }
            ("PATCH", "") => {
                let patch: Patch = serde_json::from_str(&seen.body).unwrap();
                match patch.apply(&params) {
                    Ok(patched) => *params = patched,
                    Err(error) => return json("409 Conflict", &conflict(&error.reason)),
                }
                json("200 OK", params.get())
            }
            other => panic!("{other:?}"),
        }
    })
    .await
}

fn conflict(reason: &str) -> String {
    let error = drp_core::Error::new(409, "PATCH", "Patch failed to apply at line 0").and(reason);
    serde_json::to_string(&error.about("machines", "x")).unwrap()
}

fn params(peer: &Peer) -> ObjectParams {
    peer.client().objects::<Machine>().params("x")
}

fn raw(text: &str) -> Raw {
    serde_json::from_str(text).unwrap()
}

#[tokio::test]
async fn compare_and_set_writes_only_over_what_was_expected() {
    let peer = params_server(r#"{"other":1,"null":null}"#).await;
    let params = params(&peer);
    let conflicts = async |name: &str, expected: Option<&Raw>| {
        matches!(params.compare_and_set(name, expected, &9).await, Err(CompareAndSetError::Conflict { .. }))
    };
    params.compare_and_set("a/b", None, &1).await.unwrap();
    assert!(conflicts("a/b", None).await);
    assert!(conflicts("a/b", Some(&Raw::null())).await);
    assert!(conflicts("a/b", Some(&raw("2"))).await);
    assert!(conflicts("unset", Some(&raw("2"))).await);
    params.compare_and_set("a/b", Some(&raw("1.0")), "text").await.unwrap();
    params.compare_and_set("null", Some(&Raw::null()), &5).await.unwrap();
    params.compare_and_set("a/b", Some(&raw(r#""text""#)), &None::<u8>).await.unwrap();
    assert_eq!(serde_json::to_string(&params.all().await.unwrap()).unwrap(), r#"{"null":5,"other":1}"#);
}

#[tokio::test]
async fn compare_and_set_of_a_known_value_is_one_request() {
    let peer = params_server(r#"{"a":1}"#).await;
    params(&peer).compare_and_set("a", Some(&raw("1")), &2).await.unwrap();
    let lines: Vec<String> = peer.seen().into_iter().map(|seen: Seen| seen.line).collect();
    assert_eq!(lines, ["PATCH /api/v3/machines/x/params"]);
}

#[tokio::test]
async fn a_conflict_that_no_retry_would_end_is_given_back_at_once() {
    let schema = r#"{"Type":"PATCH","Messages":["Key 'a': invalid val '2'"],"Code":409}"#;
    let peer =
        Peer::start(
            move |seen| {
                if seen.line.starts_with("GET") { json("200 OK", "1") } else { json("409 Conflict", schema) }
            },
        )
        .await;
    let error = soon(params(&peer).update("a", |old: Option<u64>| old.unwrap_or(0) + 1)).await.unwrap_err();
    assert!(error.is_conflict() && !error.is_patch_conflict());
    assert_eq!(peer.seen().len(), 2);
}

#[tokio::test]
async fn a_value_of_another_type_ends_an_update() {
    let peer = params_server(r#"{"a":"text"}"#).await;
    let error = params(&peer).update("a", |old: Option<u64>| old.unwrap_or(0) + 1).await.unwrap_err();
    assert!(
        error.chain().starts_with("GET machines/x/params/a failed: the answer cannot be used"),
        "{}",
        error.chain()
    );
}

#[tokio::test]
async fn many_writers_lose_no_increment() {
    const WRITERS: u64 = 64;
    const EACH: u64 = 4;
    let peer = params_server("{}").await;
    let params = params(&peer);
    let began = Instant::now();
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| {
            let params = params.clone();
            tokio::spawn(async move {
                for _ in 0..EACH {
                    params.update("incrementer/touched", |old: Option<u64>| old.unwrap_or(0) + 1).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        soon(writer).await.unwrap();
    }
    let patches = peer.seen().iter().filter(|seen| seen.line.starts_with("PATCH")).count();
    println!("{} updates took {patches} patches and {:?}", WRITERS * EACH, began.elapsed());
    assert_eq!(params.get::<u64>("incrementer/touched").await.unwrap(), Some(WRITERS * EACH));
}

#[tokio::test]
async fn params_that_belong_together_change_in_one_step() {
    let peer = params_server(r#"{"other":1,"count":4,"old":true}"#).await;
    let params = params(&peer);
    let count = params.update_all(|all| {
        let count = all.value::<u64>("count")?.unwrap_or(0) + 1;
        all.set("count", &count)?;
        all.set("last/by", "me")?;
        all.remove("old");
        Ok(count)
    });
    assert_eq!(count.await.unwrap(), 5);
    assert_eq!(serde_json::to_string(&params.all().await.unwrap()).unwrap(), r#"{"count":5,"last/by":"me","other":1}"#);
    params.update_all(|_| Ok(())).await.unwrap();
    let error = params.update_all(|all| all.value::<u64>("last/by")).await.unwrap_err();
    assert!(error.chain().starts_with("GET machines/x/params failed: the answer cannot be used"), "{error:?}");
    let patches = peer.seen().iter().filter(|seen| seen.line.starts_with("PATCH")).count();
    assert_eq!(patches, 1, "only what changes is written");
}

#[tokio::test]
async fn changes_of_several_params_lose_nothing_either() {
    const WRITERS: u64 = 32;
    let peer = params_server(r#"{"sum":0}"#).await;
    let writers = (0..WRITERS).map(|n| {
        // A client of its own each, so that they do not take turns.
        let params = params(&peer);
        tokio::spawn(async move {
            let add = |all: &mut Params| {
                let sum = all.value::<u64>("sum")?.unwrap_or(0) + 1;
                all.set("sum", &sum)?;
                all.set(&format!("writer/{n}"), &sum)
            };
            params.update_all(add).await.unwrap();
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        soon(writer).await.unwrap();
    }
    let all = params(&peer).all().await.unwrap();
    assert_eq!((all.value::<u64>("sum").unwrap(), all.len() as u64), (Some(WRITERS), WRITERS + 1));
}

#[tokio::test]
async fn an_opened_value_of_the_wrong_type_is_not_quoted() {
    let peer = Peer::start(|_| json("200 OK", r#""hunter2-0815""#)).await;
    let error = params(&peer).decode().get::<u16>("bmc/password").await.unwrap_err();
    let expected =
        "GET machines/x/params/bmc/password failed: the answer cannot be used: it is not the value that was expected";
    assert_eq!(error.chain(), expected);
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    // What is not secret is told.
    let error = params(&peer).get::<u16>("bmc/port").await.unwrap_err();
    assert!(error.chain().contains("invalid type: string"), "{error:?}");
}

#[tokio::test]
async fn reads_say_what_they_want_to_see() {
    let peer = Peer::start(|seen| json("200 OK", if seen.line.contains("params/") { "1" } else { "{}" })).await;
    let params = params(&peer);
    params.clone().aggregate().compose().decode().only(["a/b", "c"]).all().await.unwrap();
    params.aggregate().compose().get::<u8>("a/b").await.unwrap();
    let expected = [
        "GET /machines/x/params?params=a%2Fb%2Cc&aggregate=true&compose=true&decode=true",
        "GET /machines/x/params/a/b?aggregate=true&compose=true",
    ];
    assert_eq!(lines(&peer), expected);
}

#[tokio::test]
async fn all_params_are_set_at_once_and_one_is_added_only_where_it_is_not() {
    let peer = Peer::start(|seen| match seen.line.split(' ').next().unwrap() {
        "POST" => json("200 OK", &seen.body),
        "GET" => json("200 OK", r#"{"a":1}"#),
        _ => json("200 OK", "{}"),
    })
    .await;
    let params = params(&peer);
    let all: Params = serde_json::from_str(r#"{"x":1}"#).unwrap();
    assert_eq!(params.set_all(&all).await.unwrap(), all);
    params.add("b", "new").await.unwrap();
    assert!(matches!(params.add("a", "new").await, Err(CompareAndSetError::Conflict { .. })));
    let expected =
        ["POST /machines/x/params", "GET /machines/x/params", "PATCH /machines/x/params", "GET /machines/x/params"];
    assert_eq!(lines(&peer), expected);
    let patch =
        r#"[{"op":"test","path":"","from":"","value":{"a":1}},{"op":"add","path":"/b","from":"","value":"new"}]"#;
    assert_eq!(peer.seen()[2].body, patch);
}

#[tokio::test]
async fn a_secure_param_goes_sealed_with_the_key_of_the_object() {
    let key = PrivateKey::generate();
    let public = key.public_key().to_string();
    let peer = Peer::start(move |seen| match seen.line.trim_start_matches("GET /api/v3/") {
        "machines/x/pubkey" => json("200 OK", &format!("\"{public}\"")),
        "params/bmc/password" => json("200 OK", r#"{"Name":"bmc/password","Secure":true}"#),
        "params/bmc/port" => json("404 Not Found", "{}"),
        "params/bmc/user" => json("403 Forbidden", "{}"),
        _ => json("200 OK", "1"),
    })
    .await;
    let params = params(&peer);
    params.set_secure("bmc/password", "hunter2").await.unwrap();
    params.set_as_declared("bmc/password", "hunter2").await.unwrap();
    params.set_as_declared("bmc/port", &623).await.unwrap();
    assert_eq!(params.set_as_declared("bmc/user", "me").await.unwrap_err().status(), Some(403));
    let expected = [
        "GET /machines/x/pubkey",
        "POST /machines/x/params/bmc/password",
        "GET /params/bmc/password",
        "GET /machines/x/pubkey",
        "POST /machines/x/params/bmc/password",
        "GET /params/bmc/port",
        "POST /machines/x/params/bmc/port",
        "GET /params/bmc/user",
    ];
    assert_eq!(lines(&peer), expected);
    for sealed in [&peer.seen()[1], &peer.seen()[4]] {
        let sealed: SecureData = serde_json::from_str(&sealed.body).unwrap();
        assert_eq!(open(&sealed, &key).unwrap().get(), r#""hunter2""#);
    }
}

#[tokio::test]
async fn nothing_is_sealed_with_what_is_no_key() {
    let peer = Peer::start(|_| json("200 OK", r#""AAAA""#)).await;
    let error = params(&peer).set_secure("bmc/password", "hunter2").await.unwrap_err();
    let expected = "GET machines/x/pubkey failed: the answer cannot be used: it is not the value that was expected";
    assert_eq!(error.chain(), expected);
    assert_eq!(peer.seen().len(), 1);
}
