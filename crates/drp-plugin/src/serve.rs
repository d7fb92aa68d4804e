//! Requests of the host: config, action, publish and stop.

use std::{
    future::Future,
    panic::AssertUnwindSafe,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use drp_client::{Client, Config, EventStream};
use drp_core::{Action, Error as WireError, Event, Level, Params, Raw, contract, json, limits};
use futures_util::FutureExt;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::{Mutex, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{Instrument, Span};

use crate::{
    Context, Error, Provider, Result,
    configure::Configured,
    context::Call,
    error::chain,
    event,
    handler::{ActionHandler, Prepared},
    log::{Republish, open_scope},
    target::guess_model,
};

/// One running plugin.
pub(crate) struct Service<S> {
    pub(crate) provider: Provider<S>,
    configured: ArcSwapOption<Configured<S>>,
    client: OnceLock<Client>,
    /// One configuration at a time, in the order of their arrival.
    configuring: Mutex<Listening>,
    last_config: AtomicU64,
    stopping: AtomicBool,
    /// Turns when calls that are still running have to end.
    pub(crate) cancelled: CancellationToken,
    /// Every call, whether or not its caller still waits.
    pub(crate) calls: TaskTracker,
    /// Somebody asked the plugin to stop.
    pub(crate) stop_asked: CancellationToken,
    /// The plugin has stopped.
    pub(crate) stopped: watch::Sender<bool>,
}

impl<S: Send + Sync + 'static> Service<S> {
    pub(crate) fn new(provider: Provider<S>) -> Self {
        Self {
            provider,
            configured: ArcSwapOption::empty(),
            client: OnceLock::new(),
            configuring: Mutex::new(Listening::NotYet),
            last_config: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
            cancelled: CancellationToken::new(),
            calls: TaskTracker::new(),
            stop_asked: CancellationToken::new(),
            stopped: watch::Sender::new(false),
        }
    }

    /// Answers one request. Whatever goes wrong, there is an answer.
    pub(crate) async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let started = Instant::now();
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let answer = match self.route(request).await {
            Ok(body) => respond(StatusCode::OK, body),
            Err(Refused::Moved(location)) => moved(&location),
            Err(Refused::With(error)) => respond_with_error(&error),
        };
        tracing::debug!("API: st: {} lt: {:?} m: {method} {path}", answer.status().as_u16(), started.elapsed());
        answer
    }

    async fn route(self: Arc<Self>, request: Request<Incoming>) -> Result<Bytes, Refused> {
        let path = request.uri().path();
        if let Some(location) = cleaned(path) {
            return Err(Refused::Moved(location));
        }
        let known = match path {
            contract::CONFIG_PATH | contract::ACTION_PATH | contract::STOP_PATH => true,
            contract::PUBLISH_PATH => self.provider.publish.is_some(),
            _ => false,
        };
        if !known || request.method() != Method::POST {
            return Err(WireError::no_route(request.method().as_str(), path).into());
        }
        check_content_type(request.headers())?;
        let (head, body) = request.into_parts();
        let body = read_body(body).await?;
        let republish = if head.uri.path() == contract::PUBLISH_PATH { Republish::Never } else { Republish::Yes };
        let span = open_scope(republish, asked_level(&head.headers));
        span.in_scope(|| log_token(&head.headers));
        match head.uri.path() {
            contract::CONFIG_PATH => self.config(&body, span).await.map(|()| done()),
            contract::ACTION_PATH => self.action(&body, span).await,
            contract::PUBLISH_PATH => self.publish(&body, span).await.map(|()| done()),
            _ => {
                self.stop().await;
                Ok(done())
            }
        }
    }

    async fn config(self: Arc<Self>, body: &[u8], log: Span) -> Result<(), Refused> {
        let params: Params = parse(body)?;
        self.check_running()?;
        let ticket = self.last_config.fetch_add(1, Ordering::SeqCst) + 1;
        let mut listening = self.configuring.lock().await;
        if ticket < self.last_config.load(Ordering::SeqCst) {
            return Err(self.error(Error::new(409, "overtaken by a later configuration")));
        }
        let plugin: Arc<str> = self.provider.plugin_name(&params).into();
        let call = self.call(&plugin, log.clone()).map_err(|error| self.error(error))?;
        let configured = self.provider.configure.configure(call, &params).instrument(log.clone());
        let configured = self.contain("configure", configured).await;
        let configured = configured.map_err(|error| self.error(error.in_configure()))?;
        let stream = self.open_event_stream(*listening).await.map_err(|error| self.error(error))?;
        self.configured.store(Some(Arc::new(configured)));
        if let Some(stream) = stream {
            *listening = Listening::Yes;
            self.calls.spawn(event::dispatch(Arc::clone(&self), stream));
        }
        log.in_scope(|| tracing::info!(plugin = &*plugin, "configured"));
        Ok(())
    }

    /// Registers the provider's selectors at the first configuration. They stay registered for the life of the
    /// process, so that no event falls between two configurations.
    async fn open_event_stream(&self, listening: Listening) -> Result<Option<EventStream>> {
        if listening == Listening::Yes || self.provider.events.is_empty() {
            return Ok(None);
        }
        let selectors = self.provider.events.iter().map(|(selector, _)| selector.clone()).collect();
        let stream = self.client()?.events(selectors).await;
        stream.map(Some).map_err(|error| Error::from(error).context("unable to create event stream").with_code(500))
    }

    async fn action(self: Arc<Self>, body: &[u8], log: Span) -> Result<Bytes, Refused> {
        let action: Action = parse(body)?;
        self.check_running()?;
        let configured = self.configured()?;
        let handler = self.choose(&action)?;
        let cancelled = self.cancelled.child_token();
        let deadline = self.provider.action_time.map(|limit| Instant::now() + limit);
        let mut call = self.call(&configured.plugin, log.clone()).map_err(|error| self.error(error))?;
        call.cancelled = cancelled.clone();
        call.deadline = deadline;
        let context = Context::of_call(Arc::clone(&configured.state), call);
        let prepared = log.in_scope(|| handler.prepare(context, &action)).map_err(|error| self.error(error))?;
        let Prepared { run, secrets } = prepared;
        let limited = async move {
            // Held until the handler has ended and its answer has been redacted.
            let _held = (configured, secrets);
            let result = end_in_time(run, &cancelled, deadline).await;
            cancelled.cancel();
            result
        };
        let name = format!("action `{}`", action.command);
        let result = self.contain(&name, limited.instrument(log)).await;
        let value = result.map_err(|error| self.error(error))?;
        Ok(Bytes::copy_from_slice(value.get().as_bytes()))
    }

    fn choose(&self, action: &Action) -> Result<&dyn ActionHandler<S>, Refused> {
        let mut handlers = self.provider.find_action(&action.command, &action.command_set);
        if handlers.is_empty()
            && action.command_set.is_empty()
            && let Some(model) = guess_model(&action.model)
        {
            handlers = self.provider.find_action(&action.command, &model);
        }
        match handlers.as_slice() {
            [handler] => Ok(*handler),
            // The line end is what Go providers answer and clients have been seen to compare.
            _ => Err(self.error(Error::new(404, format!("Unknown command: {}\n", action.command)))),
        }
    }

    async fn publish(&self, body: &[u8], log: Span) -> Result<(), Refused> {
        let event: Event = parse(body)?;
        self.check_running()?;
        let configured = self.configured()?;
        let Some(handler) = &self.provider.publish else { return Ok(()) };
        let call = self.call(&configured.plugin, log.clone()).map_err(|error| self.error(error))?;
        let handled = handler(Context::of_call(Arc::clone(&configured.state), call), event);
        let cancelled = self.cancelled.clone();
        let handled = async move { end_in_time(handled, &cancelled, None).await };
        self.contain("publish", handled.instrument(log)).await.map_err(|error| self.error(error))
    }

    async fn stop(&self) {
        self.stop_asked.cancel();
        // The sender lives as long as the service, so waiting cannot fail.
        let _ = self.stopped.subscribe().wait_for(|stopped| *stopped).await;
    }

    /// From now on everything but stop is answered with 503.
    pub(crate) fn refuse_new_calls(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.calls.close();
    }

    pub(crate) async fn run_stop_hook(&self) {
        let (Some(hook), Some(configured)) = (&self.provider.on_stop, self.configured.load_full()) else { return };
        let log = open_scope(Republish::Yes, None);
        let Ok(call) = self.call(&configured.plugin, log.clone()) else { return };
        let hook = hook(Context::of_call(Arc::clone(&configured.state), call)).instrument(log);
        if let Err(error) = self.contain("the stop hook", hook).await {
            tracing::error!("stop hook failed: {error}");
        }
    }

    /// Runs in a task of its own, so that a caller who hangs up does not end it half-way.
    async fn contain<T: Send + 'static>(
        &self,
        what: &str,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let what: Arc<str> = what.into();
        match self.calls.spawn(contain_panic(Arc::clone(&what), work)).await {
            Ok(result) => result,
            Err(_) => Err(Error::new(503, format!("{what} was cancelled: the plugin stopped"))),
        }
    }

    pub(crate) fn call(&self, plugin: &Arc<str>, log: Span) -> Result<Call> {
        Ok(Call {
            plugin: Arc::clone(plugin),
            client: self.client()?.clone(),
            log,
            cancelled: self.cancelled.clone(),
            deadline: None,
        })
    }

    fn client(&self) -> Result<&Client> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let config = Config::from_env().map_err(|error| Error::bad_request(chain(&error)))?;
        let client = Client::new(config).map_err(|error| Error::bad_request(chain(&error)))?;
        Ok(self.client.get_or_init(|| client))
    }

    pub(crate) fn configured(&self) -> Result<Arc<Configured<S>>, Refused> {
        let none = || self.error(Error::new(409, "the plugin has not been configured yet"));
        self.configured.load_full().ok_or_else(none)
    }

    fn check_running(&self) -> Result<(), Refused> {
        if self.stopping.load(Ordering::SeqCst) {
            return Err(self.error(Error::new(503, "the plugin is stopping")));
        }
        Ok(())
    }

    fn error(&self, error: Error) -> Refused {
        Refused::With(error.into_wire(&self.provider.name))
    }
}

