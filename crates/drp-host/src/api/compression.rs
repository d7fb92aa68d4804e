//! gzip: for answers that are worth it, where the client asks. Go's clients always ask, and never for HEAD.
//!
//! The ETag is that of the object, whatever its encoding: clients hand it back without looking at it.

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use drp_core::Error;
use http::{
    HeaderValue,
    header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE},
};
use http_body::Body;
use tower_http::{
    CompressionLevel,
    compression::{CompressionLayer, Predicate},
};

use super::reply::{Fail, JSON};

/// The smallest answer that is compressed. An object of 8 KB costs 15 us and goes as 2.4 KB (`docs/design/0006-http.md`).
const BYTES_MIN: u64 = 4 << 10;
/// The fastest: the next one costs more time than a fast network needs for the bytes it saves.
const LEVEL: CompressionLevel = CompressionLevel::Precise(1);
/// Only lists of objects have it.
const LIST_COUNT: &str = "x-drp-list-count";
/// What plugins are asked is theirs to read.
const FORWARDED: &str = "/plugin-apis/";

/// Compresses answers.
pub(super) fn layer() -> CompressionLayer<LargeJson> {
    CompressionLayer::new().quality(LEVEL).compress_when(LargeJson)
}

/// JSON that is large enough. Files are mostly compressed already, and what plugins stream must not wait.
#[derive(Clone, Copy)]
pub(super) struct LargeJson;

impl Predicate for LargeJson {
    fn should_compress<B: Body>(&self, response: &http::Response<B>) -> bool {
        let is_json = response.headers().get(CONTENT_TYPE) == Some(&JSON);
        // A list that is written piece by piece is large, and has no length.
        let is_list = || response.headers().contains_key(LIST_COUNT);
        is_json && response.body().size_hint().exact().map_or_else(is_list, |bytes| bytes >= BYTES_MIN)
    }
}

/// Refuses a body that would have to be inflated first, to nobody knows what size.
pub(super) async fn refuse_encoded(request: Request, next: Next) -> Response {
    let encodings = request.headers().get_all(CONTENT_ENCODING);
    let is_plain = encodings.iter().all(|encoding| encoding.is_empty() || encoding == "identity");
    if is_plain || request.uri().path().starts_with(FORWARDED) {
        return next.run(request).await;
    }
    let error = Error::new(415, request.method().as_str(), "a request's body must come without Content-Encoding");
    let mut response = Fail(error).into_response();
    response.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    response
}
