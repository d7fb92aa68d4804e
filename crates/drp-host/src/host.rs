//! A host from start to stop: the order in which its rooms open and close.

mod listeners;
mod starting;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use drp_core::{Level, PluginProvider, limits};
use futures_util::future::BoxFuture;
use tokio::{
    sync::{OnceCell, Semaphore, watch},
    time,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::listeners::Listeners;
pub use self::starting::{StartError, Starting};
use crate::{
    actions::Actions,
    api,
    auth::Auth,
    backup::Backups,
    bus::Bus,
    config::{Admin, HostConfig},
    contents::{self, disk::DiskContent},
    files::Files,
    jobs::Jobs,
    log::{Log, LogLines},
    metrics::{self, Metrics},
    objects::{Objects, spawn_event_pump},
    owner_only,
    params::ParamValues,
    plugins::{PluginRooms, Plugins, attached::Launch},
    prefs::Prefs,
    providers::{ImportError, ProviderEnvironment, Providers, Trial, TrialError, TrialOutput},
    reload,
    server::{Patience, Server, connections::Connections},
    shared::{Addresses, Phase, Shared},
    store::{RedbStore, Store},
    tls::Identity,
};

const STORE_DIR: &str = "store";
const TLS_DIR: &str = "tls";
const TOKEN_KEY_FILE: &str = "token.key";
/// The static file space, as in the server's own data directory.
const WEBROOT_DIR: &str = "tftpboot";
const JOB_LOGS_DIR: &str = "job-logs";

/// A running host of plugin providers.
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use drp_host::{Host, HostConfig};
///
/// let host = Host::start(HostConfig { data: "/var/lib/drpx".into(), ..HostConfig::default() }).await?;
/// println!("{} {:?}", host.endpoint(), host.new_admin_password());
/// host.stop().await;
/// # Ok(())
/// # }
/// ```
pub struct Host {
    shared: Arc<Shared>,
    server: Server,
    drain: std::time::Duration,
    admin: String,
    new_admin_password: Option<String>,
    admin_token: String,
    ca_file: PathBuf,
    stopped: OnceCell<()>,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("endpoint", &self.endpoint()).field("admin", &self.admin).finish_non_exhaustive()
    }
}

/// A provider does not load: which one, in which phase, and why.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct LoadError(ImportError);

impl Host {
    /// Starts a host. When this comes back the API is served, the providers are imported and their plugins are
    /// starting.
    ///
    /// # Errors
    /// See [`StartError`]. A provider that does not load is no error: the log says what is wrong with it.
    pub async fn start(config: HostConfig) -> Result<Self, StartError> {
        Self::start_watched(config, drop).await
    }

