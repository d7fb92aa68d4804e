//! Events over the websocket.

use std::{collections::VecDeque, time::Duration};

use futures_util::{SinkExt, StreamExt};
use http::header::AUTHORIZATION;
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest},
};

use super::{
    case::Case,
    expect::{same, shown},
    link::Auth,
    suite::{Check, check},
};
use crate::{
    transcript::Transcript,
    verdict::{Fault, Verdict, cannot, ensure, failed},
};

pub(super) const CHECKS: &[Check] = &[
    check!(HostEventsAuth, nobody_gets_no_events),
    check!(HostEventsEcho, every_command_is_echoed),
    check!(HostEventsObjects, changes_come_in_order),
    check!(HostEventsParams, a_param_is_an_update),
    check!(HostEventsSelectors, selectors_choose),
    check!(HostEventsOnce, an_event_comes_once),
    check!(HostEventsMalformed, malformed_commands_harm_nobody),
    check!(HostEventsPost, posted_events_come_as_they_are),
    check!(HostEventsSecrets, events_show_no_hashes),
];

/// Frames that are looked at for one that is waited for.
const FRAMES_MAX: usize = 10_000;

/// A websocket of the administrator.
pub(super) struct Events {
    socket: WebSocketStream<TlsStream<TcpStream>>,
    transcript: Transcript,
    patience: Duration,
    passed_over: VecDeque<Value>,
}

impl Events {
    pub(super) async fn open(case: &Case) -> Verdict<Self> {
        let socket = connect(case, &case.session.auth).await?;
        let socket = socket.or_else(|error| failed(format!("the websocket does not open: {error}")))?;
        Ok(Self {
            socket,
            transcript: case.transcript.clone(),
            patience: case.patience(),
            passed_over: VecDeque::new(),
        })
    }

    /// Opens a websocket that has these selectors.
    pub(super) async fn of(case: &Case, selectors: &[&str]) -> Verdict<Self> {
        let mut events = Self::open(case).await?;
        for selector in selectors {
            events.command("register", selector).await?;
        }
        Ok(events)
    }

    async fn send(&mut self, message: Message) -> Verdict {
        self.transcript.add("suite", &format!("websocket: {message}"));
        let sent = timeout(self.patience, self.socket.send(message)).await;
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => failed(format!("the websocket breaks: {error}")),
            Err(_) => failed("the websocket takes nothing any more"),
        }
    }

    /// Sends a command, and waits for its echo.
    pub(super) async fn command(&mut self, verb: &str, selector: &str) -> Verdict {
        self.send(Message::text(format!("{verb} {selector}"))).await?;
        let what = format!("the echo of `{verb} {selector}`");
        self.until(&what, |event| event["Type"] == "websocket" && event["Action"] == verb && event["Key"] == selector)
            .await
            .map(drop)
    }

    /// The next event.
    pub(super) async fn next(&mut self, what: &str) -> Verdict<Value> {
        if let Some(event) = self.passed_over.pop_front() {
            return Ok(event);
        }
        self.read(what).await
    }

    async fn read(&mut self, what: &str) -> Verdict<Value> {
        loop {
            let frame = match timeout(self.patience, self.socket.next()).await {
                Err(_) => return failed(format!("{what} does not come within {} s", self.patience.as_secs())),
                Ok(None) => return failed(format!("the websocket ends before {what}")),
                Ok(Some(Err(error))) => return failed(format!("the websocket breaks before {what}: {error}")),
                Ok(Some(Ok(frame))) => frame,
            };
            match frame {
                Message::Text(text) => {
                    self.transcript.add("server", &format!("websocket: {text}"));
                    return serde_json::from_str(&text)
                        .or_else(|error| failed(format!("a frame is no JSON ({error}): {}", text.as_str())));
                }
                Message::Close(_) => return failed(format!("the websocket is closed before {what}")),
                _ => {}
            }
        }
    }

    /// Waits for an event, and keeps those before it for [`next`](Self::next).
    pub(super) async fn until(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Verdict<Value> {
        if let Some(found) = self.passed_over.iter().position(&is_it) {
            return Ok(self.passed_over.remove(found).unwrap_or_default());
        }
        for _ in 0..FRAMES_MAX {
            let event = self.read(what).await?;
            if is_it(&event) {
                return Ok(event);
            }
            self.passed_over.push_back(event);
        }
        failed(format!("{what} is not among {FRAMES_MAX} frames"))
    }

    /// Holds that the next event is of an action on a key, and gives it.
    async fn expect(&mut self, type_: &str, action: &str, key: &str) -> Verdict<Value> {
        let event = self.next(&format!("{type_}.{action}.{key}")).await?;
        let came = ["Type", "Action", "Key"].map(|field| event[field].as_str().unwrap_or_default());
        ensure!(came == [type_, action, key], "{type_}.{action}.{key} was expected, {} came", came.join("."));
        Ok(event)
    }
}

