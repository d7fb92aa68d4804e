//! What a call's failure means for those who made it.

use std::time::Duration;

use drp_client::{BadAnswer, ClientErrorKind, foreign};
use drp_core::{chain, limits};
use http::{HeaderMap, StatusCode};

use crate::{Error, error::Upstream, redact::redact};

/// A call that failed.
pub(super) struct Failure {
    /// What the provider's caller gets.
    code: u16,
    text: String,
    status: Option<StatusCode>,
    /// How the call may be made again.
    again: Again,
    retry_after: Option<Duration>,
}

/// When a call may be made again that has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Again {
    /// The server has not begun with it.
    Always,
    /// It may have been carried out.
    IfRepeatable,
    /// It would fail again.
    Never,
}

impl Failure {
    /// The call has not been answered, or not whole.
    pub(super) fn unanswered(kind: &ClientErrorKind, is_late: bool) -> Self {
        let again = match kind {
            ClientErrorKind::Connect(_) => Again::Always,
            ClientErrorKind::Disconnected(_) | ClientErrorKind::BadAnswer(BadAnswer::Truncated(_)) => {
                Again::IfRepeatable
            }
            _ => Again::Never,
        };
        Self { code: if is_late { 504 } else { 502 }, text: chain(kind), status: None, again, retry_after: None }
    }

    pub(super) fn late(limit: Duration) -> Self {
        let text = format!("no whole answer within {limit:?}");
        Self { code: 504, text, status: None, again: Again::IfRepeatable, retry_after: None }
    }

    /// The answer cannot be used.
    pub(super) fn bad_answer(status: StatusCode, what: &str) -> Self {
        let text = format!("the answer cannot be used: {what}");
        Self { code: 502, text, status: Some(status), again: Again::Never, retry_after: None }
    }

    /// The server said no. The body is the beginning of what it sent.
    pub(super) fn refused(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let (code, again) = match status.as_u16() {
            // A server says so before it does anything.
            429 => (503, Again::Always),
            503 => (503, Again::IfRepeatable),
            504 => (504, Again::IfRepeatable),
            408 | 500 | 502 => (502, Again::IfRepeatable),
            _ => (502, Again::Never),
        };
        let hint = match status.as_u16() {
            401 => ": are the credentials right?",
            _ => "",
        };
        let said = match excerpt(body) {
            said if said.is_empty() => said,
            said => format!(": {said}"),
        };
        let text = format!("the server answered {status}{hint}{said}");
        Self { code, text, status: Some(status), again, retry_after: foreign::retry_after(headers) }
    }

    /// The same failure of a call of which a part has been carried out.
    pub(super) fn halfway(mut self) -> Self {
        if self.again == Again::Always {
            self.again = Again::IfRepeatable;
        }
        self
    }

    /// The error of a call that must not be carried out twice.
    pub(super) fn into_error(self, asked: &str) -> Error {
        self.into_error_of(asked, false)
    }

    /// The error of a call; `is_repeatable` if it may be carried out more than once.
    pub(super) fn into_error_of(self, asked: &str, is_repeatable: bool) -> Error {
        let may_pass = match self.again {
            Again::Always => true,
            Again::IfRepeatable => is_repeatable,
            Again::Never => false,
        };
        // Now, while the secrets of the call are known.
        let error = Error::new(self.code, format!("{asked}: {}", self.text)).redacted();
        let error = error.of_upstream(Upstream { status: self.status.map(|status| status.as_u16()), may_pass });
        match self.retry_after {
            Some(wait) => error.with_retry_after(wait),
            None => error,
        }
    }
}

/// How a body begins, on one line, without secrets and without what could steer a terminal. Secrets are cut out first:
/// half of one would not be found.
pub(super) fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body.get(..limits::HTTP_REFUSAL_BYTES_MAX).unwrap_or(body));
    let clean = redact(text.trim());
    foreign::cut(&clean.escape_debug().to_string(), limits::HTTP_REFUSAL_EXCERPT_BYTES_MAX).to_owned()
}

#[cfg(test)]
mod tests {
    use http::header;

    use super::*;

    #[test]
    fn a_status_is_told_with_what_it_means_for_the_caller() {
        let check = |status: u16, code: u16, read: bool, write: bool| {
            let error = |is_repeatable| {
                let status = StatusCode::from_u16(status).unwrap();
                Failure::refused(status, &HeaderMap::new(), b" no\n\x1b[2J ")
                    .into_error_of("GET https://h/", is_repeatable)
            };
            assert_eq!((error(true).code(), error(true).upstream_status()), (code, Some(status)));
            assert_eq!((error(true).may_pass(), error(false).may_pass()), (read, write), "{status}");
        };
        for status in [400, 401, 403, 404, 409, 418, 501] {
            check(status, 502, false, false);
        }
        check(429, 503, true, true);
        check(503, 503, true, false);
        check(504, 504, true, false);
        check(500, 502, true, false);
        check(408, 502, true, false);
    }

    #[test]
    fn a_text_says_what_was_asked_and_what_came() {
        let headers = HeaderMap::from_iter([(header::RETRY_AFTER, "7".parse().unwrap())]);
        let error = Failure::refused(StatusCode::SERVICE_UNAVAILABLE, &headers, b" busy\r\n\x1b[2J")
            .into_error("GET https://h/");
        let expected = r"GET https://h/: the server answered 503 Service Unavailable: busy\r\n\u{1b}[2J";
        assert_eq!((error.to_string().as_str(), error.retry_after()), (expected, Some(Duration::from_secs(7))));
        let long = excerpt("é".repeat(limits::HTTP_REFUSAL_BYTES_MAX).as_bytes());
        assert_eq!(long.len(), limits::HTTP_REFUSAL_EXCERPT_BYTES_MAX);
    }
}
