//! What the real `drpcli` sent to the real server, sent to this one: same status, same shape.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use serde_json::Value;

use crate::{
    peer::{Peer, vectors},
    websocket::Socket,
};

/// What v4 answers otherwise than the recorded 3.9: file, start and end of the call, the status here, and why.
const DIFFERENCES: [(&str, [&str; 2], u16, &str); 2] = [
    (
        "plugin_providers",
        ["GET /api/v3/indexes/plugin_providers", ""],
        200,
        "v4 has the base set of indexes for what has none (`api.md` §15); 3.9 had nothing at all",
    ),
    ("machines", ["GET /api/v3/machines/", "/token?ttl=1h"], 200, "v4 gives machines tokens; 3.9 had none"),
];

/// Keys of 3.9 that v4 does not have.
const GONE: [&str; 2] = ["Profile", "OldProfile"];

fn argued(file: &str, call: &str) -> Option<u16> {
    let fits = |[start, end]: [&str; 2]| call.starts_with(start) && call.ends_with(end);
    let (_, _, status, _) = DIFFERENCES.iter().find(|(in_file, ends, ..)| *in_file == file && fits(*ends))?;
    Some(*status)
}

/// A provider that can say what it is, and nothing more.
fn definer(vectors: &Path) -> Vec<u8> {
    let define = vectors.join("define/incrementer.json");
    format!("#!/bin/sh\n[ \"$1\" = define ] && exec cat '{}'\nexit 1\n", define.display()).into_bytes()
}

/// The example provider, which does what the recorded one did.
fn incrementer() -> Vec<u8> {
    fs::read(raw_peer::built("incrementer")).unwrap()
}

fn provider(executable: &[u8], dir: &Path) {
    fs::create_dir_all(dir).unwrap();
    let path = dir.join("incrementer");
    fs::write(&path, executable).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
}

async fn replay(file: &str, executable: fn(&Path) -> Vec<u8>, before: &[(&str, &str)]) {
    let Some(vectors) = vectors() else { return };
    let dir = tempfile::tempdir().unwrap();
    let executable = executable(&vectors);
    provider(&executable, &dir.path().join("providers"));
    let providers = dir.path().join("providers");
    let peer = Peer::start_in(dir, |mut config| {
        config.plugins = Some(providers);
        config
    })
    .await;
    for (path, body) in before {
        let answer = peer.call("POST", path, body).await;
        assert_eq!(answer.status, 201, "{path} {:?}", answer.body);
    }
    let recorded = fs::read_to_string(vectors.join(format!("wire/drpcli-{file}.jsonl"))).unwrap();
    let mut renamed: Vec<(String, String)> = Vec::new();
    let mut problems = Vec::new();
    let mut replayed = 0;
    let mut listener = Listener::default();
    for line in recorded.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let path = line["path"].as_str().unwrap_or_default();
        if line["path"] == "/api/v3/ws" {
            listener.go_on(&peer, &line, &renamed).await;
            continue;
        }
        if line["dir"] != "client->api" {
            continue;
        }
        let argued = argued(file, &format!("{} {path}", line["method"].as_str().unwrap_or_default()));
        // Of large bodies only the length and the sum were recorded; all of them are the provider.
        let body = line["body"].as_str().map_or_else(|| executable.clone(), |text| rename(&renamed, text).into_bytes());
        let request = request(&peer, &line, &rename(&renamed, path), body);
        let answer = peer.send(request).await;
        let expected: Value =
            serde_json::from_str(line["response_body"].as_str().unwrap_or_default()).unwrap_or_default();
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if let (Some(old), Some(new)) = (expected["Uuid"].as_str(), body["Uuid"].as_str()) {
            renamed.push((old.to_owned(), new.to_owned()));
        }
        let mut differs = Vec::new();
        if argued.map_or_else(|| line["status"].clone(), Value::from) != answer.status.as_u16() {
            differs.push(format!("status {}", answer.status));
        }
        // The answer may be a free map as a whole.
        let free = path.contains("/meta/") || path.contains("/params");
        if argued.is_none() {
            compare(&expected, &body, if free && answer.status.is_success() { "/Params" } else { "" }, &mut differs);
        }
        if answer.status.is_success()
            && line["method"] != "HEAD"
            && !answer.header("content-type").starts_with("application/json")
        {
            differs.push("content type".to_owned());
        }
        if !differs.is_empty() {
            problems.push(format!(
                "{} {} {} {}: {}",
                line["seq"],
                line["method"],
                path,
                line["status"],
                differs.join(", ")
            ));
        }
        replayed += 1;
    }
    assert!(problems.is_empty(), "{} of {replayed} differ:\n{}", problems.len(), problems.join("\n"));
    assert!(replayed > 10, "{replayed} replayed");
    peer.host.stop().await;
}

