//! One run of a plugin: its sockets, its token, its process, from the start to the end.

use std::{io, sync::Arc, time::Duration};

use drp_core::{Error, Level};
use tokio::{sync::watch, time::timeout};
use tokio_util::task::AbortOnDropHandle;

use super::{
    Shared,
    call::PluginCaller,
    callback::Callbacks,
    output::OutputLog,
    process::{Process, StartError},
    redact::Redactor,
    sockets::{SocketPair, emptied_directory},
};
use crate::{auth::Auth, providers::Imported};

/// Time that a process has to end by itself after it refused to be told so.
const REFUSED_STOP_TIME: Duration = Duration::from_secs(5);

/// A plugin that serves. Dropping it ends it the hard way; the fields go in the order in which they stand here, because
/// the callback socket must answer until the process has ended.
pub(super) struct Run {
    pub(super) process: Process,
    pub(super) caller: Arc<PluginCaller>,
    pub(super) redactor: Arc<Redactor>,
    /// Becomes the reason when the plugin says that it leaves.
    pub(super) leaving: watch::Receiver<Option<Error>>,
    _callbacks: AbortOnDropHandle<()>,
    _token: Token,
    _sockets: SocketPair,
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
    /// Starts the process of a plugin, and waits until it serves.
    ///
    /// # Errors
    /// See [`StartError`]; nothing is left then.
    pub(super) async fn start(
        shared: &Shared,
        plugin: &str,
        provider: &Imported,
        redactor: Arc<Redactor>,
    ) -> Result<Self, StartError> {
        let unable = |error: io::Error| StartError::NotStarted(error.to_string());
        let rooms = &shared.rooms;
        let scratch = shared.scratch.join(plugin);
        emptied_directory(&scratch).await.map_err(unable)?;
        let sockets = shared.sockets.pair();
        let (leave, leaving) = watch::channel(None);
        let callbacks = Callbacks {
            plugin: plugin.to_owned(),
            redactor: redactor.clone(),
            log: rooms.log.clone(),
            bus: rooms.bus.clone(),
            objects: rooms.objects.clone(),
            leaving: leave,
        };
        let callbacks = callbacks.listen(&sockets.from_plugin).map_err(unable)?;
        let token = Token { auth: rooms.auth.clone(), text: rooms.auth.issue_plugin_token(plugin) };
        let command = rooms.providers.environment().command(&provider.path, &token.text);
        let log = OutputLog::new(rooms.log.clone(), plugin, redactor.clone());
        let process = Process::start(command, plugin, &scratch, &sockets, log, shared.times.ready).await?;
        let caller = Arc::new(PluginCaller::new(plugin, &sockets.to_plugin, redactor.clone()));
        Ok(Self { process, caller, redactor, leaving, _callbacks: callbacks, _token: token, _sockets: sockets })
    }

    /// Waits for the actions in flight, tells the plugin to end, and sees to it that it does.
    pub(super) async fn end(mut self, shared: &Shared) {
        let times = &shared.times;
        self.caller.drain(times.drain).await;
        let asked = async {
            let stopped = self.caller.stop(times.stop).await;
            if let Err(error) = stopped {
                let error = self.redactor.clean(&error.into_wire(self.caller.plugin()).to_string());
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
