//! The plugins: for each stored plugin one task, which keeps its process as the store and the providers want it.
//!
//! The tasks follow the store, never the event stream: whoever may post events cannot start or stop anything.

pub(crate) mod attached;
pub(crate) mod call;
mod callback;
mod configuration;
mod forward;
pub(crate) mod output;
pub(crate) mod pace;
#[cfg(test)]
pub(crate) mod peer;
pub(crate) mod process;
mod publish;
pub(crate) mod redact;
#[cfg(test)]
pub(crate) mod rude;
mod run;
pub(crate) mod sockets;
pub(crate) mod spawn;
mod supervise;

use std::{
    collections::BTreeMap,
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use drp_core::{Level, Model, Plugin, RawModel};
use tokio::sync::{Notify, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{call::PluginCaller, sockets::SocketDirectory, supervise::Supervisor};
use crate::{
    actions::Actions,
    auth::Auth,
    bus::Bus,
    config::{HostConfig, Times},
    log::Log,
    objects::Objects,
    params::ParamValues,
    providers::Providers,
};

/// Section of the store in which plugins are.
const SECTION: &str = Plugin::PREFIX;
/// Log of what concerns no plugin alone.
const SERVICE: &str = "plugin";

/// What the tasks of the plugins work with.
pub(crate) struct PluginRooms {
    pub(crate) objects: Arc<Objects>,
    pub(crate) params: Arc<ParamValues>,
    pub(crate) auth: Arc<Auth>,
    pub(crate) bus: Arc<Bus>,
    pub(crate) log: Arc<Log>,
    pub(crate) providers: Arc<Providers>,
    pub(crate) actions: Arc<Actions>,
}

/// The plugins of a host.
pub(crate) struct Plugins(Arc<Shared>);

struct Shared {
    rooms: PluginRooms,
    times: Times,
    sockets: SocketDirectory,
    /// Below it every plugin has its working directory.
    scratch: PathBuf,
    units: Mutex<BTreeMap<String, Arc<Unit>>>,
    /// Starts of plugins that had ended by themselves.
    restarts: AtomicU64,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

/// What is known of one plugin outside of its task.
#[derive(Debug, Default)]
struct Unit {
    /// Tells the task to look again at what is wanted of it.
    nudge: Notify,
    state: watch::Sender<State>,
    errors: Mutex<Vec<String>>,
    /// How to call it, while it is in service.
    caller: Mutex<Option<Arc<PluginCaller>>>,
}

/// How far a plugin is (`host.md` §6.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum State {
    /// Known, and about to be started.
    #[default]
    Created,
    /// The process serves and is not configured.
    Started,
    /// It is being configured.
    Configuring,
    /// In service.
    Configured,
    /// In service no more: waiting for its actions in flight and its end.
    Stopping,
    /// There is no process.
    Stopped,
    /// The object is gone.
    Removed,
}

impl State {
    pub(crate) const ALL: [Self; 7] = [
        Self::Created,
        Self::Started,
        Self::Configuring,
        Self::Configured,
        Self::Stopping,
        Self::Stopped,
        Self::Removed,
    ];

    /// The name in metrics.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Started => "started",
            Self::Configuring => "configuring",
            Self::Configured => "configured",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Removed => "removed",
        }
    }
}

impl Plugins {
    /// Prepares the directories of sockets and of plugins; starts nothing.
    ///
    /// # Errors
    /// A directory cannot be made.
    pub(crate) fn new(config: &HostConfig, rooms: PluginRooms) -> io::Result<Self> {
        let scratch = std::path::absolute(&config.data)?.join("scratch");
        sockets::owner_only_directory(&scratch)?;
        Ok(Self(Arc::new(Shared {
            rooms,
            times: config.times.clone(),
            sockets: SocketDirectory::open(&config.data)?,
            scratch,
            units: Mutex::default(),
            restarts: AtomicU64::new(0),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
        })))
    }

    /// Starts every plugin, and follows the store and the providers from now on. Providers are best imported before.
    pub(crate) fn start(&self) {
        self.0.tasks.spawn(self.0.clone().follow());
    }

    /// Has every plugin look at what is wanted of it: content has changed, and with it perhaps plugins.
    pub(crate) fn look_again(&self) {
        self.0.look_at_all();
    }

    /// Stops all plugins at the same time, and comes back within the limits that a stop has.
    pub(crate) async fn stop(&self) {
        self.0.stopping.cancel();
        self.0.rooms.providers.stop_importing();
        self.0.tasks.close();
        let times = &self.0.times;
        let limit = times.drain + times.stop + times.kill_grace * 3 + Duration::from_secs(1);
        if tokio::time::timeout(limit, self.0.tasks.wait()).await.is_err() {
            self.0.rooms.log.write(Level::Error, SERVICE, "Not all plugins have stopped in time");
        }
    }

