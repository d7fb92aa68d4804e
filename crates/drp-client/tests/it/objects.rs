//! Every verb on objects, and what becomes of them.

use std::sync::Mutex;

use drp_client::{BadAnswer, ClientErrorKind, Filter, Query};
use drp_core::{Machine, Model, Params, Raw, RawModel, patch::Patch};
use serde_json::{Value, json as value};

use crate::peer::{Peer, head, json, lines, soon};

const MACHINE: &str = r#"{"Uuid":"fbefdb0d-6c78-4bc7-86f2-f26ec747be24","Name":"web1","Description":"","Available":true,"Meta":{},"Params":{"a":1},"New":5}"#;

#[tokio::test]
async fn every_verb_is_one_call() {
    let peer = Peer::start(|seen| match seen.line.split(['?', ' ']).take(2).collect::<Vec<_>>()[..] {
        ["HEAD", _] => head("200 OK", &["X-DRP-LIST-FILTER-COUNT: 7", "X-DRP-LIST-COUNT: 3"]),
        ["GET", "/api/v3/cows"] => json("200 OK", "[{\"Type\":\"cows\",\"Id\":\"bessie\"}]"),
        _ => json("200 OK", r#"{"Type":"cows","Id":"bessie"}"#),
    })
    .await;
    let cows = peer.client().raw_objects("cows");
    let slim = Query::new().slim("Params").params(["a/b"]).decode();
    assert_eq!(cows.get("bessie").await.unwrap().id(), "bessie");
    cows.get_with("bessie", &slim).await.unwrap();
    assert!(cows.exists("bessie").await.unwrap());
    let some = Query::new().filter("Spotted", Filter::eq(true)).sort("Id").limit(2);
    assert_eq!(cows.list(&some).await.unwrap().len(), 1);
    assert_eq!(cows.count(&some).await.unwrap(), 7);
    cows.create(&value!({"Type": "cows", "Id": "bessie"})).await.unwrap();
    cows.put("bessie", &value!({"Id": "bessie"})).await.unwrap();
    let [old, new] = [value!({"Spotted": false}), value!({"Spotted": true})].map(Raw::from);
    cows.patch("bessie", &Patch::between(&old, &new)).await.unwrap();
    cows.delete("bessie").await.unwrap();
    let sent: Vec<(String, String)> = peer.seen().into_iter().map(|seen| (seen.line, seen.body)).collect();
    let expected = [
        ("GET /api/v3/cows/bessie", ""),
        ("GET /api/v3/cows/bessie?decode=true&params=a%2Fb&slim=Params", ""),
        ("HEAD /api/v3/cows/bessie", ""),
        ("GET /api/v3/cows?Spotted=Eq%28true%29&limit=2&sort=Id", ""),
        ("HEAD /api/v3/cows?Spotted=Eq%28true%29&limit=2&sort=Id", ""),
        ("POST /api/v3/cows", r#"{"Id":"bessie","Type":"cows"}"#),
        ("PUT /api/v3/cows/bessie", r#"{"Id":"bessie"}"#),
        (
            "PATCH /api/v3/cows/bessie",
            r#"[{"op":"test","path":"/Spotted","from":"","value":false},{"op":"replace","path":"/Spotted","from":"","value":true}]"#,
        ),
        ("DELETE /api/v3/cows/bessie", ""),
    ];
    assert_eq!(sent, expected.map(|(line, body)| (line.to_owned(), body.to_owned())));
}

#[tokio::test]
async fn a_custom_type_is_typed_by_who_implements_a_model() {
    #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Cow {
        id: String,
        spotted: bool,
    }
    impl Model for Cow {
        const PREFIX: &'static str = "typed-cows";
        fn key(&self) -> String {
            self.id.clone()
        }
    }
    let peer = Peer::start(|_| json("200 OK", r#"{"Type":"typed-cows","Id":"bessie","Spotted":true}"#)).await;
    let cow = peer.client().objects::<Cow>().get("bessie").await.unwrap();
    assert_eq!(cow, Cow { id: "bessie".to_owned(), spotted: true });
    assert_eq!(lines(&peer), ["GET /typed-cows/bessie"]);
}

#[tokio::test]
async fn what_does_not_exist_is_no_error_where_that_is_the_question() {
    let peer = Peer::start(|_| head("404 Not Found", &[])).await;
    assert!(!peer.client().objects::<Machine>().exists("x").await.unwrap());
    let peer = Peer::start(|_| head("403 Forbidden", &[])).await;
    assert_eq!(peer.client().objects::<Machine>().exists("x").await.unwrap_err().status(), Some(403));
}

#[tokio::test]
async fn a_count_is_read_from_whichever_header_there_is() {
    let count = async |headers: &'static [&'static str]| {
        let peer = Peer::start(move |_| head("200 OK", headers)).await;
        peer.client().objects::<Machine>().count(&Query::new()).await
    };
    assert_eq!(count(&["X-DRP-LIST-COUNT: 12"]).await.unwrap(), 12);
    for headers in [&[][..], &["X-DRP-LIST-FILTER-COUNT: many"]] {
        let error = count(headers).await.unwrap_err();
        assert!(matches!(error.kind(), ClientErrorKind::BadAnswer(BadAnswer::NoHeader(_))), "{error:?}");
    }
}

/// A server with one machine, which answers the first patches with a conflict and changes the machine instead.
async fn contended(stored: &str, conflicts: usize) -> Peer {
    let state = Mutex::new((serde_json::from_str::<Raw>(stored).unwrap(), conflicts));
    Peer::start(move |seen| {
        let (machine, conflicts) = &mut *state.lock().unwrap();
        if seen.line.starts_with("GET") {
            return json("200 OK", machine.get());
        }
        let patch: Patch = serde_json::from_str(&seen.body).unwrap();
        if *conflicts > 0 {
            *conflicts -= 1;
            let mut other: RawModel = machine.parse().unwrap();
            other.set("Description", &format!("theirs {conflicts}")).unwrap();
            *machine = Raw::new(&other).unwrap();
        }
        match patch.apply(machine) {
            Ok(patched) => *machine = patched,
            Err(error) => {
                let error = drp_core::Error::new(409, "PATCH", "Patch failed to apply at line 0").and(&error.reason);
                return json("409 Conflict", &serde_json::to_string(&error).unwrap());
            }
        }
        json("200 OK", machine.get())
    })
    .await
}

#[tokio::test]
async fn an_update_patches_what_it_changes_by_the_real_key() {
    let peer = contended(MACHINE, 0).await;
    let machines = peer.client().objects::<Machine>();
    let machine = machines.update("Name:web1", |machine| machine.description = "first".to_owned()).await.unwrap();
    assert_eq!(machine.description, "first");
    let seen = peer.seen();
    assert_eq!(lines(&peer), ["GET /machines/Name:web1", "PATCH /machines/fbefdb0d-6c78-4bc7-86f2-f26ec747be24"]);
    let body = r#"[{"op":"test","path":"/Description","from":"","value":""},{"op":"replace","path":"/Description","from":"","value":"first"}]"#;
    assert_eq!(seen[1].body, body);
}

#[tokio::test]
async fn an_update_that_changes_nothing_of_the_objects_own_is_not_sent() {
    let peer = contended(MACHINE, 0).await;
    let machines = peer.client().objects::<Machine>();
    machines.update("x", |_| {}).await.unwrap();
    let unchanged = machines.update("x", |machine| machine.validation.available = false).await.unwrap();
    assert!(unchanged.validation.available, "it is what the server has");
    assert!(lines(&peer).iter().all(|line| line.starts_with("GET")), "{:?}", lines(&peer));
}

#[tokio::test]
async fn an_update_reads_again_when_somebody_else_was_faster() {
    let peer = contended(MACHINE, 3).await;
    let machines = peer.client().objects::<Machine>();
    let mut tries = 0;
    let updated = machines.update("x", |machine| {
        tries += 1;
        machine.description += " mine";
    });
    assert_eq!(soon(updated).await.unwrap().description, "theirs 0 mine");
    assert_eq!(tries, 4);
    // What others change beside it is no conflict.
    let peer = contended(MACHINE, 1).await;
    let raw = peer.client().raw_objects("machines");
    let updated = raw.update("x", |machine| machine.set("New", &6).unwrap()).await.unwrap();
    assert_eq!((updated.text("Description").as_str(), updated.get("New")), ("theirs 0", Some(6)));
}

#[tokio::test]
async fn updates_of_many_lose_nothing() {
    const WRITERS: u64 = 24;
    let peer = contended(MACHINE, 0).await;
    let writers = (0..WRITERS).map(|n| {
        // A client of its own each, so that they do not take turns.
        let machines = peer.client().objects::<Machine>();
        tokio::spawn(async move {
            let add = |machine: &mut Machine| {
                let sum = machine.params.value::<u64>("a").unwrap().unwrap_or(0) + 1;
                machine.params.set("a", &sum).unwrap();
                machine.params.set(&format!("writer/{n}"), &sum).unwrap();
            };
            machines.update("x", add).await.unwrap();
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        soon(writer).await.unwrap();
    }
    let params: Params = peer.client().objects::<Machine>().get("x").await.unwrap().params;
    assert_eq!((params.value::<u64>("a").unwrap(), params.len() as u64), (Some(WRITERS + 1), WRITERS + 1));
}

#[tokio::test]
async fn an_update_that_another_writer_refuses_for_good_ends_at_once() {
    let peer = Peer::start(|seen| {
        if seen.line.starts_with("GET") {
            return json("200 OK", MACHINE);
        }
        json("422 Unprocessable Entity", r#"{"Type":"ValidationError","Messages":["Invalid Name"],"Code":422}"#)
    })
    .await;
    let machines = peer.client().objects::<Machine>();
    let error = machines.update("x", |machine| machine.name = "/".to_owned()).await.unwrap_err();
    assert_eq!((error.status(), peer.seen().len()), (Some(422), 2));
}

#[tokio::test]
async fn partial_objects_and_other_keys_are_never_written() {
    let partial = MACHINE.replace("\"New\":5", "\"Partial\":true");
    let peer = contended(&partial, 0).await;
    let machines = peer.client().objects::<Machine>();
    let error = machines.update("x", |machine| machine.description = "y".to_owned()).await.unwrap_err();
    assert!(error.chain().ends_with("parts of machines/x were left out, so it cannot be written back"), "{error:?}");
    let slim = machines.get_with("x", &Query::new().slim("Params")).await.unwrap();
    let error = machines.put("x", &slim).await.unwrap_err();
    assert!(error.chain().contains("were left out"), "{}", error.chain());
    assert_eq!(drp_core::Error::from(error).code, 400);
    assert!(peer.seen().iter().all(|seen| seen.line.starts_with("GET")));

    let peer = contended(MACHINE, 0).await;
    let cows = peer.client().raw_objects("machines");
    let error = cows.update("x", |cow| cow.set("Uuid", "y").unwrap()).await.unwrap_err();
    assert!(error.chain().ends_with("the key of machines/x would change"), "{}", error.chain());
    assert_eq!(peer.seen().len(), 1);
}

#[tokio::test]
async fn meta_is_read_and_changed_on_its_own() {
    let meta = Mutex::new(value!({"color": "red", "old": "x"}));
    let peer = Peer::start(move |seen| {
        let mut meta = meta.lock().unwrap();
        if seen.line.starts_with("PATCH") {
            let patch: Patch = serde_json::from_str(&seen.body).unwrap();
            *meta = patch.apply(&Raw::from(meta.clone())).unwrap().parse::<Value>().unwrap();
        }
        json("200 OK", &meta.to_string())
    })
    .await;
    let machines = peer.client().objects::<Machine>();
    assert_eq!(machines.meta("x").await.unwrap()["color"], "red");
    machines.update_meta("x", |_| {}).await.unwrap();
    let change = |meta: &mut std::collections::BTreeMap<String, String>| {
        meta.insert("color".to_owned(), "blue".to_owned());
        meta.remove("old");
    };
    let changed = machines.update_meta("x", change).await.unwrap();
    assert_eq!((changed.len(), changed["color"].as_str()), (1, "blue"));
    let patches: Vec<_> = peer.seen().into_iter().filter(|seen| seen.line.starts_with("PATCH")).collect();
    let expected = r#"[{"op":"test","path":"/color","from":"","value":"red"},{"op":"test","path":"/old","from":"","value":"x"},{"op":"replace","path":"/color","from":"","value":"blue"},{"op":"remove","path":"/old","from":"","value":null}]"#;
    assert_eq!(patches.iter().map(|seen| seen.body.as_str()).collect::<Vec<_>>(), [expected]);
    assert_eq!(patches[0].line, "PATCH /api/v3/meta/machines/x");
}

#[tokio::test]
async fn actions_are_listed_shown_and_run_also_by_plugin() {
    let action = r#"{"Provider":"incrementer","Model":"machines","Command":"increment"}"#;
    let peer = Peer::start(move |seen| match seen.line.split(' ').next().unwrap() {
        "POST" => json("200 OK", "5"),
        _ if seen.line.split('?').next().unwrap().ends_with("actions") => json("200 OK", &format!("[{action}]")),
        _ => json("200 OK", action),
    })
    .await;
    let client = peer.client();
    let actions = client.objects::<Machine>().actions("x");
    assert_eq!(actions.list().await.unwrap()[0].command, "increment");
    assert_eq!(actions.get("increment").await.unwrap().provider, "incrementer");
    assert_eq!(actions.clone().plugin("incr X").run("increment", &Params::default()).await.unwrap().get(), "5");
    actions.plugin("incr").list().await.unwrap();
    client.raw_objects("jobs").actions("j").get("increment").await.unwrap();
    client.system_actions().list().await.unwrap();
    client.system_actions().plugin("incr").get("incrstatus").await.unwrap();
    client.run_system_action("incrstatus", &Params::default()).await.unwrap();
    let expected = [
        "GET /machines/x/actions",
        "GET /machines/x/actions/increment",
        "POST /machines/x/actions/increment?plugin=incr%20X",
        "GET /machines/x/actions?plugin=incr",
        "GET /jobs/j/plugin_actions/increment",
        "GET /system/actions",
        "GET /system/actions/incrstatus?plugin=incr",
        "POST /system/actions/incrstatus",
    ];
    assert_eq!(lines(&peer), expected);
}
