//! Plays the host's side of a recording against a provider, and compares what the provider says.

use std::{
    collections::{BTreeSet, HashMap},
    io,
    net::Ipv4Addr,
    path::Path,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use drp_core::{Params, Raw, chain, contract, limits};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    net::TcpListener,
    task::spawn_blocking,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{
    book::Book,
    compare::{Difference, Rules},
    entry::{Content, Dir, Entry, Trace},
    mask::{Mask, Masker},
    stage::Stage,
    unpacked::listing,
};
use crate::{
    bus::Bus,
    log::Log,
    plugins::{
        call::PluginCaller,
        output::OutputLog,
        pace::Pace,
        process::Process,
        redact::{MASK, Redactor},
        sockets::{SocketDirectory, SocketPair, emptied_directory},
    },
    providers::{
        environment::ProviderEnvironment,
        run::{Finished, exit_code, run_to_end},
    },
    server::{Patience, Server, connections::Connections},
    tls::{Identity, TlsError},
};

/// Time for all calls together that were recorded and do not come.
const PATIENCE: Duration = Duration::from_secs(10);
/// Time for each of them.
const CALL_PATIENCE: Duration = Duration::from_secs(2);
/// Time for an answer beyond what it took when it was recorded is not known: that of the slowest call of the contract.
const ANSWER_TIME: Duration = limits::CONFIG_TIME;
/// What the provider has for a token.
const TOKEN: &str = "replayed-token";

/// How a recording is played back.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    /// Values of params that are masked in the recording.
    pub secrets: Params,
    /// JSON pointers to what is not compared in bodies and answers; `*` stands for every field or item.
    pub ignore: Vec<String>,
}

/// A recording could not be played back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// There is no stage for it.
    #[error("cannot prepare the replay")]
    Io(#[from] io::Error),
    /// There is no certificate to show.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The provider cannot be run, or does not come so far as to serve.
    #[error("the provider does not load: {0}")]
    NotLoaded(String),
}

/// What stands where the recording has a mask.
#[derive(Clone, Debug)]
pub(super) struct Filling(Params);

impl Filling {
    /// The value with this host's places, and with the secrets that are known.
    pub(super) fn fill(&self, value: &Value, masker: &Masker) -> Value {
        self.with_secrets(&masker.expand(value))
    }

    fn with_secrets(&self, value: &Value) -> Value {
        match value {
            Value::Object(fields) => {
                let fill = |(name, value): (&String, &Value)| {
                    let secret = self.0.get(name).filter(|_| has_mask(value)).and_then(|secret| secret.parse().ok());
                    (name.clone(), secret.unwrap_or_else(|| self.with_secrets(value)))
                };
                Value::Object(fields.iter().map(fill).collect())
            }
            Value::Array(items) => Value::Array(items.iter().map(|item| self.with_secrets(item)).collect()),
            other => other.clone(),
        }
    }
}

