//! What an answer means. Nothing here reads from a socket.

use std::time::Duration;

use drp_core::{Error, json, limits};
use http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use crate::{BadAnswer, ClientErrorKind};

/// Whether the answer is a good one; `body` is all of it.
pub(crate) fn check(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Result<(), ClientErrorKind> {
    if status.is_client_error() || status.is_server_error() {
        return Err(refusal(status, body));
    }
    if status.is_redirection() {
        let location = text(headers, header::LOCATION);
        return Err(BadAnswer::Redirect { status: status.as_u16(), location }.into());
    }
    // An empty answer needs no type: 204 has none from some servers.
    let content_type = text(headers, header::CONTENT_TYPE);
    if !body.is_empty() && !content_type.to_ascii_lowercase().contains("application/json") {
        return Err(BadAnswer::ContentType(content_type).into());
    }
    Ok(())
}

/// The body of a good answer as `T`.
pub(crate) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, ClientErrorKind> {
    json::parse(body).map_err(|error| BadAnswer::Json(error).into())
}

/// An answer whose parts are not what was expected.
pub(crate) fn unexpected(error: serde_json::Error) -> ClientErrorKind {
    BadAnswer::Json(json::ParseError::Invalid(error)).into()
}

/// The error of an answer with status 400 or above, whether the server sent an error object or not.
pub(crate) fn refusal(status: StatusCode, body: &[u8]) -> ClientErrorKind {
    let mut error: Error = json::parse(body).unwrap_or_default();
    if error.messages.is_empty() && error.type_.is_empty() {
        error.type_ = "CLIENT_ERROR".to_owned();
        error.messages.push(status.canonical_reason().unwrap_or("Unknown status").to_owned());
        let raw = String::from_utf8_lossy(body);
        if !raw.trim().is_empty() {
            error.messages.push(format!("Raw response: {}", cut(raw.trim())));
        }
    }
    error.code = status.as_u16().into();
    ClientErrorKind::Status { status: status.as_u16(), error: Box::new(error) }
}

/// The wait that a server asks for, in its form of seconds.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    text(headers, header::RETRY_AFTER).trim().parse().ok().map(Duration::from_secs)
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> String {
    let value = headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    cut(&value.unwrap_or_default()).to_owned()
}

/// As much of a text from outside as an error may repeat.
fn cut(text: &str) -> &str {
    let mut end = text.len().min(limits::ERROR_TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    fn wire(status: u16, body: &str) -> Error {
        match refusal(StatusCode::from_u16(status).unwrap(), body.as_bytes()) {
            ClientErrorKind::Status { error, .. } => *error,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn refusals_are_errors_whether_or_not_the_server_sent_one() {
        let check = |status, body: &str, expected: &str| {
            let error = wire(status, body);
            assert_eq!((error.to_string().as_str(), error.code), (expected, status.into()));
        };
        let object = r#"{"Model":"machines","Key":"x","Type":"GET","Messages":["Not Found"],"Code":404}"#;
        check(404, object, "GET: machines/x: Not Found");
        check(404, r#"{"Model":"","Key":"/x","Type":"GET","Messages":null,"Code":404}"#, "GET: /x");
        check(
            403,
            r#"{"Model":"users","Key":"","Type":"","Messages":["Access Denied"],"Code":403}"#,
            ": users: Access Denied",
        );
        check(401, "", "CLIENT_ERROR: Unauthorized");
        check(409, "{}", "CLIENT_ERROR\n  Conflict\n  Raw response: {}");
        check(502, "<html>oops</html>", "CLIENT_ERROR\n  Bad Gateway\n  Raw response: <html>oops</html>");
        check(500, "[1]", "CLIENT_ERROR\n  Internal Server Error\n  Raw response: [1]");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let error = wire(500, &"é".repeat(limits::ERROR_TEXT_BYTES_MAX));
        let message = error.messages.last().unwrap();
        assert!(message.len() <= limits::ERROR_TEXT_BYTES_MAX + "Raw response: ".len());
    }

    #[test]
    fn redirects_and_other_content_types_are_bad_answers() {
        let redirect = check(StatusCode::MOVED_PERMANENTLY, &headers(header::LOCATION, "https://evil/"), b"");
        assert!(matches!(redirect, Err(ClientErrorKind::BadAnswer(BadAnswer::Redirect { status: 301, .. }))));
        let html = check(StatusCode::OK, &headers(header::CONTENT_TYPE, "text/html"), b"{}");
        assert!(matches!(html, Err(ClientErrorKind::BadAnswer(BadAnswer::ContentType(t))) if t == "text/html"));
        assert!(check(StatusCode::OK, &HeaderMap::new(), b"{}").is_err());
        assert!(
            check(StatusCode::OK, &headers(header::CONTENT_TYPE, "Application/JSON; charset=utf-8"), b"{}").is_ok()
        );
        assert!(check(StatusCode::NO_CONTENT, &HeaderMap::new(), b"").is_ok());
    }

    #[test]
    fn only_seconds_are_waited_for() {
        let wait = |value: &str| retry_after(&headers(header::RETRY_AFTER, value));
        assert_eq!(wait("2"), Some(Duration::from_secs(2)));
        assert_eq!(wait("Wed, 21 Oct 2026 07:28:00 GMT"), None);
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
