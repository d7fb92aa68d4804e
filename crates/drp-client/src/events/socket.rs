//! Opening the websocket.

use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use drp_core::{contract::LAGGED_HEADER, limits};
use http::{HeaderValue, header};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream, lookup_host},
    time::timeout,
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
    let opened = timeout(inner.connect_time, opened).await;
    opened.unwrap_or(Err(ClientErrorKind::Timeout(inner.connect_time)))
}

async fn connect(inner: &Inner) -> Result<Box<dyn Connection>, ClientErrorKind> {
    let endpoint = &inner.endpoint;
    if let Some(socket) = endpoint.local_proxy() {
        return Ok(Box::new(UnixStream::connect(socket).await.map_err(error::opening)?));
    }
    let addresses = lookup_host((endpoint.host(), endpoint.port())).await.map_err(error::opening)?;
    let addresses: Vec<SocketAddr> = addresses.collect();
    let stream = connect_to_any(&addresses, inner.connect_time).await.map_err(error::opening)?;
    // Commands are short and wait for an answer.
    stream.set_nodelay(true).map_err(error::opening)?;
    if !endpoint.is_tls() {
        return Ok(Box::new(stream));
    }
    let name = ServerName::try_from(endpoint.host().to_owned()).map_err(|e| error::opening(io::Error::other(e)))?;
    let connector = TlsConnector::from(std::sync::Arc::clone(&inner.tls));
    Ok(Box::new(connector.connect(name, stream).await.map_err(error::opening)?))
}

/// A connection to the first address that takes one. Each but the last has a part of the time: one that never answers,
/// such as an IPv6 address that no way leads to, leaves enough for the others.
async fn connect_to_any(addresses: &[SocketAddr], limit: Duration) -> io::Result<TcpStream> {
    let Some((last, others)) = addresses.split_last() else {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the server's name has no address"));
    };
    let parts = u32::try_from(addresses.len()).map_or(u32::MAX, |count| count.saturating_add(1));
    for address in others {
        if let Ok(Ok(stream)) = timeout(limit / parts, TcpStream::connect(address)).await {
            return Ok(stream);
        }
    }
    TcpStream::connect(last).await
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

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpSocket};

    use super::*;

    #[tokio::test]
    async fn an_address_that_never_answers_leaves_time_for_the_others() {
        let silent = TcpSocket::new_v4().unwrap();
        silent.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let silent = silent.listen(1).unwrap();
        let silent = (silent.local_addr().unwrap(), silent);
        // Once its queue is full, Linux answers nobody any more.
        let mut waiting = Vec::new();
        while let Ok(stream) = timeout(Duration::from_millis(200), TcpStream::connect(silent.0)).await {
            waiting.push(stream.unwrap());
        }
        let good = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addresses = [silent.0, good.local_addr().unwrap()];
        let connected = timeout(Duration::from_secs(10), connect_to_any(&addresses, Duration::from_millis(300))).await;
        assert_eq!(connected.unwrap().unwrap().peer_addr().unwrap(), addresses[1]);
        assert!(connect_to_any(&[], Duration::from_secs(1)).await.is_err());
    }
}
