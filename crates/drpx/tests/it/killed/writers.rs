//! Those who write until the server is gone, and what each was told is done.

use std::{
    collections::BTreeSet,
    fmt,
    path::Path,
    sync::{
        Arc, Mutex, Once,
        atomic::{AtomicU64, Ordering},
    },
};

use drp_client::{Client, Query};
use drp_core::{Machine, Profile};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::process::{PATIENCE, Server};

const FILE_BYTES: usize = 256 << 10;
const LOG_BYTES: usize = 64 << 10;
const CONTENT_OBJECTS: usize = 20;
const STREAM: &str = "application/octet-stream";

/// What was acknowledged: machines by name, everything else by the number of its last version.
#[derive(Default)]
pub(super) struct Told {
    pub(super) machines: Arc<Mutex<BTreeSet<String>>>,
    file: AtomicU64,
    content: AtomicU64,
    provider: AtomicU64,
    /// Versions of a file, a content and a provider that were tried.
    tried: AtomicU64,
    /// Entries of the log of the present round, and of all before.
    log: AtomicU64,
    logged: AtomicU64,
}

/// Sends what the client has no calls for.
#[derive(Clone)]
pub(crate) struct Uploader {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl Uploader {
    pub(crate) fn new(server: &Server, token: &str) -> Self {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let authority = reqwest::Certificate::from_pem(&std::fs::read(&server.ca_file).unwrap()).unwrap();
        let http = reqwest::Client::builder().tls_certs_only([authority]).no_proxy().timeout(PATIENCE).build();
        let base = format!("{}/api/v3", server.endpoint);
        Self { http: http.unwrap(), base, token: token.to_owned() }
    }

    /// Status and body of the answer, if there was one.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        media: &str,
        body: Vec<u8>,
    ) -> Option<(StatusCode, Vec<u8>)> {
        let request = self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token);
        let answer = request.header("content-type", media).body(body).send().await.ok()?;
        let status = answer.status();
        Some((status, answer.bytes().await.ok()?.to_vec()))
    }

    /// The body of an answer that must come; `None` where there is no such thing.
    async fn get(&self, path: &str) -> Option<Vec<u8>> {
        let (status, body) = self.send(Method::GET, path, "", Vec::new()).await.expect("an answer");
        assert!(status == StatusCode::OK || status == StatusCode::NOT_FOUND, "{path}: {status}");
        (status == StatusCode::OK).then_some(body)
    }
}

/// Makes a machine with a job, and answers the job's key.
pub(super) async fn begin_job(client: &Client, round: u32) -> String {
    let task = client.raw_objects("tasks").create(&json!({"Name": format!("t{round}")})).await.unwrap();
    let machine = json!({"Name": format!("job-{round}"), "Tasks": [task.text("Name")]});
    let machine = client.raw_objects("machines").create(&machine).await.unwrap();
    let job = client.raw_objects("jobs").create(&json!({"Machine": machine.text("Uuid")})).await.unwrap();
    job.text("Uuid")
}

/// Brings the content that is replaced later.
pub(super) async fn begin_content(uploader: &Uploader) {
    let answer = uploader.send(Method::POST, "/contents", "application/json", content(0)).await;
    assert_eq!(answer.map(|(status, _)| status), Some(StatusCode::CREATED));
}

/// Starts all writers.
pub(super) fn start(
    client: &Client,
    uploader: &Uploader,
    round: u32,
    job: &str,
    told: &Arc<Told>,
) -> Vec<JoinHandle<()>> {
    let machines = |n| create_machines(client.clone(), format!("r{round}-w{n}"), Arc::clone(&told.machines));
    let mut writers: Vec<_> = (0..2).map(|n| tokio::spawn(machines(n))).collect();
    let logged = told.log.swap(0, Ordering::SeqCst);
    told.logged.fetch_add(logged, Ordering::SeqCst);
    let kinds: [Kind; 4] = [Kind::File, Kind::Content, Kind::Provider, Kind::Log];
    for kind in kinds {
        let (uploader, told, job) = (uploader.clone(), Arc::clone(told), job.to_owned());
        writers.push(tokio::spawn(async move { write(kind, &uploader, &job, &told).await }));
    }
    writers
}

/// Creates machines until the server is gone, and notes each that was acknowledged.
pub(crate) async fn create_machines(client: Client, prefix: String, acknowledged: Arc<Mutex<BTreeSet<String>>>) {
    for n in 0_u64.. {
        let name = format!("{prefix}-{n}.example.com");
        if client.raw_objects("machines").create(&json!({"Name": name})).await.is_err() {
            return;
        }
        acknowledged.lock().unwrap().insert(name);
    }
}

#[derive(Clone, Copy)]
enum Kind {
    File,
    Content,
    Provider,
    Log,
}

/// Writes one version after the other until the server is gone.
async fn write(kind: Kind, uploader: &Uploader, job: &str, told: &Told) {
    let log = format!("/jobs/{job}/log");
    for entry in 0.. {
        let version = told.tried.fetch_add(1, Ordering::SeqCst) + 1;
        let (method, path, media, body, number) = match kind {
            Kind::File => (Method::POST, "/files/dir/file", STREAM, file(version), version),
            Kind::Content => (Method::PUT, "/contents/killed", "application/json", content(version), version),
            Kind::Provider => (Method::POST, "/plugin_providers/scripted", STREAM, provider(version), version),
            Kind::Log => (Method::PUT, log.as_str(), STREAM, log_entry(entry), entry + 1),
        };
        let Some((status, body)) = uploader.send(method, path, media, body).await else { return };
        assert!(status.is_success(), "{path}: {status} {}", String::from_utf8_lossy(&body));
        let acknowledged = match kind {
            Kind::File => &told.file,
            Kind::Content => &told.content,
            Kind::Provider => &told.provider,
            Kind::Log => &told.log,
        };
        acknowledged.store(number, Ordering::SeqCst);
    }
}

