//! From HTTP to a request's parts, and from an answer to HTTP.

use bytes::Bytes;
use drp_core::{Error as WireError, Level, contract, json, limits};
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use serde::{Serialize, de::DeserializeOwned};

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

pub(crate) fn check_content_type(headers: &HeaderMap) -> Result<(), WireError> {
    const JSON: &[u8] = b"application/json";
    let content_type = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    if content_type.windows(JSON.len()).any(|part| part.eq_ignore_ascii_case(JSON)) {
        return Ok(());
    }
    let content_type = String::from_utf8_lossy(content_type);
    Err(WireError::new(400, "POST", format!("Invalid content type: {content_type}")))
}

/// Reads a request's body. What is left of one that is refused is read and dropped.
pub(crate) async fn read_body(mut body: Incoming) -> Result<Bytes, WireError> {
    let read = read_whole(&mut body).await;
    if read.is_err() {
        discard(body);
    }
    read
}

/// Reads a body that nobody wants, in the background and for a while. Closing the connection over it would cut off its
/// sender, who would see that instead of the answer.
pub(crate) fn discard(mut body: Incoming) {
    if !body.is_end_stream() {
        let rest = async move { while let Some(Ok(_)) = body.frame().await {} };
        tokio::spawn(tokio::time::timeout(limits::UNREAD_BODY_TIME, rest));
    }
}

async fn read_whole(body: &mut Incoming) -> Result<Bytes, WireError> {
    let too_large =
        || WireError::new(413, "POST", format!("the body is over the limit of {} bytes", limits::BODY_BYTES_MAX));
    // One that says so itself is not waited for.
    if body.size_hint().lower() > limits::BODY_BYTES_MAX as u64 {
        return Err(too_large());
    }
    let limited = Limited::new(body, limits::BODY_BYTES_MAX).collect();
    match tokio::time::timeout(limits::REQUEST_TIME, limited).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(error)) => Err(WireError::new(400, "POST", format!("the body was cut: {error}"))),
        Err(_) => {
            Err(WireError::new(408, "POST", format!("the body did not arrive within {:?}", limits::REQUEST_TIME)))
        }
    }
}

pub(crate) fn parse<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T, WireError> {
    json::parse_or_default(body).map_err(|error| WireError::new(400, "POST", error.to_string()))
}

/// The level that the request wants to be logged at (`models.md` §8.4).
pub(crate) fn asked_level(headers: &HeaderMap) -> Option<Level> {
    let asked = headers.get(contract::LOG_REQUEST_HEADER)?.to_str().unwrap_or("?");
    match asked.parse() {
        Ok(level) => Some(level),
        Err(_) => {
            tracing::error!("Invalid requested log level {asked}");
            None
        }
    }
}

pub(crate) fn log_token(headers: &HeaderMap) {
    let token = headers.get(contract::LOG_TOKEN_HEADER).and_then(|value| value.to_str().ok());
    if let Some(token) = token.filter(|token| !token.is_empty()) {
        tracing::error!("Log token: {token}");
    }
}

/// Where a path that is not clean leads: without doubled slashes, `.` and `..`.
pub(crate) fn cleaned(path: &str) -> Option<String> {
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

pub(crate) fn done() -> Bytes {
    write(&WireError::done())
}

fn write<T: Serialize>(value: &T) -> Bytes {
    // A wire object has no key and no value that JSON cannot hold.
    serde_json::to_vec(value).unwrap_or_default().into()
}

pub(crate) fn respond(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

pub(crate) fn respond_with_error(error: &WireError) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    respond(status, write(error))
}

pub(crate) fn moved(location: &str) -> Response<Full<Bytes>> {
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
