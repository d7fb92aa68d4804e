//! The REST API of the stage, over TLS.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use drp_core::{contract, limits};
use http::{
    HeaderMap, Request, Response, StatusCode,
    header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE},
};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::{Certificate, Events, Store, store::not_found};
use crate::transcript::Transcript;

/// What a server can do, as far as providers ask.
const FEATURES: [&str; 6] = [
    "api-v3",
    "secure-params",
    "secure-param-upgrade",
    "secure-params-in-content-packs",
    "partial-objects",
    "slim-objects",
];

/// The API, and what was asked of it.
pub(crate) struct Api {
    pub(crate) endpoint: String,
    /// What its clients must show.
    pub(crate) token: String,
    pub(crate) events: Arc<Events>,
    connections: Arc<AtomicUsize>,
    tasks: Mutex<JoinSet<()>>,
}

struct Shared {
    store: Arc<Store>,
    events: Arc<Events>,
    token: String,
    transcript: Transcript,
}

impl Api {
    pub(super) async fn serve(
        certificate: &Certificate,
        store: Arc<Store>,
        transcript: Transcript,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let endpoint = format!("https://{}", listener.local_addr()?);
        let token = format!("stage-{}", uuid::Uuid::new_v4().simple());
        let events = Arc::<Events>::default();
        let connections = Arc::<AtomicUsize>::default();
        let shared = Arc::new(Shared { store, events: Arc::clone(&events), token: token.clone(), transcript });
        let mut tasks = JoinSet::new();
        let acceptor = TlsAcceptor::from(Arc::clone(&certificate.0));
        tasks.spawn(accept(listener, acceptor, shared, Arc::clone(&connections)));
        Ok(Self { endpoint, token, events, connections, tasks: Mutex::new(tasks) })
    }

    /// How many connections there ever were.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Goes away, with all connections.
    pub(crate) fn go(&self) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
        self.events.cut();
    }
}

/// Serves until its task is aborted: the connections are its own, and end with it.
async fn accept(listener: TcpListener, acceptor: TlsAcceptor, shared: Arc<Shared>, count: Arc<AtomicUsize>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        count.fetch_add(1, Ordering::Relaxed);
        let (acceptor, shared) = (acceptor.clone(), Arc::clone(&shared));
        connections.spawn(serve(stream, acceptor, shared));
    }
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    // A client that ends the handshake has its reasons.
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let service = service_fn(|request| answer(request, &shared));
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades().await;
}

async fn answer(request: Request<Incoming>, shared: &Shared) -> Result<Response<Full<Bytes>>, http::Error> {
    let (method, uri) = (request.method().as_str().to_owned(), request.uri().clone());
    let said = |status: u16| shared.transcript.add("api", &format!("{method} {uri} → {status}"));
    if !is_known(request.headers(), &shared.token) {
        said(403);
        let error = json!({ "Model": "system", "Key": "", "Type": "AUTH", "Messages": ["Invalid token"], "Code": 403 });
        return reply(403, &error, &method);
    }
    let path = uri.path().strip_prefix(contract::API_BASE).unwrap_or_default().trim_matches('/').to_owned();
    if path == "ws" {
        said(101);
        return upgrade(request, shared);
    }
    let query = query(uri.query().unwrap_or_default());
    let body = Limited::new(request.into_body(), limits::BODY_BYTES_MAX).collect().await;
    let Ok(body) = body.map(http_body_util::Collected::to_bytes) else {
        said(413);
        return reply(413, &json!({ "Type": method, "Messages": ["the body is too large"], "Code": 413 }), &method);
    };
    let decoded = |part: &str| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned();
    let parts: Vec<String> = path.split('/').map(decoded).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let (status, value) = match (method.as_str(), parts.as_slice()) {
        ("GET", ["info"]) => (200, info()),
        (_, ["whoami"]) => (200, json!({ "Result": { "Score": 0 } })),
        ("GET", ["users" | "machines", _, "token"]) => (200, json!({ "Token": shared.token, "Info": info() })),
        ("PUT", ["jobs", _, "log"]) => (204, Value::Null),
        ("GET", [""]) => not_found("GET", "", uri.path()),
        (method, parts) => shared.store.answer(method, parts, &query, &body),
    };
    said(status);
    reply(status, &value, &method)
}

fn is_known(headers: &HeaderMap, token: &str) -> bool {
    let shown = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    shown.and_then(|shown| shown.strip_prefix("Bearer ")) == Some(token)
}

fn reply(status: u16, value: &Value, method: &str) -> Result<Response<Full<Bytes>>, http::Error> {
    let body = if status == 204 || method == "HEAD" { String::new() } else { value.to_string() };
    let mut response = Response::builder().status(status).header(CONTENT_TYPE, "application/json");
    if let Value::Array(list) = value {
        for header in ["x-drp-list-count", "x-drp-list-total-count", "x-drp-list-filter-count"] {
            response = response.header(header, list.len());
        }
    }
    response.body(Full::from(body))
}

fn upgrade(mut request: Request<Incoming>, shared: &Shared) -> Result<Response<Full<Bytes>>, http::Error> {
    let Some(key) = request.headers().get(SEC_WEBSOCKET_KEY).cloned() else {
        return reply(400, &json!({ "Type": "GET", "Messages": ["no websocket"], "Code": 400 }), "GET");
    };
    shared.events.serve(hyper::upgrade::on(&mut request), shared.transcript.clone());
    Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_ACCEPT, derive_accept_key(key.as_bytes()))
        .body(Full::default())
}

fn query(query: &str) -> BTreeMap<String, String> {
    let decoded = |part: &str| {
        let part = part.replace('+', " ");
        percent_encoding::percent_decode_str(&part).decode_utf8_lossy().into_owned()
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

fn info() -> Value {
    json!({
        "arch": "amd64", "os": "linux", "version": "v4.8.0", "id": "conformance", "local_id": "conformance",
        "ha_id": "conformance", "api_port": 0, "file_port": 0, "address": "127.0.0.1", "features": FEATURES,
        "scopes": {}, "stats": [], "errors": [],
    })
}
