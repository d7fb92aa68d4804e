//! What a handler answers when it cannot do what was asked.

use std::{borrow::Cow, error::Error as StdError, fmt, time::Duration};

use drp_client::ClientError;
use drp_core::chain;

use crate::{CommandError, redact::redact};

/// The result of a handler.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error with a status that cannot be below 400.
///
/// `?` turns any error into one: what the DRP API answered keeps its status, everything else is a 500. The causes are
/// written into the message, so the operator who reads it in a job log sees why.
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

/// The status that the kind of an error stands for.
fn status_of(error: &(dyn StdError + 'static)) -> u16 {
    let of_api = error.downcast_ref::<ClientError>().and_then(ClientError::status);
    let late = matches!(error.downcast_ref(), Some(CommandError::TimedOut { .. }));
    of_api.unwrap_or(if late { 504 } else { 500 })
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
}
