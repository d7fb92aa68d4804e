//! The life of a plugin's process, from its sockets to its end.

mod embedded;
mod serving;
mod socket;

use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use drp_client::ConfigError;
use drp_core::{Level, Raw, contract, limits};
use thiserror::Error;
use tokio::{
    runtime,
    signal::unix::{Signal, SignalKind, signal},
};
use tracing_subscriber::layer::SubscriberExt;

pub use self::embedded::Listen;
pub(crate) use self::{
    embedded::{listen as listen_embedded, tell_of_panic},
    serving::{Log, stop},
};
use self::{
    serving::{Serving, Sockets},
    socket::{bind, check_paths, order},
};
use crate::{
    DefineError, Provider,
    callback::Callback,
    host::Host,
    log::{LogLayer, LogQueue},
    parent::Parent,
    redact::SecretsInUse,
    serve::Service,
    stall,
};

/// Why a plugin cannot serve.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ListenError {
    /// The provider is put together wrong.
    #[error(transparent)]
    Definition(#[from] DefineError),
    /// The system has a limit for the paths of sockets.
    #[error("socket path `{path}` has {} bytes: a unix socket takes {max} at most", path.display().to_string().len(), max = limits::SOCKET_PATH_BYTES_MAX)]
    PathTooLong {
        /// The path.
        path: PathBuf,
    },
    /// It would be its own host.
    #[error("both socket paths are `{path}`: the first is this plugin's, the second its host's")]
    SamePath {
        /// The path.
        path: PathBuf,
    },
    /// Somebody else is there already.
    #[error("another process serves socket `{path}`")]
    InUse {
        /// The path.
        path: PathBuf,
    },
    /// A socket that nobody serves is in the way.
    #[error("cannot remove the stale socket `{path}`")]
    Stale {
        /// The path.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The socket cannot be made.
    #[error("listen unix {path}: bind")]
    Bind {
        /// The path.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// There are no threads to run on.
    #[error("cannot start the runtime")]
    Runtime {
        /// The reason.
        source: io::Error,
    },
    /// There can be no client of the server.
    #[error("cannot talk to the server")]
    Server {
        /// The reason.
        source: ConfigError,
    },
    /// Nobody would hear of signals.
    #[error("cannot handle signals")]
    Signals {
        /// The reason.
        source: io::Error,
    },
    /// It did not come to its end.
    #[error("the plugin broke off")]
    Broken {
        /// The reason.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Serves as the process that a host has started.
pub(crate) fn listen<S: Send + Sync + 'static>(
    provider: Provider<S>,
    to: &str,
    from: &str,
    level: Level,
) -> Result<(), ListenError> {
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(std::thread::available_parallelism().map_or(2, |cores| cores.get().clamp(2, 4)))
        .enable_all()
        .build()
        .map_err(|source| ListenError::Runtime { source })?;
    stall::watch(runtime.handle().clone());
    let result = runtime.block_on(serve(provider, to, from, level));
    // A blocking thread may be stuck in an author's code; the process ends all the same.
    runtime.shutdown_background();
    result
}

async fn serve<S: Send + Sync + 'static>(
    provider: Provider<S>,
    to: &str,
    from: &str,
    level: Level,
) -> Result<(), ListenError> {
    let parent = Parent::current();
    // The token is good for everything the plugin may do.
    let _secrets = SecretsInUse::of(&env::var(contract::TOKEN_ENV).ok().map(|token| Raw::from(token.as_str())));
    let (to, from, swapped) = order(Path::new(to), Path::new(from)).await;
    check_paths(to, from)?;
    // Before there is a socket that a signal would leave behind.
    let mut signals = Signals::new().map_err(|source| ListenError::Signals { source })?;
    let listener = bind(to).await?;
    let log = start_log(&provider, Some(Callback::new(from)), level);
    if swapped {
        tracing::warn!("the two socket paths were given the other way round");
    }

    let drain_time = provider.drain_time;
    let sockets = Sockets { to: to.to_owned(), from: from.to_owned() };
    let service = Service::new(Arc::new(provider), Some(Host::at(from)));
    let serving = Serving::start(service, listener, sockets, log);
    // The socket takes connections since it was bound, so the host's first call succeeds.
    announce();

    let (drain_time, signals_more) = tokio::select! {
        // Whoever stops the host signals its whole group, and the host asks its plugins to stop: in either order these
        // are the same wish.
        () = serving.service.stop_asked.cancelled() => (drain_time, 2),
        () = signals.next() => (drain_time, 1),
        // Nobody waits for the answers of an orphan.
        () = parent.wait_until_gone(from.to_owned()) => (Duration::ZERO, 1),
    };
    tokio::spawn(exit_at_once_on_signal(signals, signals_more, to.to_owned()));
    serving.stop(drain_time).await;
    Ok(())
}

fn announce() {
    let mut out = io::stdout().lock();
    // A host that has closed our stdout will not come to configure us either; it is found out there.
    let _ = writeln!(out, "{}", contract::READY).and_then(|()| out.flush());
}

/// The log of a provider that no host runs: it goes to stderr.
pub(crate) fn start_local_log<S>(provider: &Provider<S>, level: Level) -> Log {
    start_log(provider, None, level)
}

/// The log of the whole process, panics included.
fn start_log<S>(provider: &Provider<S>, host: Option<Callback>, level: Level) -> Log {
    let queue = Arc::new(LogQueue::default());
    let layer = log_layer(provider, level, &queue);
    // Where somebody has set one before, as an author may, that one stays.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer));
    std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
    Log::start(queue, host)
}

/// Makes lines of what a provider logs, and queues them.
fn log_layer<S>(provider: &Provider<S>, level: Level, queue: &Arc<LogQueue>) -> LogLayer {
    let handles_events = !provider.rules.is_empty() || provider.publish.is_some();
    LogLayer::new(&provider.name, level, handles_events, Arc::clone(queue))
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[allow(clippy::exit, reason = "the second signal means now")]
async fn exit_at_once_on_signal(mut signals: Signals, number: usize, socket: PathBuf) {
    for _ in 0..number {
        signals.next().await;
    }
    let _ = fs::remove_file(socket);
    std::process::exit(1);
}
