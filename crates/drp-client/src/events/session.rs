//! One connection of an event stream, from registration to the end.

use std::{collections::HashSet, sync::Arc, time::Duration};

use drp_core::{Selector, chain};
use futures_util::{SinkExt, StreamExt};
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout, timeout_at},
};
use tokio_tungstenite::tungstenite::{
    Error, Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use crate::{Client, ClientError, ClientErrorKind, EventTimes};

use super::{
    StreamItem,
    frame::{self, Command, Frame},
    queue::{Items, Queue},
    socket::{self, WebSocket},
    supervise::{Confirmed, Wanted},
};

/// Commands sent before their echoes are read: neither side's buffers can fill up with so few.
const COMMANDS_IN_FLIGHT_MAX: usize = 64;

pub(super) struct Session {
    socket: WebSocket,
    /// Events of others are not for the reader.
    selectors: Arc<[Selector]>,
    queue: Arc<Queue>,
    /// What came before everything was registered: it is newer than the gap, which is told when all is well again.
    held: Option<Items>,
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
    /// Connects and registers all selectors. What comes meanwhile is kept until [`deliver`](Self::deliver).
    pub(super) async fn open(
        client: &Client,
        selectors: Arc<[Selector]>,
        queue: &Arc<Queue>,
    ) -> Result<Self, ClientError> {
        let socket = socket::open(client).await.map_err(|kind| ClientError::new("GET ws", kind))?;
        let times = client.inner().event_times.clone();
        let held = Some(Items::default());
        let mut session = Self { socket, selectors: Arc::clone(&selectors), queue: Arc::clone(queue), held, times };
        session.command(Command::Register, &selectors).await?;
        Ok(session)
    }

    /// Lets the reader have what came since the connection was made, and from now on everything at once.
    pub(super) fn deliver(&mut self, after_gap: bool) {
        if let Some(items) = self.held.take() {
            self.queue.put_first_items(items, after_gap);
        }
    }

    /// Moves events into the queue until the connection is lost or nobody wants it any more.
    pub(super) async fn run(&mut self, wanted: &mut watch::Receiver<Wanted>, confirmed: &Confirmed) -> Ended {
        let mut ping = interval_at(Instant::now() + self.times.ping, self.times.ping);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        loop {
            tokio::select! {
                biased;
                changed = wanted.changed() => {
                    if changed.is_err() {
                        return Ended::Closing;
                    }
                    let Wanted { selectors, generation } = wanted.borrow_and_update().clone();
                    if let Err(error) = self.change(selectors).await {
                        return Ended::Lost(chain(&error));
                    }
                    confirmed.send_replace(generation);
                    heard = Instant::now();
                }
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

    /// Registers what is new and then deregisters what is no longer wanted: what stays never misses anything.
    async fn change(&mut self, wanted: Arc<[Selector]>) -> Result<(), ClientError> {
        let old = Arc::clone(&self.selectors);
        let added = without(&wanted, &old);
        let removed = without(&old, &wanted);
        self.selectors = old.iter().chain(&added).cloned().collect();
        self.command(Command::Register, &added).await?;
        self.command(Command::Deregister, &removed).await?;
        self.selectors = wanted;
        Ok(())
    }

    /// Deregisters and closes in good order, in the time that one echo may take.
    pub(super) async fn leave(mut self) {
        let limit = self.times.echo;
        let selectors = Arc::clone(&self.selectors);
        let farewell = async {
            self.command(Command::Deregister, &selectors).await?;
            let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
            let closed = self.socket.close(Some(frame)).await;
            closed.map_err(|error| ClientError::new("closing the websocket", lost(error)))?;
            // The server's own close frame is the end, however long it then keeps the connection.
            while let Some(Ok(message)) = self.socket.next().await {
                if message.is_close() {
                    break;
                }
            }
            Ok::<(), ClientError>(())
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
    async fn command(&mut self, command: Command, selectors: &[Selector]) -> Result<(), ClientError> {
        for some in selectors.chunks(COMMANDS_IN_FLIGHT_MAX) {
            let texts: Vec<String> = some.iter().map(|selector| command.text(selector.as_str())).collect();
            let mut missing: HashSet<&str> = texts.iter().map(String::as_str).collect();
            let done = match self.send(texts.iter().map(Message::text).collect()).await {
                Ok(()) => self.wait_for_echoes(command, &mut missing).await,
                Err(error) => Err(error),
            };
            done.map_err(|kind| {
                let first = texts.iter().find(|text| missing.contains(text.as_str())).map_or("", |text| text);
                ClientError::new(format!("websocket command `{first}`"), kind)
            })?;
        }
        Ok(())
    }

    /// Reads on until the server has echoed all these commands.
    async fn wait_for_echoes(&mut self, command: Command, missing: &mut HashSet<&str>) -> Result<(), ClientErrorKind> {
        let deadline = Instant::now() + self.times.echo;
        while !missing.is_empty() {
            // A server that talks of other things all the time has no more of it.
            let in_time = Instant::now() < deadline;
            let message = timeout_at(deadline, self.socket.next()).await;
            let (Ok(message), true) = (message, in_time) else {
                return Err(ClientErrorKind::Timeout(self.times.echo));
            };
            match self.take(message)? {
                Frame::Echo(echoed, selector) if echoed == command => {
                    missing.remove(command.text(&selector).as_str());
                }
                Frame::Refusal(text, error) if missing.contains(text.as_str()) => {
                    return Err(ClientErrorKind::Status { status: error.status(), error });
                }
                Frame::Close(reason) => return Err(ClientErrorKind::Disconnected(reason.into())),
                _ => {}
            }
        }
        Ok(())
    }

    /// Reads a message, and keeps what is for the stream's reader.
    fn take(&mut self, message: Option<Result<Message, Error>>) -> Result<Frame, ClientErrorKind> {
        let message = message.unwrap_or(Err(Error::ConnectionClosed)).map_err(lost)?;
        match frame::read(message) {
            Frame::Event(event, bytes) => {
                // As Go clients do: a server that knows no lists in selectors may send more than was asked for.
                if self.selectors.iter().any(|selector| selector.matches(&event)) {
                    self.put(StreamItem::Event(*event), bytes);
                }
                Ok(Frame::Nothing)
            }
            Frame::Lagged(count) => {
                self.put(StreamItem::Lagged(count), 0);
                Ok(Frame::Nothing)
            }
            Frame::Malformed(reason) => {
                if self.queue.count_malformed() == 0 {
                    tracing::warn!(reason, "a frame that is no event was passed over; later ones are counted only");
                }
                // Perhaps it was to be one.
                self.put(StreamItem::Lagged(1), 0);
                Ok(Frame::Nothing)
            }
            frame => Ok(frame),
        }
    }

    fn put(&mut self, item: StreamItem, bytes: usize) {
        match &mut self.held {
            Some(items) => items.put(item, bytes),
            None => self.queue.put(item, bytes),
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

/// Those of `all` that are not among `others`.
fn without(all: &[Selector], others: &[Selector]) -> Vec<Selector> {
    let others: HashSet<&Selector> = others.iter().collect();
    all.iter().filter(|selector| !others.contains(selector)).cloned().collect()
}

fn lost(error: Error) -> ClientErrorKind {
    ClientErrorKind::Disconnected(Box::new(error))
}
