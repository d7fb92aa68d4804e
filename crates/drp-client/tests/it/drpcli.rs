//! What people do with drpcli, done with this client: the server sees the same requests.
//!
//! Each recorded command line is one intent. The client does it against a peer that answers with the recorded
//! replies, and what it sends is compared with what drpcli sent: method, path, query and body.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Mutex,
};

use drp_client::{Client, ClientError, Query, Request, Upload};
use drp_core::{Machine, Model, Params, Plugin, Raw, RawModel, patch::Patch};
use serde_json::Value;

use crate::peer::{Peer, Reply, Seen, head, soon};

const FILES: [&str; 4] =
    ["drpcli-login-info.jsonl", "drpcli-machines.jsonl", "drpcli-plugin_providers.jsonl", "drpcli-plugins.jsonl"];

/// The login is done at the start of drpcli's session, and in ours by the session; the command itself sends nothing.
const LOGIN_FAILS: &str = "the login is refused, so that the command itself sends nothing";
const WAITS: &str = "it waits for events over a websocket, which tests of the event stream hold";
/// Commands that are no calls of objects, and why.
const EXCLUDED: [(&str, &str); 4] = [
    ("drpcli -P wrong -x info get", LOGIN_FAILS),
    ("drpcli -U nobody -P x info get", LOGIN_FAILS),
    ("drpcli machines wait", WAITS),
    ("drpcli plugins wait", WAITS),
];
/// Requests of drpcli that the same intent does not need here: the words of the command, the request, and why.
const NOT_NEEDED: [(&str, &str, &str); 1] =
    [(" add ", "GET /api/v3/params/", "the caller of `add` knows whether the param is secure")];

/// A command line with what it sent and got.
#[derive(Default)]
struct Command {
    argv: Vec<String>,
    stdin: String,
    exchanges: Vec<Exchange>,
}

#[derive(Clone)]
struct Exchange {
    request: Sent,
    status: u64,
    headers: Vec<(String, String)>,
    answer: Value,
}

/// A request, to be compared by value.
#[derive(Clone, Debug, PartialEq)]
struct Sent {
    method: String,
    path: String,
    query: BTreeMap<String, String>,
    content_type: Option<String>,
    /// `None` stands for a body that the recording gives only the sum of.
    body: Option<Value>,
}

impl Sent {
    fn new(method: &str, target: &str, content_type: Option<&str>, body: &Value) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let decode = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned();
        let query = query.split('&').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (decode(k), decode(v)));
        let body = match body {
            Value::String(text) => Some(serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str()))),
            _ => None,
        };
        let content_type = content_type.map(str::to_owned);
        Self { method: method.to_owned(), path: decode(path), query: query.collect(), content_type, body }
    }

    fn is_same(&self, recorded: &Self) -> bool {
        let ours = Self { body: recorded.body.as_ref().and(self.body.clone()), ..self.clone() };
        ours == *recorded
    }
}

fn commands(file: &str) -> Option<Vec<Command>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/wire").join(file);
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: {} is absent", path.display());
        return None;
    };
    let mut commands: Vec<Command> = Vec::new();
    for line in text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        match line["dir"].as_str().unwrap() {
            "cli-start" => {
                let argv = line["argv"].as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned());
                commands.push(Command { argv: argv.collect(), stdin: text("stdin"), exchanges: Vec::new() });
            }
            "client->api" => {
                let pairs = |key: &str| -> Vec<(String, String)> {
                    serde_json::from_value(line[key].clone()).unwrap_or_default()
                };
                let headers = pairs("headers");
                let content_type = headers.iter().find(|(name, _)| name == "Content-Type").map(|(_, v)| v.as_str());
                let exchange = Exchange {
                    request: Sent::new(&text("method"), &text("path"), content_type, &line["body"]),
                    status: line["status"].as_u64().unwrap(),
                    headers: pairs("response_headers"),
                    answer: line["response_body"].clone(),
                };
                commands.last_mut().unwrap().exchanges.push(exchange);
            }
            _ => {}
        }
    }
    Some(commands)
}

