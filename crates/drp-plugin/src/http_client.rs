//! A client for whatever a provider controls: a device, or a service with an HTTP API.

mod address;
mod answer;
mod builder;
mod failure;
mod redirect;
mod request;
mod send;
mod trust;

use std::{fmt, sync::Arc, time::Duration};

use http::{HeaderMap, Method};

pub use self::{
    answer::HttpAnswer,
    builder::HttpClientBuilder,
    request::HttpRequest,
    trust::{ParseTlsTrustError, TlsTrust},
};

use self::address::Base;
use crate::redact::SecretsInUse;

/// A client of one HTTP server that is not DRP's: the controller of a machine, an inventory, a chat.
///
/// It is bound to one base URL, and what it sends never goes to another server. Make it in `configure` and keep it in
/// the state; it is `Send`, `Sync`, and cheap to clone.
///
/// ```
/// use drp_plugin::{Context, HttpClient, Machine, NoParams, Result, Secure, TlsTrust};
/// use schemars::JsonSchema;
/// use serde::Deserialize;
///
/// #[derive(Deserialize, JsonSchema)]
/// struct Config {
///     /// Base URL of the inventory, such as `https://inventory.example/api`.
///     #[serde(rename = "inventory/url")]
///     url: String,
///     /// Token of its API.
///     #[serde(rename = "inventory/token")]
///     token: Secure<String>,
///     /// Whose certificate is believed.
///     #[serde(rename = "inventory/tls", default)]
///     tls: TlsTrust,
/// }
///
/// async fn configure(_context: Context<()>, config: Config) -> Result<HttpClient> {
///     HttpClient::builder(&config.url).bearer(config.token).tls(config.tls).build()
/// }
///
/// #[derive(Deserialize)]
/// struct Devices {
///     count: u64,
/// }
///
/// /// How many devices of the machine's name there are.
/// async fn count(context: Context<HttpClient>, machine: Machine, _params: NoParams) -> Result<u64> {
///     let devices: Devices = context.state().get("dcim/devices/").query("name", &machine.name).send().await?.json()?;
///     Ok(devices.count)
/// }
/// # drp_plugin::Provider::new("inventory", "v1").configure(configure).action("count", count).definition().unwrap();
/// ```
///
/// # What it holds to
/// * A call with its repetitions and redirects has [half a minute](drp_core::limits::HTTP_CALL_TIME), of which each
///   connection may take [10 s](drp_core::limits::CONNECT_TIME). It ends at once with the handler that makes it: at the
///   deadline of its action, when the plugin stops, or when its future is dropped.
/// * A body has at most [8 MiB](drp_core::limits::HTTP_BODY_BYTES_MAX), unpacked.
/// * Certificates are verified: with the system's roots, or as [`tls`](HttpClientBuilder::tls) says.
/// * A call is made again when it never reached the server; when the server is too busy for it (429); and, if it only
///   reads or is [idempotent](HttpRequest::idempotent), when the connection broke or the answer is 500, 502, 503 or
///   504. That is four tries at most, with growing waits between them or those of `Retry-After`, up to
///   [10 s](drp_core::limits::RETRY_AFTER_MAX). A write that may have been carried out is never made again.
/// * Redirects are followed within the server only, and never turn a write into a read.
/// * There are no cookies: a session's token is a [secret header](HttpRequest::secret_header).
///
/// # Errors
/// An answer with a status of 400 or more is an error. It says what was asked of which URL, the status and how the
/// body begins; [`Error::upstream_status`](crate::Error::upstream_status) has the status. The provider's caller gets a
/// 502; a 504 if the server did not answer in time, and a 503 if it is too busy (429 and 503).
/// [`Error::may_pass`](crate::Error::may_pass) tells whether the call may be made again, so
/// [`Retry`](crate::Retry) can stand around calls.
///
/// No error, log line or `Debug` text shows a query, or a secret that is in use in this process; those that a client
/// was given count as long as it lives. Each exchange is a log line of level debug.
#[derive(Clone)]
pub struct HttpClient(Arc<Settings>);

/// What all calls of a client have in common.
struct Settings {
    http: reqwest::Client,
    base: Base,
    headers: HeaderMap,
    call_time: Duration,
    body_bytes_max: usize,
    tries: u32,
    /// Cut out of texts for as long as somebody may send them.
    _secrets: SecretsInUse,
}

impl HttpClient {
    /// A client of the server at this URL: `https://HOST[:PORT][/PATH]`, without credentials and query.
    ///
    /// Plain `http` is for loopback addresses, unless [said otherwise](HttpClientBuilder::allow_plain_http).
    pub fn builder(base: &str) -> HttpClientBuilder {
        HttpClientBuilder::new(base)
    }

    /// A `GET`; see [`request`](Self::request).
    pub fn get(&self, path: &str) -> HttpRequest {
        self.request(Method::GET, path)
    }

    /// A `POST`; see [`request`](Self::request).
    pub fn post(&self, path: &str) -> HttpRequest {
        self.request(Method::POST, path)
    }

    /// A `PUT`; see [`request`](Self::request).
    pub fn put(&self, path: &str) -> HttpRequest {
        self.request(Method::PUT, path)
    }

    /// A `PATCH`; see [`request`](Self::request).
    pub fn patch(&self, path: &str) -> HttpRequest {
        self.request(Method::PATCH, path)
    }

    /// A `DELETE`; see [`request`](Self::request).
    pub fn delete(&self, path: &str) -> HttpRequest {
        self.request(Method::DELETE, path)
    }

    /// A request. The path is one of two things:
    ///
    /// * Plain text that is added to the base URL: `Systems/1`. All that has a meaning in URLs is escaped, and `..` is
    ///   refused; what may hold a slash goes into a [part](HttpRequest::part), and the query has
    ///   [pairs](HttpRequest::query).
    /// * A link as the server gave it, with a slash in front (`/redfish/v1/Systems/1`) or whole
    ///   (`https://inventory.example/api/devices/?offset=50`). It is taken as it stands, as long as it leads to the same
    ///   scheme, host and port.
    pub fn request(&self, method: Method, path: &str) -> HttpRequest {
        HttpRequest::new(self.clone(), method, path)
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").field("base", &self.0.base.to_string()).finish_non_exhaustive()
    }
}
