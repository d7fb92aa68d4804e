//! One connection of an event stream, from registration to the end.

use std::{collections::HashSet, sync::Arc, time::Duration};

use drp_core::{Selector, chain};
use futures_util::{SinkExt, StreamExt};
use tokio::{
    sync::oneshot,
    time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout, timeout_at},
};
use tokio_tungstenite::tungstenite::{
    Error, Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use crate::{Client, ClientErrorKind, EventTimes};

use super::{
    StreamItem,
    frame::{self, Command, Frame},
    queue::Queue,
    socket::{self, WebSocket},
};

/// Commands sent before their echoes are read: neither side's buffers can fill up with so few.
const COMMANDS_IN_FLIGHT_MAX: usize = 64;

pub(super) struct Session {
    socket: WebSocket,
    selectors: Arc<[Selector]>,
    queue: Arc<Queue>,
    times: EventTimes,
}

/// Why a session ended.
pub(super) enum Ended {
    /// Nobody wants it any more.
    Closing,
    /// The connection is lost, for this reason.
    Lost(String),
}

impl Session {
    /// Connects and registers all selectors. Events that come meanwhile are in the queue already.
    pub(super) async fn open(
        client: &Client,
        selectors: Arc<[Selector]>,
        queue: &Arc<Queue>,
    ) -> Result<Self, ClientErrorKind> {
        let socket = socket::open(client).await?;
        let times = client.inner().event_times.clone();
        let mut session = Self { socket, selectors, queue: Arc::clone(queue), times };
        session.command(Command::Register).await?;
        Ok(session)
    }

    pub(super) fn selectors(&self) -> Arc<[Selector]> {
        Arc::clone(&self.selectors)
    }

    /// Moves events into the queue until the connection is lost or nobody wants it any more.
    pub(super) async fn run(&mut self, closing: &mut oneshot::Receiver<()>) -> Ended {
        let mut ping = interval_at(Instant::now() + self.times.ping, self.times.ping);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        loop {
            tokio::select! {
                biased;
                _ = &mut *closing => return Ended::Closing,
                () = sleep_until(heard + self.times.silence) => {
                    return Ended::Lost(format!("nothing was heard for {:?}", self.times.silence));
                }
                _ = ping.tick() => {
                    if let Err(error) = self.send(vec![Message::Ping(Vec::new().into())]).await {
                        return Ended::Lost(chain(&error));
                    }
                }
                message = self.socket.next() => {
                    heard = Instant::now();
                    match self.take(message) {
                        Ok(Frame::Close(reason)) => return Ended::Lost(reason),
                        Ok(_) => {}
                        Err(error) => return Ended::Lost(chain(&error)),
                    }
                }
            }
        }
    }

    /// Deregisters and closes in good order, in the time that one echo may take.
    pub(super) async fn leave(mut self) {
        let limit = self.times.echo;
        let farewell = async {
            self.command(Command::Deregister).await?;
            let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
            self.socket.close(Some(frame)).await.map_err(lost)?;
            // The server's own close frame is the end, however long it then keeps the connection.
            while let Some(Ok(message)) = self.socket.next().await {
                if message.is_close() {
                    break;
                }
            }
            Ok::<(), ClientErrorKind>(())
        };
        match timeout(limit, farewell).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::debug!(reason = chain(&error), "the event stream was not closed in order")
            }
            Err(_) => tracing::debug!(?limit, "the server did not answer the end of the event stream"),
        }
    }

    /// Gives a command for every selector and waits until the server has confirmed each of them.
    async fn command(&mut self, command: Command) -> Result<(), ClientErrorKind> {
        let selectors = self.selectors();
        for some in selectors.chunks(COMMANDS_IN_FLIGHT_MAX) {
            let commands = some.iter().map(|selector| command.message(selector.as_str())).collect();
            self.send(commands).await?;
            let deadline = Instant::now() + self.times.echo;
            let mut missing: HashSet<&str> = some.iter().map(Selector::as_str).collect();
            while !missing.is_empty() {
                let Ok(message) = timeout_at(deadline, self.socket.next()).await else {
                    return Err(ClientErrorKind::Timeout(self.times.echo));
                };
                match self.take(message)? {
                    Frame::Echo(echoed, selector) if echoed == command => {
                        missing.remove(selector.as_str());
                    }
                    Frame::Close(reason) => return Err(ClientErrorKind::Disconnected(reason.into())),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Reads a message, and puts what is for the stream's reader into the queue.
    fn take(&self, message: Option<Result<Message, Error>>) -> Result<Frame, ClientErrorKind> {
        let message = message.unwrap_or(Err(Error::ConnectionClosed)).map_err(lost)?;
        match frame::read(message) {
            Frame::Event(event, bytes) => {
                // As Go clients do: a server that knows no lists in selectors may send more than was asked for.
                if self.selectors.iter().any(|selector| selector.matches(&event)) {
                    self.queue.put_event(*event, bytes);
                }
                Ok(Frame::Nothing)
            }
            Frame::Lagged(count) => {
                self.queue.put_notice(StreamItem::Lagged(count));
                Ok(Frame::Nothing)
            }
            Frame::Malformed(reason) => {
                tracing::warn!(reason, "a frame that is no event was passed over");
                self.queue.count_malformed();
                Ok(Frame::Nothing)
            }
            frame => Ok(frame),
        }
    }

    async fn send(&mut self, messages: Vec<Message>) -> Result<(), ClientErrorKind> {
        let limit: Duration = self.times.echo;
        let sent = async {
            for message in messages {
                self.socket.feed(message).await?;
            }
            self.socket.flush().await
        };
        match timeout(limit, sent).await {
            Ok(sent) => sent.map_err(lost),
            Err(_) => Err(ClientErrorKind::Timeout(limit)),
        }
    }
}

fn lost(error: Error) -> ClientErrorKind {
    ClientErrorKind::Disconnected(Box::new(error))
}
