//! The client against a server of ours: what raw peers only repeat is kept here, and shows.

use drp_client::{CompareAndSetError, Filter, NextJob, Query, Upload};
use drp_core::{Machine, Model, Param, Profile, SecureData};
use serde_json::{Value, json};

use crate::{killed::client, process::Server};

#[tokio::test(flavor = "multi_thread")]
async fn lists_updates_and_secure_params_are_what_they_say() {
    let place = tempfile::tempdir().unwrap();
    let server = Server::start(place.path());
    let client = client(&server);

    let params = client.objects::<Param>();
    for n in 0..7 {
        params.create(&json!({"Name": format!("it/{n}"), "Secure": n == 0})).await.unwrap();
    }
    let ours = Query::new().filter("Name", Filter::re("^it/"));
    assert_eq!(params.count(&ours).await.unwrap(), 7);
    for query in [ours.clone(), ours.clone().reverse(), ours.clone().sort("Name")] {
        let (whole, mut seen) = (params.list(&query).await.unwrap(), Vec::new());
        let mut pages = params.pages(query).page_objects(3);
        while let Some(param) = pages.next().await {
            seen.push(param.unwrap());
        }
        assert_eq!(seen, whole);
    }

    let profiles = client.objects::<Profile>();
    profiles.create(&json!({"Name": "p1", "Params": {"it/1": 1}})).await.unwrap();
    let slim = profiles.get_with("p1", &Query::new().slim("Params")).await.unwrap();
    assert!(slim.params.is_empty() && profiles.put("p1", &slim).await.is_err());
    let updated = profiles.update("Name:p1", |profile| profile.params.set("it/2", &2).unwrap()).await.unwrap();
    assert_eq!(updated.params.len(), 2);
    let meta =
        profiles.update_meta("p1", |meta| drop(meta.insert("color".to_owned(), "red".to_owned()))).await.unwrap();
    assert_eq!(profiles.meta("p1").await.unwrap(), meta);

    let of_p = profiles.params("p1");
    of_p.set_as_declared("it/0", "secret").await.unwrap();
    assert!(of_p.get::<SecureData>("it/0").await.unwrap().is_some());
    assert_eq!(of_p.clone().decode().get::<String>("it/0").await.unwrap().as_deref(), Some("secret"));
    of_p.add("it/3", &3).await.unwrap();
    assert!(matches!(of_p.add("it/3", &4).await, Err(CompareAndSetError::Conflict { .. })));
    assert_eq!(of_p.only(["it/3"]).all().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_contents_and_job_logs_come_back_as_they_went() {
    let place = tempfile::tempdir().unwrap();
    let server = Server::start(&place.path().join("data"));
    let client = client(&server);

    let (files, text) = (client.files(), "x".repeat(1 << 20));
    let sent = files.upload("a/b.txt", Upload::bytes(text.clone())).await.unwrap();
    assert_eq!(files.info("a/b.txt").await.unwrap().unwrap().sha256, Some(sent.sha256.clone()));
    let target = place.path().join("b.txt");
    let saved = files.download("a/b.txt").await.unwrap().save(&target).await.unwrap();
    assert_eq!((saved.sha256, saved.bytes, saved.is_verified), (sent.sha256, 1 << 20, true));
    assert_eq!(std::fs::read_to_string(&target).unwrap(), text);
    files.delete("a/b.txt").await.unwrap();
    assert_eq!((files.info("a/b.txt").await.unwrap(), files.list("/a").await.unwrap()), (None, Vec::new()));

    let contents = client.contents();
    for version in ["v1.0.0", "v1.1.0"] {
        let bundle = json!({"meta": {"Name": "it", "Version": version}, "sections": {"tasks": {"t1": {"Name": "t1"}}}});
        assert_eq!(contents.upload(&bundle).await.unwrap().meta.version, version);
    }
    assert_eq!(contents.get::<Value>("it").await.unwrap()["sections"]["tasks"]["t1"]["Name"], "t1");

    let machine: Machine = client.objects().create(&json!({"Name": "m1", "Tasks": ["t1"]})).await.unwrap();
    let jobs = client.jobs();
    let NextJob::New(job) = jobs.next(&machine.key()).await.unwrap() else { panic!("the machine has a task") };
    let uuid = job.key();
    jobs.set_state(&uuid, "created", "running").await.unwrap();
    assert!(jobs.set_state(&uuid, "created", "running").await.unwrap_err().is_patch_conflict());
    jobs.append_log(&uuid, "one\n").await.unwrap();
    jobs.append_log_from(&uuid, Upload::reader(&b"two\n"[..])).await.unwrap();
    assert_eq!(jobs.finish(&uuid, "finished", "complete").await.unwrap().exit_state, "complete");
    let (mut log, mut whole) = (jobs.log(&uuid).await.unwrap(), Vec::new());
    while let Some(piece) = log.next().await.unwrap() {
        whole.extend_from_slice(&piece);
    }
    assert!(String::from_utf8(whole).unwrap().ends_with("one\ntwo\n"));
    assert_eq!(jobs.next(&machine.key()).await.unwrap(), NextJob::Nothing);
    client.objects::<Machine>().delete(&machine.key()).await.unwrap();
    contents.delete("it").await.unwrap();
}
