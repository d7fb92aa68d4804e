//! A host with a good provider, beside which a rude one runs.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use drp_host::{HostConfig, Times};
use http::{Method, Request, StatusCode, header::AUTHORIZATION};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};

use crate::{
    peer::{Answer, Peer, within},
    traces::Traces,
};

/// A param that must be seen nowhere but in the plugin.
pub(crate) const SECRET: &str = "s3cr3t-0f-the-rude";
/// A time limit for those who never come to an end.
pub(crate) const SHORT: Duration = Duration::from_millis(500);
/// The longest that any condition takes to become true.
const PATIENCE: Duration = Duration::from_secs(30);

static ALONE: Mutex<()> = Mutex::const_new(());

pub(crate) struct Rig {
    pub(crate) peer: Peer,
    calm: Traces,
    _alone: MutexGuard<'static, ()>,
}

fn provider() -> PathBuf {
    raw_peer::built("rude-provider")
}

/// What `rude-provider --help` says.
pub(crate) fn help() -> String {
    String::from_utf8(Command::new(provider()).arg("--help").output().unwrap().stdout).unwrap()
}

/// Times that make a test quick, and leave a slow machine enough.
fn quick() -> Times {
    let limit = Duration::from_secs(20);
    Times {
        define: limit,
        unpack: limit,
        ready: limit,
        config: limit,
        publish: limit,
        action: Some(limit),
        stop: limit,
        drain: Duration::from_millis(200),
        kill_grace: Duration::from_millis(200),
        restart_wait_min: Duration::from_millis(20),
        restart_wait_max: Duration::from_millis(100),
        healthy: Duration::from_millis(300),
    }
}

impl Rig {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// With other times, most of the time one that is [`SHORT`].
    pub(crate) async fn start_with(change: impl FnOnce(&mut Times)) -> Self {
        let alone = ALONE.lock().await;
        let dir = tempfile::tempdir().unwrap();
        let mut times = quick();
        change(&mut times);
        fs::create_dir_all(dir.path().join("data/plugins")).unwrap();
        install(&dir.path().join("data/plugins/rude"));
        let peer = Peer::start_in(dir, |config| HostConfig { times, ..config }).await;
        create_plugin(&peer, "good", "rude", json!({})).await;
        let calm = Traces::now(&peer.dir.path().join("data"));
        let mut rig = Self { peer, calm, _alone: alone };
        rig.others_are_served().await;
        // The host keeps its connection to the good plugin.
        rig.calm = Traces::now(&rig.data());
        rig
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.peer.dir.path().join("data")
    }

    /// Imports the provider in a mode, or says why it cannot be.
    pub(crate) async fn load(&self, mode: &str) -> Result<(), String> {
        let path = self.data().join(format!("plugins/rude-{mode}"));
        install(&path);
        self.peer.host.import(&path).await.map(drop).map_err(|error| error.to_string())
    }

    /// Imports the provider in a mode, and makes the plugin `p1` of it, which is told the secret.
    pub(crate) async fn run(&self, mode: &str) {
        self.run_as("p1", mode).await;
    }

    /// As [`run`](Self::run), with the plugin's name.
    pub(crate) async fn run_as(&self, plugin: &str, mode: &str) {
        self.load(mode).await.unwrap();
        create_plugin(&self.peer, plugin, &format!("rude-{mode}"), json!({ "rude/token": SECRET })).await;
    }

    /// What is wrong with the plugin `p1`.
    pub(crate) async fn errors(&self) -> Vec<String> {
        self.errors_of("p1").await
    }

    pub(crate) async fn errors_of(&self, plugin: &str) -> Vec<String> {
        let object = self.peer.call("GET", &format!("/plugins/{plugin}"), "").await.json();
        serde_json::from_value(object["PluginErrors"].clone()).unwrap()
    }

