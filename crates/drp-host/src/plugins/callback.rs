//! The socket on which a running plugin calls its host: log, publish, leaving and reading objects.
//!
//! Who calls is known by the socket and by nothing in a request. The socket accepts before the process is started and
//! answers until it has ended, because a Go plugin posts every log line here and waits for the answer.

use std::{convert::Infallible, io, os::unix::fs::PermissionsExt, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use drp_core::{Error, Event, Line, Time, contract, json, limits};
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{
    body::{Body as _, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde::{Serialize, de::DeserializeOwned};
use tokio::{
    net::UnixListener,
    sync::{Mutex, Semaphore, watch},
    task::{JoinSet, spawn_blocking},
};
use tokio_util::task::AbortOnDropHandle;

use super::{pace::Pace, redact::Redactor};
use crate::{
    bus::Bus,
    log::Log,
    objects::Objects,
    trace::{Dir, Exchange, Recorded},
};

/// Wait after a failed accept, which most of the time means that the process has no file descriptor left.
const ACCEPT_RETRY_TIME: Duration = Duration::from_millis(50);

type Answered = (StatusCode, Bytes);
type Answer = Result<Answered, Error>;

/// The host's side of a callback socket, for one run of one plugin.
#[derive(Debug)]
pub(crate) struct Callbacks {
    /// The name of the plugin.
    pub(crate) plugin: String,
    /// What the plugin must not write into the log.
    pub(crate) redactor: Arc<Redactor>,
    /// How fast it may call.
    pub(crate) pace: Arc<Pace>,
    /// Where its lines go.
    pub(crate) log: Arc<Log>,
    /// Where its events go.
    pub(crate) bus: Arc<Bus>,
    /// What it may list.
    pub(crate) objects: Arc<Objects>,
    /// Held by the list that is being made: one at a time.
    pub(crate) listing: Mutex<()>,
    /// Becomes the reason when the plugin says that it leaves.
    pub(crate) leaving: watch::Sender<Option<Error>>,
}

impl Callbacks {
    /// Listens at `socket` and answers until the handle is dropped.
    ///
    /// # Errors
    /// The socket cannot be made.
    pub(crate) fn listen(self, socket: &Path) -> io::Result<AbortOnDropHandle<()>> {
        let listener = UnixListener::bind(socket)?;
        std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o600))?;
        Ok(AbortOnDropHandle::new(tokio::spawn(Arc::new(self).serve(listener))))
    }

    async fn serve(self: Arc<Self>, listener: UnixListener) {
        // More connections wait in the socket's backlog.
        let places = Arc::new(Semaphore::new(limits::CONNECTIONS_PER_ADDRESS_MAX));
        let mut connections = JoinSet::new();
        loop {
            while connections.try_join_next().is_some() {}
            let place = places.clone().acquire_owned().await;
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(ACCEPT_RETRY_TIME).await;
                continue;
            };
            let callbacks = self.clone();
            connections.spawn(async move {
                let _place = place;
                let service = service_fn(move |request| {
                    let callbacks = callbacks.clone();
                    async move { Ok::<_, Infallible>(callbacks.answer(request).await) }
                });
                // No time limit on a quiet connection: a Go plugin keeps its own, and a line that meets a connection
                // just being closed is lost to it.
                let mut server = http1::Builder::new();
                server.max_buf_size(limits::HEADER_BYTES_MAX);
                // The peer broke off; whatever it wanted it asks again.
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    }

    async fn answer(self: &Arc<Self>, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        self.pace.request(0).await;
        let path = head.uri.path();
        let recorder = self.objects.recorder();
        let exchange = recorder.map(|to| to.begin(Dir::ToHost, &self.plugin, head.method.as_str(), path));
        let rest = [contract::CALLBACK_PREFIX, contract::CALLBACK_PREFIX_DOCUMENTED]
            .into_iter()
            .find_map(|prefix| path.strip_prefix(prefix)?.strip_prefix('/'));
        let answer = match (&head.method, rest) {
            (&Method::POST, Some("log")) => self.read(&head, body, &exchange).await.map(|line| self.log(line)),
            (&Method::POST, Some("publish")) => {
                self.read(&head, body, &exchange).await.and_then(|event| self.publish(event))
            }
            (&Method::POST, Some("leaving")) => {
                self.read(&head, body, &exchange).await.map(|reason| self.leave(reason))
            }
            (&Method::GET, Some(rest)) => match rest.strip_prefix("objects/") {
                Some(prefix) if !prefix.contains('/') => self.list(prefix, path).await,
                _ => Err(Error::no_route(head.method.as_str(), path)),
            },
            _ => Err(Error::no_route(head.method.as_str(), path)),
        };
        let answer = answer.or_else(|error| {
            let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            write(status, &error)
        });
        // An error of texts and numbers is always JSON.
        let (status, body) = answer.unwrap_or_default();
        exchange.answered(status.as_u16(), &body);
        respond(status, body)
    }

    /// Reads a body as Go handlers do: JSON by its content type, and nothing is the zero value.
    async fn read<T: DeserializeOwned + Default>(
        &self,
        head: &http::request::Parts,
        body: Incoming,
        exchange: &Option<Exchange>,
    ) -> Result<T, Error> {
        let body = read_bytes(head, body).await?;
        exchange.sent(&body);
        self.pace.output(body.len(), 0).await;
        let refused = |text: String| Error::new(400, head.method.as_str(), text);
        json::parse_or_default(&body).map_err(|error| refused(error.to_string()))
    }

    fn log(&self, mut line: Line) -> Answered {
        line.message = self.redactor.clean(&line.message);
        for value in line.data.iter_mut().chain(line.extra.values_mut()) {
            let clean = self.redactor.clean(value.get());
            // Masking inside of a JSON string leaves JSON; where it does not, the whole value goes.
            *value = serde_json::from_str(&clean).unwrap_or_else(|_| clean.as_str().into());
        }
        line.principal = principal(&self.plugin);
        if line.service.is_empty() {
            line.service.clone_from(&self.plugin);
        }
        self.log.add(line);
        no_content()
    }

    fn publish(&self, mut event: Event) -> Answer {
        event.principal = principal(&self.plugin);
        if event.time == Time::default() {
            event.time = Time::now();
        }
        self.bus.publish(event);
        write(StatusCode::OK, &Error::done())
    }

    fn leave(&self, reason: Error) -> Answered {
        self.leaving.send_replace(Some(reason));
        no_content()
    }

    /// Lists objects where it keeps nobody waiting: they may be all that the store has.
    async fn list(self: &Arc<Self>, prefix: &str, path: &str) -> Answer {
        let _turn = self.listing.lock().await;
        let (this, prefix, path) = (Arc::clone(self), prefix.to_owned(), path.to_owned());
        let listed = spawn_blocking(move || this.list_now(&prefix, &path)).await;
        listed.unwrap_or_else(|_| Err(Error::new(500, "GET", "the list could not be made")))
    }

    /// Lists objects as clients see them. Blocks.
    fn list_now(&self, prefix: &str, path: &str) -> Answer {
        let kind = self.objects.kind(prefix).ok_or_else(|| Error::no_route("GET", path))?;
        let mut objects = self.objects.list(prefix)?;
        for object in &mut objects {
            kind.redact(Arc::make_mut(object));
        }
        write(StatusCode::OK, &objects.iter().map(|object| &**object).collect::<Vec<_>>())
    }
}

/// Who a plugin is, in events and in the log.
pub(crate) fn principal(plugin: &str) -> String {
    format!("plugin:{plugin}")
}

async fn read_bytes(head: &http::request::Parts, body: Incoming) -> Result<Bytes, Error> {
    let refused = |code, text: String| Error::new(code, head.method.as_str(), text);
    let content_type = head.headers.get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default());
    let content_type = content_type.unwrap_or_default();
    if !content_type.to_ascii_lowercase().contains("application/json") {
        return Err(refused(400, format!("Invalid content type: {content_type}")));
    }
    let too_long = || refused(413, format!("the body is over the limit of {} bytes", limits::BODY_BYTES_MAX));
    if body.size_hint().lower() > limits::BODY_BYTES_MAX as u64 {
        return Err(too_long());
    }
    let body = Limited::new(body, limits::BODY_BYTES_MAX).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() { too_long() } else { refused(400, format!("cannot read the body: {error}")) }
    })?;
    Ok(body.to_bytes())
}

fn write<T: Serialize + ?Sized>(status: StatusCode, value: &T) -> Answer {
    let body = serde_json::to_vec(value).map_err(|error| Error::new(500, "API_ERROR", error.to_string()))?;
    Ok((status, body.into()))
}

fn no_content() -> Answered {
    (StatusCode::NO_CONTENT, Bytes::new())
}

fn respond(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    // On a 204 as well: Go clients refuse an answer that does not name its type.
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests;
