//! The thin shell that sends what `request.rs` builds and hands what comes back to `answer.rs`.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use drp_core::{chain, limits};
use http::{HeaderMap, HeaderValue, header};
use serde::de::DeserializeOwned;

use crate::{
    BadAnswer, BuildRequestError, ClientError, ClientErrorKind, Config, ConfigError, Credentials, EventTimes, Request,
    answer, backoff::Backoff, config::reasonable, endpoint::Endpoint, error, tls, turns::Turns,
};

/// A session with one server. Clones share connections, credentials and pinned certificates, and cost next to nothing.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
    request_time: Duration,
}

pub(crate) struct Inner {
    pub(crate) endpoint: Endpoint,
    /// Shared by REST and websockets, so that one trust decision holds for both.
    pub(crate) tls: Arc<rustls::ClientConfig>,
    pub(crate) authorization: HeaderValue,
    pub(crate) connect_time: Duration,
    pub(crate) event_times: EventTimes,
    pub(crate) turns: Turns,
    http: reqwest::Client,
    body_bytes_max: usize,
}

impl Client {
    /// A client for this server. Nothing is sent yet.
    ///
    /// # Errors
    /// The endpoint or the credentials cannot be used, or the CA file cannot be read.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let endpoint = Endpoint::parse(&config.endpoint)?;
        let tls = tls::client_config(&config.tls, &endpoint)?;
        let http = http_client(&config, &endpoint, &tls).map_err(|error| ConfigError::Setup(Box::new(error)))?;
        let authorization = authorization(&http, config.credentials)?;
        let inner = Inner {
            endpoint,
            tls: Arc::new(tls),
            authorization,
            connect_time: reasonable(config.connect_time),
            event_times: config.event_times.reasonable(),
            turns: Turns::default(),
            http,
            body_bytes_max: config.body_bytes_max,
        };
        Ok(Self { inner: Arc::new(inner), request_time: reasonable(config.request_time) })
    }

    /// The same session with another time for each call, for instance for an action that takes hours.
    #[must_use]
    pub fn with_request_time(&self, request_time: Duration) -> Self {
        Self { inner: Arc::clone(&self.inner), request_time: reasonable(request_time) }
    }

    /// Sends a call and reads the answer as `T`.
    ///
    /// # Errors
    /// Anything between here and a good answer; see [`ClientErrorKind`].
    pub async fn send<T: DeserializeOwned>(&self, request: Request) -> Result<T, ClientError> {
        let body = self.exchange(&request).await?;
        answer::decode(&body).map_err(|kind| ClientError::new(request.to_string(), kind))
    }

    /// Sends a call whose answer does not matter as long as it is a good one.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_only(&self, request: Request) -> Result<(), ClientError> {
        self.exchange(&request).await.map(drop)
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }

    pub(crate) fn request_time(&self) -> Duration {
        self.request_time
    }

    /// Sends a call, once more where that can do no harm, and gives the body of a good answer.
    async fn exchange(&self, request: &Request) -> Result<Bytes, ClientError> {
        let deadline = Instant::now() + self.request_time;
        let mut backoff = Backoff::new(limits::RETRY_WAIT_MIN, limits::RETRY_WAIT_MAX);
        let mut tries = 1;
        loop {
            let failure = match self.attempt(request, deadline).await {
                Ok(body) => return Ok(body),
                Err(failure) => failure,
            };
            let wait = failure
                .wait_before_repeating(request, &mut backoff)
                .filter(|&wait| tries < limits::REQUEST_TRIES_MAX && Instant::now() + wait < deadline);
            let Some(wait) = wait else {
                return Err(ClientError::new(request.to_string(), failure.kind));
            };
            tracing::debug!(%request, ?wait, reason = chain(&failure.kind), "request is repeated");
            tokio::time::sleep(wait).await;
            tries += 1;
        }
    }

    async fn attempt(&self, request: &Request, deadline: Instant) -> Result<Bytes, Failure> {
        let transport = |error| error::transport(error, self.request_time);
        let mut sent = self.prepare(request)?;
        *sent.timeout_mut() = Some(deadline.saturating_duration_since(Instant::now()));

        let response = self.inner.http.execute(sent).await.map_err(transport)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = self.read_body(response).await?;
        answer::check(status, &headers, &body)
            .map(|()| body)
            .map_err(|kind| Failure { kind, retry_after: answer::retry_after(&headers) })
    }

    /// A call as the HTTP library sends it, with credentials and without a time limit.
    pub(crate) fn prepare(&self, request: &Request) -> Result<reqwest::Request, ClientErrorKind> {
        let built = request.to_http(&self.inner.endpoint.api()).map_err(ClientErrorKind::Build)?;
        let no_url = |error| ClientErrorKind::Build(BuildRequestError::Url(Box::new(error)));
        let mut sent = reqwest::Request::try_from(built).map_err(no_url)?;
        sent.headers_mut().insert(header::AUTHORIZATION, self.inner.authorization.clone());
        Ok(sent)
    }

    async fn read_body(&self, mut response: reqwest::Response) -> Result<Bytes, ClientErrorKind> {
        let limit = self.inner.body_bytes_max;
        let mut body = BytesMut::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if chunk.len() > limit - body.len() => return Err(BadAnswer::TooLarge(limit).into()),
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => return Ok(body.freeze()),
                Err(error) if error.is_timeout() => return Err(ClientErrorKind::Timeout(self.request_time)),
                Err(error) => return Err(BadAnswer::Truncated(Box::new(error.without_url())).into()),
            }
        }
    }
}

