//! Every call as a plain value: nothing here sends anything.

use std::fmt;

use bytes::Bytes;
use drp_core::{Event, Params, patch::Patch};
use http::{Method, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

mod blobs;
mod objects;
mod server;

/// What may stand unescaped in a path. Keys hold slashes and colons, which servers expect as they are.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'/')
    .remove(b':')
    .remove(b'@')
    .remove(b'+')
    .remove(b'=')
    .remove(b'&')
    .remove(b'$')
    .remove(b',')
    .remove(b';');

/// What may stand unescaped in a query.
pub(crate) const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// One call of the REST API.
///
/// ```
/// use drp_client::Request;
/// let request = Request::param("machines", "Name:web1", "incrementer/step")?.query("aggregate", "true");
/// assert_eq!(request.to_string(), "GET machines/Name:web1/params/incrementer/step");
/// assert_eq!(request.path_and_query(), "/machines/Name:web1/params/incrementer/step?aggregate=true");
/// # Ok::<(), drp_client::BuildRequestError>(())
/// ```
#[derive(Clone)]
pub struct Request {
    method: Method,
    /// Escaped, with a slash in front, below `/api/v3`.
    path: String,
    query: String,
    body: Option<Bytes>,
}

/// Why a call cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildRequestError {
    /// A prefix, key, param or command is empty: the path would lead elsewhere.
    #[error("a part of the path is empty, in `{0}`")]
    EmptyPart(String),
    /// A prefix, key, param or command has `.` or `..` between its slashes: the path would lead elsewhere.
    #[error("`{0}` leads out of its place in the path")]
    DotPart(String),
    /// The path is no URL's, for instance too long.
    #[error("the path makes no URL")]
    Url(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// More selectors than one websocket takes ([`SELECTORS_PER_WEBSOCKET_MAX`](drp_core::limits)).
    #[error("{0} selectors are too many for one event stream")]
    TooManySelectors(usize),
    /// The server left parts of the object out, so that writing it back would remove them.
    #[error("parts of {0} were left out, so it cannot be written back")]
    Partial(String),
    /// An update would give the object another key, which would make it another object.
    #[error("the key of {0} would change")]
    OtherKey(String),
    /// The body cannot be written as JSON.
    #[error("the body cannot be written as JSON")]
    Body(#[source] serde_json::Error),
}

/// Calls on objects. `key` may be `Index:value` with a unique index.
impl Request {
    /// All objects of a type; filters and more go into [`query`](Self::query).
    ///
    /// # Errors
    /// As all builders of this type: a part of the path is empty or would lead elsewhere.
    pub fn list(prefix: &str) -> Result<Self, BuildRequestError> {
        Self::new(Method::GET, &[prefix])
    }

    /// One object.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn get(prefix: &str, key: &str) -> Result<Self, BuildRequestError> {
        Self::new(Method::GET, &[prefix, key])
    }

    /// Makes an object.
    ///
    /// # Errors
    /// As [`list`](Self::list), or the object cannot be written as JSON.
    pub fn create<T: Serialize + ?Sized>(prefix: &str, object: &T) -> Result<Self, BuildRequestError> {
        Self::new(Method::POST, &[prefix])?.with_body(object)
    }

    /// Changes an object.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn patch(prefix: &str, key: &str, patch: &Patch) -> Result<Self, BuildRequestError> {
        Self::new(Method::PATCH, &[prefix, key])?.with_body(patch)
    }

    /// Removes an object.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn delete(prefix: &str, key: &str) -> Result<Self, BuildRequestError> {
        Self::new(Method::DELETE, &[prefix, key])
    }
}

/// Calls on the params of an object.
impl Request {
    /// All params.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn params(prefix: &str, key: &str) -> Result<Self, BuildRequestError> {
        Self::new(Method::GET, &[prefix, key, "params"])
    }

    /// One param.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn param(prefix: &str, key: &str, name: &str) -> Result<Self, BuildRequestError> {
        Self::new(Method::GET, &[prefix, key, "params", name])
    }

    /// Sets one param, whatever it was.
    ///
    /// # Errors
    /// As [`list`](Self::list), or the value cannot be written as JSON.
    pub fn set_param<T>(prefix: &str, key: &str, name: &str, value: &T) -> Result<Self, BuildRequestError>
    where
        T: Serialize + ?Sized,
    {
        Self::new(Method::POST, &[prefix, key, "params", name])?.with_body(value)
    }

    /// Removes one param.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn delete_param(prefix: &str, key: &str, name: &str) -> Result<Self, BuildRequestError> {
        Self::new(Method::DELETE, &[prefix, key, "params", name])
    }

    /// Changes params; the document that is patched is the map of params.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn patch_params(prefix: &str, key: &str, patch: &Patch) -> Result<Self, BuildRequestError> {
        Self::new(Method::PATCH, &[prefix, key, "params"])?.with_body(patch)
    }
}

