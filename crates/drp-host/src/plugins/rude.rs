//! For tests: the rooms that plugins need, and providers that misbehave (`testbins/rude-provider`).

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use drp_core::{Error, Params, Raw, RawModel};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{PluginRooms, Plugins, State};
use crate::{
    actions::Actions,
    auth::{Auth, Principal},
    bus::{Bus, Delivery, Subscription},
    config::{HostConfig, Times},
    log::Log,
    objects::Objects,
    params::ParamValues,
    providers::{ProviderEnvironment, Providers},
    store::{MemoryStore, Store},
};

/// The longest that any condition takes to become true.
const PATIENCE: Duration = Duration::from_secs(20);

fn provider() -> PathBuf {
    raw_peer::built("rude-provider")
}

/// Times that make a test quick.
pub(crate) fn quick() -> Times {
    Times {
        ready: Duration::from_secs(10),
        config: Duration::from_secs(10),
        stop: Duration::from_secs(5),
        drain: Duration::from_millis(200),
        kill_grace: Duration::from_millis(200),
        restart_wait_min: Duration::from_millis(20),
        restart_wait_max: Duration::from_millis(100),
        healthy: Duration::from_millis(300),
        ..Times::default()
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

/// The rooms of a host without its API.
pub(crate) struct TestHost {
    pub(crate) directory: TempDir,
    pub(crate) bus: Arc<Bus>,
    pub(crate) log: Arc<Log>,
    pub(crate) objects: Arc<Objects>,
    pub(crate) params: Arc<ParamValues>,
    pub(crate) providers: Arc<Providers>,
    pub(crate) actions: Arc<Actions>,
    pub(crate) plugins: Plugins,
}

impl TestHost {
    pub(crate) async fn new() -> Self {
        Self::with_times(quick()).await
    }

    pub(crate) async fn with_times(times: Times) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = HostConfig { data: directory.path().to_owned(), times, ..HostConfig::default() };
        std::fs::create_dir(config.plugins_dir()).unwrap();
        let bus = Arc::new(Bus::new());
        let log = Arc::new(Log::new(bus.clone()));
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new().unwrap());
        let objects = Arc::new(Objects::open(store).await.unwrap());
        let params = Arc::new(ParamValues::new(objects.clone()));
        let auth = Arc::new(Auth::open(objects.clone(), &directory.path().join("token.key")).unwrap());
        let actions = Arc::new(Actions::new(params.clone(), bus.clone(), config.times.action));
        let environment = ProviderEnvironment {
            endpoint: "https://127.0.0.1:1".to_owned(),
            fileserver: "http://127.0.0.1:2".to_owned(),
            webroot: directory.path().join("web"),
            withheld: Vec::new(),
            ca_file: directory.path().join("ca.pem"),
        };
        let providers =
            Arc::new(Providers::new(&config, environment, objects.clone(), auth.clone(), bus.clone(), log.clone()));
        let rooms = PluginRooms {
            objects: objects.clone(),
            params: params.clone(),
            auth,
            bus: bus.clone(),
            log: log.clone(),
            providers: providers.clone(),
            actions: actions.clone(),
        };
        let plugins = Plugins::new(&config, rooms).unwrap();
        Self { directory, bus, log, objects, params, providers, actions, plugins }
    }

    /// Puts the rude provider into the directory of providers, under the name that says how rude it is.
    pub(crate) fn install(&self, name: &str) -> PathBuf {
        let path = self.directory.path().join("plugins").join(name);
        // A link: a copy that is still open for writing cannot be run.
        if std::fs::hard_link(provider(), &path).is_err() {
            std::os::unix::fs::symlink(provider(), &path).unwrap();
        }
        path
    }

    /// A host that runs one provider, and one plugin `p1` of it, which has come to rest.
    pub(crate) async fn running(provider: &str, params: Value) -> Self {
        let host = Self::new().await;
        host.run(provider, params).await;
        host
    }

    /// As [`running`](Self::running), for a host that is not started yet.
    pub(crate) async fn run(&self, provider: &str, params: Value) {
        self.providers.import(&self.install(provider)).await.unwrap();
        self.plugins.start();
        self.create("plugins", json!({"Name": "p1", "Provider": provider, "Params": params})).await;
        self.plugins.settled("p1", PATIENCE).await;
    }

    pub(crate) async fn create(&self, prefix: &str, object: Value) {
        let object = serde_json::from_value(object).unwrap();
        self.objects.create(&Principal::system(), prefix, object).await.unwrap();
    }

    /// Changes one key of the plugin `p1`.
    pub(crate) async fn change(&self, key: &str, value: Value) {
        self.change_object("plugins", "p1", key, value).await;
    }

    /// Changes one key of an object.
    pub(crate) async fn change_object(&self, prefix: &str, name: &str, key: &str, value: Value) {
        let change =
            |plugin: &mut RawModel| plugin.set(key, &value).map_err(|error| Error::new(500, "", error.to_string()));
        self.objects.update(&Principal::system(), prefix, name, change).await.unwrap();
    }

    /// Runs a system action of the plugin `p1`.
    pub(crate) async fn act(&self, command: &str) -> Result<Value, Error> {
        let object = Arc::new(RawModel::default());
        let by = Principal::system();
        let run = self.actions.run(&by, "system", "global", object, command, Some("p1"), Params::default());
        run.await.map(|raw| raw.parse().unwrap())
    }

    /// The process of the plugin `p1`.
    pub(crate) async fn pid(&self) -> u64 {
        self.act("environment").await.unwrap()["pid"].as_u64().unwrap()
    }

    /// What the object of `p1` says is wrong with it.
    pub(crate) fn stored_errors(&self) -> Vec<String> {
        let plugin = self.objects.get("plugins", "p1").unwrap().unwrap();
        plugin.get("PluginErrors").unwrap_or_default()
    }

    pub(crate) async fn until_state(&self, state: State) {
        until(&format!("{state:?}"), || self.plugins.state("p1") == Some(state)).await;
    }

    /// The messages of the log.
    pub(crate) fn messages(&self) -> Vec<String> {
        self.log.lines().into_iter().map(|line| line.message.clone()).collect()
    }
}

/// Whether a process is there and no zombie.
pub(crate) fn is_alive(pid: u64) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// What was published so far, as `type.action.key`, without the log.
pub(crate) fn published(events: &mut Subscription) -> Vec<String> {
    let mut found = Vec::new();
    while let Some(Delivery::Event(published)) = events.try_next() {
        let event = &published.event;
        if event.type_ != "log" {
            found.push(format!("{}.{}.{}", event.type_, event.action, event.key));
        }
    }
    found
}

/// A JSON value as params carry it.
pub(crate) fn raw(value: Value) -> Raw {
    Raw::from(value)
}
