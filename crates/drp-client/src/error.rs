//! Why a call failed.

use std::{error::Error as StdError, io, sync::Arc, time::Duration};

use drp_core::{Error, chain, json::ParseError};
use rustls::{CertificateError, OtherError};

use crate::BuildRequestError;

/// A call that failed: `GET machines/UUID failed`. The reason is its [`kind`](Self::kind), which is also its source.
#[derive(Debug, thiserror::Error)]
#[error("{doing} failed")]
pub struct ClientError {
    doing: String,
    #[source]
    kind: ClientErrorKind,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientErrorKind {
    /// The call makes no sense, so it was not sent.
    #[error("the request cannot be built")]
    Build(#[source] BuildRequestError),
    /// The server cannot be reached; it has seen nothing of the call.
    #[error("the server cannot be reached")]
    Connect(#[source] Box<dyn StdError + Send + Sync>),
    /// The server is not who it should be, or speaks no TLS; it has seen nothing of the call.
    #[error("no trusted TLS connection")]
    Tls(#[source] Box<dyn StdError + Send + Sync>),
    /// The connection broke before the answer; the call may have been carried out.
    #[error("the connection broke before the answer")]
    Disconnected(#[source] Box<dyn StdError + Send + Sync>),
    /// No answer in time; the call may have been carried out.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// The server said no.
    #[error("the server answered {status}")]
    Status {
        /// The HTTP status, 400 or above.
        status: u16,
        /// What the server says about it.
        #[source]
        error: Box<Error>,
    },
    /// The answer cannot be used; the call may have been carried out.
    #[error("the answer cannot be used")]
    BadAnswer(#[source] BadAnswer),
}

/// What is wrong with an answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadAnswer {
    /// It sends the client elsewhere. Redirects are never followed: the credentials are meant for one server.
    #[error("status {status} redirects to `{location}`")]
    Redirect {
        /// The HTTP status.
        status: u16,
        /// Where to.
        location: String,
    },
    /// It is no JSON by its own words.
    #[error("its content type is `{0}`")]
    ContentType(String),
    /// It is no JSON, or not the JSON that was expected.
    #[error("it is not the JSON that was expected")]
    Json(#[source] ParseError),
    /// It is JSON, but not the value that was expected. What it is instead is not told: it may be secret.
    #[error("it is not the value that was expected")]
    Value,
    /// It has more bytes than allowed.
    #[error("it is larger than {0} bytes")]
    TooLarge(usize),
    /// It ended too early.
    #[error("it ended in the middle")]
    Truncated(#[source] Box<dyn StdError + Send + Sync>),
    /// It breaks the rules of websockets.
    #[error("it is no websocket's")]
    Websocket(#[source] Box<dyn StdError + Send + Sync>),
}

impl ClientError {
    pub(crate) fn new(doing: impl Into<String>, kind: ClientErrorKind) -> Self {
        Self { doing: doing.into(), kind }
    }

    /// The same without a reason that quotes the answer.
    pub(crate) fn without_quote(mut self) -> Self {
        if let ClientErrorKind::BadAnswer(answer @ BadAnswer::Json(_)) = &mut self.kind {
            *answer = BadAnswer::Value;
        }
        self
    }

    /// What was being done: `PATCH machines/UUID/params`.
    #[must_use]
    pub fn doing(&self) -> &str {
        &self.doing
    }

    /// Why it failed.
    #[must_use]
    pub fn kind(&self) -> &ClientErrorKind {
        &self.kind
    }

    /// The HTTP status, if the server said no.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self.kind {
            ClientErrorKind::Status { status, .. } => Some(status),
            _ => None,
        }
    }

    /// The server's error object, if it said no.
    #[must_use]
    pub fn wire(&self) -> Option<&Error> {
        match &self.kind {
            ClientErrorKind::Status { error, .. } => Some(error),
            _ => None,
        }
    }

    /// Whether the object or param does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }

    /// Whether the object's state does not allow the call.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.status() == Some(409)
    }

    /// Whether a patch did not apply because the object is no longer what its tests expect. Other conflicts, such as
    /// a value against its schema, are not meant.
    #[must_use]
    pub fn is_patch_conflict(&self) -> bool {
        // The texts are those of params and of objects (`api.md` §3.3, `models.md` §20).
        let texts = ["Patch failed to apply at line", "Patch error at line", "Test op failed"];
        let names_it = |message: &String| texts.iter().any(|text| message.contains(text));
        self.is_conflict() && self.wire().is_some_and(|error| error.messages.iter().any(names_it))
    }

    /// This error and its sources in one line, for a log.
    #[must_use]
    pub fn chain(&self) -> String {
        chain(self)
    }
}

/// What a provider answers to its own caller: the server's error as it is, else 502, 504 or 400 with the reason.
impl From<ClientError> for Error {
    fn from(error: ClientError) -> Self {
        let code = match &error.kind {
            ClientErrorKind::Status { error, .. } => return (**error).clone(),
            ClientErrorKind::Build(_) => 400,
            ClientErrorKind::Timeout(_) => 504,
            _ => 502,
        };
        Self::new(code, "CLIENT_ERROR", error.chain())
    }
}

impl From<BuildRequestError> for ClientError {
    fn from(error: BuildRequestError) -> Self {
        Self::new("building a request", ClientErrorKind::Build(error))
    }
}

impl From<BadAnswer> for ClientErrorKind {
    fn from(answer: BadAnswer) -> Self {
        Self::BadAnswer(answer)
    }
}

/// An error of the HTTP library, sorted by what it means for the call.
pub(crate) fn transport(error: reqwest::Error, limit: Duration) -> ClientErrorKind {
    // The URL stands in the text already, as what was being done.
    let error = error.without_url();
    if let Some(tls) = tls_cause(&error) {
        ClientErrorKind::Tls(tls)
    } else if error.is_connect() {
        ClientErrorKind::Connect(Box::new(error))
    } else if error.is_timeout() {
        ClientErrorKind::Timeout(limit)
    } else {
        ClientErrorKind::Disconnected(Box::new(error))
    }
}

/// An input-output error of opening a connection.
pub(crate) fn opening(error: io::Error) -> ClientErrorKind {
    match tls_cause(&error) {
        Some(tls) => ClientErrorKind::Tls(tls),
        None => ClientErrorKind::Connect(Box::new(error)),
    }
}

fn tls_cause(error: &(dyn StdError + 'static)) -> Option<Box<dyn StdError + Send + Sync>> {
    let mut next = Some(error);
    while let Some(error) = next {
        match error.downcast_ref::<rustls::Error>() {
            // Our own verifier's error; the library would show its debug form.
            Some(rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(ours)))) => {
                return Some(Box::new(Arc::clone(ours)));
            }
            Some(tls) => return Some(Box::new(tls.clone())),
            None => {}
        }
        // An io::Error hides the error it was made of from its own chain of sources.
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(error: Error) -> ClientError {
        let status = error.status();
        ClientError::new("PATCH machines/x/params", ClientErrorKind::Status { status, error: Box::new(error) })
    }

    #[test]
    fn texts_say_each_thing_once() {
        let error = refused(Error::new(404, "PATCH", "Not Found").about("machines", "x"));
        assert_eq!(error.to_string(), "PATCH machines/x/params failed");
        let expected = "PATCH machines/x/params failed: the server answered 404: PATCH: machines/x: Not Found";
        assert_eq!(error.chain(), expected);
        assert!(error.is_not_found());
    }

    #[test]
    fn only_patches_that_do_not_apply_are_patch_conflicts() {
        let check = |error: Error, expected: bool| assert_eq!(refused(error).is_patch_conflict(), expected);
        check(Error::new(409, "PATCH", "Patch failed to apply at line 0").and("Test op failed."), true);
        check(Error::new(409, "PATCH", "Patch error at line 3: Test op failed."), true);
        check(Error::new(409, "POST", "Key 'a': invalid val '1': : (root): Invalid type."), false);
        check(Error::new(409, "CREATE", "already exists"), false);
        check(Error::new(400, "PATCH", "Test op failed."), false);
    }

    #[test]
    fn a_provider_passes_the_servers_error_on_and_names_other_faults() {
        let wire: Error = refused(Error::new(409, "PATCH", "no")).into();
        assert_eq!((wire.code, wire.type_.as_str()), (409, "PATCH"));
        let wire: Error = ClientError::new("GET info", ClientErrorKind::Timeout(Duration::from_secs(3))).into();
        assert_eq!(wire.to_string(), "CLIENT_ERROR: GET info failed: no answer within 3s");
        assert_eq!(wire.code, 504);
    }
}