fn has_mask(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(MASK),
        Value::Array(items) => items.iter().any(has_mask),
        Value::Object(fields) => fields.values().any(has_mask),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

impl Replay {
    /// Plays `trace` against `executable` and tells what differs; nothing where it answers as it was recorded.
    ///
    /// # Errors
    /// See [`ReplayError`].
    pub async fn play(&self, trace: &Trace, executable: &Path) -> Result<Vec<Difference>, ReplayError> {
        let executable = std::path::absolute(executable)?;
        let data = tempfile::Builder::new().prefix("drpx-").tempdir()?;
        let identity = Identity::open(&data.path().join("tls"), Ipv4Addr::LOCALHOST.into(), None)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let endpoint = format!("https://{}", listener.local_addr()?);
        let environment = ProviderEnvironment {
            fileserver: endpoint.clone(),
            endpoint,
            webroot: data.path().join("webroot"),
            ca_file: identity.ca_file.clone(),
            withheld: Vec::new(),
        };
        let ignored: Vec<String> = trace.head.ignore.iter().chain(&self.ignore).cloned().collect();
        let rules = Rules::new(&trace.entries, &ignored);
        let book = Book::new(&trace.entries, rules, self.mask(&environment).made());
        let stage = Stage::new(book, Filling(self.secrets.clone()));
        let connections = Arc::new(Connections::new(limits::CONNECTIONS_PER_ADDRESS_MAX));
        let server = Server::new(CancellationToken::new(), Patience::default(), connections);
        server.serve(listener, Some(Arc::clone(&identity.config)), stage.router());
        let sockets = SocketDirectory::open(data.path())?;
        let log = Arc::new(Log::new(Arc::new(Bus::new())));
        let executable = executable.as_path();
        let played = {
            let mut player = Player {
                executable,
                environment,
                stage: &stage,
                sockets,
                log,
                data,
                plugins: HashMap::new(),
                starts: 0,
            };
            let played = player.play(&trace.entries).await;
            player.end().await;
            played
        };
        server.stop(Duration::ZERO).await;
        played.map(|()| stage.book.close())
    }

    /// The params whose values are masked in `trace` and not given: a provider that works with them may differ.
    #[must_use]
    pub fn missing_secrets(&self, trace: &Trace) -> Vec<String> {
        let mut missing = BTreeSet::new();
        for entry in trace.entries.iter().filter(|entry| entry.dir == Dir::ToPlugin) {
            let Some(Content::Json(Value::Object(body))) = &entry.body else { continue };
            let params = match body.get("Params") {
                Some(Value::Object(params)) if entry.path == contract::ACTION_PATH => params,
                _ if entry.path == contract::CONFIG_PATH => body,
                _ => continue,
            };
            let masked = params.iter().filter(|(name, value)| has_mask(value) && !self.secrets.contains_key(*name));
            missing.extend(masked.map(|(name, _)| name.clone()));
        }
        missing.into_iter().collect()
    }

    fn mask(&self, environment: &ProviderEnvironment) -> Mask {
        let mut mask = Mask::default();
        self.secrets.values().for_each(|secret| mask.hide(secret));
        mask.hide(&Raw::from(TOKEN));
        environment.places().into_iter().for_each(|(text, name)| mask.place(&text, name));
        mask
    }
}

struct Player<'a> {
    executable: &'a Path,
    environment: ProviderEnvironment,
    stage: &'a Arc<Stage>,
    sockets: SocketDirectory,
    log: Arc<Log>,
    data: TempDir,
    plugins: HashMap<String, Plugin>,
    /// How many plugins were started.
    starts: u32,
}

/// A plugin that serves; the fields go in this order, because its callbacks must be answered to the end.
struct Plugin {
    process: Process,
    caller: PluginCaller,
    _callbacks: AbortOnDropHandle<()>,
    _sockets: SocketPair,
}