/// Whether the event stream has been opened.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Listening {
    NotYet,
    Yes,
}

/// Why a request is not served.
pub(crate) enum Refused {
    With(WireError),
    /// The path is not clean: Go's router sends callers to the clean one (`vectors/wire/listen-incrementer.jsonl`).
    Moved(String),
}

impl From<WireError> for Refused {
    fn from(error: WireError) -> Self {
        Self::With(error)
    }
}

/// The result of a handler, unless it has to end before.
pub(crate) async fn end_in_time<T>(
    work: impl Future<Output = Result<T>>,
    cancelled: &CancellationToken,
    deadline: Option<Instant>,
) -> Result<T> {
    let too_late = async {
        match deadline {
            Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        result = work => result,
        () = cancelled.cancelled() => Err(Error::new(503, "cancelled: the plugin is stopping")),
        () = too_late => Err(Error::new(504, "cancelled: the time limit of the action has passed")),
    }
}

/// A panic ends here: the caller gets a 500, the log the reason, and everybody else goes on.
pub(crate) async fn contain_panic<T>(what: Arc<str>, work: impl Future<Output = Result<T>>) -> Result<T> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no text)");
        tracing::error!("{what} panicked: {text}");
        Err(Error::new(500, format!("{what} panicked; the log says more")))
    })
}

