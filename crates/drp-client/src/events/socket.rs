//! Opening the websocket.

use std::{io, time::Instant};

use drp_core::{contract::LAGGED_HEADER, limits};
use http::{HeaderValue, header};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Error, client::IntoClientRequest, protocol::WebSocketConfig},
};

use crate::{BadAnswer, Client, ClientErrorKind, answer, client::Inner, error, login::Authorization};

/// A connection, with or without TLS.
pub(super) trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

pub(super) type WebSocket = WebSocketStream<Box<dyn Connection>>;

/// Connects and upgrades, within the client's time to connect.
pub(super) async fn open(client: &Client) -> Result<WebSocket, ClientErrorKind> {
    let inner = client.inner();
    let deadline = Instant::now() + inner.connect_time;
    let work = move |by: Authorization| async move { upgrade(inner, connect(inner).await?, &by).await };
    let opened = client.as_who_is_known(deadline, work);
    let opened = tokio::time::timeout(inner.connect_time, opened).await;
    opened.unwrap_or(Err(ClientErrorKind::Timeout(inner.connect_time)))
}

async fn connect(inner: &Inner) -> Result<Box<dyn Connection>, ClientErrorKind> {
    let endpoint = &inner.endpoint;
    if let Some(socket) = endpoint.local_proxy() {
        return Ok(Box::new(UnixStream::connect(socket).await.map_err(error::opening)?));
    }
    let stream = TcpStream::connect((endpoint.host(), endpoint.port())).await.map_err(error::opening)?;
    // Commands are short and wait for an answer.
    stream.set_nodelay(true).map_err(error::opening)?;
    if !endpoint.is_tls() {
        return Ok(Box::new(stream));
    }
    let name = ServerName::try_from(endpoint.host().to_owned()).map_err(|e| error::opening(io::Error::other(e)))?;
    let connector = TlsConnector::from(std::sync::Arc::clone(&inner.tls));
    Ok(Box::new(connector.connect(name, stream).await.map_err(error::opening)?))
}

async fn upgrade(
    inner: &Inner,
    connection: Box<dyn Connection>,
    authorization: &Authorization,
) -> Result<WebSocket, ClientErrorKind> {
    let mut request = inner.endpoint.websocket().into_client_request().map_err(failed)?;
    request.headers_mut().insert(header::AUTHORIZATION, authorization.header.clone());
    request.headers_mut().insert(LAGGED_HEADER, HeaderValue::from_static("true"));
    let (socket, _) = client_async_with_config(request, connection, Some(config())).await.map_err(failed)?;
    Ok(socket)
}

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(limits::WS_MESSAGE_TO_CLIENT_BYTES_MAX))
        .max_frame_size(Some(limits::WS_MESSAGE_TO_CLIENT_BYTES_MAX))
        // Filled once for each stream of each plugin, and most of them are quiet.
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
}

const READ_BUFFER_BYTES: usize = 16 << 10;

fn failed(error: Error) -> ClientErrorKind {
    match error {
        Error::Http(response) if response.status().as_u16() >= 400 => {
            answer::refusal(response.status(), response.body().as_deref().unwrap_or_default())
        }
        Error::Http(response) if response.status().is_redirection() => {
            answer::check(response.status(), response.headers(), b"")
                .err()
                .unwrap_or_else(|| other(Error::Http(response)))
        }
        Error::Io(error) => ClientErrorKind::Disconnected(Box::new(error)),
        error => other(error),
    }
}

fn other(error: Error) -> ClientErrorKind {
    BadAnswer::Websocket(Box::new(error)).into()
}
