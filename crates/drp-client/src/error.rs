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
    /// What was to be sent cannot be read; the call may have been carried out with a part of it.
    #[error("what was to be sent cannot be read")]
    Source(#[source] io::Error),
    /// The connection broke before the answer; the call may have been carried out.
    #[error("the connection broke before the answer")]
    Disconnected(#[source] Box<dyn StdError + Send + Sync>),
    /// No whole answer in time; the call may have been carried out.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// The user could not be logged in, so the call was not sent.
    #[error("cannot log in as `{user}`")]
    Login {
        /// The user.
        user: String,
        /// Why not. Calls that wait for the same login share its failure.
        #[source]
        source: Arc<ClientError>,
    },
    /// The server does not know who speaks, so it did nothing. A user's token was fetched anew before.
    #[error("the server answered {status}: it does not accept {who}")]
    Unauthenticated {
        /// The HTTP status: 401, or 403 with an error that is not about rights.
        status: u16,
        /// What it does not accept: the token, or a user.
        who: String,
        /// What the server says about it.
        #[source]
        error: Box<Error>,
    },
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
    #[error("status {status} redirects to `{location}`, whereto credentials are not taken: is the endpoint right?")]
    Redirect {
        /// The HTTP status.
        status: u16,
        /// Where to, without credentials and query.
        location: String,
    },
    /// It is no JSON by its own words.
    #[error("JSON was expected, but its type is `{content_type}`{}: is something else at this address?", beginning(.begins))]
    ContentType {
        /// Its content type; may be empty.
        content_type: String,
        /// How it begins; may be empty.
        begins: String,
    },
    /// It says that it is JSON, but it is not.
    #[error("JSON was expected{}", beginning(.begins))]
    NotJson {
        /// How it begins; may be empty.
        begins: String,
        /// Why it is none.
        #[source]
        source: ParseError,
    },
    /// It is JSON, but not the value that was expected.
    #[error("its value at `{path}` is not what was expected")]
    WrongType {
        /// Where in the answer: `[3].Params`; `.` is the whole of it.
        path: String,
        /// What was expected there, and what came.
        #[source]
        source: serde_json::Error,
    },
    /// It is not the value that was expected. What it is instead is not told: it may be secret.
    #[error("it is not the value that was expected")]
    Value,
    /// It lacks a header that it should have, or that header says nothing.
    #[error("it has no header `{0}` that can be read")]
    NoHeader(&'static str),
    /// A page of a list does not go on behind the one before.
    #[error("it does not go on behind the page before")]
    Order,
    /// What came is not what the server says it sent, or has got.
    #[error("its SHA-256 sum is {found}, and not {expected}")]
    Sum {
        /// The sum by the server.
        expected: String,
        /// The sum of what came, or went.
        found: String,
    },
    /// The server has got another number of bytes than were sent.
    #[error("it has {found} bytes, and not the {expected} that were sent")]
    Size {
        /// How many were sent.
        expected: u64,
        /// How many the server has got.
        found: u64,
    },
    /// It has more bytes than allowed, once unpacked.
    #[error("it is larger than {0} bytes: ask for less at once, or allow more")]
    TooLarge(usize),
    /// Its head is larger than any server's should be.
    #[error("its head has too many headers or is too large")]
    HeadTooLarge,
    /// It is no HTTP.
    #[error("it is no HTTP: is something else at this address?")]
    NotHttp(#[source] Box<dyn StdError + Send + Sync>),
    /// It is packed in a way that nobody asked for, or not as it says.
    #[error("it cannot be unpacked from `{0}`")]
    Encoding(String),
    /// It ended too early.
    #[error("it ended in the middle")]
    Truncated(#[source] Box<dyn StdError + Send + Sync>),
    /// It breaks the rules of websockets.
    #[error("it is no websocket's")]
    Websocket(#[source] Box<dyn StdError + Send + Sync>),
}

/// The beginning of an answer within an error text.
fn beginning(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" and it begins `{text}`") }
}

impl ClientError {
    pub(crate) fn new(doing: impl Into<String>, kind: ClientErrorKind) -> Self {
        Self { doing: doing.into(), kind }
    }

    /// The same without a reason that quotes the answer.
    pub(crate) fn without_quote(mut self) -> Self {
        if let ClientErrorKind::BadAnswer(answer) = &mut self.kind {
            match answer {
                BadAnswer::NotJson { .. } | BadAnswer::WrongType { .. } => *answer = BadAnswer::Value,
                BadAnswer::ContentType { begins, .. } => begins.clear(),
                _ => {}
            }
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

    /// The HTTP status, if the server said no: to the call, or to the login for it.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match &self.kind {
            ClientErrorKind::Status { status, .. } | ClientErrorKind::Unauthenticated { status, .. } => Some(*status),
            ClientErrorKind::Login { source, .. } => source.status(),
            _ => None,
        }
    }

    /// The server's error object, if it said no: to the call, or to the login for it.
    #[must_use]
    pub fn wire(&self) -> Option<&Error> {
        match &self.kind {
            ClientErrorKind::Status { error, .. } | ClientErrorKind::Unauthenticated { error, .. } => Some(error),
            ClientErrorKind::Login { source, .. } => source.wire(),
            _ => None,
        }
    }

    /// Whether the server does not know who speaks.
    #[must_use]
    pub fn is_unauthenticated(&self) -> bool {
        match &self.kind {
            ClientErrorKind::Unauthenticated { .. } => true,
            ClientErrorKind::Login { source, .. } => source.is_unauthenticated(),
            _ => false,
        }
    }

    /// Whether the object or param does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self.kind, ClientErrorKind::Status { status: 404, .. })
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
            ClientErrorKind::Status { error, .. } | ClientErrorKind::Unauthenticated { error, .. } => {
                return (**error).clone();
            }
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
pub fn transport(error: reqwest::Error, limit: Duration) -> ClientErrorKind {
    // The URL stands in the text already, as what was being done.
    let error = error.without_url();
    if error.is_connect() {
        // TLS that breaks later is a lost connection like any other: the call may have been carried out.
        tls_cause(&error).map_or_else(|| ClientErrorKind::Connect(Box::new(error)), ClientErrorKind::Tls)
    } else if error.is_timeout() {
        ClientErrorKind::Timeout(limit)
    } else {
        match cause::<hyper::Error>(&error) {
            Some(cause) if cause.is_parse_too_large() => BadAnswer::HeadTooLarge.into(),
            Some(cause) if cause.is_parse() => BadAnswer::NotHttp(Box::new(error)).into(),
            _ => ClientErrorKind::Disconnected(Box::new(error)),
        }
    }
}

/// An error of the HTTP library while it reads a body.
pub fn body(error: reqwest::Error, limit: Duration) -> ClientErrorKind {
    let error = error.without_url();
    if error.is_timeout() {
        ClientErrorKind::Timeout(limit)
    } else if cause::<hyper::Error>(&error).is_none() {
        // Nothing is wrong with the connection, so it is the unpacking of the only encoding that is asked for.
        BadAnswer::Encoding("gzip".to_owned()).into()
    } else {
        BadAnswer::Truncated(Box::new(error)).into()
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
    match cause::<rustls::Error>(error)? {
        // Our own verifier's error; the library would show its debug form.
        rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(ours))) => {
            Some(Box::new(Arc::clone(ours)))
        }
        tls => Some(Box::new(tls.clone())),
    }
}

/// The first error of a type among an error and what it comes from.
fn cause<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
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
