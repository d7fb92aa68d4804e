//! The provider executables that this host knows: found in a directory, asked what they are, and taken in.
//!
//! What is wrong with one provider is an error of that provider alone.

mod assets;
pub(crate) mod define;
pub(crate) mod environment;
pub(crate) mod run;
mod trial;
mod upload;

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use drp_core::{Error, Event, Level, Model, Plugin, PluginProvider, Raw, RawModel, limits};
use futures_util::{StreamExt, stream};
use tokio::{
    sync::{oneshot, watch},
    task::{JoinSet, spawn_blocking},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

pub use self::trial::{Trial, TrialError, TrialOutput};
pub(crate) use self::{
    define::{Definition, ImportError},
    environment::ProviderEnvironment,
    upload::{RemoveError, Upload, UploadError},
};
use self::{
    define::{define, executables},
    run::{exit_code, run_to_end},
};
use crate::{
    auth::{Auth, Principal},
    bus::Bus,
    config::{HostConfig, Times},
    log::Log,
    objects::{NewLayer, Objects, Origin},
    plugins::{
        attached::Launcher, output::OutputLog, process::describe_status, redact::Redactor, sockets::emptied_directory,
    },
    trace::{Dir, listing},
};

/// Log of everything about providers.
const SERVICE: &str = "plugin";
/// Directory of unpacked assets, below that of the static files; what is in `files` is what `/files` shows.
const UNPACKED: &str = "files/plugin_providers";
/// Key of a provider's record that says what is wrong with it.
const ERRORS_KEY: &str = "Errors";
/// `define`s that run at the same time at start. More than a machine has cores: who hangs takes nothing but a place.
const DEFINES_AT_ONCE_MAX: usize = 16;
/// Time for which a start waits for those who define themselves, and again for those who unpack.
const IMPORT_PATIENCE: Duration = Duration::from_secs(5);

/// What a provider says of itself, and the claims to its file and its name.
type Defined = ([Option<Claim>; 2], Definition);

/// A provider that was taken in.
#[derive(Debug)]
pub(crate) struct Imported {
    /// What it is; with the key `Errors` if its assets could not be unpacked.
    pub(crate) definition: PluginProvider,
    /// Its executable.
    pub(crate) path: PathBuf,
}

/// The providers of a host.
pub(crate) struct Providers {
    directory: PathBuf,
    times: Times,
    environment: ProviderEnvironment,
    objects: Arc<Objects>,
    auth: Arc<Auth>,
    bus: Arc<Bus>,
    log: Arc<Log>,
    imported: RwLock<BTreeMap<String, Arc<Imported>>>,
    /// Why a provider is not there any more, if it went by itself.
    withdrawn: RwLock<BTreeMap<String, String>>,
    /// Who runs the plugins of a provider, where that is not the host.
    launchers: RwLock<BTreeMap<String, Launcher>>,
    importing: Arc<Mutex<HashSet<String>>>,
    changes: watch::Sender<u64>,
    /// Unpacked assets stay when their provider goes.
    keep_unpacked: bool,
    stopping: CancellationToken,
}

/// The right to change one provider or its file, which nobody else has meanwhile.
#[derive(Debug)]
struct Claim {
    importing: Arc<Mutex<HashSet<String>>>,
    name: String,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.importing.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}

impl Providers {
    /// Knows no provider yet.
    pub(crate) fn new(
        config: &HostConfig,
        environment: ProviderEnvironment,
        objects: Arc<Objects>,
        auth: Arc<Auth>,
        bus: Arc<Bus>,
        log: Arc<Log>,
    ) -> Self {
        Self {
            directory: config.plugins_dir(),
            times: config.times.clone(),
            environment,
            objects,
            auth,
            bus,
            log,
            imported: RwLock::default(),
            withdrawn: RwLock::default(),
            launchers: RwLock::default(),
            importing: Arc::default(),
            changes: watch::Sender::default(),
            keep_unpacked: config.retention.keep_unpacked,
            stopping: CancellationToken::new(),
        }
    }

    /// Imports every executable of the directory, in the order of their names. Those that take long do not keep the
    /// others waiting: they are imported when they are ready, after this has come back.
    pub(crate) async fn import_all(self: &Arc<Self>) {
        self.import_within(IMPORT_PATIENCE).await;
    }

    /// As [`import_all`](Self::import_all), with the time for which it waits for definitions, and again for assets.
    async fn import_within(self: &Arc<Self>, patience: Duration) {
        let cleaned = self.make_directory().and_then(|()| upload::remove_leftovers(&self.directory));
        let paths = match cleaned.and_then(|()| executables(&self.directory)) {
            Ok(paths) => paths,
            Err(error) => {
                let text = format!("Cannot read the provider directory {}: {error}", self.directory.display());
                return self.log.write(Level::Error, SERVICE, text);
            }
        };
        let (told, quick) = oneshot::channel();
        let (this, stopped) = (Arc::clone(self), self.stopping.clone());
        tokio::spawn(async move { stopped.run_until_cancelled(this.import_each(paths, patience, told)).await });
        // Without an answer the import was stopped.
        let _ = quick.await;
    }

    /// Ends an import that still goes on.
    pub(crate) fn stop_importing(&self) {
        self.stopping.cancel();
    }

    /// Asked several at a time, because one may hang; admitted one by one, because the first of two wins a conflict.
    async fn import_each(self: Arc<Self>, paths: Vec<PathBuf>, patience: Duration, quick: oneshot::Sender<()>) {
        let define = |(place, path): (usize, PathBuf)| {
            let this = &self;
            async move {
                let defined = this.define(&path).await;
                (place, path, defined)
            }
        };
        let mut defining =
            stream::iter(paths.into_iter().enumerate()).map(define).buffer_unordered(DEFINES_AT_ONCE_MAX);
        let mut first = Vec::new();
        let _ = timeout(patience, async {
            while let Some(defined) = defining.next().await {
                first.push(defined);
            }
        })
        .await;
        first.sort_by_key(|(place, ..)| *place);
        let mut unpacking = JoinSet::new();
        for (_, path, defined) in first {
            self.admit(&mut unpacking, path, defined).await;
        }
        let _ = timeout(patience, async { while unpacking.join_next().await.is_some() {} }).await;
        // Whoever waited may be gone.
        let _ = quick.send(());
        while let Some((_, path, defined)) = defining.next().await {
            self.admit(&mut unpacking, path, defined).await;
        }
        while unpacking.join_next().await.is_some() {}
    }

    /// Puts what a provider brings in force, and lets it unpack beside the others.
    async fn admit(
        self: &Arc<Self>,
        unpacking: &mut JoinSet<()>,
        path: PathBuf,
        defined: Result<Defined, ImportError>,
    ) {
        let admitted = async {
            let (claims, definition) = defined?;
            self.accept_from(&definition, &path).await?;
            Ok::<_, ImportError>((claims, definition))
        };
        match admitted.await {
            Ok((claims, definition)) => {
                let this = Arc::clone(self);
                unpacking.spawn(async move {
                    this.take_in(definition, path).await;
                    drop(claims);
                });
            }
            Err(error) => self.log.write(Level::Error, SERVICE, error.to_string()),
        }
    }

    /// Imports one executable; a provider of its name is replaced, and its plugins are started anew.
    ///
    /// # Errors
    /// See [`ImportError`]. What was there before stays in force.
    pub(crate) async fn import(&self, path: &Path) -> Result<PluginProvider, ImportError> {
        let imported = async {
            let (_claims, definition) = self.define(path).await?;
            self.adopt(definition, path.to_owned()).await
        };
        imported.await.inspect_err(|error| self.log.write(Level::Error, SERVICE, error.to_string()))
    }

    /// A provider by its name.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Imported>> {
        self.imported.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// All providers, by name.
    pub(crate) fn list(&self) -> Vec<Arc<Imported>> {
        self.imported.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Drops a provider that said it is not allowed here, unless another has taken its place or it is gone already. Its
    /// file stays, so it is asked again at the next start.
    pub(crate) async fn withdraw(&self, provider: &Arc<Imported>, reason: &str) {
        let name = &provider.definition.name;
        if !self.get(name).is_some_and(|current| Arc::ptr_eq(&current, provider)) {
            return;
        }
        let reason = format!("Provider {name} withdrew: {reason}");
        self.log.write(Level::Error, SERVICE, &reason);
        self.withdrawn.write().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), reason);
        self.objects.drop_layer(name).await;
        self.forget(name);
    }

    /// Why a provider that is not there withdrew, if it did.
    pub(crate) fn withdrawal(&self, name: &str) -> Option<String> {
        self.withdrawn.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// From now on somebody else runs the plugins of this provider.
    pub(crate) fn attach(&self, provider: &str, launcher: Launcher) {
        self.launchers.write().unwrap_or_else(PoisonError::into_inner).insert(provider.to_owned(), launcher);
    }

    /// Who runs the plugins of a provider, where that is not the host.
    pub(crate) fn launcher(&self, provider: &str) -> Option<Launcher> {
        self.launchers.read().unwrap_or_else(PoisonError::into_inner).get(provider).cloned()
    }

    /// Told at every change of the providers.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Where the executables are.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// What a provider finds in its environment.
    pub(crate) fn environment(&self) -> &ProviderEnvironment {
        &self.environment
    }

    /// Asks an executable what it is. While the claims live, nobody else changes its file or its provider.
    async fn define(&self, path: &Path) -> Result<Defined, ImportError> {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let busy = |name: &str| ImportError::Busy { name: name.to_owned() };
        let claim = self.claim(&file).ok_or_else(|| busy(&file))?;
        let definition = self.ask(path, &file).await?;
        let other = self.claim_other(&definition, &file)?;
        Ok(([Some(claim), other], definition))
    }

    /// The claim to the provider of a file that has another name.
    fn claim_other(&self, definition: &Definition, file: &str) -> Result<Option<Claim>, ImportError> {
        let name = &definition.provider.name;
        if name == file {
            return Ok(None);
        }
        self.claim(name).map(Some).ok_or_else(|| ImportError::Busy { name: name.clone() })
    }

    /// Runs `define` of `path`, which is or is to become the file `file`.
    async fn ask(&self, path: &Path, file: &str) -> Result<Definition, ImportError> {
        let token = self.auth.issue_plugin_token(file);
        let log = self.output_log(file, &token);
        let mut command = self.environment.command(path, &token);
        let exchange = self.objects.recorder().map(|recorder| recorder.begin(Dir::Define, file, "", ""));
        // What is tried under a temporary name sees the one that it is to have.
        command.arg0(path.with_file_name(file));
        let defined = define(command, file, &log, self.times.define, &exchange).await;
        self.auth.revoke_plugin_token(&token);
        defined
    }

    fn claim(&self, name: &str) -> Option<Claim> {
        let mut importing = self.importing.lock().unwrap_or_else(PoisonError::into_inner);
        let claimed = importing.insert(name.to_owned());
        claimed.then(|| Claim { importing: Arc::clone(&self.importing), name: name.to_owned() })
    }

    async fn adopt(&self, definition: Definition, path: PathBuf) -> Result<PluginProvider, ImportError> {
        self.accept_from(&definition, &path).await?;
        Ok(self.take_in(definition, path).await)
    }

    /// As [`accept`](Self::accept), unless another file is the provider already.
    async fn accept_from(&self, definition: &Definition, path: &Path) -> Result<(), ImportError> {
        if let Some(other) = self.other_file(definition, path) {
            let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let name = &definition.provider.name;
            let reason = format!("the provider calls itself `{name}`, which {} is already", other.display());
            return Err(ImportError::Name { file, reason });
        }
        self.accept(definition, None).await
    }

    /// The file from which the provider runs that `path` is a further file of: one that bears its name comes first.
    fn other_file(&self, definition: &Definition, path: &Path) -> Option<PathBuf> {
        let name = &definition.provider.name;
        let known = self.get(name).filter(|known| known.path != path)?;
        (path.file_name() != Some(name.as_ref())).then(|| known.path.clone())
    }

    /// Puts the content and the types of a provider in force. Objects of the store make room if there is somebody in
    /// whose name they go.
    async fn accept(&self, definition: &Definition, replacing: Option<&Principal>) -> Result<(), ImportError> {
        let Definition { provider, bundle } = definition;
        let layer = NewLayer { name: &provider.name, bundle, origin: Origin::Provider(&provider.store_objects) };
        let put = self.objects.put_layer(layer, replacing).await.map(drop);
        put.map_err(|error| ImportError::Layer { name: provider.name.clone(), error })
    }

    /// Puts an accepted provider in place of the one before, and with it all its plugins.
    async fn take_in(&self, definition: Definition, path: PathBuf) -> PluginProvider {
        let mut provider = definition.provider;
        let name = provider.name.clone();
        match self.unpack(&name, &path).await {
            Ok(()) => self.log.write(Level::Info, SERVICE, format!("Provider {name} is defined and unpacked")),
            Err(text) => {
                self.log.write(Level::Error, SERVICE, &text);
                provider.extra.insert(ERRORS_KEY.to_owned(), Raw::from(serde_json::json!([text])));
            }
        }
        let imported = Arc::new(Imported { definition: provider.clone(), path });
        self.withdrawn.write().unwrap_or_else(PoisonError::into_inner).remove(&name);
        let before = self.imported.write().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), imported);
        if let Some(before) = before {
            self.publish("delete", &before.definition);
        }
        self.publish("create", &provider);
        if provider.auto_start {
            self.make_plugin(&provider).await;
        }
        self.changes.send_modify(|changes| *changes += 1);
        provider
    }

    /// Makes the directory of providers, which a fresh host has not; an existing one stays as the operator made it.
    fn make_directory(&self) -> std::io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)
    }

    /// Lets the provider write its assets into an empty directory of the static files.
    async fn unpack(&self, name: &str, path: &Path) -> Result<(), String> {
        let directory = self.unpacked(name);
        let problem = |text: String| format!("Cannot unpack provider {name}: {text}");
        emptied_directory(&directory).await.map_err(|error| problem(error.to_string()))?;
        let token = self.auth.issue_plugin_token(name);
        let log = self.output_log(name, &token);
        let mut command = self.environment.command(path, &token);
        command.arg("unpack").arg(&directory);
        let exchange = self.objects.recorder().map(|recorder| recorder.begin(Dir::Unpack, name, "", ""));
        let head = format!("Provider {name} unpack: ");
        let finished = run_to_end(command, &log, &head, self.times.unpack, limits::BODY_BYTES_MAX).await;
        self.auth.revoke_plugin_token(&token);
        let finished = finished.map_err(|error| problem(error.to_string()))?;
        if let Some(exchange) = exchange {
            let listed =
                spawn_blocking(move || listing(&directory)).await.map_err(|error| problem(error.to_string()))?;
            let listed = listed.map_err(|error| problem(error.to_string()))?;
            exchange.answered(exit_code(finished.status), listed.to_string().as_bytes());
        }
        if finished.status.success() {
            return Ok(());
        }
        Err(problem(finished.stderr.explain(&describe_status(finished.status))))
    }

    /// The log of what a provider writes that runs with `token`, without it.
    fn output_log(&self, provider: &str, token: &str) -> OutputLog {
        let redactor = Redactor::default();
        redactor.add(&Raw::from(token));
        OutputLog::new(self.log.clone(), provider, Arc::new(redactor))
    }

    /// Where a provider's assets are.
    pub(crate) fn unpacked(&self, name: &str) -> PathBuf {
        self.environment.webroot.join(UNPACKED).join(name)
    }

    /// Makes the plugin of an `AutoStart` provider, unless there is one of its name.
    async fn make_plugin(&self, provider: &PluginProvider) {
        let mut plugin = Plugin {
            name: provider.name.clone(),
            provider: provider.name.clone(),
            meta: provider.meta.clone(),
            ..Plugin::default()
        };
        plugin.params.fill();
        plugin.plugin_errors.fill();
        let made = async {
            if self.objects.get(Plugin::PREFIX, &provider.name)?.is_some() {
                return Ok(());
            }
            let plugin = RawModel::new(&plugin).map_err(|error| Error::new(500, "CREATE", error.to_string()))?;
            self.objects.create(&Principal::system(), Plugin::PREFIX, plugin).await.map(drop)
        };
        if let Err(error) = made.await {
            self.log.write(Level::Error, SERVICE, format!("Cannot make the plugin of {}: {error}", provider.name));
        }
    }

    fn forget(&self, name: &str) {
        let gone = self.imported.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        if let Some(gone) = gone {
            self.publish("delete", &gone.definition);
            self.changes.send_modify(|changes| *changes += 1);
        }
    }

    fn publish(&self, action: &str, provider: &PluginProvider) {
        let object = Raw::new(provider).unwrap_or_default();
        let mut event = Event::new(PluginProvider::PREFIX, action, &provider.name, object);
        event.principal = Principal::system().name;
        self.bus.publish(event);
    }
}

#[cfg(test)]
mod tests;