impl Command {
    fn line(&self) -> String {
        self.argv.join(" ")
    }

    /// What the command itself sent: without the start of the session, which is a login, or else a look whether the
    /// token of an earlier one is still good; and without what is not needed here.
    fn wanted(&self) -> Vec<Exchange> {
        let is_login = |exchange: &&Exchange| {
            let path = &exchange.request.path;
            path.starts_with("/api/v3/users/") && path.ends_with("/token")
        };
        let mut rest: Vec<Exchange> =
            self.exchanges.iter().skip_while(|exchange| is_login(exchange)).cloned().collect();
        if rest.len() > 1 && rest[0].request.path == "/api/v3/info" {
            rest.remove(0);
        }
        let line = self.line();
        rest.retain(|exchange| {
            let request = format!("{} {}", exchange.request.method, exchange.request.path);
            let reason = NOT_NEEDED.iter().find(|(word, begins, _)| line.contains(word) && request.starts_with(begins));
            if let Some((.., reason)) = reason {
                println!("    not needed: {request} of `{line}`: {reason}");
            }
            reason.is_none()
        });
        rest
    }

    /// The words that are no options, and the options.
    fn words(&self) -> (Vec<&str>, BTreeMap<&str, &str>) {
        const SWITCHES: [&str; 3] = ["--aggregate", "--replace-writable", "-x"];
        let (mut words, mut options) = (Vec::new(), BTreeMap::new());
        let mut rest = self.argv.iter().skip(1).map(String::as_str);
        while let Some(word) = rest.next() {
            if SWITCHES.contains(&word) {
                options.insert(word, "");
            } else if word.starts_with('-') && word != "-" {
                options.insert(word, rest.next().unwrap());
            } else {
                words.push(word);
            }
        }
        (words, options)
    }

    /// What stands for a value, read as JSON, else as text.
    fn value(&self, word: &str) -> Raw {
        let text = if word == "-" { self.stdin.as_str() } else { word };
        serde_json::from_str(text).unwrap_or_else(|_| Raw::from(text))
    }

    fn params(&self, words: &[&str]) -> Params {
        match words {
            [one] => self.value(one).parse().unwrap(),
            pairs => {
                let pair = |pair: &[&str]| (pair[0].to_owned(), self.value(pair[1]));
                pairs.chunks(2).map(pair).collect::<BTreeMap<_, _>>().into()
            }
        }
    }

    /// What is to be created: JSON, the lines of flat YAML, or a name.
    fn object(&self, word: &str) -> RawModel {
        let value = self.value(word);
        match value.as_string() {
            None => value.parse().unwrap(),
            Some(text) if text.contains(": ") => {
                let pairs = text.lines().filter_map(|line| line.split_once(": "));
                RawModel { fields: pairs.map(|(key, value)| (key.to_owned(), Raw::from(value))).collect() }
            }
            Some(name) => RawModel { fields: BTreeMap::from([("Name".to_owned(), Raw::from(name.as_str()))]) },
        }
    }
}

