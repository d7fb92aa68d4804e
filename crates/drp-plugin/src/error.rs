//! What a handler answers when it cannot do what was asked.

use std::{borrow::Cow, error::Error as StdError, fmt, io, time::Duration};

use drp_client::{ClientError, CompareAndSetError};
use drp_core::{chain, limits};
use tokio::time::error::Elapsed;

use crate::{CommandError, redact::redact};

/// The result of a handler.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error with a status that cannot be below 400.
///
/// `?` turns any error into one, with its causes in the message, so the operator who reads it in a job log sees why. What
/// the DRP API answered keeps its status, also as a cause of another error; a compare-and-set that came too late is a
/// 409, a connection that cannot be made or breaks a 502, a time limit a 504, and everything else a 500.
/// [`ResultExt`] says what was being done.
///
/// What is no error of the standard library's kind, such as a `Box<dyn Error>` or an `anyhow::Error`, goes by its text:
/// `.map_err(|error| Error::new(500, format!("{error:#}")))`.
///
/// ```
/// use drp_plugin::Error;
/// let error = Error::new(409, "outlet 3 is switched off by hand");
/// assert_eq!(error.code(), 409);
/// assert_eq!(Error::new(0, "a code that is none").code(), 500);
/// ```
#[derive(Debug)]
pub struct Error {
    code: u16,
    messages: Vec<String>,
    remove_provider: bool,
    retry_after: Option<Duration>,
    upstream: Option<Upstream>,
}

/// What is known of an error that has come from another server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Upstream {
    /// What it answered, if it did.
    pub(crate) status: Option<u16>,
    /// Whether the call may be made again, and another try may succeed.
    pub(crate) may_pass: bool,
}

/// Messages of one error; more are counted.
const MESSAGES_MAX: usize = 100;

impl Error {
    /// An error with an HTTP status; one outside of 400 to 599 becomes 500.
    pub fn new(code: u16, message: impl Into<String>) -> Self {
        let messages = vec![message.into()];
        Self { code: valid(code), messages, remove_provider: false, retry_after: None, upstream: None }
    }

    /// The caller asked for something that makes no sense: status 400.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, message)
    }

    /// All problems of what the caller sent: status 400, one message each.
    pub(crate) fn problems(messages: Vec<String>) -> Self {
        Self { code: 400, messages, remove_provider: false, retry_after: None, upstream: None }
    }

    /// Only from `configure`: this provider must not run on this server. The server removes it, with all its plugins.
    pub fn remove_provider(message: impl Into<String>) -> Self {
        Self { remove_provider: true, ..Self::new(403, message) }
    }

    /// The same error with another status; one outside of 400 to 599 becomes 500.
    #[must_use]
    pub fn with_code(self, code: u16) -> Self {
        Self { code: valid(code), ..self }
    }

    /// Says what was being done when the error came up.
    #[must_use]
    pub fn context(mut self, doing: impl fmt::Display) -> Self {
        if let Some(first) = self.messages.first_mut() {
            *first = format!("{doing}: {first}");
        }
        self
    }

    /// The same error with one more message.
    #[must_use]
    pub fn and(mut self, message: impl Into<String>) -> Self {
        self.messages.push(message.into());
        self
    }

    /// The same error, and when to try again.
    #[must_use]
    pub fn with_retry_after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }

    /// When to try again, where that is known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Whether another try may succeed: too many requests (429), or somebody behind is not there at the moment (502,
    /// 503, 504, 408).
    ///
    /// An error of an [`HttpClient`](crate::HttpClient) knows better: it is `false` for what the server will say again,
    /// and for a call that may have been carried out and must not be made twice.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        self.upstream.map_or(matches!(self.code, 408 | 429 | 502 | 503 | 504), |upstream| upstream.may_pass)
    }

    /// What a server answered that was asked with an [`HttpClient`](crate::HttpClient), such as the 404 of a device;
    /// [`code`](Self::code) is what the provider's own caller gets.
    ///
    /// ```
    /// # use drp_plugin::{HttpClient, Result};
    /// # async fn example(device: HttpClient) -> Result<bool> {
    /// match device.get("outlets/9").send().await {
    ///     Ok(_) => Ok(true),
    ///     Err(error) if error.upstream_status() == Some(404) => Ok(false),
    ///     Err(error) => Err(error),
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn upstream_status(&self) -> Option<u16> {
        self.upstream.and_then(|upstream| upstream.status)
    }

    pub(crate) fn of_upstream(self, upstream: Upstream) -> Self {
        Self { upstream: Some(upstream), ..self }
    }

    /// The HTTP status.
    #[must_use]
    pub fn code(&self) -> u16 {
        self.code
    }

    /// What is wrong, one text a problem.
    #[must_use]
    pub fn messages(&self) -> &[String] {
        &self.messages
    }

    /// The error without the secrets in use. Only who holds them may ask: later nobody knows what to cut out.
    pub(crate) fn redacted(mut self) -> Self {
        for message in &mut self.messages {
            if let Cow::Owned(clean) = redact(message) {
                *message = clean;
            }
        }
        self.cut()
    }

    /// Not more than a person reads and a job log bears.
    fn cut(mut self) -> Self {
        let more = self.messages.len().saturating_sub(MESSAGES_MAX);
        self.messages.truncate(MESSAGES_MAX);
        for message in self.messages.iter_mut().filter(|message| message.len() > limits::LOG_LINE_BYTES_MAX) {
            let bytes = message.len();
            message.truncate(message.floor_char_boundary(limits::LOG_LINE_BYTES_MAX));
            *message = format!("{message}... (cut, {bytes} bytes in all)");
        }
        if more > 0 {
            self.messages.push(format!("... and {more} more"));
        }
        self
    }

    /// The error object of the wire, without secrets. Its Model, Key and Type are those Go providers use.
    pub(crate) fn into_wire(self, provider: &str) -> drp_core::Error {
        let code = self.code.into();
        drp_core::Error {
            model: "plugin".to_owned(),
            key: provider.to_owned(),
            type_: "plugin".to_owned(),
            messages: self.redacted().messages.into(),
            code,
            ..drp_core::Error::default()
        }
    }

    /// A 403 makes the server remove the provider, so one that only passed through `configure` must not stay one.
    pub(crate) fn in_configure(self) -> Self {
        if self.code == 403 && !self.remove_provider { self.with_code(500) } else { self }
    }
}