impl Player<'_> {
    async fn play(&mut self, entries: &[Entry]) -> Result<(), ReplayError> {
        let mut patience = PATIENCE;
        for entry in entries {
            match entry.dir {
                Dir::Define => self.define(entry).await?,
                Dir::Unpack => self.unpack(entry).await?,
                Dir::Listen => self.listen(&entry.plugin).await?,
                Dir::ToPlugin => self.call(entry).await?,
                Dir::WsToPlugin => self.stage.tell(entry, CALL_PATIENCE).await,
                Dir::ToHost | Dir::ToApi | Dir::WsToApi => {
                    let limit = patience.min(CALL_PATIENCE);
                    if !self.stage.book.wait_for(entry.seq, limit).await {
                        patience = patience.saturating_sub(limit);
                    }
                }
            }
        }
        Ok(())
    }

    async fn define(&self, entry: &Entry) -> Result<(), ReplayError> {
        let mut command = self.environment.command(self.executable, TOKEN);
        command.arg("define");
        let finished = self.run(command, "define", limits::DEFINE_TIME).await?;
        if entry.status == Some(0) && !finished.status.success() {
            let text = finished.stderr.explain(&format!("define ended with {}", finished.status));
            return Err(ReplayError::NotLoaded(text));
        }
        self.stage.book.compare_answer(entry, exit_code(finished.status), &finished.stdout);
        Ok(())
    }

    async fn unpack(&self, entry: &Entry) -> Result<(), ReplayError> {
        let directory = self.data.path().join("unpacked");
        emptied_directory(&directory).await?;
        let mut command = self.environment.command(self.executable, TOKEN);
        command.arg("unpack").arg(&directory);
        let finished = self.run(command, "unpack", limits::UNPACK_TIME).await?;
        let listed = spawn_blocking(move || listing(&directory)).await.map_err(io::Error::other)??;
        self.stage.book.compare_answer(entry, exit_code(finished.status), listed.to_string().as_bytes());
        Ok(())
    }

    async fn run(
        &self,
        command: tokio::process::Command,
        what: &str,
        limit: Duration,
    ) -> Result<Finished, ReplayError> {
        let log = OutputLog::new(Arc::clone(&self.log), what, Arc::new(Redactor::default()));
        let finished = run_to_end(command, &log, "", limit, limits::BODY_BYTES_MAX).await;
        finished.map_err(|error| ReplayError::NotLoaded(format!("{what}: {}", chain(&error))))
    }

    /// Starts a plugin, in the place of one of its name.
    async fn listen(&mut self, name: &str) -> Result<(), ReplayError> {
        self.end_plugin(name).await;
        self.starts += 1;
        let scratch = self.data.path().join("scratch").join(self.starts.to_string());
        emptied_directory(&scratch).await?;
        let sockets = self.sockets.pair();
        let callbacks = self.stage.listen(&sockets.from_plugin)?;
        let redactor = Arc::new(Redactor::default());
        let log = OutputLog::new(Arc::clone(&self.log), name, Arc::clone(&redactor));
        let give_up = async {
            sleep(limits::READY_TIME).await;
            format!("no {} within {:?}", contract::READY, limits::READY_TIME)
        };
        let command = self.environment.command(self.executable, TOKEN);
        let pace = Arc::new(Pace::default());
        let process = Process::start(command, name, &scratch, &sockets, log, pace, give_up).await;
        let process = process.map_err(|error| ReplayError::NotLoaded(error.to_string()))?;
        let caller = PluginCaller::new(name, &sockets.to_plugin, redactor);
        let plugin = Plugin { process, caller, _callbacks: callbacks, _sockets: sockets };
        self.plugins.insert(name.to_owned(), plugin);
        Ok(())
    }

    /// Asks a plugin what it was asked, and compares the answer.
    async fn call(&mut self, entry: &Entry) -> Result<(), ReplayError> {
        let differ = |place: &str, expected: String, came: String| {
            let (seq, exchange) = (entry.seq, entry.title());
            self.stage.book.differ(Difference { seq, exchange, place: place.to_owned(), expected, came });
        };
        let Some(plugin) = self.plugins.get(&entry.plugin) else {
            differ("the call", "a plugin that listens".to_owned(), "the recording started none".to_owned());
            return Ok(());
        };
        let body = self.body_of(entry);
        if entry.path == contract::STOP_PATH {
            return self.stop(entry, body).await;
        }
        match plugin.caller.exchange(&entry.path, body, ANSWER_TIME).await {
            Ok((status, answer)) => self.stage.book.compare_answer(entry, status.as_u16(), &answer),
            // Nor was there one when it was recorded.
            Err(_) if entry.status.is_none() => {}
            Err(error) => {
                let expected = entry.status.map_or_else(String::new, |status| format!("status {status}"));
                differ("answer", expected, error.into_wire(&entry.plugin, &entry.title()).to_string());
            }
        }
        Ok(())
    }

    /// Has a plugin end. Go plugins do so before their answer is out, so only the end counts.
    async fn stop(&mut self, entry: &Entry, body: Bytes) -> Result<(), ReplayError> {
        let Some(mut plugin) = self.plugins.remove(&entry.plugin) else { return Ok(()) };
        let ended = async {
            let asked = plugin.caller.exchange(contract::STOP_PATH, body, limits::STOP_TIME);
            tokio::join!(asked, plugin.process.exit())
        };
        if timeout(limits::STOP_TIME, ended).await.is_err() {
            self.stage.book.differ(Difference {
                seq: entry.seq,
                exchange: entry.title(),
                place: "the process".to_owned(),
                expected: format!("its end within {:?}", limits::STOP_TIME),
                came: "it still runs".to_owned(),
            });
            plugin.process.terminate(limits::KILL_GRACE_TIME).await;
        }
        Ok(())
    }

    fn body_of(&self, entry: &Entry) -> Bytes {
        match &entry.body {
            Some(Content::Json(value)) => {
                self.stage.filling.fill(value, self.stage.book.masker()).to_string().into_bytes().into()
            }
            Some(Content::Text(text)) => self.stage.book.masker().expand_text(text).into_bytes().into(),
            Some(Content::Sum { .. }) | None => Bytes::new(),
        }
    }

    async fn end_plugin(&mut self, name: &str) {
        if let Some(mut plugin) = self.plugins.remove(name) {
            plugin.process.terminate(limits::KILL_GRACE_TIME).await;
        }
    }

    async fn end(&mut self) {
        for name in self.plugins.keys().cloned().collect::<Vec<_>>() {
            self.end_plugin(&name).await;
        }
    }
}