    /// What is wrong with a plugin now; also of one whose object cannot be written.
    pub(crate) fn errors(&self, plugin: &str) -> Vec<String> {
        let unit = self.0.units().get(plugin).cloned();
        unit.map(|unit| unit.errors.lock().unwrap_or_else(PoisonError::into_inner).clone()).unwrap_or_default()
    }

    /// How to call a plugin, if it is in service.
    pub(crate) fn caller(&self, plugin: &str) -> Option<Arc<PluginCaller>> {
        let unit = self.0.units().get(plugin).cloned()?;
        unit.caller.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How far each plugin is.
    pub(crate) fn states(&self) -> Vec<State> {
        self.0.units().values().map(|unit| *unit.state.borrow()).collect()
    }

    /// How often a plugin was started again that had ended by itself.
    pub(crate) fn restarts(&self) -> u64 {
        self.0.restarts.load(Ordering::Relaxed)
    }

    /// How far a plugin is; whoever is no test waits with [`settled`](Self::settled).
    #[cfg(test)]
    pub(crate) fn state(&self, plugin: &str) -> Option<State> {
        self.0.units().get(plugin).map(|unit| *unit.state.borrow())
    }

    /// Waits up to `limit` until the first attempt to start a new plugin has come to an end, good or bad: clients
    /// expect to find its actions right after they have created it.
    pub(crate) async fn settled(&self, plugin: &str, limit: Duration) {
        let unit = self.0.look_at(plugin);
        let mut state = unit.state.subscribe();
        let ended = |state: &State| matches!(state, State::Configured | State::Stopped | State::Removed);
        // Running out of time is an answer as well: the plugin is slow.
        let _ = tokio::time::timeout(limit, state.wait_for(ended)).await;
    }
}

impl Shared {
    /// Looks at each plugin when it, its provider or the content changes.
    async fn follow(self: Arc<Self>) {
        let mut providers = self.rooms.providers.changes();
        let mut watch = match self.rooms.objects.watch() {
            Ok(watch) => watch,
            Err(error) => return self.rooms.log.write(Level::Error, SERVICE, error.to_string()),
        };
        self.look_at_all();
        loop {
            tokio::select! {
                () = self.stopping.cancelled() => return,
                commit = watch.next() => match commit {
                    Some(Ok(commit)) => {
                        for change in commit.changes.iter().filter(|change| change.section == SECTION) {
                            self.look_at(&change.key);
                        }
                    }
                    Some(Err(_)) => self.look_at_all(),
                    None => return,
                },
                changed = providers.changed() => match changed {
                    Ok(()) => self.look_at_all(),
                    Err(_) => return,
                },
            }
        }
    }

    fn look_at_all(self: &Arc<Self>) {
        let mut names: Vec<String> = self.units().keys().cloned().collect();
        match self.rooms.objects.list(SECTION) {
            Ok(plugins) => names.extend(plugins.iter().map(|plugin| plugin.text("Name"))),
            Err(error) => self.rooms.log.write(Level::Error, SERVICE, format!("Cannot list the plugins: {error}")),
        }
        names.sort();
        names.dedup();
        for name in names {
            self.look_at(&name);
        }
    }

    /// Has the plugin's task look at what is wanted; makes the task if there is none.
    fn look_at(self: &Arc<Self>, name: &str) -> Arc<Unit> {
        let mut units = self.units();
        if let Some(unit) = units.get(name) {
            unit.nudge.notify_one();
            return unit.clone();
        }
        let unit = Arc::new(Unit::default());
        if !self.stopping.is_cancelled() {
            units.insert(name.to_owned(), unit.clone());
            self.tasks.spawn(Supervisor::new(self.clone(), name, unit.clone()).run());
        }
        unit
    }

    /// Ends the record of a plugin, unless its object is back. What is looked at later gets a new task.
    fn retire(&self, name: &str) -> bool {
        let mut units = self.units();
        let back = !self.stopping.is_cancelled() && !matches!(self.plugin(name), Ok(None));
        if !back && let Some(unit) = units.remove(name) {
            unit.state.send_replace(State::Removed);
        }
        !back
    }

    fn plugin(&self, name: &str) -> Result<Option<Arc<RawModel>>, drp_core::Error> {
        self.rooms.objects.get(SECTION, name)
    }

    fn units(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Arc<Unit>>> {
        self.units.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