type Opened = Result<WebSocketStream<TlsStream<TcpStream>>, Box<Error>>;

async fn connect(case: &Case, auth: &Auth) -> Verdict<Opened> {
    let server = &case.session.server;
    let url = format!("wss://{}{}", server.authority(), server.path("ws"));
    let unusable = |error: String| Fault::Failed(format!("the suite cannot ask for a websocket: {error}"));
    let mut request = url.into_client_request().map_err(|error| unusable(error.to_string()))?;
    if let Some(header) = auth.header() {
        let header = header.parse().map_err(|_| unusable("the credentials are no header".to_owned()))?;
        request.headers_mut().insert(AUTHORIZATION, header);
    }
    case.transcript.add("suite", "GET /ws (websocket)");
    let stream = server.connect().await.map_err(cannot("connect"))?;
    let opened = timeout(case.patience(), client_async(request, stream)).await;
    let opened = opened.or_else(|_| failed("the websocket is neither opened nor refused"))?;
    Ok(opened.map(|(socket, _)| socket).map_err(Box::new))
}

async fn nobody_gets_no_events(case: &Case) -> Verdict {
    for (what, auth) in [
        ("no credentials", Auth::Nobody),
        ("a wrong password", Auth::Basic(case.session.user.clone(), "wrong".to_owned())),
        ("a token that is none", Auth::Bearer("nonsense".to_owned())),
    ] {
        match connect(case, &auth).await? {
            Ok(_) => return failed(format!("{what}: a refusal was expected, and the websocket opens")),
            Err(error) => match *error {
                Error::Http(response) => {
                    let status = response.status().as_u16();
                    ensure!((400..500).contains(&status), "{what}: a status of 4xx was expected, {status} came");
                }
                error => return failed(format!("{what}: a status of 4xx was expected, {error} came")),
            },
        }
    }
    Ok(())
}

async fn every_command_is_echoed(case: &Case) -> Verdict {
    let mut events = Events::open(case).await?;
    let selector = format!("{}.*.a.b.c", case.name());
    for verb in ["register", "register", "deregister", "register"] {
        events.send(Message::text(format!("{verb} {selector}"))).await?;
        let echo = events.expect("websocket", verb, &selector).await?;
        ensure!(echo["Object"].is_null(), "Object of an echo was expected to be null, {} came", shown(&echo["Object"]));
    }
    Ok(())
}

async fn changes_come_in_order(case: &Case) -> Verdict {
    let name = case.name();
    let path = format!("profiles/{name}");
    let selector = format!("profiles.*.{name}");
    let mut events = Events::of(case, &[&selector]).await?;
    case.create("profiles", &json!({ "Name": name, "Description": "0" })).await?;
    for number in 1..=5 {
        let patch = json!([{ "op": "replace", "path": "/Description", "value": number.to_string() }]);
        case.patch(path.as_str(), &patch).await?.is(200, "PATCH")?;
    }
    case.delete(path.as_str()).await?.is(200, "DELETE")?;
    let created = events.expect("profiles", "create", &name).await?;
    same("Object of create", &created["Object"]["Description"], &json!("0"))?;
    let time = created["Time"].as_str().unwrap_or_default();
    ensure!(
        time.parse::<jiff::Timestamp>().is_ok(),
        "Time was expected to be RFC 3339, {} came",
        shown(&created["Time"])
    );
    for number in 1..=5 {
        let event = events.expect("profiles", "update", &name).await?;
        same("Object of update", &event["Object"]["Description"], &json!(number.to_string()))?;
        same("Original of update", &event["Original"]["Description"], &json!((number - 1).to_string()))?;
    }
    let deleted = events.expect("profiles", "delete", &name).await?;
    same("Object of delete", &deleted["Object"]["Description"], &json!("5"))
}

async fn a_param_is_an_update(case: &Case) -> Verdict {
    let name = case.profile(json!({})).await?;
    let selector = format!("profiles.*.{name}");
    let mut events = Events::of(case, &[&selector]).await?;
    case.post(format!("profiles/{name}/params/aa"), &json!(1)).await?.is(200, "POST of a param")?;
    let event = events.expect("profiles", "update", &name).await?;
    same("Object", &event["Object"]["Params"]["aa"], &json!(1))?;
    same("Original", &event["Original"]["Params"], &json!({}))
}

/// An event that means nothing to a server.
fn event(type_: &str, action: &str, key: &str) -> Value {
    json!({ "Type": type_, "Action": action, "Key": key, "Time": "2026-01-02T03:04:05.678Z", "Object": { "a": [1] } })
}

