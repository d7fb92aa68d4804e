//! A server whose disk takes no more. A limit on the size of files stands for the disk: it needs no rights, and what
//! the system says to a write is the only difference.

use std::{collections::BTreeSet, path::Path};

use drp_client::{Credentials, Query};
use drp_core::Machine;
use reqwest::{Method, StatusCode};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::{Value, json};

use crate::{
    killed::{Uploader, client_as, token},
    process::Server,
};

const STREAM: &str = "application/octet-stream";
const FULL: StatusCode = StatusCode::INSUFFICIENT_STORAGE;
/// More than any file may have by then.
const MUCH: usize = 12 << 20;

fn limit_files(server: &Server, bytes: Option<u64>) {
    prlimit(Some(Pid::from_child(&server.child)), Resource::Fsize, Rlimit { current: bytes, maximum: None }).unwrap();
}

fn files_in(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    names
}

fn script(version: u32, bytes: usize) -> Vec<u8> {
    let definition = json!({"Name": "scripted", "Version": format!("v1.0.{version}"), "PluginVersion": 4});
    let script =
        format!("#!/bin/sh\n[ \"$1\" = define ] || exit 0\necho '{definition}'\nexit 0\n{}", "#".repeat(bytes));
    script.into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_uploads_whole_and_says_507() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start_patiently(data.path());
    let token = token(&server).await;
    let client = client_as(&server, Credentials::Token(token.as_str().into()));
    let uploader = Uploader::new(&server, &token);
    let send = async |method, path: &str, body| {
        let (status, body) = uploader.send(method, path, STREAM, body).await.expect("an answer");
        (status, serde_json::from_slice::<Value>(&body).unwrap_or_default())
    };
    for (path, body) in
        [("/files/dir/f", b"old".to_vec()), ("/isos/i", b"old".to_vec()), ("/plugin_providers/scripted", script(1, 0))]
    {
        assert_eq!(send(Method::POST, path, body).await.0, StatusCode::CREATED, "{path}");
    }
    client.raw_objects("tasks").create(&json!({"Name": "t1"})).await.unwrap();
    let machine = client.raw_objects("machines").create(&json!({"Name": "m1", "Tasks": ["t1"]})).await.unwrap();
    let job = client.raw_objects("jobs").create(&json!({"Machine": machine.text("Uuid")})).await.unwrap().text("Uuid");

    limit_files(&server, Some(8 << 20));
    for path in ["/files/dir/f", "/files/dir/new", "/isos/i", "/plugin_providers/scripted", "/plugin_providers/other"] {
        let body = if path.starts_with("/plugin") { script(2, MUCH) } else { vec![b'x'; MUCH] };
        let (status, error) = send(Method::POST, path, body).await;
        assert_eq!((status, error["Code"].as_u64()), (FULL, Some(507)), "{path} {error}");
        assert!(!error["Messages"][0].as_str().unwrap().is_empty());
    }
    let log = format!("/jobs/{job}/log");
    let entry = vec![b'l'; 3 << 20];
    let mut taken = 0;
    let refused = loop {
        match send(Method::PUT, &log, entry.clone()).await {
            (StatusCode::NO_CONTENT, _) => taken += 1,
            refused => break refused,
        }
    };
    assert_eq!(
        (refused.0, refused.1["Messages"][0].as_str()),
        (FULL, Some("cannot use the log: File too large (os error 27)"))
    );

    limit_files(&server, None);
    let whole = std::fs::read(data.path().join("job-logs").join(&job)).unwrap();
    let head = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    assert_eq!(whole.len() - head, taken * entry.len(), "no entry is there by half");
    for (path, expected) in [("files/dir/f", "old"), ("isos/i", "old")] {
        assert_eq!(std::fs::read_to_string(data.path().join("tftpboot").join(path)).unwrap(), expected);
    }
    assert_eq!(files_in(&data.path().join("tftpboot/files/dir")), ["f"]);
    for folder in ["tftpboot/.uploads", "tftpboot/.iso-uploads"] {
        assert!(files_in(&data.path().join(folder)).is_empty(), "{folder}");
    }
    assert_eq!(files_in(&data.path().join("plugins")), ["scripted"]);
    let (_, provider) = send(Method::GET, "/plugin_providers/scripted", Vec::new()).await;
    assert_eq!(provider["Version"], "v1.0.1", "the old one stays in force");
    // Nothing is in the way of the next attempt.
    assert_eq!(send(Method::POST, "/plugin_providers/scripted", script(3, MUCH)).await.0, StatusCode::CREATED);
    assert_eq!(send(Method::POST, "/files/dir/f", vec![b'y'; MUCH]).await.0, StatusCode::CREATED);
    assert_eq!(send(Method::PUT, &log, entry).await.0, StatusCode::NO_CONTENT);
    client.raw_objects("machines").create(&json!({"Name": "later"})).await.unwrap();
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_on_a_full_disk_is_read_only_and_says_so_until_it_is_opened_again() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let mut server = Server::start_patiently(&data);
    let token = token(&server).await;
    let credentials = || Credentials::Token(token.as_str().into());
    let client = client_as(&server, credentials());
    let size = std::fs::metadata(data.join("store/store.redb")).unwrap().len();
    limit_files(&server, Some(size));

    let mut told = BTreeSet::new();
    let refused = loop {
        let name = format!("m{}", told.len());
        match client.raw_objects("machines").create(&json!({"Name": name, "Description": "d".repeat(40_000)})).await {
            Ok(_) => assert!(told.insert(name)),
            Err(error) => break error,
        }
    };
    assert_eq!(refused.status(), Some(507), "{}", refused.chain());
    assert!(refused.chain().contains("cannot make the batch durable"), "{}", refused.chain());
    for name in ["small", "other"] {
        let refused = client.raw_objects("machines").create(&json!({"Name": name})).await.unwrap_err();
        assert_eq!(refused.status(), Some(507));
        assert!(refused.chain().contains("the store, which is read-only: "), "{}", refused.chain());
    }
    let names = async |client: &drp_client::Client| {
        client
            .objects::<Machine>()
            .list(&Query::new())
            .await
            .unwrap()
            .into_iter()
            .map(|machine| machine.name)
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(names(&client).await, told, "reads go on and do not show what was refused");
    let logged = client.raw_objects("logs").list(&Query::new()).await.unwrap();
    let says = |line: &drp_core::RawModel| {
        line.text("Message").starts_with("The store is read-only until the server is started again: ")
    };
    assert!(logged.iter().any(says), "it is in the log");
    let backup = place.path().join("backup.tar.gz");
    let taken = server.drpx(&["backup", backup.to_str().unwrap()]);
    assert_eq!(taken.status.code(), Some(0), "what is read-only can be saved: {taken:?}");

    server.stop();
    let mut server = Server::start_patiently(&data);
    let client = client_as(&server, credentials());
    let found = names(&client).await;
    let refused = format!("m{}", told.len());
    assert!(told.is_subset(&found) && found.iter().all(|name| told.contains(name) || *name == refused), "{found:?}");
    client.raw_objects("machines").create(&json!({"Name": "small"})).await.unwrap();
    server.stop();
}