/// Calls of actions, events and the server's own data.
impl Request {
    /// Runs an action on an object. A plugin may be named with `query("plugin", name)`.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn run_action(prefix: &str, key: &str, command: &str, params: &Params) -> Result<Self, BuildRequestError> {
        Self::new(Method::POST, &[prefix, key, objects::actions_of(prefix), command])?.with_body(&**params)
    }

    /// Runs a system action.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn run_system_action(command: &str, params: &Params) -> Result<Self, BuildRequestError> {
        Self::new(Method::POST, &["system", "actions", command])?.with_body(&**params)
    }

    /// Publishes an event as it is.
    ///
    /// # Errors
    /// The event cannot be written as JSON.
    pub fn post_event(event: &Event) -> Result<Self, BuildRequestError> {
        Self::new(Method::POST, &["events"])?.with_body(event)
    }

    /// What the server tells about itself.
    ///
    /// # Errors
    /// None: it is a result for uniformity.
    pub fn info() -> Result<Self, BuildRequestError> {
        Self::new(Method::GET, &["info"])
    }

    /// A token for a user, which the server gives to the user itself. How long it lasts may be said with
    /// `query("ttl", seconds)`.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn user_token(user: &str) -> Result<Self, BuildRequestError> {
        Self::new(Method::GET, &["users", user, "token"])
    }

    /// A backup of the whole server, which only drpx ones make; to be [downloaded](crate::Client::download).
    ///
    /// # Errors
    /// None: it is a result for uniformity.
    pub fn backup() -> Result<Self, BuildRequestError> {
        Self::new(Method::GET, &["system", "backup"])
    }

    /// Adds a key and value to the query.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.query.push(if self.query.is_empty() { '?' } else { '&' });
        self.query.extend(utf8_percent_encode(name, QUERY));
        self.query.push('=');
        self.query.extend(utf8_percent_encode(value, QUERY));
        self
    }
}

impl Request {
    /// The method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Path and query below `/api/v3`, as they are sent.
    #[must_use]
    pub fn path_and_query(&self) -> String {
        format!("{}{}", self.path, self.query)
    }

    /// The body, as it is sent.
    #[must_use]
    pub fn body(&self) -> Option<&[u8]> {
        self.body.as_deref()
    }

    /// Whether the call changes nothing, so that it may be sent once more when nobody knows what became of it.
    pub(crate) fn is_read(&self) -> bool {
        self.method.is_safe()
    }

    /// The HTTP request, with everything but the credentials. `api` is the base of all calls.
    pub(crate) fn to_http(&self, api: &str) -> Result<http::Request<Bytes>, BuildRequestError> {
        let mut request = http::Request::builder()
            .method(&self.method)
            .uri(format!("{api}{}{}", self.path, self.query))
            .header(header::ACCEPT, "application/json")
            .header(header::CACHE_CONTROL, "no-store");
        if self.body.is_some() {
            // Also for PATCH: DRP servers do not know `application/json-patch+json` (`api.md` §3.1).
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        request.body(self.body.clone().unwrap_or_default()).map_err(|error| BuildRequestError::Url(Box::new(error)))
    }

    fn new(method: Method, parts: &[&str]) -> Result<Self, BuildRequestError> {
        let mut path = String::new();
        for part in parts {
            if part.is_empty() {
                return Err(BuildRequestError::EmptyPart(parts.join("/")));
            }
            path.push('/');
            path.push_str(&path_part(part)?);
        }
        Ok(Self { method, path, query: String::new(), body: None })
    }

    fn with_body<T: Serialize + ?Sized>(mut self, body: &T) -> Result<Self, BuildRequestError> {
        self.body = Some(serde_json::to_vec(body).map_err(BuildRequestError::Body)?.into());
        Ok(self)
    }
}

/// A part of a path, escaped; slashes in it stay.
pub(crate) fn path_part(part: &str) -> Result<String, BuildRequestError> {
    if part.is_empty() {
        return Err(BuildRequestError::EmptyPart(part.to_owned()));
    }
    if part.split('/').any(|segment| segment == "." || segment == "..") {
        return Err(BuildRequestError::DotPart(part.to_owned()));
    }
    Ok(utf8_percent_encode(part, PATH).to_string())
}

/// Without the body: it may hold params that are secret.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body_bytes = self.body.as_ref().map(Bytes::len);
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("query", &self.query)
            .field("body_bytes", &body_bytes)
            .finish()
    }
}

/// `PATCH machines/UUID/params`: what is done, for error texts. The query is left out.
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path.trim_start_matches('/'))
    }
}

#[cfg(test)]
mod tests;
