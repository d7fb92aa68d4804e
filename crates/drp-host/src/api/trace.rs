//! `X-Log-Request` and `X-Log-Token`: a client that wants to find its requests in the log (`models.md` §8.4).

use std::time::Instant;

use drp_core::{Level, Line};
use http::{HeaderMap, StatusCode};

use crate::log::Log;

/// The level at which the request is to be logged.
const LEVEL_HEADER: &str = "x-log-request";
/// A text of the client's to find it by.
const TOKEN_HEADER: &str = "x-log-token";
const SERVICE: &str = "frontend";

/// A request that wants to be logged.
pub(super) struct Trace {
    level: Level,
    principal: String,
    /// Method and URL.
    request: String,
    began: Instant,
}

impl Trace {
    /// Begins the trace of a request, if its headers ask for one. `request` says what it is: method and URL.
    pub(super) fn begin(
        log: &Log,
        headers: &HeaderMap,
        principal: &str,
        request: impl FnOnce() -> String,
    ) -> Option<Self> {
        let text = |name: &str| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        if let Some(token) = text(TOKEN_HEADER).filter(|token| !token.is_empty()) {
            log.add(line(Level::Error, principal, format!("Log token: {token}")));
        }
        let level = text(LEVEL_HEADER)?;
        match level.parse() {
            Ok(level) => {
                Some(Self { level, principal: principal.to_owned(), request: request(), began: Instant::now() })
            }
            Err(_) => {
                log.add(line(Level::Error, principal, format!("Invalid requested log level {level}")));
                None
            }
        }
    }

    /// Logs the request with how it was answered.
    pub(super) fn end(self, log: &Log, status: StatusCode) {
        let text = format!("{}: {} in {:?}", self.request, status.as_u16(), self.began.elapsed());
        log.add(line(self.level, &self.principal, text));
    }
}

/// A line that becomes no event: a plugin that reads the log may trace its requests too, and would read of them.
fn line(level: Level, principal: &str, message: String) -> Line {
    Line {
        level,
        service: SERVICE.to_owned(),
        principal: principal.to_owned(),
        message,
        ignore_publish: true,
        ..Line::default()
    }
}
