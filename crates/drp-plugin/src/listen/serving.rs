//! Serving a socket, from the first connection to the last answer.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use drp_core::limits;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{UnixListener, UnixStream},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    callback::Callback,
    log::{LogQueue, send_all},
    serve::Service,
};

/// Time for what comes after the calls have ended: the stop hook, open connections, the last log lines.
const HOOK_TIME: Duration = Duration::from_secs(10);
const CLOSE_TIME: Duration = Duration::from_secs(2);
const FLUSH_TIME: Duration = Duration::from_secs(2);
/// Time for the first request of a connection that was made when the plugin was closing.
const FIRST_REQUEST_TIME: Duration = Duration::from_millis(200);

/// The two sockets of a plugin.
#[derive(Clone, Debug)]
pub(super) struct Sockets {
    /// The plugin serves.
    pub(super) to: PathBuf,
    /// The host serves.
    pub(super) from: PathBuf,
}

/// A plugin that serves its socket, and its log on the way to the host.
pub(super) struct Serving<S> {
    pub(super) service: Arc<Service<S>>,
    sockets: Sockets,
    accepting: JoinHandle<()>,
    closing: CancellationToken,
    log: Log,
}

/// The task that takes log lines away, and how to end it.
pub(crate) struct Log {
    sender: JoinHandle<()>,
    closing: CancellationToken,
}

impl Log {
    /// To the host, or to stderr where there is none.
    pub(super) fn start(queue: Arc<LogQueue>, host: Option<Callback>) -> Self {
        let closing = CancellationToken::new();
        Self { sender: tokio::spawn(send_all(queue, host, closing.clone())), closing }
    }

    /// Returns when the last line is gone, or it takes too long.
    pub(crate) async fn end(self) {
        self.closing.cancel();
        let _ = timeout(FLUSH_TIME, self.sender).await;
    }
}

impl<S: Send + Sync + 'static> Serving<S> {
    pub(super) fn start(service: Service<S>, listener: UnixListener, sockets: Sockets, log: Log) -> Self {
        let (service, closing) = (Arc::new(service), CancellationToken::new());
        let accepting = tokio::spawn(accept(listener, Arc::clone(&service), closing.clone()));
        Self { service, sockets, accepting, closing, log }
    }

    /// Stops, answers whoever has asked for it, and closes all.
    pub(super) async fn stop(self, drain_time: Duration) {
        stop(&self.service, drain_time).await;
        self.closing.cancel();
        // The answer to stop goes out with the connections.
        let _ = timeout(CLOSE_TIME, self.accepting).await;
        self.log.end().await;
        let _ = fs::remove_file(&self.sockets.to);
    }
}

/// Lets the calls in flight end within a time, cancels the rest, runs the stop hook.
pub(crate) async fn stop<S: Send + Sync + 'static>(service: &Arc<Service<S>>, drain_time: Duration) {
    tracing::info!("stopping after {}", service.metrics.summary());
    service.stop_asked.cancel();
    service.refuse_new_calls();
    if timeout(drain_time, service.calls.wait()).await.is_err() {
        tracing::warn!("{} calls did not end within {drain_time:?} and are cancelled", service.calls.len());
    }
    service.cancelled.cancel();
    let _ = timeout(CLOSE_TIME, service.calls.wait()).await;
    if timeout(HOOK_TIME, service.run_stop_hook()).await.is_err() {
        tracing::error!("the stop hook did not end within {HOOK_TIME:?}");
    }
    service.stopped.send_replace(true);
}

/// Takes connections until the plugin closes, and then those that have been made already.
async fn accept<S: Send + Sync + 'static>(
    listener: UnixListener,
    service: Arc<Service<S>>,
    closing: CancellationToken,
) {
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            biased;
            accepted = listener.accept() => accepted,
            () = closing.cancelled() => break,
        };
        match accepted {
            Ok((stream, _)) => drop(connections.spawn(serve(stream, Arc::clone(&service), closing.clone()))),
            Err(error) => {
                // Out of descriptors, most likely: others may be closed in a moment.
                tracing::error!("cannot accept a connection: {error}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// Serves one connection. Its errors concern its peer alone.
async fn serve<S: Send + Sync + 'static>(stream: UnixStream, service: Arc<Service<S>>, closing: CancellationToken) {
    let asked = CancellationToken::new();
    let has_asked = asked.clone();
    let answer = service_fn(move |request| {
        has_asked.cancel();
        let service = Arc::clone(&service);
        async move { Ok::<_, std::convert::Infallible>(service.answer(request).await) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(limits::HEADER_BYTES_MAX);
    let connection = server.serve_connection(TokioIo::new(stream), answer);
    tokio::pin!(connection);
    tokio::select! {
        _ = &mut connection => return,
        () = closing.cancelled() => {}
    }
    // Whoever has connected and not asked yet is most likely about to, such as a second one who says stop.
    tokio::select! {
        _ = &mut connection => return,
        _ = timeout(FIRST_REQUEST_TIME, asked.cancelled()) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}