    /// As [`start`](Self::start), which may take a while: `watch` is called before content and providers are loaded.
    ///
    /// # Errors
    /// As `start`.
    pub async fn start_watched(config: HostConfig, watch: impl FnOnce(Starting)) -> Result<Self, StartError> {
        let data = std::path::absolute(&config.data).map_err(StartError::data(&config.data))?;
        let plugins = config.plugins_dir();
        let plugins = std::path::absolute(&plugins).map_err(StartError::data(&plugins))?;
        // Plugins run in directories of their own, from where a relative path leads elsewhere.
        let config = HostConfig { data: data.clone(), plugins: Some(plugins), ..config };
        owner_only::create_dir(&data).map_err(StartError::data(&data))?;
        // First, because it is locked: a second host on the same data changes nothing.
        let stored = Stored::open(&data, &config).await?;
        let identity = Identity::open(&data.join(TLS_DIR), config.listen.ip(), config.tls.as_ref());
        let identity = Arc::new(identity.map_err(StartError::Tls)?);
        // Before a password is made that nobody would hear of if this failed.
        let listeners = Listeners::bind(&config).await?;
        let admin = config.admin.as_ref().map_or(Admin::DEFAULT_NAME, |admin| &admin.name).to_owned();
        let password = config.admin.as_ref().map(|admin| admin.password.as_str());
        let made = stored.auth.ensure_administrator(&admin, password).await;
        let new_admin_password = made.map_err(StartError::Objects)?;
        let log = stored.log.watch();
        watch(Starting { log, admin: admin.clone(), new_admin_password: new_admin_password.clone() });

        let environment = ProviderEnvironment {
            endpoint: config.advertised.clone().unwrap_or_else(|| listeners.addresses.endpoint()),
            fileserver: listeners.addresses.fileserver(),
            webroot: data.join(WEBROOT_DIR),
            ca_file: identity.ca_file.clone(),
            withheld: config.withheld_env.clone(),
        };
        if let Some(recorder) = &config.recorder {
            environment.name_places(recorder);
        }
        let shared = Arc::new(stored.share(&config, listeners.addresses, environment, Arc::clone(&identity), &data)?);
        let server = Server::new(shared.stopping.clone(), Patience::default(), Arc::clone(&shared.connections));
        // Before the providers are asked what they are: some want to know it from the API.
        server.serve(listeners.api, Some(Arc::clone(&identity.config)), api::router(Arc::clone(&shared)));
        if let Some(listener) = listeners.static_files {
            server.serve(listener, None, api::static_files(Arc::clone(&shared.files)));
        }
        if let Some(listener) = listeners.metrics {
            server.serve(listener, None, metrics::router(Arc::clone(&shared)));
        }
        let admin_token = shared.auth.issue_operator_token(&admin);
        let host = Self {
            shared,
            server,
            drain: config.times.drain,
            admin,
            new_admin_password,
            admin_token,
            ca_file: identity.ca_file.clone(),
            stopped: OnceCell::new(),
        };
        host.load(&config).await?;
        Ok(host)
    }

    /// Brings content, providers and plugins to life, in the order in which they need each other.
    async fn load(&self, config: &HostConfig) -> Result<(), StartError> {
        let shared = &self.shared;
        for warning in shared.identity.warnings() {
            shared.log.write(Level::Warn, "tls", warning);
        }
        // Before the providers: what was uploaded was there when they were taken in.
        contents::load_built_in(&shared.objects, &shared.log).await;
        contents::load_kept(&shared.objects, &shared.log).await.map_err(StartError::Objects)?;
        let directory = config.content.as_deref().unwrap_or(Path::new(""));
        for outcome in shared.disk.load().await.map_err(StartError::data(directory))? {
            reload::tell_content(&shared.log, &outcome.reload);
        }
        shared.providers.import_all().await;
        shared.providers.remove_orphaned_assets().await;
        shared.plugins.start();
        shared.phase.send_replace(Phase::Serving);
        Ok(())
    }

