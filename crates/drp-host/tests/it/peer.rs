//! A host on a fresh data directory, and a peer that speaks to it.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use drp_host::{Admin, Host, HostConfig};
use http::{HeaderMap, Method, Request, StatusCode, header::AUTHORIZATION};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, pki_types::pem::PemObject};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

pub(crate) const PASSWORD: &str = "r0cketsk8ts";
/// Longest wait for anything.
const LIMIT: Duration = Duration::from_secs(20);

pub(crate) struct Peer {
    pub(crate) host: Host,
    pub(crate) dir: tempfile::TempDir,
    tls: TlsConnector,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {:?}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Status, and the error's Type and first message.
    pub(crate) fn error(&self) -> (u16, String, String) {
        let json = self.json();
        assert_eq!(json["Code"], self.status.as_u16(), "{json}");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (self.status.as_u16(), text(&json["Type"]), text(&json["Messages"][0]))
    }
}

impl Peer {
    pub(crate) async fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), |config| config).await
    }

    pub(crate) async fn start_in(dir: tempfile::TempDir, change: impl FnOnce(HostConfig) -> HostConfig) -> Self {
        let config = HostConfig {
            data: dir.path().join("data"),
            listen: "127.0.0.1:0".parse().unwrap(),
            admin: Some(Admin { name: "rocketskates".to_owned(), password: PASSWORD.to_owned() }),
            ..HostConfig::default()
        };
        let host = within(Host::start(change(config))).await.unwrap();
        let tls = connector(host.ca_file());
        Self { host, dir, tls }
    }

    /// A new host on the same data.
    pub(crate) async fn restart(self) -> Self {
        let Self { host, dir, .. } = self;
        host.stop().await;
        drop(host);
        Self::start_in(dir, |config| config).await
    }

    /// Verifies the host by what its file says now.
    pub(crate) fn trust_anew(&mut self) {
        self.tls = connector(self.host.ca_file());
    }

    pub(crate) fn address(&self) -> String {
        self.host.endpoint().trim_start_matches("https://").to_owned()
    }

    pub(crate) async fn connect(&self) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(self.address()).await.unwrap();
        within(self.tls.connect("127.0.0.1".try_into().unwrap(), stream)).await.unwrap()
    }

    /// Asks for a websocket and reads the first line of the answer; the connection stays open with it.
    pub(crate) async fn upgrade(&self) -> (String, TlsStream<TcpStream>) {
        let mut stream = self.connect().await;
        let request = format!(
            "GET /api/v3/ws HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            self.bearer()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        let mut head = [0; 12];
        within(stream.read_exact(&mut head)).await.unwrap();
        (String::from_utf8_lossy(&head).into_owned(), stream)
    }

    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.host.admin_token())
    }

    /// A request by the administrator, with a JSON body if there is one.
    pub(crate) async fn call(&self, method: &str, path: &str, body: &str) -> Answer {
        self.call_as(&self.bearer(), method, path, body).await
    }

    /// Creates objects of which nothing but the name matters.
    pub(crate) async fn create(&self, prefix: &str, names: &[&str]) {
        for name in names {
            let body = serde_json::json!({ "Name": name }).to_string();
            let created = self.call("POST", &format!("/{prefix}"), &body).await;
            assert_eq!(created.status, StatusCode::CREATED, "{prefix} {name}: {:?}", created.body);
        }
    }

    pub(crate) async fn call_as(&self, authorization: &str, method: &str, path: &str, body: &str) -> Answer {
        let request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(format!("/api/v3{path}"))
            .header(AUTHORIZATION, authorization)
            .header("content-type", "application/json");
        self.send(request.body(Full::from(body.to_owned())).unwrap()).await
    }

    pub(crate) async fn send(&self, mut request: Request<Full<Bytes>>) -> Answer {
        request.headers_mut().insert("host", "127.0.0.1".parse().unwrap());
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(self.connect().await)).await.unwrap();
        let connection = tokio::spawn(connection);
        let response = within(sender.send_request(request)).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = within(body.collect()).await.unwrap().to_bytes();
        connection.abort();
        Answer { status: parts.status, headers: parts.headers, body }
    }
}

fn connector(ca_file: &Path) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(rustls::pki_types::CertificateDer::from_pem_file(ca_file).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config).into()
}

pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    time::timeout(LIMIT, future).await.expect("done in time")
}

/// The recorded exchanges, or `None` (and a line that says so) where they are not.
pub(crate) fn vectors() -> Option<PathBuf> {
    let path = Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors")).filter(|path| path.exists());
    if path.is_none() {
        eprintln!("skipped: there is no ../shared/vectors");
    }
    path
}

/// A host with one provider, which is defined by `definition` and does nothing else.
pub(crate) async fn start_with_provider(name: &str, definition: Value) -> Peer {
    start_with_provider_in(tempfile::tempdir().unwrap(), name, definition, |config| config).await
}

/// As [`start_with_provider`], in a directory and with a changed configuration.
pub(crate) async fn start_with_provider_in(
    dir: tempfile::TempDir,
    name: &str,
    mut definition: Value,
    change: impl FnOnce(HostConfig) -> HostConfig,
) -> Peer {
    for (key, value) in [("Name", Value::from(name)), ("Version", "v1.0.0".into()), ("PluginVersion", 4.into())] {
        definition[key] = value;
    }
    let plugins = dir.path().join("data/plugins");
    fs::create_dir_all(&plugins).unwrap();
    let script = format!("#!/bin/sh\n[ \"$1\" = unpack ] && exit 0\ncat <<'END'\n{definition}\nEND\n");
    let path = plugins.join(name);
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    Peer::start_in(dir, change).await
}
