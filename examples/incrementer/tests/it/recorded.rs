//! Every request that the recorded host sent, sent to ours by a raw-socket peer.

use std::{io::BufReader, process::Stdio};

use drp_host::{Host, HostConfig};
use raw_peer::{CALLBACK_PREFIX, Callbacks, exchange, try_send, wait_for_ready};
use serde_json::Value;

use crate::vectors::{incrementer, lines};

/// Where ours answers otherwise on purpose: the number of the exchange, our status, and why.
///
/// Where the status is the same, only the body differs.
const DIFFERENCES: [(u64, u16, &str); 13] = [
    (4, 409, "an action before the first configuration"),
    (33, 400, "params of the wrong type are named, not replaced by defaults"),
    (37, 400, "the recorded host left the required param out; the handler never runs without it"),
    (41, 400, "the same, though the reason is another one"),
    (49, 400, "a machine without a key is refused before the server is asked"),
    (52, 400, "a model that is no machine is the caller's mistake, not a conflict"),
    (69, 400, "text of the JSON decoder"),
    (71, 400, "text of the JSON decoder"),
    (73, 400, "text of the JSON decoder"),
    (75, 400, "text of the JSON decoder"),
    (84, 400, "text behind the body"),
    (137, 400, "text of the JSON decoder"),
    (149, 400, "the body of an answer to what is no HTTP"),
];

/// Exchanges whose recorded headers are not those that were sent.
const CHUNKED: u64 = 145;
const HTTP_1_0: u64 = 148;
const GARBAGE: u64 = 149;

#[tokio::test(flavor = "multi_thread")]
async fn every_recorded_request_is_answered_as_recorded() {
    let Some(recorded) = lines("wire/listen-incrementer.jsonl") else { return };
    let data = tempfile::tempdir().unwrap();
    let config =
        HostConfig { data: data.path().to_owned(), listen: ([127, 0, 0, 1], 0).into(), ..HostConfig::default() };
    let host = Host::start(config).await.unwrap();
    create_recorded_machine(&host, &recorded).await;
    let env = [
        ("RS_ENDPOINT", host.endpoint()),
        ("RS_TOKEN", host.admin_token().to_owned()),
        ("RS_CA_FILE", host.ca_file().display().to_string()),
    ];
    tokio::task::spawn_blocking(move || replay(&recorded, env)).await.unwrap();
    host.stop().await;
}

/// The recording was made with a machine that the server knew.
async fn create_recorded_machine(host: &Host, recorded: &[Value]) {
    let mut models = recorded.iter().filter_map(|line| serde_json::from_str::<Value>(line["body"].as_str()?).ok());
    let machine = models.find_map(|body| body["Model"]["Name"].is_string().then(|| body["Model"].clone())).unwrap();
    let wanted = serde_json::json!({"Uuid": machine["Uuid"], "Name": machine["Name"]});
    crate::host::client(host).raw_objects("machines").create(&wanted).await.unwrap();
}

fn replay(recorded: &[Value], env: [(&str, String); 3]) {
    let dir = tempfile::tempdir().unwrap();
    let (to, from) = (dir.path().join("to"), dir.path().join("from"));
    let callbacks = Callbacks::serve(&from, CALLBACK_PREFIX);
    let mut command = incrementer();
    command.arg("listen").args([&to, &from]).envs(env).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    wait_for_ready(&mut BufReader::new(child.stdout.take().unwrap()));

    let requests = recorded.iter().filter(|line| line["dir"] == "host->plugin");
    let mut replayed = 0;
    for request in requests {
        let answer = match request["seq"].as_u64().unwrap() {
            CHUNKED => exchange(&to, b"POST /api-plugin/v4/action HTTP/1.1\r\nHost: unix\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n18\r\n{\"Command\":\"incrstatus\"}\r\n0\r\n\r\n"),
            HTTP_1_0 => exchange(&to, b"POST /api-plugin/v4/action HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: 24\r\n\r\n{\"Command\":\"incrstatus\"}"),
            GARBAGE => exchange(&to, b"garbage\r\n\r\n"),
            _ => send(&to, request),
        };
        compare(request, answer);
        replayed += 1;
    }
    assert!(replayed > 40, "only {replayed} requests were replayed");
    assert!(child.wait().unwrap().success());
    assert!(!to.exists());
    callbacks.wait_for_line("incrementer/default is now 1");
}

fn send(to: &std::path::Path, request: &Value) -> Option<raw_peer::Answer> {
    let headers = request["headers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap()));
    let headers: Vec<(&str, &str)> = headers.filter(|(name, _)| !["Host", "Content-Length"].contains(name)).collect();
    let (method, path) = (request["method"].as_str().unwrap(), request["path"].as_str().unwrap());
    try_send(to, method, path, &headers, request["body"].as_str().unwrap_or_default())
}

fn compare(request: &Value, answer: Option<raw_peer::Answer>) {
    let seq = request["seq"].as_u64().unwrap();
    let note = &request["note"];
    let (status, body) = answer.unwrap_or_else(|| panic!("{seq} {note}: no answer"));
    let difference = DIFFERENCES.iter().find(|(number, ..)| *number == seq);
    // The recorded plugin ended before it answered to stop; ours answers.
    let recorded = request["status"].as_u64().unwrap_or(200);
    match difference {
        Some((_, expected, why)) => assert_eq!(status, *expected, "{seq} {note}, where we differ: {why}: {body}"),
        None => {
            assert_eq!(u64::from(status), recorded, "{seq} {note}: {body}");
            if let Ok(expected) = serde_json::from_str::<Value>(request["response_body"].as_str().unwrap_or_default()) {
                assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), expected, "{seq} {note}");
            }
        }
    }
}
