//! The task of one plugin: brings it to what is wanted, watches it there, and decides what follows from its end.

use std::{
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Duration,
};

use drp_core::{Error, Event, Level, Raw, RawModel, limits};
use tokio::{sync::watch, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{
    SECTION, Shared, State, Unit,
    call::{CallError, PluginCaller},
    configuration::{Configuration, configuration},
    output::cut_at,
    process::StartError,
    publish::Publisher,
    redact::Redactor,
    run::{Run, remove_scratch},
};
use crate::{auth::Principal, config::Times, providers::Imported};

/// The code by which a plugin says that its whole provider is not allowed here.
const NOT_ALLOWED: i64 = 403;
/// Time in which a process whose socket broke is known to have ended.
const EXIT_NOTICE_TIME: Duration = Duration::from_secs(1);
/// The key of a plugin that says what is wrong with it.
const ERRORS_KEY: &str = "PluginErrors";
/// The keys of a plugin whose change restarts it.
const RESTARTING_KEYS: [&str; 3] = ["Description", "Provider", "Params"];

/// The task of one plugin.
pub(super) struct Supervisor {
    shared: Arc<Shared>,
    name: String,
    unit: Arc<Unit>,
    /// Ends in a row that nobody wanted.
    crashes: u32,
}

/// What a plugin shall be.
#[derive(Clone)]
struct Wanted {
    plugin: Arc<RawModel>,
    provider: Option<Arc<Imported>>,
}

/// Why a plugin does not run any more, or not yet.
enum End {
    /// Something else is wanted, or the same again.
    Again,
    /// It cannot run as it is; only a change helps.
    Refused,
    /// It ended by itself.
    Crashed,
    /// The host stops.
    HostStops,
}

/// What comes between a plugin and its work.
enum Disturbance {
    Changed,
    HostStops,
    Leaves(Error),
}

impl Supervisor {
    /// The task of the plugin `name`.
    pub(super) fn new(shared: Arc<Shared>, name: &str, unit: Arc<Unit>) -> Self {
        Self { shared, name: name.to_owned(), unit, crashes: 0 }
    }

    /// Keeps the plugin as it is wanted, until its object is gone or the host stops.
    pub(super) async fn run(mut self) {
        loop {
            let Some(wanted) = self.wanted().await else {
                // Before anybody can begin with a new plugin of this name.
                remove_scratch(&self.shared, &self.name).await;
                if self.shared.retire(&self.name) {
                    return;
                }
                continue;
            };
            let changed = match self.live(&wanted).await {
                End::Again => true,
                End::Refused => !matches!(self.disturbed(&wanted).await, Disturbance::HostStops),
                End::Crashed => {
                    let wait = restart_wait(&self.shared.times, self.crashes);
                    match timeout(wait, self.disturbed(&wanted)).await {
                        Ok(Disturbance::HostStops) => false,
                        Ok(_) => true,
                        Err(_) => {
                            self.shared.restarts.fetch_add(1, Ordering::Relaxed);
                            continue;
                        }
                    }
                }
                End::HostStops => false,
            };
            self.crashes = 0;
            if !changed {
                self.shared.retire(&self.name);
                return;
            }
        }
    }

    /// One attempt to run the plugin, from what is wanted to why it ended.
    async fn live(&mut self, wanted: &Wanted) -> End {
        self.to(State::Created);
        let Some(provider) = &wanted.provider else {
            let provider = wanted.plugin.text("Provider");
            let reason = self.shared.rooms.providers.withdrawal(&provider);
            let missing = format!("Missing Plugin Provider: {provider}");
            return self.refuse([missing].into_iter().chain(reason).collect()).await;
        };
        let params = &self.shared.rooms.params;
        let configuration = match configuration(params, &self.name, &wanted.plugin, &provider.definition) {
            Ok(configuration) => configuration,
            Err(errors) => return self.refuse(errors).await,
        };
        let redactor = Arc::new(Redactor::default());
        for secret in &configuration.secrets {
            redactor.add(secret);
            self.shared.rooms.objects.secrets().seen(secret);
        }
        match self.start(wanted, provider, redactor).await {
            Err(disturbance) => self.cleared(disturbance).await,
            Ok(Ok(run)) => {
                self.to(State::Started);
                self.tell("is listening");
                self.configure(wanted, provider, run, configuration).await
            }
            Ok(Err(error)) => self.crash(error.to_string()).await,
        }
    }

    /// Starts the process, unless something comes between; it is gone then.
    async fn start(
        &self,
        wanted: &Wanted,
        provider: &Imported,
        redactor: Arc<Redactor>,
    ) -> Result<Result<Run, StartError>, Disturbance> {
        let given_up = CancellationToken::new();
        let start = Run::start(&self.shared, &self.name, provider, redactor, &given_up);
        tokio::pin!(start);
        let disturbance = tokio::select! {
            started = &mut start => return Ok(started),
            disturbance = self.disturbed(wanted) => disturbance,
        };
        // Not just dropped: the process must have ended before its sockets are removed, or it makes them again.
        given_up.cancel();
        if let Ok(run) = start.await {
            run.end(&self.shared).await;
        }
        Err(disturbance)
    }

    async fn configure(
        &mut self,
        wanted: &Wanted,
        provider: &Arc<Imported>,
        mut run: Run,
        configuration: Configuration,
    ) -> End {
        self.to(State::Configuring);
        let limit = self.shared.times.config;
        let error = tokio::select! {
            answer = run.caller.config(&configuration.body, limit) => match answer {
                Ok(()) => return self.serve(wanted, provider, run).await,
                Err(error) => error,
            },
            exit = run.process.exit() => return self.ended(wanted, provider, run, &exit).await,
            disturbance = self.disturbed_or_left(wanted, &mut run.leaving) => {
                return self.end(wanted, provider, run, disturbance).await;
            }
        };
        if matches!(error, CallError::Failed(_))
            && let Ok(exit) = timeout(EXIT_NOTICE_TIME, run.process.exit()).await
        {
            return self.ended(wanted, provider, run, &exit).await;
        }
        let own_words = matches!(error, CallError::Refused(_));
        let error = error.into_wire(&self.name, "config");
        let mut text = run.redactor.clean(&error.to_string());
        if !own_words {
            text = run.process.explain(&text);
        }
        if error.code == NOT_ALLOWED {
            self.shared.rooms.providers.withdraw(provider, &text).await;
        }
        self.to(State::Stopping);
        run.end(&self.shared).await;
        if error.code == NOT_ALLOWED {
            return End::Again;
        }
        self.refuse(vec![text]).await
    }

    /// The plugin is in service.
    async fn serve(&mut self, wanted: &Wanted, provider: &Arc<Imported>, mut run: Run) -> End {
        let rooms = &self.shared.rooms;
        let definition = &provider.definition;
        rooms.actions.register(&run.caller, &definition.available_actions);
        let limit = self.shared.times.publish;
        let publisher = || Publisher::start(&rooms.bus, rooms.log.clone(), run.caller.clone(), limit);
        run.publisher = definition.has_publish.then(publisher);
        if self.crashes == 0 {
            self.set_errors(Vec::new()).await;
        }
        self.publish("configed", &self.configured(wanted));
        self.set_caller(Some(run.caller.clone()));
        self.to(State::Configured);
        self.tell("is configured");
        // A plugin that crashes after every start keeps the reason until it has lived a while.
        let healthy = tokio::time::sleep(self.shared.times.healthy);
        tokio::pin!(healthy);
        loop {
            tokio::select! {
                exit = run.process.exit() => return self.ended(wanted, provider, run, &exit).await,
                disturbance = self.disturbed_or_left(wanted, &mut run.leaving) => {
                    return self.end(wanted, provider, run, disturbance).await;
                }
                () = &mut healthy, if self.crashes > 0 => {
                    self.crashes = 0;
                    self.set_errors(Vec::new()).await;
                }
            }
        }
    }

    /// Stops a running plugin.
    async fn end(&mut self, wanted: &Wanted, provider: &Arc<Imported>, run: Run, disturbance: Disturbance) -> End {
        self.shared.rooms.actions.unregister(&self.name);
        let served = self.is_in_service();
        self.to(State::Stopping);
        let reason = match &disturbance {
            Disturbance::Leaves(reason) => Some((reason.code, run.redactor.clean(&reason.to_string()))),
            _ => None,
        };
        if let Some((NOT_ALLOWED, text)) = &reason {
            self.shared.rooms.providers.withdraw(provider, text).await;
        }
        run.end(&self.shared).await;
        self.tell("has stopped");
        if served {
            self.publish_stopped(wanted);
        }
        match reason {
            None => self.cleared(disturbance).await,
            Some((NOT_ALLOWED, _)) => End::Again,
            Some((_, text)) if text.is_empty() => self.refuse(vec!["Plugin left".to_owned()]).await,
            Some((_, text)) => self.refuse(vec![format!("Plugin left: {text}")]).await,
        }
    }

    /// The process ended without having been told to.
    async fn ended(&mut self, wanted: &Wanted, provider: &Arc<Imported>, run: Run, exit: &str) -> End {
        self.shared.rooms.actions.unregister(&self.name);
        run.caller.fail_all();
        let left = run.leaving.borrow().clone();
        if let Some(reason) = left {
            return self.end(wanted, provider, run, Disturbance::Leaves(reason)).await;
        }
        let text = run.process.explain(&format!("Plugin exited: {exit}"));
        drop(run);
        if self.is_in_service() {
            self.publish_stopped(wanted);
        }
        self.crash(text).await
    }

    async fn crash(&mut self, text: String) -> End {
        self.to(State::Stopping);
        self.crashes = self.crashes.saturating_add(1);
        self.log(&format!("Plugin {}: {text}", self.name));
        self.set_errors(vec![text]).await;
        self.to(State::Stopped);
        End::Crashed
    }

    async fn refuse(&mut self, errors: Vec<String>) -> End {
        for text in &errors {
            self.log(&format!("Plugin {}: {text}", self.name));
        }
        self.set_errors(errors).await;
        self.to(State::Stopped);
        End::Refused
    }

    async fn cleared(&mut self, disturbance: Disturbance) -> End {
        self.to(State::Stopped);
        if matches!(disturbance, Disturbance::HostStops) { End::HostStops } else { End::Again }
    }

    /// Waits until something else is wanted, or the host stops.
    async fn disturbed(&self, wanted: &Wanted) -> Disturbance {
        loop {
            tokio::select! {
                () = self.shared.stopping.cancelled() => return Disturbance::HostStops,
                () = self.unit.nudge.notified() => {
                    // What cannot be read is no reason to stop a plugin.
                    let changed = self.look().is_ok_and(|now| !now.is_some_and(|now| now.same(wanted)));
                    if changed {
                        return Disturbance::Changed;
                    }
                }
            }
        }
    }

    /// As [`disturbed`](Self::disturbed), and until the plugin says that it leaves.
    async fn disturbed_or_left(&self, wanted: &Wanted, leaving: &mut watch::Receiver<Option<Error>>) -> Disturbance {
        let left = async {
            match leaving.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone()) {
                Some(reason) => reason,
                // The callback socket is gone, so nothing more will be said.
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            reason = left => Disturbance::Leaves(reason),
            disturbance = self.disturbed(wanted) => disturbance,
        }
    }

    /// What is wanted now; nothing if the object is gone or the host stops.
    async fn wanted(&self) -> Option<Wanted> {
        loop {
            match self.look() {
                _ if self.shared.stopping.is_cancelled() => return None,
                Ok(wanted) => return wanted,
                Err(error) => self.log(&format!("Cannot read plugin {}: {error}", self.name)),
            }
            tokio::select! {
                () = self.shared.stopping.cancelled() => return None,
                () = tokio::time::sleep(self.shared.times.restart_wait_min) => {}
            }
        }
    }

    fn look(&self) -> Result<Option<Wanted>, Error> {
        let plugin = self.shared.plugin(&self.name)?;
        let provider = |plugin: &RawModel| self.shared.rooms.providers.get(&plugin.text("Provider"));
        Ok(plugin.map(|plugin| Wanted { provider: provider(&plugin), plugin }))
    }

    fn to(&self, state: State) {
        if state != State::Configured {
            self.set_caller(None);
        }
        self.unit.state.send_replace(state);
    }

    fn set_caller(&self, caller: Option<Arc<PluginCaller>>) {
        *self.unit.caller.lock().unwrap_or_else(PoisonError::into_inner) = caller;
    }

    /// Says what is wrong with the plugin, in its object where that can be written.
    async fn set_errors(&self, errors: Vec<String>) {
        let errors: Vec<String> = errors.iter().map(|text| cut_at(text, limits::LOG_LINE_BYTES_MAX)).collect();
        self.unit.errors.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&errors);
        let stored = self.shared.plugin(&self.name).ok().flatten();
        let same = |plugin: Arc<RawModel>| plugin.get::<Vec<String>>(ERRORS_KEY).unwrap_or_default() == errors;
        if stored.is_none_or(same) {
            return;
        }
        let set = |plugin: &mut RawModel| {
            plugin.set(ERRORS_KEY, &errors).map_err(|error| Error::new(500, "PUT", error.to_string()))
        };
        let objects = &self.shared.rooms.objects;
        if let Err(error) = objects.update(&Principal::system(), SECTION, &self.name, set).await {
            // The usual reasons: it comes with a content layer, or it was deleted just now.
            self.log(&format!("Cannot store the errors of plugin {}: {error}", self.name));
        }
    }

    /// Publishes what became of the plugin.
    fn publish(&self, action: &str, plugin: &RawModel) {
        let mut event = Event::new(SECTION, action, &self.name, Raw::new(plugin).unwrap_or_default());
        event.principal = Principal::system().name;
        self.shared.rooms.bus.publish(event);
    }

    fn publish_stopped(&self, wanted: &Wanted) {
        self.publish("stopped", &self.stored().unwrap_or_else(|| wanted.plugin.clone()));
    }

    fn is_in_service(&self) -> bool {
        *self.unit.state.borrow() == State::Configured
    }

    fn stored(&self) -> Option<Arc<RawModel>> {
        self.shared.plugin(&self.name).ok().flatten()
    }

    /// The plugin as it is now, unless it has become another than was configured: an event that shows the change would
    /// tell its reader that the change is in force.
    fn configured(&self, wanted: &Wanted) -> Arc<RawModel> {
        self.stored().filter(|stored| same(stored, &wanted.plugin)).unwrap_or_else(|| wanted.plugin.clone())
    }

    /// Tells the log how far the plugin is.
    fn tell(&self, what: &str) {
        self.shared.rooms.log.write(Level::Info, &self.name, format!("Plugin {} {what}", self.name));
    }

    fn log(&self, text: &str) {
        self.shared.rooms.log.write(Level::Error, &self.name, text);
    }
}

impl Wanted {
    /// Whether a plugin that runs as `other` runs as this.
    fn same(&self, other: &Self) -> bool {
        let provider = match (&self.provider, &other.provider) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        };
        provider && same(&self.plugin, &other.plugin)
    }
}

/// Whether a plugin object asks for nothing else than another.
fn same(a: &RawModel, b: &RawModel) -> bool {
    RESTARTING_KEYS.iter().all(|key| a.fields.get(*key) == b.fields.get(*key))
}

/// How long a plugin waits after so many crashes in a row: double each time.
fn restart_wait(times: &Times, crashes: u32) -> Duration {
    let doublings = crashes.saturating_sub(1).min(16);
    times.restart_wait_min.saturating_mul(1 << doublings).min(times.restart_wait_max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restarts_take_longer_and_longer() {
        let waits: Vec<u64> =
            [1, 2, 3, 6, 7, 100].map(|crashes| restart_wait(&Times::default(), crashes).as_secs()).into();
        assert_eq!(waits, [1, 2, 4, 32, 60, 60]);
    }
}
