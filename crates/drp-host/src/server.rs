//! Accept loops: from a TCP connection to requests of a router, bounded at every step.

pub(crate) mod connections;
mod linger;
mod pace;
#[cfg(test)]
mod tests;

use std::{convert::Infallible, io, net::SocketAddr, panic::AssertUnwindSafe, pin::pin, sync::Arc, time::Duration};

use axum::{Router, body::Body, response::IntoResponse};
use drp_core::{Error, limits};
use futures_util::FutureExt;
use http::{Request, Response, StatusCode};
use hyper::{body::Incoming, server::conn::http1, service::Service};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    time,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub(crate) use self::connections::Seat;
use self::{
    connections::Connections,
    linger::Lingering,
    pace::{Paced, Phase},
};
use crate::api::reply::Fail;

/// Headers that one request may have.
const HEADERS_MAX: usize = 128;
/// Time a client has for the TLS handshake.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// Wait after a failed accept, which means that the process is out of files or memory.
const ACCEPT_RETRY_TIME: Duration = Duration::from_millis(100);

/// How long a client may take for what.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    handshake: Duration,
    /// From the first byte of a request's head to its last.
    headers: Duration,
    /// Between two requests.
    idle: Duration,
    /// In which it takes nothing of an answer.
    stall: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            handshake: HANDSHAKE_TIME,
            headers: limits::HEADER_TIME,
            idle: limits::IDLE_TIME,
            stall: limits::STALL_TIME,
        }
    }
}

/// The listeners and connections of a host.
pub(crate) struct Server {
    tasks: TaskTracker,
    connections: Arc<Connections>,
    patience: Patience,
    /// No new connections and requests; running ones end.
    stopping: CancellationToken,
    /// Running ones are cut off.
    aborting: CancellationToken,
}

impl Server {
    /// A server that listens nowhere yet; `stopping` tells long-lived requests to end.
    pub(crate) fn new(stopping: CancellationToken, patience: Patience, connections: Arc<Connections>) -> Self {
        let aborting = CancellationToken::new();
        Self { tasks: TaskTracker::new(), connections, patience, stopping, aborting }
    }

    /// Serves `router` on a listener, with TLS if `tls` says how.
    pub(crate) fn serve(&self, listener: TcpListener, tls: Option<Arc<ServerConfig>>, router: Router) {
        let endpoint = Endpoint {
            tls: tls.map(TlsAcceptor::from),
            service: TowerToHyperService::new(router),
            tasks: self.tasks.clone(),
            patience: self.patience,
            stopping: self.stopping.clone(),
            aborting: self.aborting.clone(),
        };
        self.tasks.spawn(accept(listener, endpoint, Arc::clone(&self.connections)));
    }

    /// Ends all connections: idle ones at once, others when their request is answered or `limit` is over.
    pub(crate) async fn stop(&self, limit: Duration) {
        self.stopping.cancel();
        self.tasks.close();
        if time::timeout(limit, self.tasks.wait()).await.is_err() {
            self.aborting.cancel();
            self.tasks.wait().await;
        }
    }
}

/// What every connection of one listener needs.
#[derive(Clone)]
struct Endpoint {
    tls: Option<TlsAcceptor>,
    service: TowerToHyperService<Router>,
    tasks: TaskTracker,
    patience: Patience,
    stopping: CancellationToken,
    aborting: CancellationToken,
}

async fn accept(listener: TcpListener, endpoint: Endpoint, connections: Arc<Connections>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = endpoint.stopping.cancelled() => return,
        };
        match accepted {
            // Where the address has no seat left the connection is closed by dropping it.
            Ok((stream, peer)) => {
                if let Some(seat) = connections.seat(peer.ip()) {
                    let endpoint = endpoint.clone();
                    let tasks = endpoint.tasks.clone();
                    tasks.spawn(connection(stream, peer, seat, endpoint));
                }
            }
            Err(error) if is_of_the_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections");
                time::sleep(ACCEPT_RETRY_TIME).await;
            }
        }
    }
}

/// Whether an accept failed because of the peer, so that the next one may succeed at once.
fn is_of_the_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn connection(stream: TcpStream, peer: SocketAddr, seat: Arc<Seat>, endpoint: Endpoint) {
    // Answers are written whole: waiting for more to send only delays them.
    let _ = stream.set_nodelay(true);
    let aborting = endpoint.aborting.clone();
    let work = async move {
        match endpoint.tls.clone() {
            None => talk(stream, seat, &endpoint).await,
            Some(tls) => match time::timeout(endpoint.patience.handshake, tls.accept(stream)).await {
                Ok(Ok(stream)) => talk(stream, seat, &endpoint).await,
                Ok(Err(error)) => tracing::debug!(%peer, %error, "no TLS handshake"),
                Err(_) => tracing::debug!(%peer, "no TLS handshake in time"),
            },
        }
    };
    tokio::select! {
        () = work => {}
        () = aborting.cancelled() => {}
    }
}

async fn talk<S>(stream: S, seat: Arc<Seat>, endpoint: &Endpoint)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let phase = Phase::new();
    let stream = Paced::new(stream, phase.clone(), endpoint.patience.headers, endpoint.patience.stall);
    let service = hyper::service::service_fn(|mut request: Request<Incoming>| {
        phase.request_began();
        // A websocket outlives the connection's task and must keep its seat.
        request.extensions_mut().insert(Arc::clone(&seat));
        let (answer, phase) = (answer(request, endpoint), phase.clone());
        async move {
            let response = answer.await?;
            // A websocket has no more requests.
            if response.status() != StatusCode::SWITCHING_PROTOCOLS {
                phase.request_ended();
            }
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(endpoint.patience.idle)
        .max_headers(HEADERS_MAX)
        .max_header_size(limits::HEADER_BYTES_MAX)
        .title_case_headers(true)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = endpoint.stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended badly");
    }
}

/// Answers a request. One that may change something runs in a task of its own, so that a client that hangs up does not
/// cut the change in half; the others run here, which saves a turn through the scheduler and ends
/// them with their client. A panic is a 500.
async fn answer(request: Request<Incoming>, endpoint: &Endpoint) -> Result<Response<Body>, Infallible> {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let (handled, aborting) = (endpoint.service.call(request.map(Lingering::new)), endpoint.aborting.clone());
    let answered = AssertUnwindSafe(async move { aborting.run_until_cancelled(handled).await }).catch_unwind();
    let answered = if method.is_safe() {
        answered.await
    } else {
        endpoint.tasks.spawn(answered).await.unwrap_or_else(|error| Err(Box::new(error)))
    };
    Ok(match answered {
        Ok(Some(Ok(response))) => response,
        Ok(None) => Fail(Error::new(503, method.as_str(), "The server is stopping")).into_response(),
        Err(_) => {
            tracing::error!(%method, path, "a request handler panicked");
            Fail(Error::new(500, method.as_str(), "Internal error")).into_response()
        }
    })
}
