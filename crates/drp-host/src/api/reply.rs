//! Answers. Every one says that it is JSON, even one without a body: the Go client takes no other.

use std::{
    hash::{BuildHasher, RandomState},
    sync::LazyLock,
};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use drp_core::Error;
use http::{
    HeaderName, HeaderValue, StatusCode,
    header::{CONTENT_TYPE, ETAG},
};
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Tags compare texts that one process showed; nobody who does not know the seed can make two texts of one tag.
static TAG_SEED: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));

/// What a handler returns.
pub(crate) type Reply = Result<Response, Fail>;

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A wire error as an answer.
#[derive(Debug)]
pub(crate) struct Fail(pub(crate) Error);

impl From<Error> for Fail {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Fail {
    fn into_response(self) -> Response {
        error(&self.0)
    }
}

/// A wire error as an answer.
pub(crate) fn error(error: &Error) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    // An error's texts and numbers are always JSON.
    bytes(status, serde_json::to_vec(error).unwrap_or_default())
}

/// A value as JSON.
pub(crate) fn json<T: Serialize + ?Sized>(status: StatusCode, value: &T) -> Reply {
    Ok(bytes(status, encode(value)?))
}

/// A single object, with the ETag of its text.
pub(crate) fn object<T: Serialize + ?Sized>(status: StatusCode, value: &T) -> Reply {
    Ok(object_bytes(status, encode(value)?))
}

/// As [`object`], of JSON that is there already.
pub(crate) fn object_bytes(status: StatusCode, body: impl Into<Bytes>) -> Response {
    let body = body.into();
    let tag = xxh3_64_with_seed(&body, *TAG_SEED);
    let mut response = bytes(status, body);
    if let Ok(tag) = HeaderValue::try_from(format!("\"{tag:016x}\"")) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

/// 204, which Go clients want to be called JSON too.
pub(crate) fn no_content() -> Response {
    (StatusCode::NO_CONTENT, [(CONTENT_TYPE, JSON)]).into_response()
}

/// Already encoded JSON.
pub(crate) fn bytes(status: StatusCode, body: impl Into<Body>) -> Response {
    (status, [(CONTENT_TYPE, JSON)], body.into()).into_response()
}

/// How many objects a list has: visible at all, left by the filters, and sent.
pub(crate) struct Counts {
    pub(crate) total: usize,
    pub(crate) filtered: usize,
    pub(crate) sent: usize,
}

/// A list of objects with its counts.
pub(crate) fn list<T: Serialize>(items: &[T], counts: &Counts) -> Reply {
    Ok(list_text(encode(items)?, counts))
}

/// As [`list`], of JSON text that is there already or comes piece by piece.
pub(crate) fn list_text(body: impl Into<Body>, counts: &Counts) -> Response {
    let mut response = bytes(StatusCode::OK, body);
    for (name, count) in [
        ("x-drp-list-total-count", counts.total),
        ("x-drp-list-filter-count", counts.filtered),
        ("x-drp-list-count", counts.sent),
    ] {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from(count));
    }
    response
}

fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|error| Error::new(500, "", format!("cannot write the answer: {error}")))
}