    /// URL of the API, without `/api/v3`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        self.shared.addresses.endpoint()
    }

    /// URL under which `/files` lies.
    #[must_use]
    pub fn fileserver(&self) -> String {
        self.shared.addresses.fileserver()
    }

    /// Where metrics, health and readiness are served, if they are.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.shared.addresses.metrics
    }

    /// What to verify the host by, in PEM: the authority that signed its certificate, or the certificate itself where
    /// it is the operator's.
    #[must_use]
    pub fn ca_file(&self) -> &Path {
        &self.ca_file
    }

    /// Name of the administrator.
    #[must_use]
    pub fn admin(&self) -> &str {
        &self.admin
    }

    /// The administrator's password, if this start made it up. It is stored nowhere: tell it to the operator.
    #[must_use]
    pub fn new_admin_password(&self) -> Option<&str> {
        self.new_admin_password.as_deref()
    }

    /// A bearer token with all rights that ends with this host.
    #[must_use]
    pub fn admin_token(&self) -> &str {
        &self.admin_token
    }

    /// Loads a provider from its executable, or loads it anew: its plugins are started again then.
    ///
    /// # Errors
    /// The provider does not load. What was there before stays in force.
    pub async fn import(&self, executable: &Path) -> Result<PluginProvider, LoadError> {
        // As in `start`; a path that cannot be made absolute does not lead to an executable either.
        let executable = std::path::absolute(executable).unwrap_or_else(|_| executable.to_owned());
        self.shared.providers.import(&executable).await.map_err(LoadError)
    }

    /// From now on the host starts no processes for the plugins of this provider: it calls `launch`, which has the
    /// plugin served at the sockets it is told, in this process or by hand under a debugger. The future ends when the
    /// plugin has, with a text that says how; the host drops it when the plugin did not end in time after a stop.
    ///
    /// Everything else is as for a process, `define` and `unpack` of the executable included. Say this before the
    /// provider is loaded: what runs already goes on as it is until it is started again.
    ///
    /// ```no_run
    /// # async fn debug(host: &drp_host::Host) -> Result<(), drp_host::LoadError> {
    /// host.attach("incrementer", |launch| async move {
    ///     println!("listen {} {}", launch.to_plugin.display(), launch.from_plugin.display());
    ///     launch.until_gone().await;
    ///     "the debugger has ended".to_owned()
    /// });
    /// host.import("target/debug/incrementer".as_ref()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn attach<F, Fut>(&self, provider: &str, launch: F)
    where
        F: Fn(Launch) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = String> + Send + 'static,
    {
        self.shared.providers.attach(provider, Arc::new(move |plugin| Box::pin(launch(plugin))));
    }

    /// Runs an executable as an import does, only to see what it does: nothing of it is taken in.
    ///
    /// # Errors
    /// It cannot be run, takes too long or writes too much.
    pub async fn try_provider(&self, executable: &Path, trial: Trial<'_>) -> Result<TrialOutput, TrialError> {
        let executable = std::path::absolute(executable).unwrap_or_else(|_| executable.to_owned());
        self.shared.providers.try_out(&executable, trial).await
    }

    /// Whether an import of this executable would be refused; nothing of it stays.
    ///
    /// # Errors
    /// The provider does not load, or one of its name is there, which goes on.
    pub async fn try_import(&self, executable: &Path) -> Result<(), LoadError> {
        let executable = std::path::absolute(executable).unwrap_or_else(|_| executable.to_owned());
        self.shared.providers.try_import(&executable).await.map_err(LoadError)
    }

    /// The object types of this moment by their prefixes, those of providers included.
    #[must_use]
    pub fn object_types(&self) -> Vec<String> {
        self.shared.objects.kinds().iter().map(|kind| kind.prefix.clone()).collect()
    }

    /// The lines of the log from now on, those included that never become events.
    #[must_use]
    pub fn log_lines(&self) -> LogLines {
        self.shared.log.watch()
    }

    /// What the rooms share.
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Stops the plugins, while the API still serves them, and then the API. Bounded by the times of the config.
    pub async fn stop(&self) {
        self.stopped
            .get_or_init(|| async {
                self.shared.phase.send_replace(Phase::Stopping);
                self.shared.plugins.stop().await;
                self.server.stop(self.drain).await;
                // Not before: who watches with it is told everything to the end.
                // Websockets end by themselves once the server is stopping; one that does not ends with the process.
                self.shared.tasks.close();
                let _ = time::timeout(limits::KILL_GRACE_TIME, self.shared.tasks.wait()).await;
                // Not before: an open websocket whose token is revoked would not hear what became of the plugins.
                self.shared.auth.revoke_plugin_token(&self.admin_token);
                self.shared.log.end();
                self.shared.pump.abort();
            })
            .await;
    }
}

/// A host that is dropped without a stop takes no more requests.
impl Drop for Host {
    fn drop(&mut self) {
        self.shared.stopping.cancel();
        self.shared.pump.abort();
    }
}

/// The rooms that need nothing but the data directory.
struct Stored {
    store: Arc<dyn Store>,
    bus: Arc<Bus>,
    log: Arc<Log>,
    objects: Arc<Objects>,
    params: Arc<ParamValues>,
    auth: Arc<Auth>,
    prefs: Arc<Prefs>,
    files: Arc<Files>,
    isos: Arc<Files>,
    jobs: Arc<Jobs>,
    tasks: TaskTracker,
    stopping: CancellationToken,
}

