//! What a client is made of.

use std::{fmt, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use drp_client::{TlsPolicy, foreign};
use drp_core::{Raw, limits};
use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::{HttpClient, Settings, address::Base};
use crate::{Error, Result, Secure, redact::SecretsInUse};

/// Time for which an unused connection is kept. Short, because a call that meets a server closing it fails.
const IDLE_TIME: Duration = Duration::from_secs(15);

/// What an [`HttpClient`] is made of. Nothing is sent by making one.
#[must_use]
pub struct HttpClientBuilder {
    base: String,
    plain_http: bool,
    tls: TlsPolicy,
    proxy: Proxy,
    headers: Vec<Header>,
    call_time: Duration,
    connect_time: Duration,
    body_bytes_max: usize,
    tries: u32,
}

enum Proxy {
    Environment,
    None,
    Url(String),
}

/// A header of every request.
enum Header {
    Plain(String, String),
    Secret(String, Secure<String>),
    Bearer(Secure<String>),
    Basic(String, Secure<String>),
}

impl HttpClientBuilder {
    pub(super) fn new(base: &str) -> Self {
        Self {
            base: base.to_owned(),
            plain_http: false,
            tls: TlsPolicy::SystemRoots,
            proxy: Proxy::Environment,
            headers: Vec::new(),
            call_time: limits::HTTP_CALL_TIME,
            connect_time: limits::CONNECT_TIME,
            body_bytes_max: limits::HTTP_BODY_BYTES_MAX,
            tries: limits::REQUEST_TRIES_MAX,
        }
    }

    /// Accepts a base URL with plain `http` that is not of this machine: whoever sits in between can read and change
    /// everything, the credentials included.
    pub fn allow_plain_http(mut self) -> Self {
        self.plain_http = true;
        self
    }

    /// Whose certificates to believe; the system's authorities unless set. A [`TlsTrust`](super::TlsTrust) makes a
    /// param of it.
    ///
    /// A certificate that is not believed is named in the error with its fingerprint, so that people can compare it
    /// with what its owner says, and pin it.
    pub fn tls(mut self, policy: impl Into<TlsPolicy>) -> Self {
        self.tls = policy.into();
        self
    }

    /// Sends a token with every request: `Authorization: Bearer TOKEN`.
    pub fn bearer(mut self, token: Secure<String>) -> Self {
        self.headers.push(Header::Bearer(token));
        self
    }

    /// Sends a user and its password with every request: `Authorization: Basic …`.
    pub fn basic(mut self, user: impl Into<String>, password: Secure<String>) -> Self {
        self.headers.push(Header::Basic(user.into(), password));
        self
    }

    /// Sends a header with every request whose value is a secret, such as `X-Api-Key`, or an `Authorization` of another
    /// kind.
    pub fn secret_header(mut self, name: &str, value: Secure<String>) -> Self {
        self.headers.push(Header::Secret(name.to_owned(), value));
        self
    }

    /// Sends a header with every request.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push(Header::Plain(name.to_owned(), value.into()));
        self
    }

    /// Goes over this proxy, whatever the environment says: `http://HOST:PORT`, without credentials.
    ///
    /// Unless set, the variables `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` hold, in which a proxy may have
    /// credentials, save for loopback addresses, which are always asked directly.
    pub fn proxy(mut self, url: &str) -> Self {
        self.proxy = Proxy::Url(url.to_owned());
        self
    }

    /// Goes over no proxy, whatever the environment says.
    pub fn no_proxy(mut self) -> Self {
        self.proxy = Proxy::None;
        self
    }

    /// Time for one call with all its repetitions and redirects;
    /// [`HTTP_CALL_TIME`](drp_core::limits::HTTP_CALL_TIME) unless set.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.call_time = limit;
        self
    }

    /// Time to connect, TLS handshake included; [`CONNECT_TIME`](drp_core::limits::CONNECT_TIME) unless set.
    pub fn connect_time(mut self, limit: Duration) -> Self {
        self.connect_time = limit;
        self
    }

    /// Bytes the body of an answer may have, unpacked;
    /// [`HTTP_BODY_BYTES_MAX`](drp_core::limits::HTTP_BODY_BYTES_MAX) unless set.
    pub fn body_bytes_max(mut self, bytes: usize) -> Self {
        self.body_bytes_max = bytes;
        self
    }

    /// How often a call is tried at most, the first time included;
    /// [`REQUEST_TRIES_MAX`](drp_core::limits::REQUEST_TRIES_MAX) unless set. With 1 nothing is repeated.
    pub fn tries(mut self, tries: u32) -> Self {
        self.tries = tries;
        self
    }

    /// The client.
    ///
    /// # Errors
    /// A 400 with what cannot be used: the base URL, the proxy, a header or credential that cannot be sent, or a CA
    /// file that cannot be read.
    pub fn build(self) -> Result<HttpClient> {
        let base = Base::parse(&self.base, self.plain_http)?;
        let (mut headers, mut secrets) = (HeaderMap::new(), Vec::new());
        for header in &self.headers {
            let (name, value) = header.written(&mut secrets)?;
            headers.insert(name, value);
        }
        let http = self.http(&base)?;
        let settings = Settings {
            http,
            base,
            headers,
            call_time: foreign::reasonable(self.call_time),
            body_bytes_max: self.body_bytes_max,
            tries: self.tries,
            _secrets: in_use(&secrets),
        };
        Ok(HttpClient(Arc::new(settings)))
    }

    fn http(&self, base: &Base) -> Result<reqwest::Client> {
        let tls = foreign::tls_config(&self.tls, base.url()).map_err(|error| Error::from(error).with_code(400))?;
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            // Our own rules say what is followed and what is sent again (`redirect.rs`, `send.rs`).
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(foreign::reasonable(self.connect_time))
            .pool_idle_timeout(IDLE_TIME)
            .user_agent(concat!("drp-plugin/", env!("CARGO_PKG_VERSION")));
        let builder = match &self.proxy {
            Proxy::Url(url) => builder.proxy(proxy(url)?),
            Proxy::None => builder.no_proxy(),
            // A proxy has no way to this machine's loopback addresses.
            Proxy::Environment if base.is_loopback() => builder.no_proxy(),
            Proxy::Environment => builder,
        };
        builder.build().map_err(|error| Error::from(error).context("cannot set up HTTPS"))
    }
}