fn rename(renamed: &[(String, String)], text: &str) -> String {
    renamed.iter().fold(text.to_owned(), |text, (old, new)| text.replace(old, new))
}

/// The one websocket that a command has open, if it has.
#[derive(Default)]
struct Listener(Option<Socket>);

impl Listener {
    /// Opens it, says what the command said, or waits for the echo that the command got.
    async fn go_on(&mut self, peer: &Peer, line: &Value, renamed: &[(String, String)]) {
        match (line["dir"].as_str().unwrap(), line["body"].as_str(), &mut self.0) {
            ("client->api", ..) => {
                assert_eq!(line["status"], 101);
                self.0 = Some(Socket::open(peer, &[("authorization", &peer.bearer())]).await.unwrap());
            }
            ("ws client->server", Some(text), Some(socket)) => socket.say(&rename(renamed, text)).await,
            ("ws server->client", Some(text), Some(socket)) => {
                let expected: Value = serde_json::from_str(&rename(renamed, text)).unwrap();
                let event = socket.event().await.unwrap();
                for key in ["Type", "Action", "Key", "Object"] {
                    assert_eq!(event[key], expected[key], "{line}");
                }
            }
            _ => {}
        }
    }
}

/// The recorded request with its own headers; a masked token is replaced by a real one.
fn request(peer: &Peer, line: &Value, path: &str, body: Vec<u8>) -> Request<Full<Bytes>> {
    let method = Method::from_bytes(line["method"].as_str().unwrap().as_bytes()).unwrap();
    let mut request = Request::builder().method(method).uri(path);
    for header in line["headers"].as_array().unwrap() {
        let [name, value] = [&header[0], &header[1]].map(|text| text.as_str().unwrap());
        request = match name {
            "Host" | "Content-Length" | "Transfer-Encoding" | "Accept-Encoding" => request,
            "Authorization" if value.starts_with("Bearer <") => request.header(name, peer.bearer()),
            _ => request.header(name, value),
        };
    }
    request.body(Full::from(body)).unwrap()
}

/// Same keys and JSON types; more keys are allowed, and of lists the first items are compared.
pub(crate) fn compare(expected: &Value, found: &Value, at: &str, differs: &mut Vec<String>) {
    match (expected, found) {
        (Value::Null, _) => {}
        (Value::Object(expected), Value::Object(found)) => {
            // Free maps have free keys.
            let free = ["/Meta", "/Params", "/Profile", "/scopes"].iter().any(|free| at.contains(free));
            for (key, value) in expected.iter().filter(|(key, _)| !GONE.contains(&key.as_str())) {
                match found.get(key) {
                    Some(found) => compare(value, found, &format!("{at}/{key}"), differs),
                    None if free => {}
                    None => differs.push(format!("{at}/{key} is missing")),
                }
            }
        }
        (Value::Array(expected), Value::Array(found)) => {
            if let (Some(expected), Some(found)) = (expected.first(), found.first()) {
                compare(expected, found, &format!("{at}/0"), differs);
            }
        }
        _ if std::mem::discriminant(expected) == std::mem::discriminant(found) => {}
        _ => differs.push(format!("{at} is {found} and was {expected}")),
    }
}

#[tokio::test]
async fn login_and_info_go_as_recorded() {
    replay("login-info", definer, &[]).await;
}

#[tokio::test]
async fn machines_go_as_recorded() {
    replay("machines", |_| incrementer(), &[]).await;
}

#[tokio::test]
async fn plugins_go_as_recorded() {
    let incr = r#"{"Name":"incr","Provider":"incrementer"}"#;
    replay("plugins", |_| incrementer(), &[("/plugins", incr)]).await;
}

#[tokio::test]
async fn plugin_providers_go_as_recorded() {
    replay("plugin_providers", definer, &[]).await;
}
