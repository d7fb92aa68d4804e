//! The plugin's way to its host: HTTP on the socket FROM.

use std::{
    io,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use bytes::Bytes;
use drp_core::{
    contract::{CALLBACK_PREFIX, CALLBACK_PREFIX_DOCUMENTED},
    limits,
};
use http::{Method, Request, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

/// The prefix that has answered.
static PREFIX: OnceLock<&str> = OnceLock::new();

/// What the host has answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

/// One connection to the host, made when it is needed and again when it broke.
pub(crate) struct Callback {
    socket: PathBuf,
    connection: Option<SendRequest<Full<Bytes>>>,
}

impl Callback {
    pub(crate) fn new(socket: &Path) -> Self {
        Self { socket: socket.to_owned(), connection: None }
    }

    pub(crate) fn disconnect(&mut self) {
        self.connection = None;
    }

    /// Posts JSON to `log`, `publish` or `leaving`.
    ///
    /// The real path comes first. On a 404 the documented one is tried, and the one that answers is kept for the life
    /// of the process (`decisions.md`).
    pub(crate) async fn post(&mut self, what: &str, body: Bytes) -> io::Result<Answer> {
        if let Some(prefix) = PREFIX.get() {
            return self.send(Method::POST, prefix, what, body).await;
        }
        let answer = self.send(Method::POST, CALLBACK_PREFIX, what, body.clone()).await?;
        if answer.status != 404 {
            let _ = PREFIX.set(CALLBACK_PREFIX);
            return Ok(answer);
        }
        let other = self.send(Method::POST, CALLBACK_PREFIX_DOCUMENTED, what, body).await?;
        if other.status != 404 {
            let _ = PREFIX.set(CALLBACK_PREFIX_DOCUMENTED);
        }
        Ok(other)
    }

    /// Gets `objects/TYPE`. A 404 says nothing about the prefix here: there may be no such type.
    pub(crate) async fn get(&mut self, what: &str) -> io::Result<Answer> {
        if let Some(prefix) = PREFIX.get() {
            return self.send(Method::GET, prefix, what, Bytes::new()).await;
        }
        let answer = self.send(Method::GET, CALLBACK_PREFIX, what, Bytes::new()).await?;
        match answer.status {
            404 => self.send(Method::GET, CALLBACK_PREFIX_DOCUMENTED, what, Bytes::new()).await,
            _ => Ok(answer),
        }
    }

    async fn send(&mut self, method: Method, prefix: &str, what: &str, body: Bytes) -> io::Result<Answer> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{prefix}/{what}"))
            .header(header::HOST, "unix")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .map_err(io::Error::other)?;
        let connection = self.connect().await?;
        let answer = connection.send_request(request).await.map_err(io::Error::other)?;
        let status = answer.status().as_u16();
        // The body is read to its end, so that the connection can be used again.
        let body =
            Limited::new(answer.into_body(), limits::BODY_BYTES_MAX).collect().await.map_err(io::Error::other)?;
        Ok(Answer { status, body: body.to_bytes() })
    }

    async fn connect(&mut self) -> io::Result<&mut SendRequest<Full<Bytes>>> {
        let usable = match &mut self.connection {
            Some(connection) => connection.ready().await.is_ok(),
            None => false,
        };
        if !usable {
            let stream = UnixStream::connect(&self.socket).await?;
            let (connection, driver) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
            // The driver ends with the connection; its errors reach whoever sends.
            tokio::spawn(driver);
            self.connection = Some(connection);
        }
        self.connection.as_mut().ok_or_else(|| io::Error::other("no connection"))
    }
}
