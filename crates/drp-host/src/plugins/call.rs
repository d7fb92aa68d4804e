//! Calls from the host to a running plugin: plain HTTP on its own socket, with connections that are kept.

use std::{io, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use drp_core::{Action, Error, Event, Params, Raw, chain, contract, json, limits};
use futures_util::future::BoxFuture;
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Body as _;
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioIo},
};
use tokio::{net::UnixStream, sync::watch, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{output::cut_at, redact::Redactor};
use crate::{
    Recorder,
    trace::{Dir, Recorded},
};

/// Bytes of an answer that is no JSON which are shown in an error.
const SHOWN_BYTES_MAX: usize = 1024;

/// Why a call had no good answer.
#[derive(Debug)]
pub(crate) enum CallError {
    /// The plugin said no, in its own words.
    Refused(Error),
    /// There was no answer, or none that can be used.
    Failed(String),
    /// There was no answer in time.
    Slow(Duration),
    /// The plugin was stopped or ended meanwhile.
    Ended,
}

impl CallError {
    /// The error for whoever asked: the plugin's own, else what went wrong with it while it was asked `what`.
    pub(crate) fn into_wire(self, plugin: &str, what: &str) -> Error {
        let host = |code, text: String| Error::new(code, "INVOKE", text);
        match self {
            Self::Refused(error) => error,
            Self::Failed(text) => host(502, format!("Plugin {plugin} did not answer {what}: {text}")),
            Self::Slow(limit) => host(504, format!("Plugin {plugin} did not answer {what} within {limit:?}")),
            Self::Ended => host(503, format!("Plugin {plugin} ended before it answered {what}")),
        }
    }
}

/// Calls one run of a plugin. Actions count as in flight, so that a stop can wait for them.
#[derive(Debug)]
pub(crate) struct PluginCaller {
    plugin: String,
    redactor: Arc<Redactor>,
    socket: Arc<Path>,
    client: Client<SocketConnector, Full<Bytes>>,
    in_flight: watch::Sender<InFlight>,
    recorder: Option<Recorder>,
    ended: CancellationToken,
}

#[derive(Debug, Default)]
struct InFlight {
    calls: usize,
    refused: bool,
}

/// An action that counts as in flight as long as this lives.
#[derive(Debug)]
pub(crate) struct Reservation(Arc<PluginCaller>);

impl PluginCaller {
    /// A caller of the plugin `plugin` that listens at `socket`; `redactor` is that of its log.
    pub(crate) fn new(plugin: &str, socket: &Path, redactor: Arc<Redactor>) -> Self {
        let socket: Arc<Path> = socket.into();
        Self {
            plugin: plugin.to_owned(),
            redactor,
            client: Client::builder(TokioExecutor::new()).build(SocketConnector(Arc::clone(&socket))),
            socket,
            in_flight: watch::Sender::default(),
            recorder: None,
            ended: CancellationToken::new(),
        }
    }

    /// The same one, whose calls are recorded.
    pub(crate) fn recorded(self, recorder: Option<Recorder>) -> Self {
        Self { recorder, ..self }
    }

    /// The name of the plugin.
    pub(crate) fn plugin(&self) -> &str {
        &self.plugin
    }

    /// Where it listens.
    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Cancelled when nothing more is to be had from it.
    pub(super) fn ended(&self) -> &CancellationToken {
        &self.ended
    }

    /// Keeps a value that goes out in an action from coming back in the log.
    pub(crate) fn hide(&self, value: &Raw) {
        self.redactor.add_passing(value);
        if let Some(recorder) = &self.recorder {
            recorder.hide(value);
        }
    }

    /// Gives the plugin its configuration.
    pub(crate) async fn config(&self, params: &Params, limit: Duration) -> Result<(), CallError> {
        self.post(contract::CONFIG_PATH, params, Some(limit)).await.map(drop).map_err(unwrap_refusal)
    }

    /// Tells the plugin to end. Go plugins exit before their answer is out, so a broken connection is a success.
    pub(crate) async fn stop(&self, limit: Duration) -> Result<(), CallError> {
        match self.send(contract::STOP_PATH, Bytes::from_static(b"null"), Some(limit)).await {
            Err(Sent::Broken(_)) => Ok(()),
            Err(Sent::Error(error)) => Err(error),
            Ok((status, body)) => read_answer(status, &body).map(drop),
        }
    }

    /// Runs an action, without a time limit unless there is one in `limit`.
    pub(crate) async fn action(&self, action: &Action, limit: Option<Duration>) -> Result<Raw, CallError> {
        self.post(contract::ACTION_PATH, action, limit).await
    }

    /// Hands an event to a plugin that has it the old way.
    pub(crate) async fn publish(&self, event: &Event, limit: Duration) -> Result<(), CallError> {
        self.post(contract::PUBLISH_PATH, event, Some(limit)).await.map(drop).map_err(unwrap_refusal)
    }

    /// Counts one more action in flight; `None` where the plugin is about to stop.
    pub(crate) fn reserve(self: &Arc<Self>) -> Option<Reservation> {
        let counted = self.in_flight.send_if_modified(|in_flight| {
            in_flight.calls += usize::from(!in_flight.refused);
            !in_flight.refused
        });
        counted.then(|| Reservation(self.clone()))
    }

    /// Takes no more actions, and waits up to `limit` for those in flight; then they fail.
    pub(crate) async fn drain(&self, limit: Duration) {
        self.in_flight.send_modify(|in_flight| in_flight.refused = true);
        let mut in_flight = self.in_flight.subscribe();
        if timeout(limit, in_flight.wait_for(|in_flight| in_flight.calls == 0)).await.is_err() {
            self.fail_all();
        }
    }

    /// Takes no more actions; those in flight fail now.
    pub(crate) fn fail_all(&self) {
        self.in_flight.send_modify(|in_flight| in_flight.refused = true);
        self.ended.cancel();
    }

    async fn post<T: serde::Serialize>(
        &self,
        path: &'static str,
        body: &T,
        limit: Option<Duration>,
    ) -> Result<Raw, CallError> {
        let body = serde_json::to_vec(body).map_err(|error| CallError::Failed(error.to_string()))?;
        let answer = self.send(path, body.into(), limit);
        tokio::select! {
            answer = answer => match answer {
                Ok((status, body)) => read_answer(status, &body).map_err(|error| self.without_secrets(error)),
                Err(Sent::Broken(text)) => Err(CallError::Failed(text)),
                Err(Sent::Error(error)) => Err(error),
            },
            () = self.ended.cancelled() => Err(CallError::Ended),
        }
    }

    /// An error goes to logs and to whoever asked; what the plugin was told in confidence does not.
    fn without_secrets(&self, error: CallError) -> CallError {
        match error {
            CallError::Refused(mut error) => {
                // A list that is null stays null.
                if !error.messages.is_empty() {
                    error.messages.iter_mut().for_each(|text| *text = self.redactor.clean(text));
                }
                CallError::Refused(error)
            }
            CallError::Failed(text) => CallError::Failed(self.redactor.clean(&text)),
            other => other,
        }
    }

    /// Posts a body as it is and gives the answer as it is.
    ///
    /// # Errors
    /// There is no answer.
    pub(crate) async fn exchange(
        &self,
        path: &str,
        body: Bytes,
        limit: Duration,
    ) -> Result<(StatusCode, Bytes), CallError> {
        self.exchange_within(path, body, Some(limit)).await.map_err(|error| match error {
            Sent::Broken(text) => CallError::Failed(text),
            Sent::Error(error) => error,
        })
    }

    async fn send(
        &self,
        path: &'static str,
        body: Bytes,
        limit: Option<Duration>,
    ) -> Result<(StatusCode, Bytes), Sent> {
        let recorder = self.recorder.as_ref();
        let exchange = recorder.map(|recorder| recorder.begin(Dir::ToPlugin, &self.plugin, "POST", path));
        exchange.sent(&body);
        let answer = self.exchange_within(path, body, limit).await;
        if let Ok((status, body)) = &answer {
            exchange.answered(status.as_u16(), body);
        }
        answer
    }

    async fn exchange_within(
        &self,
        path: &str,
        body: Bytes,
        limit: Option<Duration>,
    ) -> Result<(StatusCode, Bytes), Sent> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = Uri::builder()
            .scheme("http")
            .authority("unix")
            .path_and_query(path)
            .build()
            .map_err(|error| Sent::Error(CallError::Failed(error.to_string())))?;
        request.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        let exchange = async {
            let response = self.client.request(request).await.map_err(|error| {
                let text = chain(&error);
                if error.is_connect() { Sent::Error(CallError::Failed(text)) } else { Sent::Broken(text) }
            })?;
            let status = response.status();
            let too_long = || {
                let text = format!("its answer is over the limit of {} bytes", limits::BODY_BYTES_MAX);
                Sent::Error(CallError::Failed(text))
            };
            if response.body().size_hint().lower() > limits::BODY_BYTES_MAX as u64 {
                return Err(too_long());
            }
            match Limited::new(response.into_body(), limits::BODY_BYTES_MAX).collect().await {
                Ok(body) => Ok((status, body.to_bytes())),
                Err(error) if error.is::<LengthLimitError>() => Err(too_long()),
                Err(error) => Err(Sent::Broken(chain(&*error))),
            }
        };
        match limit {
            None => exchange.await,
            Some(limit) => timeout(limit, exchange).await.unwrap_or(Err(Sent::Error(CallError::Slow(limit)))),
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.0.in_flight.send_modify(|in_flight| in_flight.calls = in_flight.calls.saturating_sub(1));
    }
}

/// How an exchange failed.
enum Sent {
    /// The connection broke after it was made.
    Broken(String),
    /// Anything else.
    Error(CallError),
}

/// Reads an answer: any JSON, or the plugin's error.
fn read_answer(status: StatusCode, body: &[u8]) -> Result<Raw, CallError> {
    let code = status.as_u16();
    if code >= 400 {
        return Err(CallError::Refused(read_error(code, body)));
    }
    if code >= 300 {
        return Err(CallError::Failed(format!("it answered with status {code}")));
    }
    if body.is_empty() {
        return Ok(Raw::null());
    }
    json::parse(body).map_err(|error| CallError::Failed(format!("its answer is not JSON ({error}): {}", shown(body))))
}

/// The error of an answer with an error's status, whatever its body is.
fn read_error(status: u16, body: &[u8]) -> Error {
    let mut error = match json::parse::<Error>(body) {
        Ok(error) if error.code != 0 || !error.messages.is_empty() => error,
        _ => Error::new(status, "INVOKE", format!("Raw response: {}", shown(body))),
    };
    if error.code < 400 {
        error.code = status.into();
    }
    error
}

/// Takes a refusal of config or publish out of the wrapping of Go plugins.
fn unwrap_refusal(error: CallError) -> CallError {
    match error {
        CallError::Refused(error) => CallError::Refused(unwrap_double(error)),
        other => other,
    }
}

/// The error that a Go plugin has put, as JSON text, into the only message of another one (`models.md` §6).
fn unwrap_double(error: Error) -> Error {
    let inner = match error.messages.as_slice() {
        [text] if error.type_.is_empty() && error.model.is_empty() && error.key.is_empty() => {
            json::parse::<Error>(text.as_bytes()).ok()
        }
        _ => None,
    };
    match inner {
        Some(inner) if !inner.messages.is_empty() || !inner.type_.is_empty() => {
            Error { code: if inner.code < 400 { error.code } else { inner.code }, ..inner }
        }
        _ => error,
    }
}

fn shown(body: &[u8]) -> String {
    cut_at(&String::from_utf8_lossy(body), SHOWN_BYTES_MAX)
}

/// Connects to the socket, whatever host the request names.
#[derive(Clone, Debug)]
struct SocketConnector(Arc<Path>);

impl tower_service::Service<Uri> for SocketConnector {
    type Response = TokioIo<UnixStream>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let path = self.0.clone();
        Box::pin(async move {
            let stream = timeout(limits::CONNECT_TIME, UnixStream::connect(&path)).await??;
            Ok(TokioIo::new(stream))
        })
    }
}

#[cfg(test)]
mod tests;
