//! A plugin inside of another process, such as that of a test.
//!
//! It leaves alone what belongs to the process: its environment, signals, panic hook, standard output and global
//! subscriber of `tracing`. So any number of them can live in one process. Each has threads of its own, because that is
//! how all that it logs finds its own host, whatever task it comes from.

use std::{
    any::Any,
    cell::RefCell,
    fmt,
    future::Future,
    panic::{AssertUnwindSafe, resume_unwind},
    path::PathBuf,
    sync::Arc,
};

use drp_client::{Client, Config, Credentials};
use drp_core::{Level, Raw};
use futures_util::FutureExt;
use tokio::{
    runtime::{self, Runtime},
    task::JoinHandle,
};
use tracing::{Dispatch, dispatcher, subscriber::DefaultGuard};
use tracing_subscriber::layer::SubscriberExt;

use super::{
    ListenError, log_layer,
    serving::{Log, Serving, Sockets},
    socket::bind,
};
use crate::{Provider, callback::Callback, host::Host, log::LogQueue, redact::SecretsInUse, serve::Service};

/// How many threads a plugin has in another process.
const THREADS: usize = 2;

thread_local! {
    /// The log of the plugin that this thread belongs to.
    static LOG: RefCell<Option<DefaultGuard>> = const { RefCell::new(None) };
}

/// What a plugin inside of another process is told, in place of a command line and an environment.
#[derive(Clone)]
#[non_exhaustive]
pub struct Listen {
    /// The socket that it serves. It must not be served yet.
    pub to: PathBuf,
    /// The socket on which it calls its host.
    pub from: PathBuf,
    /// The API of its server.
    pub server: Config,
    /// Whether it logs at level debug.
    pub debug: bool,
}

impl Listen {
    /// At these sockets, for this server.
    pub fn new(to: impl Into<PathBuf>, from: impl Into<PathBuf>, server: Config) -> Self {
        Self { to: to.into(), from: from.into(), server, debug: false }
    }
}

impl fmt::Debug for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listen").field("to", &self.to).field("from", &self.from).finish_non_exhaustive()
    }
}

/// Serves until the host says stop. Dropping this ends the plugin at once.
pub(crate) async fn listen<S: Send + Sync + 'static>(
    provider: Arc<Provider<S>>,
    listen: Listen,
) -> Result<(), ListenError> {
    provider.definition()?;
    let queue = Arc::new(LogQueue::default());
    let level = if listen.debug { Level::Debug } else { Level::Info };
    let log = Dispatch::new(tracing_subscriber::registry().with(log_layer(&provider, level, &queue)));
    let threads = Threads::start(log)?;
    let served = threads.spawn(serve(provider, listen, queue)).await;
    served.map_err(|error| ListenError::Broken { source: Box::new(error) })?
}

async fn serve<S: Send + Sync + 'static>(
    provider: Arc<Provider<S>>,
    listen: Listen,
    queue: Arc<LogQueue>,
) -> Result<(), ListenError> {
    let token = match &listen.server.credentials {
        Credentials::Token(token) => Some(Raw::from(token.expose())),
        _ => None,
    };
    let _secrets = SecretsInUse::of(&token);
    let client = Client::new(listen.server).map_err(|source| ListenError::Server { source })?;
    let sockets = Sockets { to: listen.to, from: listen.from };
    let listener = bind(&sockets.to).await?;
    let drain_time = provider.drain_time;
    let log = Log::start(queue, Some(Callback::new(&sockets.from)));
    let service = Service::with_client(provider, Some(Host::at(&sockets.from)), client);
    let serving = Serving::start(service, listener, sockets, log);
    serving.service.stop_asked.cancelled().await;
    serving.stop(drain_time).await;
    Ok(())
}

/// The threads of one plugin. Their tasks end when this is dropped.
struct Threads(Option<Runtime>);

impl Threads {
    fn start(log: Dispatch) -> Result<Self, ListenError> {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .enable_all()
            .on_thread_start(move || LOG.set(Some(dispatcher::set_default(&log))))
            .on_thread_stop(|| drop(LOG.take()))
            .build();
        runtime.map(|runtime| Self(Some(runtime))).map_err(|source| ListenError::Runtime { source })
    }

    fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.0.as_ref().expect("it is taken when it is dropped").spawn(work)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // Waiting for it is not allowed where tasks run; an author's code may be stuck in one of its threads too.
            runtime.shutdown_background();
        }
    }
}

/// Logs the reason of a panic where no hook does, while the secrets are known that have to be cut out of it.
pub(crate) async fn tell_of_panic<T>(work: impl Future<Output = T>) -> T {
    if LOG.with_borrow(Option::is_none) {
        return work.await;
    }
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|panic| {
        tracing::error!("panicked: {}", reason(panic.as_ref()));
        resume_unwind(panic)
    })
}

fn reason(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("for a reason that is no text")
}
