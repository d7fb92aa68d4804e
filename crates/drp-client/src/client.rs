//! The handle that everything is asked of.

use std::{fmt, sync::Arc, time::Duration};

use serde::de::DeserializeOwned;

use crate::{
    ClientError, Config, ConfigError, EventTimes, Request, answer, config::reasonable, endpoint::Endpoint,
    login::Login, tls, turns::Turns,
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
    pub(crate) login: Login,
    pub(crate) connect_time: Duration,
    pub(crate) event_times: EventTimes,
    pub(crate) turns: Turns,
    pub(crate) http: reqwest::Client,
    pub(crate) body_bytes_max: usize,
}

impl Client {
    /// A client for this server. Nothing is sent yet: a user is logged in by the first call.
    ///
    /// # Errors
    /// The endpoint or the credentials cannot be used, or the CA file cannot be read.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let endpoint = Endpoint::of(&config)?;
        let tls = tls::client_config(&config.tls, &endpoint)?;
        let http = http_client(&config, &endpoint, &tls).map_err(|error| ConfigError::Setup(Box::new(error)))?;
        let inner = Inner {
            endpoint,
            tls: Arc::new(tls),
            login: Login::new(config.credentials)?,
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
    /// Anything between here and a good answer; see [`ClientErrorKind`](crate::ClientErrorKind).
    pub async fn send<T: DeserializeOwned>(&self, request: Request) -> Result<T, ClientError> {
        let answer = self.exchange(&request).await?;
        answer::decode(&answer.body).map_err(|kind| ClientError::new(request.to_string(), kind))
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
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("endpoint", &self.inner.endpoint.to_string()).finish_non_exhaustive()
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
        // Our own rules say what is sent again (`retry.rs`).
        .retry(reqwest::retry::never())
        .connect_timeout(reasonable(config.connect_time))
        .pool_idle_timeout(IDLE_TIME)
        .user_agent(concat!("drpx/", env!("CARGO_PKG_VERSION")));
    let builder = match endpoint.local_proxy() {
        Some(socket) => builder.unix_socket(socket),
        // As Go does: a proxy has no way to this machine's loopback addresses.
        None if endpoint.is_loopback() => builder.no_proxy(),
        None => builder,
    };
    builder.build()
}

/// Time an unused connection is kept. Short, because a call that meets a server closing it fails.
const IDLE_TIME: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use crate::Credentials;

    use super::*;

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
}
