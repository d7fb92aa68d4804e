//! `GET /ws`: events as they happen (`api.md` §13.3).
//!
//! A client registers and deregisters selectors, one text frame each, and gets every event that one of them matches
//! and its claims allow, once, in the order of publication. Go clients wait, without a limit, for one event of type
//! `websocket` after each command, so each well-formed verb is answered by one.

mod commands;
mod rights;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::{
        Extension, State, WebSocketUpgrade,
        ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code},
    },
    response::Response,
};
use drp_core::{Error, Event, Level, Raw, contract, limits};
use futures_util::SinkExt;
use http::{HeaderMap, Method};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{self, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;

use self::{
    commands::{Command, Selectors},
    rights::Rights,
};
use super::{
    reply::Fail,
    request::{Call, Query},
};
use crate::{
    Recorder,
    bus::{Delivery, Subscriber, Subscription},
    log::Log,
    metrics::Metrics,
    server::Seat,
    shared::Shared,
    trace::Dir,
};

const PING_EVERY: Duration = Duration::from_secs(30);
/// A client from which nothing came, or that took nothing, for so long is gone.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// Time a client has to answer a close.
const FAREWELL_TIME: Duration = Duration::from_secs(1);
/// Events sent before what the client sends is looked at.
const BURST_MAX: usize = 64;
/// Close code of a server that asks to be tried again: the client fell behind.
const CLOSE_TRY_AGAIN: u16 = close_code::AGAIN;
const SERVICE: &str = "websocket";

/// Turns a request into a websocket.
pub(super) async fn open(
    State(shared): State<Arc<Shared>>,
    Extension(seat): Extension<Arc<Seat>>,
    call: Call,
    query: Query,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Result<Response, Fail> {
    let upgrade = upgrade.map_err(|error| Error::new(400, Method::GET.as_str(), error.to_string()))?;
    let busy = || Error::new(503, Method::GET.as_str(), "The server has too many websockets");
    let permit = Arc::clone(&shared.websockets).try_acquire_owned().map_err(|_| busy())?;
    if !seat.becomes_websocket() {
        return Err(busy().into());
    }
    let upgrade = upgrade
        .max_message_size(limits::WS_MESSAGE_FROM_CLIENT_BYTES_MAX)
        .max_frame_size(limits::WS_MESSAGE_FROM_CLIENT_BYTES_MAX);
    let wants_lagged = headers.contains_key(contract::LAGGED_HEADER);
    let tasks = shared.tasks.clone();
    Ok(upgrade.on_upgrade(move |socket| {
        let session = Session {
            socket,
            events: shared.bus.open(Subscriber::Websocket),
            selectors: Selectors::default(),
            rights: Rights::new(&shared, call.by, &headers, query.get("token")),
            log: Arc::clone(&shared.log),
            metrics: Arc::clone(&shared.metrics),
            recorder: shared.objects.recorder().cloned(),
            wants_lagged,
            heard: Instant::now(),
            stopping: shared.stopping.clone(),
            _held: (seat, permit),
        };
        tasks.track_future(session.run())
    }))
}

struct Session {
    socket: WebSocket,
    events: Subscription,
    selectors: Selectors,
    rights: Rights,
    log: Arc<Log>,
    metrics: Arc<Metrics>,
    recorder: Option<Recorder>,
    /// The client can read how many events it lost.
    wants_lagged: bool,
    /// When the client was heard last.
    heard: Instant,
    stopping: CancellationToken,
    _held: (Arc<Seat>, OwnedSemaphorePermit),
}

/// Why a session ends.
enum End {
    /// The client is gone, or does not listen.
    Gone,
    /// The client is told this code and reason.
    Close(u16, &'static str),
}

impl From<axum::Error> for End {
    fn from(_: axum::Error) -> Self {
        Self::Gone
    }
}

impl Session {
    async fn run(mut self) {
        let Err(end) = self.talk().await;
        if let End::Close(code, reason) = end {
            let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
            let _ = time::timeout(SILENCE_MAX, self.socket.send(Message::Close(Some(frame)))).await;
            // What is closed with something unread takes what was sent along: the client must be heard out.
            let _ = time::timeout(FAREWELL_TIME, async { while let Some(Ok(_)) = self.socket.recv().await {} }).await;
        }
    }

    async fn talk(&mut self) -> Result<std::convert::Infallible, End> {
        let mut ping = time::interval(PING_EVERY);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ping.reset();
        loop {
            tokio::select! {
                message = self.socket.recv() => self.hear(message.ok_or(End::Gone)??).await?,
                delivery = self.events.next() => self.deliver(delivery).await?,
                _ = ping.tick() => self.ping().await?,
                () = self.stopping.cancelled() => {
                    // What was published before the stop is part of what happened: plugins that stopped, mostly.
                    while let Some(delivery) = self.events.try_next() {
                        self.deliver(delivery).await?;
                    }
                    return Err(End::Close(close_code::AWAY, "the server is stopping"));
                }
            }
        }
    }

    async fn hear(&mut self, message: Message) -> Result<(), End> {
        self.heard = Instant::now();
        match message {
            Message::Text(text) => {
                self.record(Dir::WsToApi, &text);
                self.obey(&text).await
            }
            Message::Binary(_) => {
                self.warn("a binary message is no command");
                Ok(())
            }
            // The library has answered the close with its own frame, which a last write brings out.
            Message::Close(_) => {
                let _ = time::timeout(SILENCE_MAX, self.socket.flush()).await;
                Err(End::Gone)
            }
            Message::Ping(_) | Message::Pong(_) => Ok(()),
        }
    }

    async fn obey(&mut self, text: &str) -> Result<(), End> {
        let Some(command) = Command::parse(text) else {
            self.warn("a message is neither `register SELECTOR` nor `deregister SELECTOR`");
            return Ok(());
        };
        // What was published before the command is judged by the selectors of before.
        while let Some(delivery) = self.events.try_next() {
            self.feed(delivery).await?;
        }
        if let Err(problem) = self.selectors.check(&command) {
            self.warn(&problem);
            // Answered all the same: a client that waits for its echo would wait for ever.
            let object = Raw::new(&Error::new(400, SERVICE, problem)).unwrap_or_default();
            return self.send(&Event::new(SERVICE, "error", text, object)).await;
        }
        self.send(&Event::new(SERVICE, command.verb(), command.selector(), Raw::null())).await?;
        self.selectors.apply(command);
        Ok(())
    }

    /// Sends an event and those that wait behind it.
    async fn deliver(&mut self, first: Delivery) -> Result<(), End> {
        let mut sent = self.feed(first).await?;
        for _ in 1..BURST_MAX {
            let Some(delivery) = self.events.try_next() else { break };
            sent |= self.feed(delivery).await?;
        }
        if sent { in_time(self.socket.flush()).await } else { Ok(()) }
    }

    /// Puts an event into the socket's buffer if it is for this client, and says whether it was.
    async fn feed(&mut self, delivery: Delivery) -> Result<bool, End> {
        let text = match delivery {
            Delivery::Event(published) => {
                let event = &published.event;
                if !self.rights.are_fresh(event) {
                    self.renew().await?;
                }
                if !self.selectors.match_event(event) || !self.rights.allow(event) {
                    return Ok(false);
                }
                if published.json.len() > limits::WS_MESSAGE_TO_CLIENT_BYTES_MAX {
                    self.warn("an event is too large to be sent");
                    return Ok(false);
                }
                self.events.count_delivered();
                published.json.clone()
            }
            Delivery::Lagged(lost) => {
                // One of those that were lost may have been about rights.
                self.renew().await?;
                if self.selectors.is_empty() {
                    return Ok(false);
                }
                self.warn(&format!("the client is too slow: {lost} events lost"));
                if !self.wants_lagged {
                    self.metrics.count_lagging_websocket();
                    return Err(End::Close(CLOSE_TRY_AGAIN, "too slow: events were lost"));
                }
                let lost = Raw::new(&lost).unwrap_or_default();
                text(&Event::new(contract::LAGGED_EVENT_TYPE, contract::LAGGED_EVENT_ACTION, "", lost))
            }
        };
        self.record(Dir::WsToPlugin, &text);
        in_time(self.socket.feed(Message::Text(text))).await?;
        Ok(true)
    }

    /// Asks again what the client may do. One that nobody would let in any more is told so, and has to go.
    async fn renew(&mut self) -> Result<(), End> {
        let is_good = self.rights.renew().await;
        if is_good { Ok(()) } else { Err(End::Close(close_code::POLICY, "the credentials are no longer good")) }
    }

    async fn send(&mut self, event: &Event) -> Result<(), End> {
        let text = text(event);
        self.record(Dir::WsToPlugin, &text);
        in_time(self.socket.send(Message::Text(text))).await
    }

    /// Writes a message into the recording, if there is one and the client is a plugin.
    fn record(&self, dir: Dir, text: &str) {
        if let (Some(recorder), Some(plugin)) = (&self.recorder, super::plugin_of(&self.rights.by.name)) {
            recorder.begin(dir, plugin, "", "").sent(text.as_bytes());
        }
    }

    async fn ping(&mut self) -> Result<(), End> {
        if self.heard.elapsed() >= SILENCE_MAX {
            return Err(End::Gone);
        }
        // Tokens end also while nothing happens.
        self.renew().await?;
        in_time(self.socket.send(Message::Ping(bytes::Bytes::new()))).await
    }

    /// Tells the log. No event is made of it: that one would come here again.
    fn warn(&self, message: &str) {
        self.log.add(drp_core::Line {
            level: Level::Warn,
            service: SERVICE.to_owned(),
            principal: self.rights.by.name.clone(),
            message: message.to_owned(),
            ignore_publish: true,
            ..drp_core::Line::default()
        });
    }
}

fn text(event: &Event) -> Utf8Bytes {
    serde_json::to_string(event).unwrap_or_default().into()
}

/// Waits for a write, but not for a client that reads nothing.
async fn in_time(write: impl Future<Output = Result<(), axum::Error>>) -> Result<(), End> {
    Ok(time::timeout(SILENCE_MAX, write).await.map_err(|_| End::Gone)??)
}
