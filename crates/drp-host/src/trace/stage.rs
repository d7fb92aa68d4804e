//! The host's side of a recording: what a provider finds where its host was, answered from the book.

use std::{
    collections::HashMap,
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{
        FromRequestParts, State, WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    response::{IntoResponse, Response},
};
use drp_core::{Error, Event, Raw, Selector, contract, limits};
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use serde_json::Value;
use tokio::{
    net::UnixListener,
    sync::{mpsc, watch},
    task::JoinSet,
    time::timeout,
};
use tokio_util::task::AbortOnDropHandle;

use super::{
    book::{Book, Made},
    compare::Difference,
    entry::{Content, Dir, Entry},
    replay::Filling,
};
use crate::api::reply::Fail;

/// Events that wait for one websocket.
const EVENTS_WAITING_MAX: usize = 1024;

pub(super) struct Stage {
    pub(super) book: Book,
    pub(super) filling: Filling,
    sockets: Mutex<Sockets>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct Sockets {
    next: u64,
    open: HashMap<u64, Socket>,
}

struct Socket {
    selectors: HashMap<String, Selector>,
    events: mpsc::Sender<String>,
    sent: u64,
}

impl Stage {
    pub(super) fn new(book: Book, filling: Filling) -> Arc<Self> {
        Arc::new(Self { book, filling, sockets: Mutex::default(), changed: watch::Sender::default() })
    }

    /// Answers the API and the callbacks.
    pub(super) fn router(self: &Arc<Self>) -> Router {
        Router::new().fallback(answer).with_state(Arc::clone(self))
    }

    /// Answers the callbacks of one plugin until the handle is dropped.
    pub(super) fn listen(self: &Arc<Self>, socket: &Path) -> io::Result<AbortOnDropHandle<()>> {
        let (listener, service) = (UnixListener::bind(socket)?, TowerToHyperService::new(self.router()));
        Ok(AbortOnDropHandle::new(tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service.clone());
                connections.spawn(async move {
                    // The provider broke off.
                    let _ = served.await;
                });
                while connections.try_join_next().is_some() {}
            }
        })))
    }

    /// Sends a recorded event to the websocket that wants it and had the fewest, once there is one.
    pub(super) async fn tell(&self, entry: &Entry, limit: Duration) {
        let Some(Content::Json(value)) = &entry.body else { return };
        let value = self.filling.fill(value, self.book.masker());
        let Ok(event) = serde_json::from_value::<Event>(value.clone()) else { return };
        if event.type_ == "websocket" {
            // The answer to a command, which is given with the command.
            return;
        }
        let text = value.to_string();
        let mut changed = self.changed.subscribe();
        let told = async { while !self.tell_now(&event, &text) && changed.changed().await.is_ok() {} };
        if timeout(limit, told).await.is_err() {
            self.book.differ(Difference {
                seq: entry.seq,
                exchange: format!("event {}.{}.{}", event.type_, event.action, event.key),
                place: "the websocket".to_owned(),
                expected: "one on which it is registered".to_owned(),
                came: format!("none within {limit:?}"),
            });
        }
    }

    fn tell_now(&self, event: &Event, text: &str) -> bool {
        let mut sockets = self.sockets();
        let wants = |socket: &&mut Socket| socket.selectors.values().any(|selector| selector.matches(event));
        let Some(socket) = sockets.open.values_mut().filter(wants).min_by_key(|socket| socket.sent) else {
            return false;
        };
        socket.sent += 1;
        // A provider that takes none of so many events hangs, which its next answer shows.
        let _ = socket.events.try_send(text.to_owned());
        true
    }

    /// Does what a provider says on a websocket, and gives the answer.
    fn obey(&self, number: u64, text: &str) -> Option<String> {
        self.book.answer(&Made { dir: Dir::WsToApi, method: "", path: "", body: text.as_bytes() });
        let (verb, selector) = text.split_once(' ')?;
        let parsed = selector.parse::<Selector>().ok()?;
        if let Some(socket) = self.sockets().open.get_mut(&number) {
            match verb {
                "register" => drop(socket.selectors.insert(selector.to_owned(), parsed)),
                "deregister" => drop(socket.selectors.remove(selector)),
                _ => return None,
            }
        }
        serde_json::to_string(&Event::new("websocket", verb, selector, Raw::null())).ok()
    }

    async fn talk(self: Arc<Self>, mut socket: WebSocket) {
        let (events, mut waiting) = mpsc::channel(EVENTS_WAITING_MAX);
        let number = {
            let mut sockets = self.sockets();
            sockets.next += 1;
            let number = sockets.next;
            sockets.open.insert(number, Socket { selectors: HashMap::new(), events, sent: 0 });
            number
        };
        loop {
            let sent = tokio::select! {
                message = socket.recv() => match message {
                    Some(Ok(Message::Text(text))) => match self.obey(number, &text) {
                        Some(echo) => socket.send(Message::Text(echo.into())).await,
                        None => Ok(()),
                    },
                    Some(Ok(_)) => Ok(()),
                    _ => break,
                },
                event = waiting.recv() => match event {
                    Some(event) => socket.send(Message::Text(event.into())).await,
                    None => break,
                },
            };
            if sent.is_err() {
                break;
            }
            // After the echo is out, so that no event comes before it.
            self.changed.send_replace(());
        }
        self.sockets().open.remove(&number);
    }

    fn sockets(&self) -> MutexGuard<'_, Sockets> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn answer(State(stage): State<Arc<Stage>>, request: Request<Body>) -> Response {
    let (mut head, body) = request.into_parts();
    let path = head.uri.path_and_query().map_or_else(String::new, ToString::to_string);
    let is_callback =
        [contract::CALLBACK_PREFIX, contract::CALLBACK_PREFIX_DOCUMENTED].iter().any(|prefix| path.starts_with(prefix));
    if !is_callback && let Ok(upgrade) = WebSocketUpgrade::from_request_parts(&mut head, &()).await {
        return upgrade.on_upgrade(move |socket| stage.talk(socket));
    }
    let Ok(body) = Limited::new(body, limits::BODY_BYTES_MAX).collect().await else {
        return Fail(Error::new(413, head.method.as_str(), "the body is too long, or broke off")).into_response();
    };
    if is_callback && head.method == Method::POST && path.ends_with("/log") {
        return json(204, Vec::new());
    }
    let dir = if is_callback { Dir::ToHost } else { Dir::ToApi };
    let made = Made { dir, method: head.method.as_str(), path: &path, body: &body.to_bytes() };
    match stage.book.answer(&made) {
        Some((status, answer)) => json(status, stage.bytes_of(answer)),
        None => {
            let text = format!("Nothing like {} {path} was recorded", head.method);
            Fail(Error::new(404, head.method.as_str(), text)).into_response()
        }
    }
}

impl Stage {
    fn bytes_of(&self, content: Option<Content>) -> Vec<u8> {
        match content {
            None => Vec::new(),
            Some(Content::Json(value)) => self.filling.fill(&value, self.book.masker()).to_string().into_bytes(),
            Some(Content::Text(text)) => self.book.masker().expand_text(&text).into_bytes(),
            // Its bytes are not in the recording.
            Some(Content::Sum { len, .. }) => {
                Value::String(format!("a body of {len} bytes that the recording does not have"))
                    .to_string()
                    .into_bytes()
            }
        }
    }
}

fn json(status: u16, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}