async fn post(case: &Case, event: &Value) -> Verdict {
    case.post("events", event).await?.is(204, "POST /events").map(drop)
}

async fn selectors_choose(case: &Case) -> Verdict {
    let type_ = case.name();
    // What matches each of them is sent between others; `end` comes last.
    let check = async |selector: String, wanted: &[&str]| {
        let end = format!("{type_}.end.end");
        let mut events = Events::of(case, &[&selector, &end]).await?;
        for (action, key) in [("one", "a"), ("two", "a"), ("one", "b.c"), ("end", "end")] {
            post(case, &event(&type_, action, key)).await?;
        }
        let mut came = Vec::new();
        loop {
            let event = events.next(&format!("the events of {selector}")).await?;
            if event["Type"] == type_.as_str() && event["Action"] == "end" {
                break;
            }
            let (action, key) = (event["Action"].as_str(), event["Key"].as_str());
            came.push(format!("{} {}", action.unwrap_or_default(), key.unwrap_or_default()));
        }
        ensure!(came == wanted, "{selector}: {wanted:?} was expected, {came:?} came");
        Ok(())
    };
    check(format!("{type_}.*.*"), &["one a", "two a", "one b.c"]).await?;
    check(format!("{type_}.one.*"), &["one a", "one b.c"]).await?;
    check(format!("{type_}.*.a"), &["one a", "two a"]).await?;
    check(format!("{type_}.one.b.c"), &["one b.c"]).await?;
    check("*.two.a".to_owned(), &["two a"]).await?;
    check(format!("{type_}-other.*.*"), &[]).await
}

async fn an_event_comes_once(case: &Case) -> Verdict {
    let type_ = case.name();
    let (all, some) = (format!("{type_}.*.*"), format!("{type_}.one.*"));
    let mut events = Events::of(case, &[&all, &some]).await?;
    for key in ["a", "b"] {
        post(case, &event(&type_, "one", key)).await?;
    }
    events.expect(&type_, "one", "a").await?;
    events.expect(&type_, "one", "b").await?;
    // What is deregistered no longer counts, and the other still does.
    events.command("deregister", &all).await?;
    post(case, &event(&type_, "two", "c")).await?;
    post(case, &event(&type_, "one", "d")).await?;
    events.expect(&type_, "one", "d").await.map(drop)
}

async fn malformed_commands_harm_nobody(case: &Case) -> Verdict {
    let type_ = case.name();
    let mut other = Events::of(case, &[&format!("{type_}.*.*")]).await?;
    let malformed =
        ["", "nonsense", "register", "register ", "register a", "register a.b", "register  a.b.c", "REGISTER a.b.c"];
    let frames = malformed.map(Message::text).into_iter().chain([Message::binary(vec![0xff; 64])]);
    for frame in frames {
        // Who is sent away for it is so alone.
        let mut events = Events::open(case).await?;
        events.send(frame).await?;
        post(case, &event("a", "b", "c")).await?;
    }
    case.get("info").await?.is(200, "GET /info afterwards")?;
    post(case, &event(&type_, "one", "a")).await?;
    other.expect(&type_, "one", "a").await?;
    let selector = format!("{type_}.two.*");
    Events::of(case, &[&selector]).await.map(drop)
}

async fn posted_events_come_as_they_are(case: &Case) -> Verdict {
    let type_ = case.name();
    let mut events = Events::of(case, &[&format!("{type_}.*.*")]).await?;
    let posted = event(&type_, "one", "a/b.c");
    post(case, &posted).await?;
    let came = events.expect(&type_, "one", "a/b.c").await?;
    for field in ["Time", "Object"] {
        same(field, &came[field], &posted[field])?;
    }
    case.send(case.ask_raw("POST", "events", "{")).await?.error_of(400, "POST /events of no JSON").map(drop)
}

async fn events_show_no_hashes(case: &Case) -> Verdict {
    let name = case.name();
    let mut events = Events::of(case, &[&format!("users.*.{name}")]).await?;
    case.create("users", &json!({ "Name": name })).await?;
    case.put(format!("users/{name}/password"), &json!({ "Password": "c0nformance" })).await?.is(200, "PUT")?;
    case.delete(format!("users/{name}")).await?.is(200, "DELETE")?;
    loop {
        let event = events.next("the end of the user").await?;
        for object in [&event["Object"], &event["Original"]] {
            for field in ["PasswordHash", "Secret"] {
                let is_hidden = object[field].is_null() || object[field] == "";
                ensure!(is_hidden, "an event of a user shows {field}");
            }
        }
        if event["Action"] == "delete" {
            return Ok(());
        }
    }
}
