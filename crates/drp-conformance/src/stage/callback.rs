//! The socket on which a plugin talks to its host.

use std::{
    collections::VecDeque,
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use drp_core::{contract, limits};
use http::{Method, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::Value;
use tokio::{net::UnixListener, task::JoinSet};

use super::Store;
use crate::transcript::Transcript;

/// What is kept of all that is said; more is counted.
const SAID_MAX: usize = 2000;
/// Bytes that are kept of one body.
const BODY_BYTES_KEPT: usize = 16 << 10;

/// A request of the plugin.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    /// `log`, `publish`, `leaving`, `objects/…`, or the whole path where it is another.
    pub(crate) what: String,
    pub(crate) body: Bytes,
    /// What is wrong with it by the contract.
    pub(crate) fault: Option<String>,
}

impl Said {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// The socket, and what was said there.
pub(crate) struct Callbacks {
    path: PathBuf,
    shared: Arc<Shared>,
    connections: Mutex<JoinSet<()>>,
}

struct Shared {
    store: Arc<Store>,
    transcript: Transcript,
    said: Mutex<VecDeque<Said>>,
    count: AtomicUsize,
    open: AtomicUsize,
    is_stalled: AtomicBool,
}

impl Callbacks {
    pub(super) fn serve(path: &Path, store: Arc<Store>, transcript: Transcript) -> io::Result<Self> {
        let listener = UnixListener::bind(path)?;
        let shared = Arc::new(Shared {
            store,
            transcript,
            said: Mutex::default(),
            count: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            is_stalled: AtomicBool::new(false),
        });
        let mut connections = JoinSet::new();
        connections.spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { path: path.to_owned(), shared, connections: Mutex::new(connections) })
    }

    /// All that was said.
    pub(crate) fn said(&self) -> Vec<Said> {
        self.shared.said().iter().cloned().collect()
    }

    /// How often something was said, what is not kept as well.
    pub(crate) fn count(&self) -> usize {
        self.shared.count.load(Ordering::Relaxed)
    }

    /// Connections that are open.
    pub(crate) fn open(&self) -> usize {
        self.shared.open.load(Ordering::Relaxed)
    }

    /// Accepts from now on, and answers no more.
    pub(crate) fn stall(&self) {
        self.shared.is_stalled.store(true, Ordering::Relaxed);
    }

    /// Goes away, with its file and all connections.
    pub(crate) fn go(&self) {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
        // The listener may be in use until the task has ended; nobody finds it without the file.
        let _ = fs::remove_file(&self.path);
    }
}

impl Shared {
    fn said(&self) -> MutexGuard<'_, VecDeque<Said>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_down(&self, said: Said) {
        self.count.fetch_add(1, Ordering::Relaxed);
        let mut all = self.said();
        if all.len() < SAID_MAX {
            all.push_back(said);
        }
    }
}

/// Serves until its task is aborted: the connections are its own, and end with it.
async fn accept(listener: UnixListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            shared.open.fetch_add(1, Ordering::Relaxed);
            let service = service_fn(|request| answer(request, &shared));
            let mut server = http1::Builder::new();
            server.timer(TokioTimer::new()).header_read_timeout(limits::IDLE_TIME);
            // How a connection ends is its client's business.
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
            shared.open.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

async fn answer(request: Request<Incoming>, shared: &Shared) -> Result<Response<Full<Bytes>>, http::Error> {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let what = [contract::CALLBACK_PREFIX, contract::CALLBACK_PREFIX_DOCUMENTED]
        .iter()
        .find_map(|prefix| path.strip_prefix(prefix)?.strip_prefix('/'))
        .unwrap_or(path)
        .to_owned();
    let body = Limited::new(body, limits::BODY_BYTES_MAX).collect().await;
    let is_json = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_json = is_json.is_some_and(|value| value.to_ascii_lowercase().contains("application/json"));
    let (body, fault) = match body {
        Ok(body) => {
            let body = body.to_bytes();
            let fault = fault(&head.method, &what, is_json, &body);
            (body, fault)
        }
        Err(error) => (Bytes::new(), Some(format!("its body cannot be read: {error}"))),
    };
    let shown = String::from_utf8_lossy(body.get(..body.len().min(2048)).unwrap_or_default()).into_owned();
    shared.transcript.add("callback", &format!("{} {what} {shown}", head.method));
    let is_good = fault.is_none();
    // A copy, so that not all of the body stays.
    let kept = Bytes::copy_from_slice(body.get(..body.len().min(BODY_BYTES_KEPT)).unwrap_or_default());
    shared.take_down(Said { what: what.clone(), body: kept, fault });
    if shared.is_stalled.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
    let (status, text) = match what.as_str() {
        _ if !is_good => {
            (StatusCode::BAD_REQUEST, r#"{"Type":"POST","Messages":["not by the contract"],"Code":400}"#.to_owned())
        }
        "publish" => (StatusCode::OK, r#"{"Model":"","Key":"","Type":"","Messages":null,"Code":200}"#.to_owned()),
        what => match what.strip_prefix("objects/") {
            Some(prefix) => (StatusCode::OK, Value::from(shared.store.list(prefix)).to_string()),
            None => (StatusCode::NO_CONTENT, String::new()),
        },
    };
    Response::builder().status(status).header(CONTENT_TYPE, "application/json").body(Full::from(text))
}

/// What is wrong with a request by the contract.
fn fault(method: &Method, what: &str, is_json: bool, body: &[u8]) -> Option<String> {
    let is_list = what.starts_with("objects/");
    if !is_list && !["log", "publish", "leaving"].contains(&what) {
        return Some(format!("there is no path `{what}`"));
    }
    let wanted = if is_list { Method::GET } else { Method::POST };
    if *method != wanted {
        return Some(format!("it came as {method}, not as {wanted}"));
    }
    if is_list {
        return None;
    }
    if !is_json {
        return Some("its Content-Type is not application/json".to_owned());
    }
    let value: Value = match serde_json::from_slice(body) {
        Ok(value) => value,
        Err(error) => return Some(format!("its body is no JSON: {error}")),
    };
    let texts: &[&str] = match what {
        "log" => &["Level", "Message", "Service", "File"],
        "publish" => &["Type", "Action", "Key"],
        _ => &["Type", "Model", "Key"],
    };
    match &value {
        Value::Null if what == "leaving" => None,
        Value::Object(object) => {
            let is_wrong =
                |name: &&&str| object.get(**name).is_some_and(|value| !value.is_string() && !value.is_null());
            texts.iter().find(is_wrong).map(|name| format!("its {name} is no text"))
        }
        _ => Some("its body is no JSON object".to_owned()),
    }
}