    /// Waits until the first error of the plugin `p1` has all these texts in it, and returns it.
    pub(crate) async fn until_error(&self, expected: &[&str]) -> String {
        let mut last = Vec::new();
        let start = Instant::now();
        loop {
            if last.first().is_some_and(|error: &String| expected.iter().all(|text| error.contains(text))) {
                return last.swap_remove(0);
            }
            assert!(start.elapsed() < PATIENCE, "waited in vain for {expected:?}: {last:?}");
            last = self.errors().await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The messages of the log.
    pub(crate) async fn log(&self) -> Vec<String> {
        let lines = self.peer.call("GET", "/logs", "").await.json();
        lines.as_array().unwrap().iter().map(|line| line["Message"].as_str().unwrap().to_owned()).collect()
    }

    /// Waits until a line of the log has this text in it.
    pub(crate) async fn until_logged(&self, text: &str) {
        let start = Instant::now();
        while !self.log().await.iter().any(|line| line.contains(text)) {
            assert!(start.elapsed() < PATIENCE, "waited in vain for the line {text}: {:#?}", self.log().await);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Runs a system action of the plugin `p1`.
    pub(crate) async fn act(&self, command: &str) -> Answer {
        self.act_on("p1", command).await
    }

    pub(crate) async fn act_on(&self, plugin: &str, command: &str) -> Answer {
        self.peer.call("POST", &format!("/system/actions/{command}?plugin={plugin}"), "{}").await
    }

    /// Waits until the plugin `p1` answers actions.
    pub(crate) async fn until_in_service(&self) {
        let start = Instant::now();
        while self.act("ping").await.status != StatusCode::OK {
            assert!(start.elapsed() < PATIENCE, "the plugin never came into service: {:?}", self.errors().await);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The good plugin and the API answer.
    pub(crate) async fn others_are_served(&self) {
        let answer = self.act_on("good", "ping").await;
        assert_eq!((answer.status, answer.json()), (StatusCode::OK, "pong".into()));
        assert_eq!(self.peer.call("GET", "/info", "").await.status, StatusCode::OK);
    }

    /// Ends the rude plugin and takes its provider away. Then others are served, no secret shows, and nothing is left.
    pub(crate) async fn end(self) {
        self.others_are_served().await;
        self.no_secret_shows().await;
        for prefix in ["plugins", "plugin_providers"] {
            let found = self.peer.call("GET", &format!("/{prefix}"), "").await.json();
            let names = found.as_array().unwrap().iter().map(|object| object["Name"].as_str().unwrap().to_owned());
            for name in names.filter(|name| !["good", "rude"].contains(&name.as_str())) {
                let deleted = self.peer.call("DELETE", &format!("/{prefix}/{name}"), "").await;
                assert!(deleted.status.is_success() || deleted.status == StatusCode::NOT_FOUND, "{:?}", deleted.body);
            }
        }
        self.nothing_is_left().await;
        self.others_are_served().await;
        let data = self.data();
        self.peer.host.stop().await;
        until("no process is left", || Traces::now(&data).no_process()).await;
    }

    /// Waits until there is no more than there was before.
    async fn nothing_is_left(&self) {
        let start = Instant::now();
        loop {
            let now = Traces::now(&self.data());
            if now == self.calm {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "something is left: {now:#?}\nbefore: {:#?}", self.calm);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The secret and the tokens are in no answer and in no file.
    pub(crate) async fn no_secret_shows(&self) {
        for path in ["/logs", "/plugins", "/plugin_providers", "/plugins/p1"] {
            let text = String::from_utf8_lossy(&self.peer.call("GET", path, "").await.body).into_owned();
            assert!(!text.contains(SECRET), "{path}: {text}");
            for (_, shown) in text.match_indices("RS_TOKEN=").map(|(at, _)| text.split_at(at)) {
                assert!(shown.starts_with("RS_TOKEN=<secret>"), "{path}: {shown}");
            }
        }
        let mut folders = vec![self.data()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().flatten() {
                let kind = entry.file_type().unwrap();
                let path = entry.path();
                if kind.is_dir() {
                    folders.push(path);
                } else if kind.is_file() && !path.starts_with(self.data().join("plugins")) {
                    let bytes = fs::read(&path).unwrap_or_default();
                    let found = bytes.windows(SECRET.len()).any(|part| part == SECRET.as_bytes());
                    assert!(!found, "the secret is in {}", path.display());
                }
            }
        }
    }
}

/// Waits for a condition.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn create_plugin(peer: &Peer, name: &str, provider: &str, params: Value) {
    let plugin = json!({ "Name": name, "Provider": provider, "Params": params });
    let created = peer.call("POST", "/plugins", &plugin.to_string()).await;
    assert_eq!(created.status, StatusCode::CREATED, "{:?}", created.body);
}

/// Puts the provider at `path`. A link: a copy that is still open for writing cannot be run.
pub(crate) fn install(path: &Path) {
    if !path.exists() && fs::hard_link(provider(), path).is_err() {
        std::os::unix::fs::symlink(provider(), path).unwrap();
    }
}

/// Requests over one connection that is kept.
pub(crate) struct Client {
    sender: hyper::client::conn::http1::SendRequest<Full<bytes::Bytes>>,
    bearer: String,
}

impl Client {
    pub(crate) async fn new(peer: &Peer) -> Self {
        let stream = TokioIo::new(peer.connect().await);
        let (sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        Self { sender, bearer: peer.bearer() }
    }

    pub(crate) async fn call(&mut self, method: Method, path: &str, body: &str) -> (StatusCode, bytes::Bytes) {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v3{path}"))
            .header("host", "127.0.0.1")
            .header(AUTHORIZATION, &self.bearer)
            .header("content-type", "application/json");
        within(self.sender.ready()).await.unwrap();
        let response = within(self.sender.send_request(request.body(Full::from(body.to_owned())).unwrap())).await;
        let response = response.unwrap();
        (response.status(), within(response.into_body().collect()).await.unwrap().to_bytes())
    }

    /// Posts events, numbered from zero on by their keys.
    pub(crate) async fn post_events(&mut self, type_: &str, count: usize) {
        for key in 0..count {
            let event = json!({ "Type": type_, "Action": "happens", "Key": key.to_string() }).to_string();
            let (status, _) = self.call(Method::POST, "/events", &event).await;
            assert_eq!(status, StatusCode::NO_CONTENT);
        }
    }
}

/// How often each word stands there.
pub(crate) fn counts<'a>(words: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut found = BTreeMap::new();
    words.for_each(|word| *found.entry(word).or_default() += 1);
    found
}
