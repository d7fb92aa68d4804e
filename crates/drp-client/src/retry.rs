//! What may be sent once more, and when.

use std::time::Duration;

use drp_core::limits;

use crate::{BadAnswer, ClientErrorKind, Request, backoff::Backoff};

/// One try that failed.
pub(crate) struct Failure {
    pub(crate) kind: ClientErrorKind,
    /// The wait that the server asked for.
    pub(crate) retry_after: Option<Duration>,
}

impl From<ClientErrorKind> for Failure {
    fn from(kind: ClientErrorKind) -> Self {
        Self { kind, retry_after: None }
    }
}

impl Failure {
    /// How long to wait before sending `request` once more, or `None` where that would help nobody or might do
    /// something twice. A DELETE is not repeated either: its second answer would deny what the first one did.
    pub(crate) fn wait_before_repeating(&self, request: &Request, backoff: &mut Backoff) -> Option<Duration> {
        match &self.kind {
            ClientErrorKind::Connect(_) => Some(backoff.next_wait()),
            ClientErrorKind::Disconnected(_) | ClientErrorKind::BadAnswer(BadAnswer::Truncated(_)) => {
                request.is_read().then(|| backoff.next_wait())
            }
            // A server says so before it does anything.
            ClientErrorKind::Status { status: 429, .. } => self.wait(backoff),
            ClientErrorKind::Status { status: 500 | 502 | 503 | 504, .. } if request.is_read() => self.wait(backoff),
            _ => None,
        }
    }

    /// As long as the server asked for, if that is not too long, and a little more: all who were told the same time
    /// would come back in the same moment.
    fn wait(&self, backoff: &mut Backoff) -> Option<Duration> {
        match self.retry_after {
            Some(asked) if asked > limits::RETRY_AFTER_MAX => None,
            Some(asked) => Some(asked + backoff.next_wait()),
            None => Some(backoff.next_wait()),
        }
    }
}

#[cfg(test)]
mod tests {
    use drp_core::Error;

    use super::*;

    #[test]
    fn only_what_can_do_no_harm_is_sent_again() {
        let status = |status, retry_after: Option<u64>| Failure {
            kind: ClientErrorKind::Status { status, error: Box::new(Error::default()) },
            retry_after: retry_after.map(Duration::from_secs),
        };
        let broken = || Failure::from(ClientErrorKind::Disconnected("reset".into()));
        let unreached = || Failure::from(ClientErrorKind::Connect("refused".into()));
        let read = Request::info().unwrap();
        let write = Request::set_param("machines", "x", "y", &1).unwrap();
        let check = |failure: Failure, request: &Request, expected: bool| {
            let mut backoff = Backoff::new(Duration::ZERO, Duration::ZERO);
            let wait = failure.wait_before_repeating(request, &mut backoff);
            assert_eq!(wait.is_some(), expected, "{request} after {:?}", failure.kind);
        };
        check(unreached(), &read, true);
        check(unreached(), &write, true);
        check(broken(), &read, true);
        check(broken(), &write, false);
        check(broken(), &Request::delete("machines", "x").unwrap(), false);
        check(status(429, Some(1)), &write, true);
        check(status(429, None), &write, true);
        check(status(429, Some(3600)), &read, false);
        check(status(503, Some(1)), &read, true);
        check(status(503, Some(3600)), &read, false);
        check(status(503, Some(1)), &write, false);
        for code in [500, 502, 503, 504] {
            check(status(code, None), &read, true);
            check(status(code, None), &write, false);
        }
        check(status(501, None), &read, false);
        check(status(404, None), &read, false);
        check(Failure::from(ClientErrorKind::Timeout(Duration::ZERO)), &read, false);
    }
}