/// Does with the client what a command does.
async fn act(client: &Client, command: &Command) -> Result<(), ClientError> {
    let (words, options) = command.words();
    match words[..] {
        ["info", "get" | "status" | "check"] => client.info().await.map(drop),
        ["plugin_providers", "upload", name] | ["plugin_providers", "upload", name, "from", _] => {
            let providers = client.plugin_providers();
            let replaces = options.contains_key("--replace-writable");
            let providers = if replaces { providers.replace_writable() } else { providers };
            // What drpcli sent here is recorded as it was only where it is short.
            providers.upload(name, Upload::bytes("vm\n")).await.map(drop)
        }
        ["plugin_providers", "destroy", name] => client.plugin_providers().delete(name).await,
        [prefix, "indexes"] => client.indexes_of(prefix).await.map(drop),
        ["machines", "token", key] => {
            // Drpcli sends a life in words that only v4 servers know; ours are seconds.
            client.send::<Raw>(Request::machine_token(key)?.query("ttl", "1h")).await.map(drop)
        }
        ["system", "actions"] => client.system_actions().list().await.map(drop),
        ["system", "action", name] => client.system_actions().get(name).await.map(drop),
        ["system", "runaction", name, ref params @ ..] => {
            client.run_system_action(name, &command.params(params)).await.map(drop)
        }
        [prefix, "create", object] => create(client, prefix, &command.object(object)).await,
        [prefix, verb, ref rest @ ..] => object_verb(client, command, prefix, verb, rest).await,
        _ => panic!("no intent for {words:?}: give it one, or a reason"),
    }
}

/// As drpcli does it, with every key of the model.
async fn create(client: &Client, prefix: &str, object: &RawModel) -> Result<(), ClientError> {
    match prefix {
        Plugin::PREFIX => client.objects().create(&object.typed::<Plugin>().unwrap()).await.map(|_: Plugin| ()),
        Machine::PREFIX => client.objects().create(&object.typed::<Machine>().unwrap()).await.map(|_: Machine| ()),
        _ => client.raw_objects(prefix).create(object).await.map(drop),
    }
}

async fn object_verb(
    client: &Client,
    command: &Command,
    prefix: &str,
    verb: &str,
    rest: &[&str],
) -> Result<(), ClientError> {
    let objects = client.raw_objects(prefix);
    let options = command.words().1;
    let params = |key: &str| {
        let params = objects.params(key);
        if options.contains_key("--aggregate") { params.aggregate() } else { params }
    };
    let actions = |key: &str| {
        let actions = objects.actions(key);
        if let Some(plugin) = options.get("--plugin") { actions.plugin(*plugin) } else { actions }
    };
    match (verb, rest) {
        ("list", filters) => objects.list(&Query::parse(filters).unwrap()).await.map(drop),
        ("count", filters) => objects.count(&Query::parse(filters).unwrap()).await.map(drop),
        ("show", [key]) => match options.get("--slim") {
            Some(slim) => objects.get_with(key, &Query::new().slim(*slim)).await.map(drop),
            None => objects.get(key).await.map(drop),
        },
        ("exists" | "etag", [key]) => objects.exists(key).await.map(drop),
        ("destroy", [key]) => objects.delete(key).await.map(drop),
        ("update", [key, changes]) => {
            let changes = command.object(changes);
            objects.update(key, |object| object.fields.extend(changes.fields.clone())).await.map(drop)
        }
        ("patch", [key, patch]) => objects.patch(key, &serde_json::from_str::<Patch>(patch).unwrap()).await.map(drop),
        ("params", [key]) => params(key).all().await.map(drop),
        ("params", [key, all]) => params(key).set_all(&command.params(&[all])).await.map(drop),
        ("get", [key, "param", name]) => params(key).get::<Raw>(name).await.map(drop),
        ("set", [key, "param", name, "to", value]) => params(key).set_as_declared(name, &command.value(value)).await,
        ("add", [key, "param", name, "to", value]) => {
            params(key).add(name, &command.value(value)).await.unwrap();
            Ok(())
        }
        ("remove", [key, "param", name]) => params(key).delete(name).await.map(drop),
        ("meta", ["set", key, "key", name, "to", value]) => {
            let set = |meta: &mut BTreeMap<String, String>| drop(meta.insert((*name).to_owned(), (*value).to_owned()));
            objects.update_meta(key, set).await.map(drop)
        }
        ("meta", [key]) => objects.meta(key).await.map(drop),
        ("actions", [key]) => actions(key).list().await.map(drop),
        ("action", [key, name]) => actions(key).get(name).await.map(drop),
        ("runaction", [key, name, given @ ..]) => actions(key).run(name, &command.params(given)).await.map(drop),
        other => panic!("no intent for {other:?}: give it one, or a reason"),
    }
}

