//! What an answer means. Nothing here reads from a socket.

use std::time::{Duration, SystemTime};

use drp_core::{
    Error,
    json::{self, ParseError},
    limits,
};
use http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use crate::{BadAnswer, ClientErrorKind, endpoint};

/// The type of an error that the server itself did not word, as Go clients call it.
pub(crate) const CLIENT_ERROR: &str = "CLIENT_ERROR";

/// Whether the answer is a good one; `body` is all of it.
pub(crate) fn check(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Result<(), ClientErrorKind> {
    if status.is_client_error() || status.is_server_error() {
        return Err(refusal(status, body));
    }
    if status.is_redirection() {
        let location = place(&text(headers, header::LOCATION));
        return Err(BadAnswer::Redirect { status: status.as_u16(), location }.into());
    }
    // The HTTP library has unpacked what it can unpack, and taken the header away.
    let encoding = text(headers, header::CONTENT_ENCODING);
    if !body.is_empty() && !matches!(encoding.as_str(), "" | "identity") {
        return Err(BadAnswer::Encoding(encoding).into());
    }
    // An empty answer needs no type: 204 has none from some servers.
    let content_type = text(headers, header::CONTENT_TYPE);
    if !body.is_empty() && !content_type.to_ascii_lowercase().contains("application/json") {
        return Err(BadAnswer::ContentType { content_type, begins: excerpt(body) }.into());
    }
    Ok(())
}

/// Where a redirect leads, to be shown: it may carry a secret wherever a URL can.
fn place(location: &str) -> String {
    match location.split(['?', '#']).next() {
        Some(path) if path.starts_with('/') && !path.starts_with("//") => path.escape_debug().to_string(),
        _ => endpoint::presentable(location),
    }
}

/// The body of a good answer as `T`.
pub(crate) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, ClientErrorKind> {
    json::parse(body).map_err(|error| match error {
        // The path is looked for only now: to keep track of it costs time that good answers need not spend.
        ParseError::Invalid(source) if source.is_data() => wrong_type::<T>(body, source),
        source => BadAnswer::NotJson { begins: excerpt(body), source }.into(),
    })
}

fn wrong_type<T: DeserializeOwned>(body: &[u8], source: serde_json::Error) -> ClientErrorKind {
    let found = serde_path_to_error::deserialize::<_, T>(&mut serde_json::Deserializer::from_slice(body));
    let path = found.err().map_or_else(|| ".".to_owned(), |error| error.path().to_string());
    BadAnswer::WrongType { path: cut(&path, limits::ERROR_EXCERPT_BYTES_MAX).to_owned(), source }.into()
}

/// An answer whose parts are not what was expected.
pub(crate) fn unexpected(source: serde_json::Error) -> ClientErrorKind {
    BadAnswer::WrongType { path: ".".to_owned(), source }.into()
}

/// An answer that should hold a token.
pub(crate) fn no_token() -> ClientErrorKind {
    BadAnswer::Value.into()
}

/// The error of an answer with status 400 or above, whether the server sent an error object or not.
pub(crate) fn refusal(status: StatusCode, body: &[u8]) -> ClientErrorKind {
    let mut error: Error = json::parse(body).unwrap_or_default();
    if error.messages.is_empty() && error.type_.is_empty() {
        error.type_ = CLIENT_ERROR.to_owned();
        error.messages.push(status.canonical_reason().unwrap_or("Unknown status").to_owned());
        let raw = String::from_utf8_lossy(body);
        if !raw.trim().is_empty() {
            error.messages.push(format!("Raw response: {}", cut(raw.trim(), limits::ERROR_TEXT_BYTES_MAX)));
        }
    }
    error.code = status.as_u16().into();
    ClientErrorKind::Status { status: status.as_u16(), error: Box::new(error) }
}

/// The wait that a server asks for, as seconds or as a date. A date counts from the server's own, so that a clock
/// that is wrong on either side does no harm.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let asked = text(headers, header::RETRY_AFTER);
    if let Ok(seconds) = asked.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(asked.trim()).ok()?;
    let now = httpdate::parse_http_date(&text(headers, header::DATE)).unwrap_or_else(|_| SystemTime::now());
    Some(until.duration_since(now).unwrap_or_default())
}

