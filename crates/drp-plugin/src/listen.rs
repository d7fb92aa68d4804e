//! The life of a plugin's process, from its sockets to its end.

use std::{
    env, fs,
    io::{self, Write},
    os::unix::fs::FileTypeExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use drp_core::{Level, Raw, contract, limits};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use rustix::{fs::Mode, process::umask};
use thiserror::Error;
use tokio::{
    net::{UnixListener, UnixStream},
    runtime,
    signal::unix::{Signal, SignalKind, signal},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::layer::SubscriberExt;

use crate::{
    Provider,
    callback::Callback,
    host::Host,
    log::{LogLayer, LogQueue, send_all},
    parent::Parent,
    redact::SecretsInUse,
    serve::Service,
};

/// Time for what comes after the calls have ended: the stop hook, open connections, the last log lines.
const HOOK_TIME: Duration = Duration::from_secs(10);
const CLOSE_TIME: Duration = Duration::from_secs(2);
const FLUSH_TIME: Duration = Duration::from_secs(2);

/// Why a plugin cannot serve.
#[derive(Debug, Error)]
pub(crate) enum ListenError {
    #[error("socket path `{path}` has {} bytes: a unix socket takes {max} at most", path.display().to_string().len(), max = limits::SOCKET_PATH_BYTES_MAX)]
    PathTooLong { path: PathBuf },
    #[error("another process serves socket `{path}`")]
    InUse { path: PathBuf },
    #[error("cannot remove the stale socket `{path}`")]
    Stale { path: PathBuf, source: io::Error },
    #[error("listen unix {path}: bind")]
    Bind { path: PathBuf, source: io::Error },
    #[error("cannot start the runtime")]
    Runtime { source: io::Error },
    #[error("cannot handle signals")]
    Signals { source: io::Error },
}

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
    let listener = bind(to).await?;
    let mut signals = Signals::new().map_err(|source| ListenError::Signals { source })?;
    let log = start_log(&provider, from, level);
    if swapped {
        tracing::warn!("the two socket paths were given the other way round");
    }

    let service = Arc::new(Service::new(provider, Some(Host::at(from))));
    let connections = GracefulShutdown::new();
    let closing = CancellationToken::new();
    let accepting = tokio::spawn(accept(listener, Arc::clone(&service), connections, closing.clone()));
    // The socket takes connections since it was bound, so the host's first call succeeds.
    announce();

    let orphaned = tokio::select! {
        () = service.stop_asked.cancelled() => false,
        () = signals.next() => false,
        () = parent.wait_until_gone(from.to_owned()) => true,
    };
    tokio::spawn(exit_at_once_on_signal(signals, to.to_owned()));
    // Nobody waits for the answers of an orphan.
    let drain_time = if orphaned { Duration::ZERO } else { service.provider.drain_time };
    stop(&service, drain_time).await;
    closing.cancel();
    // The answer to stop goes out with the connections.
    let _ = tokio::time::timeout(CLOSE_TIME, accepting).await;
    log.end().await;
    let _ = fs::remove_file(to);
    Ok(())
}

/// Lets the calls in flight end, cancels the rest, runs the stop hook.
pub(crate) async fn stop<S: Send + Sync + 'static>(service: &Arc<Service<S>>, drain_time: Duration) {
    tracing::info!("stopping after {}", service.metrics.summary());
    service.stop_asked.cancel();
    service.refuse_new_calls();
    if tokio::time::timeout(drain_time, service.calls.wait()).await.is_err() {
        tracing::warn!("{} calls did not end within {drain_time:?} and are cancelled", service.calls.len());
    }
    service.cancelled.cancel();
    let _ = tokio::time::timeout(CLOSE_TIME, service.calls.wait()).await;
    if tokio::time::timeout(HOOK_TIME, service.run_stop_hook()).await.is_err() {
        tracing::error!("the stop hook did not end within {HOOK_TIME:?}");
    }
    service.stopped.send_replace(true);
}

async fn accept<S: Send + Sync + 'static>(
    listener: UnixListener,
    service: Arc<Service<S>>,
    connections: GracefulShutdown,
    closing: CancellationToken,
) {
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(limits::HEADER_BYTES_MAX);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = closing.cancelled() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let service = Arc::clone(&service);
                let answer = service_fn(move |request| {
                    let service = Arc::clone(&service);
                    async move { Ok::<_, std::convert::Infallible>(service.answer(request).await) }
                });
                let connection = connections.watch(server.serve_connection(TokioIo::new(stream), answer));
                // A connection's errors concern its peer alone.
                tokio::spawn(async move { drop(connection.await) });
            }
            Err(error) => {
                // Out of descriptors, most likely: others may be closed in a moment.
                tracing::error!("cannot accept a connection: {error}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drop(listener);
    connections.shutdown().await;
}

/// The paths in the order of the real protocol. Some documentation has them the other way round, so where the first is
/// served already and the second is absent, they are swapped.
async fn order<'a>(to: &'a Path, from: &'a Path) -> (&'a Path, &'a Path, bool) {
    if !from.exists() && UnixStream::connect(to).await.is_ok() { (from, to, true) } else { (to, from, false) }
}

async fn bind(path: &Path) -> Result<UnixListener, ListenError> {
    if path.as_os_str().len() > limits::SOCKET_PATH_BYTES_MAX {
        return Err(ListenError::PathTooLong { path: path.to_owned() });
    }
    if fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket()) {
        if UnixStream::connect(path).await.is_ok() {
            return Err(ListenError::InUse { path: path.to_owned() });
        }
        fs::remove_file(path).map_err(|source| ListenError::Stale { path: path.to_owned(), source })?;
    }
    // The socket has no other protection than its mode.
    let before = umask(Mode::RWXG | Mode::RWXO);
    let listener = UnixListener::bind(path);
    umask(before);
    listener.map_err(|source| ListenError::Bind { path: path.to_owned(), source })
}

fn announce() {
    let mut out = io::stdout().lock();
    // A host that has closed our stdout will not come to configure us either; it is found out there.
    let _ = writeln!(out, "{}", contract::READY).and_then(|()| out.flush());
}

fn start_log<S>(provider: &Provider<S>, from: &Path, level: Level) -> Log {
    start_log_to(provider, Some(Callback::new(from)), level)
}

/// The log of a provider that no host runs: it goes to stderr.
pub(crate) fn start_local_log<S>(provider: &Provider<S>, level: Level) -> Log {
    start_log_to(provider, None, level)
}

fn start_log_to<S>(provider: &Provider<S>, host: Option<Callback>, level: Level) -> Log {
    let queue = Arc::new(LogQueue::default());
    let handles_events = !provider.rules.is_empty() || provider.publish.is_some();
    let layer = LogLayer::new(&provider.name, level, handles_events, Arc::clone(&queue));
    // A second provider in one process, as in a test, keeps the subscriber of the first.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer));
    std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
    let closing = CancellationToken::new();
    let sender = tokio::spawn(send_all(queue, host, closing.clone()));
    Log { sender, closing }
}

/// The task that takes log lines away, and how to end it.
pub(crate) struct Log {
    sender: JoinHandle<()>,
    closing: CancellationToken,
}

impl Log {
    /// Returns when the last line is gone, or it takes too long.
    pub(crate) async fn end(self) {
        self.closing.cancel();
        let _ = tokio::time::timeout(FLUSH_TIME, self.sender).await;
    }
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
async fn exit_at_once_on_signal(mut signals: Signals, socket: PathBuf) {
    signals.next().await;
    let _ = fs::remove_file(socket);
    std::process::exit(1);
}