fn valid(code: u16) -> u16 {
    if (400..=599).contains(&code) { code } else { 500 }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.messages.join("; "))
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        Self::new(status_of(&error), chain(&error))
    }
}

/// What was being done, said of an error in passing. In scope wherever `?` turns the error into one of a handler's.
///
/// ```
/// use drp_plugin::{Result, ResultExt};
///
/// fn read_list(path: &str) -> Result<String> {
///     std::fs::read_to_string(path).with_context(|| format!("cannot read `{path}`"))
/// }
/// let error = read_list("/no/such/file").unwrap_err();
/// assert!(error.to_string().starts_with("cannot read `/no/such/file`: "));
/// ```
pub trait ResultExt<T>: Sized {
    /// As [`Error::context`].
    ///
    /// # Errors
    /// The same error, as one of a handler's.
    fn context(self, doing: impl fmt::Display) -> Result<T>;

    /// The same, with a text that is made only where it is needed.
    ///
    /// # Errors
    /// The same error, as one of a handler's.
    fn with_context<D: fmt::Display>(self, doing: impl FnOnce() -> D) -> Result<T>;
}

impl<T, E: Into<Error>> ResultExt<T> for Result<T, E> {
    fn context(self, doing: impl fmt::Display) -> Result<T> {
        self.with_context(|| doing)
    }

    fn with_context<D: fmt::Display>(self, doing: impl FnOnce() -> D) -> Result<T> {
        self.map_err(|error| error.into().context(doing()))
    }
}

/// The status that an error, or the first of its causes that has one, stands for.
fn status_of(error: &(dyn StdError + 'static)) -> u16 {
    std::iter::successors(Some(error), |error| (*error).source()).find_map(status_of_one).unwrap_or(500)
}

fn status_of_one(error: &(dyn StdError + 'static)) -> Option<u16> {
    if let Some(error) = error.downcast_ref::<ClientError>() {
        return error.status();
    }
    if let Some(error) = error.downcast_ref::<CompareAndSetError>() {
        return match error {
            CompareAndSetError::Client(error) => error.status(),
            _ => Some(409),
        };
    }
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return status_of_io(error.kind());
    }
    let late = matches!(error.downcast_ref(), Some(CommandError::TimedOut { .. })) || error.is::<Elapsed>();
    late.then_some(504)
}

/// Somebody at the other end of a connection is not there, or does not answer; all else is nobody's but ours.
fn status_of_io(kind: io::ErrorKind) -> Option<u16> {
    use io::ErrorKind as Kind;
    match kind {
        Kind::TimedOut => Some(504),
        Kind::ConnectionRefused
        | Kind::ConnectionReset
        | Kind::ConnectionAborted
        | Kind::HostUnreachable
        | Kind::NetworkUnreachable
        | Kind::NetworkDown => Some(502),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_error_becomes_one_with_its_causes() {
        let error: Error = std::io::Error::other("disk gone").into();
        assert_eq!((error.code(), error.to_string().as_str()), (500, "disk gone"));
        let error = error.context("cannot write `x`").with_code(507);
        assert_eq!((error.code(), error.to_string().as_str()), (507, "cannot write `x`: disk gone"));
    }

    #[test]
    fn a_403_leaves_configure_only_by_name() {
        assert_eq!(Error::new(403, "upstream refused").in_configure().code(), 500);
        assert_eq!(Error::remove_provider("no licence").in_configure().code(), 403);
    }

    #[test]
    fn codes_that_are_no_errors_become_500() {
        for code in [0, 200, 399, 600, u16::MAX] {
            assert_eq!(Error::new(code, "").code(), 500);
        }
    }

    #[test]
    fn the_status_is_that_of_the_first_cause_that_has_one() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot ask the BMC")]
        struct Asking(#[source] io::Error);
        let check = |error: Error, code: u16, may_pass: bool| {
            assert_eq!((error.code(), error.may_pass()), (code, may_pass), "{error}");
        };
        check(io::Error::from(io::ErrorKind::ConnectionRefused).into(), 502, true);
        check(Asking(io::Error::from(io::ErrorKind::TimedOut)).into(), 504, true);
        check(io::Error::from(io::ErrorKind::NotFound).into(), 500, false);
        let conflict = CompareAndSetError::Conflict { object: "machines/m1".to_owned(), name: "x".to_owned() };
        check(conflict.into(), 409, false);
        let done: Result<(), io::Error> = Err(io::ErrorKind::ConnectionReset.into());
        assert_eq!(done.context("cannot power on").unwrap_err().to_string(), "cannot power on: connection reset");
    }

    #[test]
    fn what_nobody_would_read_to_its_end_is_cut() {
        let many = Error::problems((0..200).map(|n| format!("problem {n}")).collect()).redacted();
        assert_eq!((many.messages().len(), many.messages()[100].as_str()), (101, "... and 100 more"));
        let long = Error::new(500, "ä".repeat(limits::LOG_LINE_BYTES_MAX)).redacted();
        assert!(long.messages()[0].ends_with("ä... (cut, 65536 bytes in all)"));
    }
}