pub(crate) fn text(headers: &HeaderMap, name: header::HeaderName) -> String {
    let value = headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    cut(&value.unwrap_or_default(), limits::ERROR_TEXT_BYTES_MAX).to_owned()
}

/// How an answer begins, on one line and without what could steer a terminal.
fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body.get(..limits::ERROR_EXCERPT_BYTES_MAX).unwrap_or(body));
    cut(&text.trim().escape_debug().to_string(), limits::ERROR_EXCERPT_BYTES_MAX).to_owned()
}

/// As much of a text from outside as an error may repeat.
pub fn cut(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
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
        let redirect =
            check(StatusCode::MOVED_PERMANENTLY, &headers(header::LOCATION, "https://a:b@evil/?token=c"), b"");
        let location = match redirect {
            Err(ClientErrorKind::BadAnswer(BadAnswer::Redirect { status: 301, location })) => location,
            other => panic!("{other:?}"),
        };
        assert_eq!(location, "https://evil/");
        let html = check(StatusCode::OK, &headers(header::CONTENT_TYPE, "text/html"), b"{}");
        let Err(ClientErrorKind::BadAnswer(answer @ BadAnswer::ContentType { .. })) = html else { panic!("{html:?}") };
        let expected =
            "JSON was expected, but its type is `text/html` and it begins `{}`: is something else at this address?";
        assert_eq!(answer.to_string(), expected);
        let mut packed = headers(header::CONTENT_TYPE, "application/json");
        packed.insert(header::CONTENT_ENCODING, "br".parse().unwrap());
        let packed = check(StatusCode::OK, &packed, b"x");
        assert!(matches!(packed, Err(ClientErrorKind::BadAnswer(BadAnswer::Encoding(e))) if e == "br"));
        assert!(check(StatusCode::OK, &HeaderMap::new(), b"{}").is_err());
        assert!(
            check(StatusCode::OK, &headers(header::CONTENT_TYPE, "Application/JSON; charset=utf-8"), b"{}").is_ok()
        );
        assert!(check(StatusCode::NO_CONTENT, &HeaderMap::new(), b"").is_ok());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        #[derive(Debug, serde::Deserialize)]
        struct Item {
            #[serde(rename = "Count")]
            _count: u8,
        }
        let text = |body: &[u8]| match decode::<Vec<Item>>(body) {
            Err(ClientErrorKind::BadAnswer(answer)) => drp_core::chain(&answer),
            other => panic!("{other:?}"),
        };
        let expected = "its value at `[1].Count` is not what was expected: invalid type: string \"x\", expected u8 at line 1 column 25";
        assert_eq!(text(br#"[{"Count":1},{"Count":"x"}]"#), expected);
        assert!(text(b"{}").starts_with("its value at `.` is not what was expected: "));
        assert!(text(b"<h1>\x1b[2J").starts_with("JSON was expected and it begins `<h1>\\u{1b}[2J`: "));
        assert!(text(&[b'x'; 1000]).len() < 400);
    }

    #[test]
    fn a_wait_is_given_in_seconds_or_as_a_date_by_the_servers_clock() {
        let wait = |value: &str| retry_after(&headers(header::RETRY_AFTER, value));
        assert_eq!(wait("2"), Some(Duration::from_secs(2)));
        assert_eq!(wait("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("soon"), None);
        assert_eq!(retry_after(&HeaderMap::new()), None);
        let mut both = headers(header::RETRY_AFTER, "Wed, 21 Oct 2015 07:28:07 GMT");
        both.insert(header::DATE, "Wed, 21 Oct 2015 07:28:00 GMT".parse().unwrap());
        assert_eq!(retry_after(&both), Some(Duration::from_secs(7)));
    }
}