impl Inner {
    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.http
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("endpoint", &self.inner.endpoint.to_string()).finish_non_exhaustive()
    }
}

/// One try that failed.
struct Failure {
    kind: ClientErrorKind,
    retry_after: Option<Duration>,
}

impl From<ClientErrorKind> for Failure {
    fn from(kind: ClientErrorKind) -> Self {
        Self { kind, retry_after: None }
    }
}

impl Failure {
    /// How long to wait before sending `request` once more, or `None` where that would help nobody or might do
    /// something twice. A DELETE is not repeated either: its second answer would deny what the first one did.
    fn wait_before_repeating(&self, request: &Request, backoff: &mut Backoff) -> Option<Duration> {
        let asked = || self.retry_after.filter(|&wait| wait <= limits::RETRY_AFTER_MAX);
        match &self.kind {
            ClientErrorKind::Connect(_) => Some(backoff.next_wait()),
            ClientErrorKind::Disconnected(_) | ClientErrorKind::BadAnswer(BadAnswer::Truncated(_)) => {
                request.is_read().then(|| backoff.next_wait())
            }
            ClientErrorKind::Status { status: 429, .. } => asked(),
            ClientErrorKind::Status { status: 503, .. } if request.is_read() => asked(),
            _ => None,
        }
    }
}

fn http_client(
    config: &Config,
    endpoint: &Endpoint,
    tls: &rustls::ClientConfig,
) -> Result<reqwest::Client, reqwest::Error> {
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls.clone())
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(reasonable(config.connect_time))
        .pool_idle_timeout(IDLE_TIME)
        .user_agent(concat!("drpx/", env!("CARGO_PKG_VERSION")));
    // As Go does: a proxy has no way to this machine's loopback addresses.
    let builder = if endpoint.is_loopback() { builder.no_proxy() } else { builder };
    builder.build()
}

/// Time an unused connection is kept. Short, because a call that meets a server closing it fails.
const IDLE_TIME: Duration = Duration::from_secs(15);

fn authorization(http: &reqwest::Client, credentials: Credentials) -> Result<HeaderValue, ConfigError> {
    // The HTTP library knows how to spell credentials; a request that is never sent makes it do so.
    let request = http.get("http://unsent");
    let request = match credentials {
        Credentials::Token(token) => request.bearer_auth(token.expose()),
        Credentials::UserPassword(name, password) => request.basic_auth(name, Some(password.expose())),
    };
    let mut headers: HeaderMap = request.build().map_err(|_| ConfigError::Credentials)?.headers().clone();
    headers.remove(header::AUTHORIZATION).ok_or(ConfigError::Credentials)
}

#[cfg(test)]
mod tests {
    use drp_core::Error;

    use super::*;

    #[test]
    fn only_what_can_do_no_harm_is_sent_again() {
        let status = |status, retry_after: Option<u64>| Failure {
            kind: ClientErrorKind::Status { status, error: Box::new(Error::default()) },
            retry_after: retry_after.map(Duration::from_secs),
        };
        let broken = || Failure::from(ClientErrorKind::Disconnected("reset".into()));
        let unreached = || Failure::from(ClientErrorKind::Connect("refused".into()));
        let read = Request::info().unwrap();
        let write = Request::set_param("machines", "x", "y", &1).unwrap();
        let check = |failure: Failure, request: &Request, expected: bool| {
            let mut backoff = Backoff::new(Duration::ZERO, Duration::ZERO);
            let wait = failure.wait_before_repeating(request, &mut backoff);
            assert_eq!(wait.is_some(), expected, "{request} after {:?}", failure.kind);
        };
        check(unreached(), &read, true);
        check(unreached(), &write, true);
        check(broken(), &read, true);
        check(broken(), &write, false);
        check(broken(), &Request::delete("machines", "x").unwrap(), false);
        check(status(429, Some(1)), &write, true);
        check(status(429, None), &read, false);
        check(status(429, Some(3600)), &read, false);
        check(status(503, Some(1)), &read, true);
        check(status(503, Some(1)), &write, false);
        check(status(500, Some(1)), &read, false);
        check(Failure::from(ClientErrorKind::Timeout(Duration::ZERO)), &read, false);
    }

    #[tokio::test]
    async fn times_beyond_all_clocks_do_no_harm() {
        let mut config = Config::new("http://127.0.0.1:1", Credentials::Token("abc".into()));
        config.request_time = Duration::MAX;
        config.event_times.ping = Duration::ZERO;
        let client = Client::new(config).unwrap();
        assert!(client.info().await.is_err());
        assert!(client.with_request_time(Duration::ZERO).info().await.is_err());
        assert!(!client.inner.event_times.ping.is_zero());
    }

    #[test]
    fn credentials_are_spelled_for_the_wire_and_stay_hidden() {
        let config = Config::new("https://h:1", Credentials::Token("abc".into()));
        let client = Client::new(config).unwrap();
        assert_eq!(client.inner.authorization, "Bearer abc");
        assert!(client.inner.authorization.is_sensitive());
        let password = crate::Secret::new("r0cketsk8ts");
        let config = Config::new("https://h:1", Credentials::UserPassword("rocketskates".to_owned(), password));
        let client = Client::new(config).unwrap();
        assert_eq!(client.inner.authorization, "Basic cm9ja2V0c2thdGVzOnIwY2tldHNrOHRz");
        let config = Config::new("https://h:1", Credentials::Token("a\nb".into()));
        assert!(matches!(Client::new(config), Err(ConfigError::Credentials)));
    }
}