/// The recorded answer, as far as a client looks at it.
fn reply(exchange: &Exchange, seen: &Seen) -> Reply {
    let mut headers: Vec<String> = Vec::new();
    for (name, value) in &exchange.headers {
        if name == "Content-Type" || name.starts_with("X-") {
            headers.push(format!("{name}: {value}"));
        }
    }
    let mut body = exchange.answer.as_str().unwrap_or("{}").to_owned();
    // The answer to an upload has the size of what came, and what comes here is a substitute.
    if let (Ok(Value::Object(mut uploaded)), "POST") = (serde_json::from_str(&body), exchange.request.method.as_str())
        && uploaded.contains_key("size")
    {
        uploaded.insert("size".to_owned(), seen.body.len().into());
        body = Value::from(uploaded).to_string();
    }
    if exchange.request.method == "HEAD" {
        body.clear();
    }
    headers.push(format!("Content-Length: {}", body.len()));
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    let head = head(&format!("{} recorded", exchange.status), &headers);
    Reply { text: head.text + &body, close: false }
}

async fn replay(command: &Command) {
    let wanted = command.wanted();
    let left = Mutex::new(wanted.clone());
    let peer = Peer::start(move |seen| {
        let mut left = left.lock().unwrap();
        let (method, target) = seen.line.split_once(' ').unwrap();
        let sent = Sent::new(method, target, None, &Value::Null);
        let same = |other: &Exchange| other.request.method == sent.method && other.request.path == sent.path;
        match left.iter().position(same) {
            Some(index) => reply(&left.remove(index), seen),
            None => head("599 Not Recorded", &[]),
        }
    })
    .await;
    let done = soon(act(&peer.client(), command)).await;
    let sent: Vec<Sent> = peer
        .seen()
        .iter()
        .map(|seen| {
            let (method, target) = seen.line.split_once(' ').unwrap();
            Sent::new(method, target, seen.header("content-type"), &Value::from(seen.body.as_str()))
        })
        .collect();
    let recorded: Vec<Sent> = wanted.iter().map(|exchange| exchange.request.clone()).collect();
    let is_same = sent.len() == recorded.len() && sent.iter().zip(&recorded).all(|(sent, other)| sent.is_same(other));
    assert!(is_same, "{}\n  sent     {sent:#?}\n  recorded {recorded:#?}", command.line());
    let last = wanted.last().unwrap();
    let is_question = last.request.method == "HEAD" && last.status == 404;
    match done {
        Ok(()) => assert!(last.status < 400 || is_question, "{}: {}", command.line(), last.status),
        Err(error) => assert_eq!(error.status().map(u64::from), Some(last.status), "{}: {error:?}", command.line()),
    }
}

#[tokio::test]
async fn the_intents_of_drpcli_make_the_requests_of_drpcli() {
    let (mut covered, mut excluded, mut abilities) = (0, Vec::new(), BTreeSet::new());
    for file in FILES {
        let Some(commands) = commands(file) else { return };
        for command in &commands {
            let line = command.line();
            if let Some((_, reason)) = EXCLUDED.iter().find(|(begins, _)| line.starts_with(begins)) {
                excluded.push(format!("{line}: {reason}"));
                continue;
            }
            replay(command).await;
            covered += 1;
            abilities.insert(command.words().0.iter().take(2).copied().collect::<Vec<_>>().join(" "));
        }
    }
    println!(
        "without the start of drpcli's session, {covered} of {} command lines are covered, {} kinds",
        covered + excluded.len(),
        abilities.len()
    );
    for reason in &excluded {
        println!("    excluded: {reason}");
    }
    assert_eq!((covered, excluded.len()), (90, 4), "the recordings have changed");
}
