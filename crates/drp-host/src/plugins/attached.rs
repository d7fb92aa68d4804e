//! Plugins that somebody else runs: a test in its own process, or a developer under a debugger.
//!
//! The host does everything as for a process of its own (sockets, callbacks, token, config, stop) but starts none.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use drp_core::limits;
use futures_util::future::BoxFuture;
use tokio::{net::UnixStream, task::JoinHandle, time::timeout};

use super::process::StartError;

/// Time between two looks at a socket that is not served yet, or that may not be served any more.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// What a plugin has to know to be one: what a process finds on its command line and in its environment.
#[derive(Clone)]
#[non_exhaustive]
pub struct Launch {
    /// Name of the plugin.
    pub plugin: String,
    /// The socket that the plugin is to serve. It does not exist yet.
    pub to_plugin: PathBuf,
    /// The socket on which the plugin calls the host.
    pub from_plugin: PathBuf,
    /// The plugin's own directory, empty; a process is started there.
    pub directory: PathBuf,
    /// The variables of the contract: `RS_ENDPOINT`, `RS_TOKEN`, `RS_FILESERVER`, `RS_WEBROOT` and `RS_CA_FILE`.
    pub env: BTreeMap<&'static str, OsString>,
}

impl Launch {
    /// Returns once the plugin's socket has been served and is so no more. For a plugin that runs where nothing else
    /// tells of its end, such as one that a developer has started by hand.
    pub async fn until_gone(&self) {
        until_served(&self.to_plugin).await;
        while UnixStream::connect(&self.to_plugin).await.is_ok() {
            tokio::time::sleep(LOOK_AGAIN * 10).await;
        }
    }
}

/// Without the environment's values: the token is one of them.
impl fmt::Debug for Launch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Launch")
            .field("plugin", &self.plugin)
            .field("to_plugin", &self.to_plugin)
            .field("from_plugin", &self.from_plugin)
            .field("directory", &self.directory)
            .field("env", &self.env.keys())
            .finish()
    }
}

/// Has a plugin served; ends when the plugin has, with how it ended.
pub(crate) type Launcher = Arc<dyn Fn(Launch) -> BoxFuture<'static, String> + Send + Sync>;

/// One run of a plugin that somebody else runs. Dropping it drops the launcher's future.
#[derive(Debug)]
pub(crate) struct Attached(Life);

#[derive(Debug)]
enum Life {
    Runs(JoinHandle<String>),
    Ended(String),
}

impl Attached {
    /// Waits until the plugin serves its socket, for as long as it is wanted: a developer takes the time that he takes.
    ///
    /// # Errors
    /// See [`StartError`].
    pub(crate) async fn start(
        launcher: &Launcher,
        launch: Launch,
        given_up: impl Future<Output = ()>,
    ) -> Result<Self, StartError> {
        let socket = launch.to_plugin.clone();
        let mut attached = Self(Life::Runs(tokio::spawn(launcher(launch))));
        tokio::select! {
            () = until_served(&socket) => return Ok(attached),
            how = attached.exit() => {
                return Err(StartError::NotStarted(format!("{how} before it served its socket")));
            }
            () = given_up => {}
        }
        attached.terminate(limits::KILL_GRACE_TIME).await;
        Err(StartError::NotStarted("it is not wanted any more".to_owned()))
    }

    /// Waits until the plugin has ended, and says how.
    pub(crate) async fn exit(&mut self) -> String {
        let how = match &mut self.0 {
            Life::Runs(task) => task.await.unwrap_or_else(|error| error.to_string()),
            Life::Ended(how) => how.clone(),
        };
        self.0 = Life::Ended(how.clone());
        how
    }

    /// Drops the launcher's future, which is all that a host can do to it.
    pub(crate) async fn terminate(&mut self, grace: Duration) {
        self.abort();
        let _ = timeout(grace, self.exit()).await;
    }

    fn abort(&self) {
        if let Life::Runs(task) = &self.0 {
            task.abort();
        }
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.abort();
    }
}

async fn until_served(socket: &Path) {
    while UnixStream::connect(socket).await.is_err() {
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Mutex;

    use serde_json::json;
    use tokio::sync::oneshot;

    use super::*;
    use crate::{
        config::Times,
        plugins::{
            State, peer,
            rude::{TestHost, quick, until},
        },
    };

    /// A host whose plugins of the provider `rude` are nothing but sockets, and what they were launched with.
    async fn attached(end: oneshot::Receiver<String>) -> (TestHost, Arc<Mutex<Vec<Launch>>>) {
        let times = Times { stop: Duration::from_millis(200), ..quick() };
        let host = TestHost::with_times(times).await;
        let launches = Arc::new(Mutex::new(Vec::new()));
        let (launched, end) = (Arc::clone(&launches), Mutex::new(Some(end)));
        host.providers.attach(
            "rude",
            Arc::new(move |launch: Launch| {
                peer::serve(&launch.to_plugin, |_| peer::answer(200, "{}"));
                launched.lock().unwrap().push(launch);
                let end = end.lock().unwrap().take();
                Box::pin(async move {
                    match end {
                        Some(end) => end.await.unwrap_or_default(),
                        None => std::future::pending().await,
                    }
                })
            }),
        );
        host.run("rude", json!({"rude/x": 1})).await;
        (host, launches)
    }

    #[tokio::test]
    async fn a_plugin_that_somebody_else_runs_is_configured_called_and_dropped_when_it_does_not_end() {
        let (_end, ended) = oneshot::channel();
        let (host, launches) = attached(ended).await;
        assert_eq!(host.plugins.state("p1"), Some(State::Configured));
        let launch = launches.lock().unwrap()[0].clone();
        assert_eq!((launch.plugin.as_str(), &launch.env["RS_ENDPOINT"]), ("p1", &"https://127.0.0.1:1".into()));
        assert!(launch.directory.is_dir() && launch.from_plugin.exists());
        let token = launch.env["RS_TOKEN"].to_str().unwrap();
        assert!(!token.is_empty() && !format!("{launch:?}").contains(token));
        assert_eq!(host.act("anything").await.unwrap_err().code, 400, "the definition is the executable's");
        assert_eq!(host.act("environment").await.unwrap(), json!({}));
        // It takes the stop for done, and goes on.
        host.plugins.stop().await;
        assert_eq!(host.plugins.state("p1"), None);
        assert!(!launch.to_plugin.exists());
    }

    #[tokio::test]
    async fn the_end_of_a_plugin_that_somebody_else_runs_is_a_crash_with_its_text() {
        let (end, ended) = oneshot::channel();
        let (host, launches) = attached(ended).await;
        end.send("the debugger has quit".to_owned()).unwrap();
        until("it is launched again", || launches.lock().unwrap().len() == 2).await;
        until("the reason is told", || host.stored_errors() == ["Plugin exited: the debugger has quit"]).await;
    }
}
