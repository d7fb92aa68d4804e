//! What a handler needs to know of its request.

use std::time::Duration;

use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts, OriginalUri, Path, Request},
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use drp_core::{Error, json, limits};
use http::{HeaderMap, Method, header::CONTENT_TYPE, request::Parts};
use http_body_util::BodyExt;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time,
};

use super::reply::Fail;
use crate::auth::Principal;

/// The content type of plain bytes.
pub(super) const STREAM: &str = "application/octet-stream";
/// Longest silence within a body.
const BODY_PAUSE_MAX: Duration = limits::HEADER_TIME;

/// Who asks for what. Only authenticated requests have one.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) by: Principal,
    pub(crate) method: Method,
    /// Path and query, as they came.
    pub(crate) url: String,
}

impl Call {
    /// Refuses the request unless the caller may do `action` to `key` of type `scope`.
    pub(crate) fn require(&self, scope: &str, action: &str, key: &str) -> Result<(), Error> {
        self.require_all(&[action], scope, key)
    }

    /// As [`require`](Self::require), for actions that one role must allow together.
    pub(crate) fn require_all<A: AsRef<str>>(&self, actions: &[A], scope: &str, key: &str) -> Result<(), Error> {
        if self.by.allows_all(actions, scope, key) {
            return Ok(());
        }
        let action = actions.iter().map(AsRef::as_ref).find(|action| !self.by.allows(scope, action, key));
        let action = action.or(actions.first().map(AsRef::as_ref)).unwrap_or_default();
        Err(self.refused().and(format!("Requires: {scope} {action} {key}")))
    }

    /// The caller may not do this.
    pub(crate) fn refused(&self) -> Error {
        Error::new(403, "AUTH", format!("Cannot access {}", self.url))
    }

    /// Nobody serves this.
    pub(crate) fn no_route(&self) -> Error {
        no_route(&self.method, &self.url)
    }

    /// The object does not exist, or not for this caller.
    pub(crate) fn not_found(&self, prefix: &str, key: &str) -> Error {
        self.error(404, "Not Found").about(prefix, key)
    }

    /// An error of this request's method.
    pub(crate) fn error(&self, code: u16, message: impl Into<String>) -> Error {
        Error::new(code, self.verb(), message)
    }

    /// The method as errors name it: HEAD is GET to whoever reads one.
    pub(crate) fn verb(&self) -> &'static str {
        verb(&self.method)
    }

    /// Parses a JSON body.
    pub(crate) fn parse<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, Error> {
        json::parse(body).map_err(|error| Error::new(400, self.verb(), error.to_string()))
    }

    /// As [`parse`](Self::parse), with nothing and `null` for the empty value.
    pub(crate) fn parse_or_default<T: DeserializeOwned + Default>(&self, body: &[u8]) -> Result<T, Error> {
        json::parse_or_default(body).map_err(|error| Error::new(400, self.verb(), error.to_string()))
    }
}

impl<S: Sync> FromRequestParts<S> for Call {
    type Rejection = Fail;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fail> {
        let url = url(parts);
        match parts.extensions.get::<Principal>() {
            Some(by) => Ok(Self { by: by.clone(), method: parts.method.clone(), url }),
            // The layer that authenticates stands before every handler that takes a call.
            None => Err(Error::new(500, parts.method.as_str(), "not authenticated").into()),
        }
    }
}

fn verb(method: &Method) -> &'static str {
    match *method {
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "GET",
    }
}

/// An error of a request with this method.
pub(super) fn error_of(method: &Method, code: u16, message: impl Into<String>) -> Error {
    Error::new(code, verb(method), message)
}

/// The error for what nobody serves. Its key holds the query too, as seen on the reference server.
pub(super) fn no_route(method: &Method, url: &str) -> Error {
    let mut error = Error::no_route(method.as_str(), url);
    error.messages = vec!["No route".to_owned()].into();
    error
}

/// Path and query as they came, whatever router is asked, for errors to show. A token in it is nobody's business.
pub(super) fn url(parts: &Parts) -> String {
    shown(parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |uri| &uri.0))
}

/// As [`url`], of a whole request.
pub(super) fn url_of(request: &Request) -> String {
    shown(request.extensions().get::<OriginalUri>().map_or(request.uri(), |uri| &uri.0))
}

