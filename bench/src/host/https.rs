//! HTTP/1.1 over TLS with as little as possible in between.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{net::TcpStream, task::JoinSet};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::host::server::Server;

/// How to reach one server as one user.
#[derive(Clone)]
pub(crate) struct Https {
    address: SocketAddr,
    tls: TlsConnector,
    authorization: String,
}

pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    authorization: String,
}

pub(crate) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

impl Https {
    pub(crate) fn new(server: &Server, token: &str) -> Result<Self> {
        Self::with_authorization(server, format!("Bearer {token}"))
    }

    pub(crate) fn with_authorization(server: &Server, authorization: String) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(server.tls.join("ca.pem"))? {
            roots.add(certificate?)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { address: server.address, tls: TlsConnector::from(Arc::new(config)), authorization })
    }

    /// The same client towards another port of the same certificate.
    pub(crate) fn at(&self, address: SocketAddr) -> Self {
        Self { address, ..self.clone() }
    }

    pub(crate) fn authorization(&self) -> &str {
        &self.authorization
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) async fn stream(&self) -> Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        Ok(self.tls.connect(ServerName::from(self.address.ip()), stream).await?)
    }

    pub(crate) async fn connect(&self) -> Result<Connection> {
        let (sender, driver) = http1::handshake(TokioIo::new(self.stream().await?)).await?;
        tokio::spawn(driver);
        Ok(Connection { sender, authorization: self.authorization.clone() })
    }

    pub(crate) async fn once(&self, method: Method, path: &str, body: &str) -> Result<(StatusCode, Bytes)> {
        self.connect().await?.send(method, path, Bytes::from(body.to_owned())).await
    }

    /// Requests a second over so many connections, each of which asks again when it has its answer.
    pub(crate) async fn rate(
        &self,
        connections: usize,
        seconds: u64,
        method: &Method,
        path: &str,
        body: &str,
    ) -> Result<f64> {
        self.rate_of(&vec![path.to_owned(); connections], seconds, method, body).await
    }

    /// As [`rate`](Self::rate), over one connection a path.
    pub(crate) async fn rate_of(&self, paths: &[String], seconds: u64, method: &Method, body: &str) -> Result<f64> {
        let body = Bytes::from(body.to_owned());
        let answered = Arc::new(AtomicU64::new(0));
        let started = Instant::now();
        let mut tasks = JoinSet::new();
        for path in paths {
            let mut connection = self.connect().await?;
            let (method, path, body, answered) = (method.clone(), path.clone(), body.clone(), Arc::clone(&answered));
            tasks.spawn(async move {
                while started.elapsed() < Duration::from_secs(seconds) {
                    let (status, body) = connection.send(method.clone(), &path, body.clone()).await?;
                    ensure!(status.is_success(), "{path} was answered {status}: {}", String::from_utf8_lossy(&body));
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            });
        }
        while let Some(task) = tasks.join_next().await {
            task??;
        }
        #[allow(clippy::cast_precision_loss, reason = "a count of requests")]
        let answered = answered.load(Ordering::Relaxed) as f64;
        Ok(answered / started.elapsed().as_secs_f64())
    }
}

impl Connection {
    pub(crate) async fn send(&mut self, method: Method, path: &str, body: Bytes) -> Result<(StatusCode, Bytes)> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "bench")
            .header(header::AUTHORIZATION, &self.authorization)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body))?;
        // The driver of the connection may not have seen yet that the answer before was read.
        self.sender.ready().await.context("the connection broke")?;
        let response = self.sender.send_request(request).await.context("the connection broke")?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }
}
