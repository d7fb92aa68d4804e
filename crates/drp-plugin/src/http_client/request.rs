//! One call, as a plain value until it is sent.

use std::{fmt, time::Duration};

use bytes::Bytes;
use drp_client::foreign;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use reqwest::Url;
use serde::Serialize;

use super::{
    HttpAnswer, HttpClient, address,
    builder::{header_name, header_value, in_use, secret_header},
};
use crate::{Error, Result, Secure, redact::SecretsInUse};

/// A request that has not been sent yet. What is wrong with it is told by [`send`](Self::send).
///
/// ```
/// # use drp_plugin::{HttpClient, Result};
/// # use serde_json::json;
/// # async fn example(bmc: HttpClient) -> Result<()> {
/// let reset = json!({"ResetType": "ForceRestart"});
/// bmc.post("Systems/1/Actions/ComputerSystem.Reset").json(&reset).send().await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is sent before `send`"]
pub struct HttpRequest {
    client: HttpClient,
    call: Result<Call>,
}

/// What is to be sent.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Bytes>,
    /// Statuses of 400 and above that are no errors.
    pub(super) accepted: Vec<StatusCode>,
    /// It may be carried out more than once.
    pub(super) is_repeatable: bool,
    pub(super) time_limit: Duration,
    secrets: Vec<SecretsInUse>,
}

impl HttpRequest {
    pub(super) fn new(client: HttpClient, method: Method, path: &str) -> Self {
        let settings = &client.0;
        let call = settings.base.at(path).map(|url| Call {
            is_repeatable: method.is_safe(),
            method,
            url,
            headers: settings.headers.clone(),
            body: None,
            accepted: Vec::new(),
            time_limit: settings.call_time,
            secrets: Vec::new(),
        });
        Self { client, call }
    }

    /// Adds one part to the path, whatever is in it: `get("devices").part("a/b")` asks for `devices/a%2Fb`. An empty
    /// part is a slash at the end.
    pub fn part(self, part: &str) -> Self {
        self.with(|call| address::push(&mut call.url, part))
    }

    /// Adds a pair to the query; both are escaped. Neither is ever shown.
    #[allow(clippy::needless_pass_by_value, reason = "numbers and texts are given as they are")]
    pub fn query(self, name: &str, value: impl ToString) -> Self {
        self.with(|call| {
            call.url.query_pairs_mut().append_pair(name, &value.to_string());
            Ok(())
        })
    }

    /// Sets a header, in place of one that the client sends with every request.
    pub fn header(self, name: &str, value: &str) -> Self {
        self.with(|call| {
            call.headers.insert(header_name(name)?, header_value(name, value)?);
            Ok(())
        })
    }

    /// Sets a header whose value is a secret, such as the token of a session.
    pub fn secret_header(self, name: &str, value: &Secure<String>) -> Self {
        self.with(|call| {
            let mut secrets = Vec::new();
            let (name, value) = secret_header(name, value.expose(), &mut secrets)?;
            call.headers.insert(name, value);
            call.secrets.push(in_use(&secrets));
            Ok(())
        })
    }

    /// Sends this value as JSON.
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Self {
        self.with(|call| {
            let body = serde_json::to_vec(value);
            let body = body.map_err(|error| Error::from(error).context("what is to be sent is no JSON"))?;
            call.set_body(HeaderValue::from_static("application/json"), body.into());
            Ok(())
        })
    }

    /// Sends these pairs as a form; all are escaped.
    pub fn form<'a>(self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        self.with(|call| {
            // A form is written as the query of a URL is.
            let mut written = call.url.clone();
            written.set_query(None);
            written.query_pairs_mut().extend_pairs(pairs);
            let body = written.query().unwrap_or_default().to_owned();
            call.set_body(HeaderValue::from_static("application/x-www-form-urlencoded"), body.into());
            Ok(())
        })
    }

    /// Sends these bytes as they are.
    pub fn body(self, content_type: &str, body: impl Into<Bytes>) -> Self {
        self.with(|call| {
            call.set_body(header_value("Content-Type", content_type)?, body.into());
            Ok(())
        })
    }

    /// An answer of this status, 400 or above, is no error.
    pub fn accept(self, status: StatusCode) -> Self {
        self.with(|call| {
            call.accepted.push(status);
            Ok(())
        })
    }

    /// Says that it does no harm if this is carried out twice, so that it is repeated as a read is. Only you can know:
    /// "switch on" may be repeated, "switch over" may not.
    pub fn idempotent(self) -> Self {
        self.with(|call| {
            call.is_repeatable = true;
            Ok(())
        })
    }

    /// Time for this call with all its repetitions, in place of the client's.
    pub fn time_limit(self, limit: Duration) -> Self {
        self.with(|call| {
            call.time_limit = foreign::reasonable(limit);
            Ok(())
        })
    }

    /// Sends it, and gives the answer with all of its body.
    ///
    /// # Errors
    /// A 400 if the request makes no sense; 502, 503 or 504 for what the server, or the way there, did not do; see
    /// [`HttpClient`].
    pub async fn send(self) -> Result<HttpAnswer> {
        self.client.call(&self.call?).await
    }

    /// The first mistake stays.
    fn with(mut self, change: impl FnOnce(&mut Call) -> Result<()>) -> Self {
        self.call = self.call.and_then(|mut call| change(&mut call).map(|()| call));
        self
    }
}

impl Call {
    fn set_body(&mut self, content_type: HeaderValue, body: Bytes) {
        let name: HeaderName = header::CONTENT_TYPE;
        self.headers.entry(name).or_insert(content_type);
        self.body = Some(body);
    }
}

/// What is asked of which URL, without its query.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, address::shown(&self.url))
    }
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let call = match &self.call {
            Ok(call) => call.to_string(),
            Err(error) => error.to_string(),
        };
        f.debug_tuple("HttpRequest").field(&call).finish()
    }
}