fn file(version: u64) -> Vec<u8> {
    let mut content = format!("{version:020}").into_bytes();
    content.resize(FILE_BYTES, b'a' + u8::try_from(version % 26).unwrap());
    content
}

fn content(version: u64) -> Vec<u8> {
    let profile =
        |n| (format!("killed-{n}"), json!({"Name": format!("killed-{n}"), "Description": version.to_string()}));
    let profiles: serde_json::Map<String, Value> = (0..CONTENT_OBJECTS).map(profile).collect();
    let meta = json!({"Name": "killed", "Version": format!("v1.0.{version}")});
    json!({"meta": meta, "sections": {"profiles": profiles}}).to_string().into_bytes()
}

fn provider(version: u64) -> Vec<u8> {
    let definition = json!({"Name": "scripted", "Version": format!("v1.0.{version}"), "PluginVersion": 4});
    let mut script = format!("#!/bin/sh\n[ \"$1\" = define ] || exit 0\necho '{definition}'\nexit 0\n");
    script.push_str(&"#".repeat(FILE_BYTES));
    script.push_str(&format!("\n# end of {version}\n"));
    script.into_bytes()
}

fn log_entry(entry: u64) -> Vec<u8> {
    let mut text = format!("{entry:020}").into_bytes();
    text.resize(LOG_BYTES - 1, b'.');
    text.push(b'\n');
    text
}

impl Told {
    /// Makes sure that everything acknowledged is there, and nothing by halves.
    pub(super) async fn check(&self, client: &Client, uploader: &Uploader, job: &str, data: &Path) {
        let machines = client.objects::<Machine>().list(&Query::new()).await.unwrap();
        let found: BTreeSet<String> = machines.into_iter().map(|machine| machine.name).collect();
        let lost: Vec<String> = self.machines.lock().unwrap().difference(&found).cloned().collect();
        assert!(lost.is_empty(), "{lost:?}");

        let found = uploader.get("/files/dir/file").await;
        let version = found.as_ref().map(|found| std::str::from_utf8(&found[..20]).unwrap().parse().unwrap());
        assert_eq!(found, version.map(file), "a file is whole");
        self.require("file", version, &self.file);

        let profiles = client.objects::<Profile>().list(&Query::new()).await.unwrap();
        let of_content = profiles.iter().filter(|profile| profile.name.starts_with("killed-"));
        let mut versions: Vec<u64> = of_content.map(|profile| profile.description.parse().unwrap()).collect();
        assert!(versions.is_empty() || versions.len() == CONTENT_OBJECTS, "{versions:?}");
        versions.dedup();
        assert!(versions.len() <= 1, "{versions:?}");
        self.require("content", versions.first().copied(), &self.content);

        let found = uploader
            .get("/plugin_providers/scripted")
            .await
            .map(|body| serde_json::from_slice::<Value>(&body).unwrap());
        let version = found.map(|it| it["Version"].as_str().unwrap().strip_prefix("v1.0.").unwrap().parse().unwrap());
        let executable = std::fs::read(data.join("plugins/scripted")).ok();
        assert_eq!(executable, version.map(provider), "an executable is whole");
        self.require("provider", version, &self.provider);

        let told = self.log.load(Ordering::SeqCst);
        let log = uploader.get(&format!("/jobs/{job}/log")).await.expect("the log of a job that is there");
        let head = log.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let expected: Vec<u8> = (0..=told).flat_map(log_entry).collect();
        let entries = &log[head..];
        assert!(expected.starts_with(entries), "only the last entry may be cut");
        assert!(entries.len() as u64 >= told * LOG_BYTES as u64, "{told} entries, {} bytes", entries.len());

        let left = |folder: &str| std::fs::read_dir(data.join(folder)).unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(left("tftpboot/.uploads").count(), 0);
        let parts: Vec<_> = left("plugins").filter(|name| name.to_string_lossy().starts_with('.')).collect();
        assert!(parts.is_empty(), "{parts:?}");
    }

    /// What is there may be newer than what was acknowledged, and never older.
    fn require(&self, what: &str, found: Option<u64>, acknowledged: &AtomicU64) {
        let (told, tried) = (acknowledged.load(Ordering::SeqCst), self.tried.load(Ordering::SeqCst));
        let found = found.unwrap_or(0);
        assert!((told..=tried).contains(&found), "{what} {found}, though {told} was acknowledged and {tried} tried");
        acknowledged.store(found, Ordering::SeqCst);
    }

    pub(super) fn require_some_of_each(&self) {
        let [file, content, provider] = [&self.file, &self.content, &self.provider].map(|it| it.load(Ordering::SeqCst));
        let machines = self.machines.lock().unwrap().len();
        let logged = self.log.load(Ordering::SeqCst) + self.logged.load(Ordering::SeqCst);
        assert!(machines > 0 && file > 0 && content > 0 && provider > 0 && logged > 0, "{self}");
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let logged = self.log.load(Ordering::SeqCst) + self.logged.load(Ordering::SeqCst);
        let (machines, tried) = (self.machines.lock().unwrap().len(), self.tried.load(Ordering::SeqCst));
        write!(f, "{machines} machines, {logged} log entries and what was left of {tried} attempts")
    }
}