impl Stored {
    async fn open(data: &Path, config: &HostConfig) -> Result<Self, StartError> {
        let store: Arc<dyn Store> = Arc::new(RedbStore::open(data.join(STORE_DIR)).map_err(StartError::Store)?);
        let webroot = data.join(WEBROOT_DIR);
        let files = Arc::new(Files::open(&webroot).map_err(StartError::data(&webroot))?);
        let isos = Arc::new(Files::open_isos(&webroot).map_err(StartError::data(&webroot))?);
        let limits = &config.limits;
        let bus = Arc::new(Bus::with_room(limits.subscriber_events, limits.subscriber_event_bytes));
        let log = Arc::new(Log::new(Arc::clone(&bus)).with_lines_max(config.retention.log_lines));
        let objects = Arc::new(Objects::open(Arc::clone(&store)).await.map_err(StartError::Objects)?);
        if let Some(recorder) = &config.recorder {
            objects.secrets().record_to(recorder.clone());
        }
        let params = Arc::new(ParamValues::new(Arc::clone(&objects)));
        let logs = data.join(JOB_LOGS_DIR);
        let jobs = Jobs::open(Arc::clone(&objects), &logs, &config.retention).map_err(StartError::data(&logs))?;
        let key_file = data.join(TOKEN_KEY_FILE);
        let auth = Auth::open(Arc::clone(&objects), &key_file).map_err(StartError::data(&key_file))?;
        let auth = Arc::new(auth);
        let prefs = Prefs::open(Arc::clone(&store), Arc::clone(&objects), Arc::clone(&auth), Arc::clone(&bus)).await;
        let prefs = Arc::new(prefs.map_err(StartError::Objects)?);
        let (tasks, stopping) = (TaskTracker::new(), CancellationToken::new());
        tasks.spawn(tell_of_failure(objects.store_failed(), Arc::clone(&log), stopping.clone()));
        let jobs = Arc::new(jobs);
        Ok(Self { store, bus, log, objects, params, auth, prefs, files, isos, jobs, tasks, stopping })
    }

    /// Opens the rooms that know where the host is reached.
    fn share(
        self,
        config: &HostConfig,
        addresses: Addresses,
        environment: ProviderEnvironment,
        identity: Arc<Identity>,
        data: &Path,
    ) -> Result<Shared, StartError> {
        let Self { store, bus, log, objects, params, auth, prefs, files, isos, jobs, tasks, stopping } = self;
        let pump = spawn_event_pump(&objects, Arc::clone(&bus), Arc::clone(&log)).map_err(StartError::Watch)?;
        let actions = Arc::new(Actions::new(Arc::clone(&params), Arc::clone(&bus), config.times.action));
        let providers = Arc::new(Providers::new(
            config,
            environment,
            Arc::clone(&objects),
            Arc::clone(&auth),
            Arc::clone(&bus),
            Arc::clone(&log),
        ));
        let rooms = PluginRooms {
            objects: Arc::clone(&objects),
            params: Arc::clone(&params),
            auth: Arc::clone(&auth),
            bus: Arc::clone(&bus),
            log: Arc::clone(&log),
            providers: Arc::clone(&providers),
            actions: Arc::clone(&actions),
        };
        let log_of_backups = Arc::clone(&log);
        let plugins = Arc::new(Plugins::new(config, rooms).map_err(StartError::data(data))?);
        Ok(Shared {
            id: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            addresses,
            started: SystemTime::now(),
            identity,
            store,
            disk: DiskContent::new(config.content.clone(), Arc::clone(&objects)),
            metrics: Arc::new(Metrics::new()),
            connections: Arc::new(Connections::new(config.limits.connections_per_address)),
            bus,
            log,
            objects,
            params,
            auth,
            prefs,
            actions,
            providers,
            plugins,
            files,
            isos,
            jobs,
            backups: Backups::new(log_of_backups),
            data: data.to_owned(),
            websockets: Arc::new(Semaphore::new(config.limits.websockets.min(Semaphore::MAX_PERMITS))),
            websockets_max: config.limits.websockets,
            phase: watch::Sender::default(),
            tasks,
            stopping,
            pump: pump.abort_handle(),
        })
    }
}

/// Says in the log when the store takes no more changes.
async fn tell_of_failure(failed: BoxFuture<'static, Arc<str>>, log: Arc<Log>, stopping: CancellationToken) {
    if let Some(reason) = stopping.run_until_cancelled(failed).await {
        let text = format!("The store is read-only until the server is started again: {reason}");
        log.write(Level::Error, "store", text);
    }
}
