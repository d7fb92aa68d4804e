//! Bytes to the server and back: one connection for each request, and nothing made better on the way.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use drp_core::limits;
use http::{HeaderMap, Request, Uri, header::AUTHORIZATION, header::CONTENT_TYPE};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::{
    net::TcpStream,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::trust::Trust;
use crate::answer::Answer;

/// How long to wait before requests are counted again.
const LOOK_PAUSE: Duration = Duration::from_millis(20);

/// Where the API is.
pub(super) struct Server {
    /// Host and port.
    authority: String,
    name: ServerName<'static>,
    tls: TlsConnector,
    /// What is before every path: `/api/v3`, behind the path of the URL.
    base: String,
    /// Requests that are under way.
    under_way: Arc<AtomicUsize>,
}

/// Who asks.
#[derive(Clone, Debug)]
pub(super) enum Auth {
    Nobody,
    Basic(String, String),
    Bearer(String),
    /// The whole header.
    Raw(String),
}

/// A request to send.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) method: &'static str,
    /// Behind `/api/v3/`.
    pub(super) path: String,
    pub(super) auth: Auth,
    pub(super) content_type: Option<&'static str>,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Bytes,
}

impl Auth {
    pub(super) fn header(&self) -> Option<String> {
        match self {
            Self::Nobody => None,
            Self::Basic(name, password) => {
                Some(format!("Basic {}", BASE64_STANDARD.encode(format!("{name}:{password}"))))
            }
            Self::Bearer(token) => Some(format!("Bearer {token}")),
            Self::Raw(header) => Some(header.clone()),
        }
    }
}

/// Ends the connection with whoever waits for the answer.
struct Connection(JoinHandle<()>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One of the requests that are under way, until it is dropped.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Server {
    pub(super) fn new(url: &str, trust: &Trust) -> io::Result<Self> {
        let unusable = |text: &str| io::Error::new(io::ErrorKind::InvalidInput, format!("`{url}` {text}"));
        let uri: Uri = url.parse().map_err(|error| unusable(&format!("is no URL: {error}")))?;
        if uri.scheme_str() != Some("https") {
            return Err(unusable("has to begin with https://"));
        }
        let host = uri.host().ok_or_else(|| unusable("names no host"))?;
        let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(bare).map_err(|error| unusable(&error.to_string()))?;
        let path = uri.path().trim_end_matches('/').trim_end_matches("/api/v3");
        Ok(Self {
            authority: format!("{host}:{}", uri.port_u16().unwrap_or(8092)),
            name,
            tls: TlsConnector::from(Arc::new(trust.client_config()?)),
            base: format!("{path}/api/v3"),
            under_way: Arc::default(),
        })
    }

    /// The whole path.
    pub(super) fn path(&self, path: &str) -> String {
        format!("{}/{path}", self.base)
    }

    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    pub(super) async fn connect_plain(&self) -> io::Result<TcpStream> {
        TcpStream::connect(&self.authority).await
    }

    pub(super) async fn connect(&self) -> io::Result<TlsStream<TcpStream>> {
        let stream = self.connect_plain().await?;
        stream.set_nodelay(true)?;
        self.tls.connect(self.name.clone(), stream).await
    }

    /// Sends a request over a connection of its own; an error is a text that says how far it came.
    ///
    /// The request goes on if nobody waits for it any more: what it makes must be known before it can be removed.
    pub(super) async fn call(self: &Arc<Self>, ask: Ask, limit: Duration) -> Result<Answer, String> {
        let (server, counted) = (Arc::clone(self), Counted::new(&self.under_way));
        let called = tokio::spawn(async move {
            let _counted = counted;
            let late = |_| format!("no answer within {} s", limit.as_secs());
            timeout(limit, server.exchange(ask)).await.map_err(late)?
        });
        called.await.unwrap_or_else(|error| Err(format!("the suite broke: {error}")))
    }

    /// Waits until no request is under way any more.
    pub(super) async fn settle(&self) {
        while self.under_way.load(Ordering::Relaxed) > 0 {
            sleep(LOOK_PAUSE).await;
        }
    }

    async fn exchange(&self, ask: Ask) -> Result<Answer, String> {
        let stream = self.connect().await.map_err(|error| format!("cannot connect to {}: {error}", self.authority))?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
        // What ends the connection is told to whoever waits for an answer.
        let _connection = Connection(tokio::spawn(async move { drop(connection.await) }));
        let request = self.request(ask).map_err(|error| error.to_string())?;
        let broken = |error: hyper::Error| format!("the connection broke before there was an answer: {error}");
        let response = sender.send_request(request).await.map_err(broken)?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        // A provider that is read back may be larger than an object may be.
        let body = Limited::new(response.into_body(), 8 * limits::BODY_BYTES_MAX).collect().await;
        let body = body.map_err(|error| format!("{status} comes with a body that breaks off: {error}"))?.to_bytes();
        Ok(Answer { status, headers, body })
    }

    fn request(&self, ask: Ask) -> http::Result<Request<Full<Bytes>>> {
        let mut headers = HeaderMap::new();
        if let Some(header) = ask.auth.header() {
            headers.insert(AUTHORIZATION, header.parse()?);
        }
        if let Some(content_type) = ask.content_type {
            headers.insert(CONTENT_TYPE, content_type.parse()?);
        }
        for (name, value) in &ask.headers {
            headers.insert(*name, value.parse()?);
        }
        let mut request =
            Request::builder().method(ask.method).uri(self.path(&ask.path)).header("Host", &self.authority);
        request = request.header("Accept", "application/json");
        if let Some(all) = request.headers_mut() {
            all.extend(headers);
        }
        request.body(Full::new(ask.body))
    }
}