fn check_content_type(headers: &HeaderMap) -> Result<(), WireError> {
    let content_type = headers.get(header::CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let content_type = content_type.unwrap_or_default();
    if content_type.to_ascii_lowercase().contains("application/json") {
        return Ok(());
    }
    Err(WireError::new(400, "POST", format!("Invalid content type: {content_type}")))
}

async fn read_body(body: Incoming) -> Result<Bytes, WireError> {
    let limited = Limited::new(body, limits::BODY_BYTES_MAX).collect();
    match tokio::time::timeout(limits::REQUEST_TIME, limited).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(WireError::new(413, "POST", format!("the body is over the limit of {} bytes", limits::BODY_BYTES_MAX)))
        }
        Ok(Err(error)) => Err(WireError::new(400, "POST", format!("the body was cut: {error}"))),
        Err(_) => {
            Err(WireError::new(408, "POST", format!("the body did not arrive within {:?}", limits::REQUEST_TIME)))
        }
    }
}

fn parse<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T, WireError> {
    json::parse_or_default(body).map_err(|error| WireError::new(400, "POST", error.to_string()))
}

/// The level that the request wants to be logged at (`models.md` §8.4).
fn asked_level(headers: &HeaderMap) -> Option<Level> {
    let asked = headers.get(contract::LOG_REQUEST_HEADER)?.to_str().unwrap_or("?");
    match asked.parse() {
        Ok(level) => Some(level),
        Err(_) => {
            tracing::error!("Invalid requested log level {asked}");
            None
        }
    }
}

fn log_token(headers: &HeaderMap) {
    let token = headers.get(contract::LOG_TOKEN_HEADER).and_then(|value| value.to_str().ok());
    if let Some(token) = token.filter(|token| !token.is_empty()) {
        tracing::error!("Log token: {token}");
    }
}

/// Where a path that is not clean leads: without doubled slashes, `.` and `..`.
fn cleaned(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let end = if path.ends_with('/') && !parts.is_empty() { "/" } else { "" };
    let clean = format!("/{}{end}", parts.join("/"));
    (clean != path).then_some(clean)
}

fn done() -> Bytes {
    write(&WireError::done())
}

fn write<T: Serialize>(value: &T) -> Bytes {
    Raw::new(value).unwrap_or_default().get().as_bytes().to_vec().into()
}

fn respond(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

fn respond_with_error(error: &WireError) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    respond(status, write(error))
}

fn moved(location: &str) -> Response<Full<Bytes>> {
    let mut response = respond(StatusCode::MOVED_PERMANENTLY, Bytes::new());
    if let Ok(location) = location.parse() {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_that_are_not_clean_are_moved() {
        let check = |path: &str, expected: Option<&str>| assert_eq!(cleaned(path).as_deref(), expected, "{path}");
        check("/api-plugin/v4/action", None);
        check("/api-plugin/v4/action/", None);
        check("/", None);
        check("/api-plugin/v4//action", Some("/api-plugin/v4/action"));
        check("/api-plugin/v4/x/../action", Some("/api-plugin/v4/action"));
        check("/../..", Some("/"));
    }
}
