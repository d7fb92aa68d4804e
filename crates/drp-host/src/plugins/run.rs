//! One run of a plugin: its sockets, its token, its process, from the start to the end.

use std::{io, sync::Arc, time::Duration};

use drp_core::{Error, Level, Raw, contract, limits};
use sha2::{Digest, Sha256};
use tokio::{
    sync::{Mutex, watch},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{
    Shared,
    attached::{Attached, Launch},
    call::PluginCaller,
    callback::Callbacks,
    output::OutputLog,
    pace::Pace,
    process::{Process, StartError},
    publish::Publisher,
    redact::Redactor,
    sockets::{SocketPair, emptied_directory},
};
use crate::{auth::Auth, providers::Imported, trace::Dir};

/// Time that a process has to end by itself after it refused to be told so.
const REFUSED_STOP_TIME: Duration = Duration::from_secs(5);

/// A plugin that serves. Dropping it ends it the hard way; the fields go in the order in which they stand here, because
/// the callback socket must answer until the process has ended.
pub(super) struct Run {
    pub(super) process: Body,
    /// While it is in service, if it has events the old way.
    pub(super) publisher: Option<Publisher>,
    pub(super) caller: Arc<PluginCaller>,
    pub(super) redactor: Arc<Redactor>,
    /// Becomes the reason when the plugin says that it leaves.
    pub(super) leaving: watch::Receiver<Option<Error>>,
    _callbacks: AbortOnDropHandle<()>,
    _token: Token,
    _sockets: SocketPair,
}

/// What serves a plugin's socket.
pub(super) enum Body {
    Process(Box<Process>),
    /// Something that is not the host's own.
    Attached(Attached),
}

impl Body {
    /// Waits until it has ended, and says how.
    pub(super) async fn exit(&mut self) -> String {
        match self {
            Self::Process(process) => process.exit().await,
            Self::Attached(attached) => attached.exit().await,
        }
    }

    /// `text`, and under it what the plugin said last, as far as the host hears it.
    pub(super) fn explain(&self, text: &str) -> String {
        match self {
            Self::Process(process) => process.explain(text),
            Self::Attached(_) => text.to_owned(),
        }
    }

    async fn terminate(&mut self, grace: Duration) {
        match self {
            Self::Process(process) => process.terminate(grace).await,
            Self::Attached(attached) => attached.terminate(grace).await,
        }
    }
}

/// A plugin's token, which ends with its run.
struct Token {
    auth: Arc<Auth>,
    text: String,
}

impl Drop for Token {
    fn drop(&mut self) {
        self.auth.revoke_plugin_token(&self.text);
    }
}

impl Run {
    /// Starts the process of a plugin, and waits until it serves or is `given_up`.
    ///
    /// # Errors
    /// See [`StartError`]; nothing is left then.
    pub(super) async fn start(
        shared: &Shared,
        plugin: &str,
        provider: &Imported,
        redactor: Arc<Redactor>,
        given_up: &CancellationToken,
    ) -> Result<Self, StartError> {
        let unable = |error: io::Error| StartError::NotStarted(error.to_string());
        let rooms = &shared.rooms;
        let scratch = shared.scratch.join(scratch_name(plugin));
        emptied_directory(&scratch).await.map_err(unable)?;
        let launcher = rooms.providers.launcher(&provider.definition.name);
        let sockets = if launcher.is_some() { shared.sockets.pair_of(plugin) } else { shared.sockets.pair() };
        let pace = Arc::new(Pace::default());
        let (leave, leaving) = watch::channel(None);
        let callbacks = Callbacks {
            plugin: plugin.to_owned(),
            redactor: redactor.clone(),
            pace: pace.clone(),
            log: rooms.log.clone(),
            bus: rooms.bus.clone(),
            objects: rooms.objects.clone(),
            listing: Mutex::default(),
            leaving: leave,
        };
        let callbacks = callbacks.listen(&sockets.from_plugin).map_err(unable)?;
        let token = Token { auth: rooms.auth.clone(), text: rooms.auth.issue_plugin_token(plugin) };
        redactor.add(&Raw::from(token.text.as_str()));
        let recorder = rooms.objects.recorder().cloned();
        recorder.as_ref().map(|recorder| recorder.begin(Dir::Listen, plugin, "", ""));
        let process = if let Some(launcher) = launcher {
            let launch = Launch {
                plugin: plugin.to_owned(),
                to_plugin: sockets.to_plugin.clone(),
                from_plugin: sockets.from_plugin.clone(),
                directory: scratch,
                env: rooms.providers.environment().variables(&token.text),
            };
            Body::Attached(Attached::start(&launcher, launch, given_up.cancelled()).await?)
        } else {
            let command = rooms.providers.environment().command(&provider.path, &token.text);
            let log = OutputLog::new(rooms.log.clone(), plugin, redactor.clone());
            let limit = shared.times.ready;
            let give_up = async {
                tokio::select! {
                    () = tokio::time::sleep(limit) => format!("no {} within {limit:?}", contract::READY),
                    () = given_up.cancelled() => "it is not wanted any more".to_owned(),
                }
            };
            Body::Process(Box::new(Process::start(command, plugin, &scratch, &sockets, log, pace, give_up).await?))
        };
        let caller = Arc::new(PluginCaller::new(plugin, &sockets.to_plugin, redactor.clone()).recorded(recorder));
        let publisher = None;
        Ok(Self {
            process,
            publisher,
            caller,
            redactor,
            leaving,
            _callbacks: callbacks,
            _token: token,
            _sockets: sockets,
        })
    }

    /// Waits for the actions and the event in flight, tells the plugin to end, and sees to it that it does.
    pub(super) async fn end(mut self, shared: &Shared) {
        let times = &shared.times;
        let publisher = self.publisher.take();
        let last_event = async {
            if let Some(publisher) = publisher {
                publisher.stop(times.drain).await;
            }
        };
        tokio::join!(self.caller.drain(times.drain), last_event);
        let asked = async {
            let stopped = self.caller.stop(times.stop).await;
            if let Err(error) = stopped {
                let error = self.redactor.clean(&error.into_wire(self.caller.plugin(), "stop").to_string());
                shared.rooms.log.write(Level::Warn, self.caller.plugin(), format!("Stop failed: {error}"));
                tokio::time::sleep(REFUSED_STOP_TIME.min(times.stop)).await;
                return;
            }
            std::future::pending().await
        };
        // One limit for the answer and for the exit, which in Go plugins comes before the answer.
        let exited = async {
            tokio::select! {
                biased;
                _ = self.process.exit() => true,
                () = asked => false,
            }
        };
        if !timeout(times.stop, exited).await.unwrap_or(false) {
            self.process.terminate(times.kill_grace).await;
        }
        self.caller.fail_all();
    }
}

/// Removes the working directory of a plugin that is gone, with whatever it wrote there.
pub(super) async fn remove_scratch(shared: &Shared, plugin: &str) {
    match tokio::fs::remove_dir_all(shared.scratch.join(scratch_name(plugin))).await {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            let text = format!("Cannot remove the working directory of plugin {plugin}: {error}");
            shared.rooms.log.write(Level::Error, plugin, text);
        }
        _ => {}
    }
}

/// The name of a plugin's working directory: its own, unless that is longer than a file system takes.
fn scratch_name(plugin: &str) -> String {
    if plugin.len() <= limits::FILE_NAME_BYTES_MAX {
        return plugin.to_owned();
    }
    let sum = Sha256::digest(plugin.as_bytes());
    sum.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plugin_has_a_working_directory_that_can_be_made() {
        let long = "x".repeat(10_000);
        assert_eq!(scratch_name("plain name"), "plain name");
        assert_eq!(scratch_name(&long).len(), 64);
        assert_ne!(scratch_name(&long), scratch_name(&format!("{long}x")));
    }
}
