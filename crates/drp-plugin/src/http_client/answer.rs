//! What a server answered.

use std::borrow::Cow;

use bytes::Bytes;
use drp_core::json::{self, ParseError};
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;

use super::failure::{Failure, excerpt};
use crate::Result;

/// An answer, all of it.
#[derive(Clone)]
pub struct HttpAnswer {
    /// What was asked, for errors.
    pub(super) asked: String,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl HttpAnswer {
    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body as `T`. Keys that `T` has no field for are left out.
    ///
    /// # Errors
    /// A 502: the body is no JSON, or no `T`; then the error names the place in the JSON that does not fit.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        json::parse(&self.body).map_err(|error| {
            let what = match error {
                ParseError::Invalid(source) if source.is_data() => self.misfit::<T>(&source),
                source => format!("JSON was expected, and it is `{}`: {source}", excerpt(&self.body)),
            };
            Failure::bad_answer(self.status, &what).into_error(&self.asked)
        })
    }

    /// The place is looked for only now: to keep track of it costs time that good answers need not spend.
    fn misfit<T: DeserializeOwned>(&self, source: &serde_json::Error) -> String {
        let found = serde_path_to_error::deserialize::<_, T>(&mut serde_json::Deserializer::from_slice(&self.body));
        let path = found.err().map_or_else(|| ".".to_owned(), |error| error.path().to_string());
        let (path, source) = (excerpt(path.as_bytes()), excerpt(source.to_string().as_bytes()));
        format!("its value at `{path}` is not what was expected: {source}")
    }

    /// The body as text; what is no UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The body.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.body
    }
}

/// Without headers and body: both may hold secrets.
impl std::fmt::Debug for HttpAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpAnswer")
            .field("asked", &self.asked)
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
