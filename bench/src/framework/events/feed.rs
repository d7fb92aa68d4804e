//! A server that sends events to one websocket, with nothing behind it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use drp_core::{Event, Raw};
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::{net::TcpListener, time::timeout};
use tokio_tungstenite::{accept_async, tungstenite::Message};

/// How many events, and how fast.
#[derive(Clone, Copy)]
pub(super) enum Pace {
    /// One each millisecond.
    EachMs(u64),
    /// As fast as the socket takes them.
    Flood(u64),
}

impl Pace {
    pub(super) fn events(self) -> u64 {
        match self {
            Self::EachMs(events) | Self::Flood(events) => events,
        }
    }
}

pub(super) struct Feed(TcpListener);

impl Feed {
    pub(super) async fn listen() -> Result<Self> {
        Ok(Self(TcpListener::bind("127.0.0.1:0").await?))
    }

    pub(super) fn address(&self) -> Result<String> {
        Ok(self.0.local_addr()?.to_string())
    }

    /// Takes one reader, confirms what it registers, sends it all events, and keeps its connection until it is `done`.
    pub(super) async fn send(self, pace: Pace, done: impl AsyncFnOnce() -> Result<()>) -> Result<()> {
        let (stream, _) = timeout(Duration::from_secs(10), self.0.accept()).await.context("nobody reads")??;
        stream.set_nodelay(true)?;
        let mut socket = accept_async(stream).await?;
        let command = socket.next().await.context("the reader has gone")??;
        let selector = command.to_text()?.strip_prefix("register ").context("expected `register SELECTOR`")?;
        let echo = Event::new("websocket", "register", selector, Raw::null());
        socket.send(Message::text(serde_json::to_string(&echo)?)).await?;
        // Whoever was configured is in place by then.
        tokio::time::sleep(Duration::from_millis(200)).await;
        let mut each_ms = tokio::time::interval(Duration::from_millis(1));
        for n in 0..pace.events() {
            match pace {
                Pace::EachMs(_) => {
                    each_ms.tick().await;
                    socket.send(event(n)?).await?;
                }
                Pace::Flood(_) => socket.feed(event(n)?).await?,
            }
        }
        socket.flush().await?;
        // What the reader says meanwhile, such as pings, is taken as a server takes it.
        let (mut answers, mut words) = socket.split();
        let listen = async { while let Some(Ok(_)) = words.next().await {} };
        tokio::select! {
            done = done() => done?,
            () = listen => {}
        }
        // A reader that left first has its close frame already.
        let _ = answers.close().await;
        Ok(())
    }
}

/// An event of 1 KB about one of 100 objects, with the time it left.
fn event(n: u64) -> Result<Message> {
    let sent_nanos = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos())?;
    let object = json!({"SentNanos": sent_nanos, "Text": "x".repeat(800)});
    let event = Event::new("bench", "update", &(n % 100).to_string(), Raw::from(object));
    Ok(Message::text(serde_json::to_string(&event)?))
}
