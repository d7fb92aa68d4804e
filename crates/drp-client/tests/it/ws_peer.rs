//! The server's side of websockets, by hand.

use std::time::Duration;

use drp_client::{Client, Config, EventStream, StreamItem};
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{Request, Response},
    },
};

use crate::peer::{config, soon};

pub(crate) struct WsPeer {
    pub(crate) listener: TcpListener,
}

/// The server's side of one websocket.
pub(crate) struct Side {
    pub(crate) socket: WebSocketStream<TcpStream>,
}

impl WsPeer {
    pub(crate) async fn start() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    /// Quick times, but for silence: these tests may run on a busy machine.
    pub(crate) fn config(&self) -> Config {
        let mut config = config(&format!("http://{}", self.listener.local_addr().unwrap()));
        config.event_times.reconnect_min = Duration::from_millis(1);
        config.event_times.reconnect_max = Duration::from_millis(20);
        config
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.config()).unwrap()
    }

    pub(crate) async fn accept(&self) -> Side {
        let (stream, _) = soon(self.listener.accept()).await.unwrap();
        Side::accept(stream).await
    }

    /// A stream of these selectors, and the server's side of it with all of them registered.
    pub(crate) async fn stream(&self, client: &Client, selectors: &[&str]) -> (EventStream, Side) {
        let open = client.events(selectors.iter().map(|text| text.parse().unwrap()).collect());
        let serve = async {
            let mut side = self.accept().await;
            side.expect_commands("register", selectors).await;
            side
        };
        let (stream, side) = tokio::join!(soon(open), serve);
        (stream.unwrap(), side)
    }
}

impl Side {
    pub(crate) async fn accept(stream: TcpStream) -> Self {
        Self::accept_only(stream, "t0ken").await.expect("the client has the right token")
    }

    /// `None` for a client with another token, which gets a 401.
    pub(crate) async fn accept_only(stream: TcpStream, token: &str) -> Option<Self> {
        #[allow(clippy::result_large_err, reason = "the library wants it so")]
        let check = |request: &Request, response: Response| {
            assert_eq!(request.uri().path(), "/api/v3/ws");
            assert!(request.headers().contains_key("x-drpx-lagged"));
            if request.headers()["authorization"] == format!("Bearer {token}") {
                return Ok(response);
            }
            Err(Response::builder().status(401).body(None).unwrap())
        };
        Some(Self { socket: soon(accept_hdr_async(stream, check)).await.ok()? })
    }

    pub(crate) async fn send(&mut self, text: impl Into<String>) {
        self.socket.send(Message::text(text.into())).await.unwrap();
    }

    /// The next text or closing message; others are for the protocol.
    pub(crate) async fn receive(&mut self) -> Message {
        loop {
            match soon(self.socket.next()).await.unwrap().unwrap() {
                Message::Ping(_) | Message::Pong(_) => {}
                other => return other,
            }
        }
    }

    pub(crate) async fn expect_commands(&mut self, word: &str, selectors: &[&str]) {
        for selector in selectors {
            assert_eq!(self.receive().await, Message::text(format!("{word} {selector}")));
            self.send(echo(word, selector)).await;
        }
    }

    pub(crate) async fn send_event(&mut self, key: &str) {
        self.send(event(key)).await;
    }

    /// Returns when the client has read all that was sent before.
    pub(crate) async fn wait_until_read(&mut self) {
        self.socket.send(Message::Ping(b"x"[..].into())).await.unwrap();
        while soon(self.socket.next()).await.unwrap().unwrap() != Message::Pong(b"x"[..].into()) {}
    }
}

pub(crate) fn echo(word: &str, selector: &str) -> String {
    let key = serde_json::Value::from(selector);
    format!(r#"{{"Time":"2026-11-22T08:02:01.2Z","Type":"websocket","Action":"{word}","Key":{key},"Object":null}}"#)
}

pub(crate) fn event(key: &str) -> String {
    format!(r#"{{"Time":"2026-11-22T08:02:01.2Z","Type":"machines","Action":"update","Key":"{key}","Object":{{}}}}"#)
}

/// The next item in short: an event's key, or the notice.
pub(crate) async fn next(stream: &mut EventStream) -> String {
    match soon(stream.next()).await {
        Some(StreamItem::Event(event)) => event.key,
        Some(other) => format!("{other:?}"),
        None => "end".to_owned(),
    }
}