fn shown(uri: &http::Uri) -> String {
    let Some(query) = uri.query() else { return uri.path().to_owned() };
    let shown = query.split('&').map(|pair| if is_token(pair) { "token=***" } else { pair });
    format!("{}?{}", uri.path(), shown.collect::<Vec<_>>().join("&"))
}

/// Whether a part of a query is the token, with or without escapes.
pub(super) fn is_token(pair: &str) -> bool {
    percent_decode_str(pair.split('=').next().unwrap_or_default()).eq(b"token".iter().copied())
}

/// The variable parts of the path.
pub(crate) struct At<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for At<T> {
    type Rejection = Fail;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fail> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(values)) => Ok(Self(values)),
            Err(error) => Err(Error::new(400, parts.method.as_str(), error.to_string()).into()),
        }
    }
}

/// A whole JSON body, at most [`limits::BODY_BYTES_MAX`].
pub(crate) struct JsonBody(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = Fail;
    async fn from_request(request: Request, _: &S) -> Result<Self, Fail> {
        let method = request.method().clone();
        require_json(request.headers(), &method)?;
        read(request.into_body(), limits::BODY_BYTES_MAX, &method).await.map(Self).map_err(Fail)
    }
}

/// Says what is wrong with the content type of a request that carries plain bytes; with which code that is refused
/// differs from space to space.
pub(super) fn require_stream(headers: &HeaderMap) -> Result<(), String> {
    match content_type(headers) {
        STREAM => Ok(()),
        other => Err(format!("Want content-type {STREAM}, not {other}")),
    }
}

fn content_type(headers: &HeaderMap) -> &str {
    headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn require_json(headers: &HeaderMap, method: &Method) -> Result<(), Error> {
    let content_type = content_type(headers);
    if content_type.to_ascii_lowercase().contains("application/json") {
        return Ok(());
    }
    Err(Error::new(400, method.as_str(), format!("Invalid content type: {content_type}")))
}

/// Room for bodies that are large: they are held in memory whole, so few are at a time.
static LARGE_BODIES: Semaphore = Semaphore::const_new(limits::LARGE_BODIES_MAX);

/// A body that keeps its room until nobody has it any more.
struct LargeBody {
    bytes: Bytes,
    _room: SemaphorePermit<'static>,
}

impl AsRef<[u8]> for LargeBody {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads a body to its end; one that is cut short, too long or too slow is refused.
pub(super) async fn read(mut body: Body, bytes_max: usize, method: &Method) -> Result<Bytes, Error> {
    let error = |code, text: String| Error::new(code, method.as_str(), text);
    let mut all = BytesMut::new();
    let mut room = None;
    loop {
        if all.len() > limits::SMALL_BODY_BYTES_MAX && room.is_none() {
            let free = time::timeout(BODY_PAUSE_MAX, LARGE_BODIES.acquire()).await.ok().and_then(Result::ok);
            let free = free.ok_or_else(|| error(503, "too many large bodies at once: try again".to_owned()))?;
            room = Some(free);
        }
        let frame = match time::timeout(BODY_PAUSE_MAX, body.frame()).await {
            Ok(None) => {
                let bytes = all.freeze();
                return Ok(match room {
                    Some(room) => Bytes::from_owner(LargeBody { bytes, _room: room }),
                    None => bytes,
                });
            }
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(cause))) => return Err(error(400, format!("cannot read the body: {cause}"))),
            Err(_) => return Err(error(408, "the body did not come in time".to_owned())),
        };
        if let Ok(data) = frame.into_data() {
            if all.len() + data.len() > bytes_max {
                return Err(error(413, format!("the body has more than {bytes_max} bytes")));
            }
            all.extend_from_slice(&data);
        }
    }
}

/// The query, key by key in the order it came.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn of(uri: &http::Uri) -> Self {
        // A query is read leniently, so this cannot fail.
        let pairs = axum::extract::Query::try_from_uri(uri).map(|axum::extract::Query(pairs)| pairs);
        Self(pairs.unwrap_or_default())
    }

    /// The last value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.pairs().rfind(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// Whether a switch such as `decode` is on.
    pub(crate) fn is(&self, key: &str) -> bool {
        self.get(key) == Some("true")
    }

    pub(crate) fn pairs(&self) -> impl DoubleEndedIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = std::convert::Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&parts.uri))
    }
}

/// What is answered where nothing is served.
pub(super) async fn not_served(request: Request) -> Response {
    let (parts, _) = request.into_parts();
    Fail(no_route(&parts.method, &url(&parts))).into_response()
}
