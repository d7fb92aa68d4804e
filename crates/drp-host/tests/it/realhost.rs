//! What the real server said to the real provider, and what that said back: this host says the same, and answers the
//! same.

use std::fs;

use serde_json::{Value, json};

use crate::{
    peer::{Peer, vectors},
    played::Played,
    vectors::compare,
};

/// Params of the recorded action that the machine did not have itself: those that the caller gave.
fn given(action: &Value) -> Value {
    let own = &action["Model"]["Params"];
    let params = action["Params"].as_object().unwrap().iter().filter(|(name, value)| own.get(name) != Some(value));
    Value::Object(params.map(|(name, value)| (name.clone(), value.clone())).collect())
}

/// Does what makes a server send this request.
async fn provoke(peer: &Peer, machine: &str, path: &str, body: &Value) {
    match path.rsplit('/').next().unwrap() {
        "config" => {
            let mut params = body.as_object().unwrap().clone();
            let name = params.remove("Name").unwrap();
            let plugin = json!({ "Name": name, "Provider": "incrementer", "Params": params });
            assert_eq!(peer.call("POST", "/plugins", &plugin.to_string()).await.status, 201);
        }
        "action" => {
            let is_systems = body["Model"]["Name"] == "global";
            let object = if is_systems { "/system".to_owned() } else { format!("/machines/{machine}") };
            if !is_systems {
                peer.call("POST", &format!("{object}/params"), &body["Model"]["Params"].to_string()).await;
            }
            let path = format!("{object}/actions/{}", body["Command"].as_str().unwrap());
            let answer = peer.call("POST", &path, &given(body).to_string()).await;
            assert_eq!(answer.status, 200, "{path} {:?}", answer.body);
        }
        _ => assert_eq!(peer.call("DELETE", "/plugins/incr", "").await.status, 200),
    }
}

#[tokio::test]
async fn a_provider_hears_and_says_what_was_recorded() {
    let Some(vectors) = vectors() else { return };
    let read = |file: &str| fs::read_to_string(vectors.join(file)).unwrap();
    let definition = serde_json::from_str(&read("define/incrementer.json")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let ok = |_: &str, _: &Value| (http::StatusCode::OK, json!({ "Code": 200 }));
    let mut provider = Played::write(&dir.path().join("data/plugins"), &definition, ok);
    let peer = Peer::start_in(dir, |config| config).await;
    let machine = peer.call("POST", "/machines", r#"{"Name":"rh.example.com"}"#).await.json();
    let machine = machine["Uuid"].as_str().unwrap();

    let recorded = read("wire/realhost-incrementer.jsonl");
    let lines = recorded.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let (mut heard, mut said) = (0, 0);
    // Its process is there once the host configures it: what it logged before is logged then.
    let mut waiting: Vec<(String, String)> = Vec::new();
    for line in lines.take_while(|line| line["dir"] != "exit") {
        let path = line["path"].as_str().unwrap_or_default();
        match line["dir"].as_str().unwrap() {
            "host->plugin" => {
                let expected: Value = serde_json::from_str(line["body"].as_str().unwrap()).unwrap();
                provoke(&peer, machine, path, &expected).await;
                let (request, body) = provider.request().await;
                assert_eq!((request.method.as_str(), request.uri.path()), ("POST", path));
                assert_eq!(request.headers["content-type"], "application/json");
                let mut differs = Vec::new();
                compare(&expected, &serde_json::from_slice(&body).unwrap(), "", &mut differs);
                assert!(differs.is_empty(), "{path}: {differs:?}");
                for (path, body) in waiting.drain(..) {
                    assert_eq!(provider.call_back(&path, body).await, 204, "{path}");
                    said += 1;
                }
                heard += 1;
            }
            "plugin->host" => waiting.push((path.to_owned(), line["body"].as_str().unwrap().to_owned())),
            _ => {}
        }
    }
    assert!(heard == 6 && said > 6, "{heard} heard, {said} said");
    let logs = peer.call("GET", "/logs", "").await.json();
    let services =
        logs.as_array().unwrap().iter().filter(|line| line["Service"] == "incr" || line["Service"] == "incrementer");
    assert!(services.count() >= said, "{logs}");
    peer.host.stop().await;
}