/// The text is never repeated: it may hold a password.
fn proxy(text: &str) -> Result<reqwest::Proxy> {
    let bad = || Error::bad_request("the proxy must be http://HOST:PORT, without credentials");
    let url = reqwest::Url::parse(text.trim()).map_err(|_| bad())?;
    if !url.has_host() || !url.username().is_empty() || url.password().is_some() {
        return Err(bad());
    }
    reqwest::Proxy::all(url).map_err(|_| bad())
}

impl Header {
    /// The header as it is sent. What must not be seen of it is added to the secrets.
    fn written(&self, secrets: &mut Vec<String>) -> Result<(HeaderName, HeaderValue)> {
        match self {
            Self::Plain(name, text) => Ok((header_name(name)?, header_value(name, text)?)),
            Self::Secret(name, secret) => secret_header(name, secret.expose(), secrets),
            Self::Bearer(token) => {
                secrets.push(token.expose().clone());
                let (name, mut value) =
                    (header::AUTHORIZATION, header_value("Authorization", &format!("Bearer {}", token.expose()))?);
                value.set_sensitive(true);
                Ok((name, value))
            }
            Self::Basic(user, password) => {
                if user.contains(':') {
                    return Err(Error::bad_request("a user's name cannot have a colon"));
                }
                let both = STANDARD.encode(format!("{user}:{}", password.expose()));
                let mut value = header_value("Authorization", &format!("Basic {both}"))?;
                value.set_sensitive(true);
                secrets.extend([password.expose().clone(), both]);
                Ok((header::AUTHORIZATION, value))
            }
        }
    }
}

/// A header whose value is a secret.
pub(super) fn secret_header(name: &str, text: &str, secrets: &mut Vec<String>) -> Result<(HeaderName, HeaderValue)> {
    let mut value = header_value(name, text)?;
    value.set_sensitive(true);
    secrets.push(text.to_owned());
    Ok((header_name(name)?, value))
}

pub(super) fn header_name(name: &str) -> Result<HeaderName> {
    name.parse().map_err(|_| Error::bad_request(format!("`{}` is no name of a header", name.escape_debug())))
}

/// The value is never repeated: it may be a secret.
pub(super) fn header_value(name: &str, text: &str) -> Result<HeaderValue> {
    let bad = |_| Error::bad_request(format!("what header `{name}` should say holds characters that cannot be sent"));
    text.parse().map_err(bad)
}

/// Has these texts cut out of everything for as long as the result lives.
pub(super) fn in_use(secrets: &[String]) -> SecretsInUse {
    let values: Vec<Raw> = secrets.iter().map(|text| Raw::from(serde_json::Value::from(text.as_str()))).collect();
    SecretsInUse::of(&values)
}

impl fmt::Debug for HttpClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClientBuilder")
            .field("base", &foreign::presentable(&self.base))
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}
