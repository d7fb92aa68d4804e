//! `If-None-Match`: who has the present state of something already gets no more than that word.

use axum::{
    body::Body,
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, Method, StatusCode,
    header::{ETAG, IF_NONE_MATCH},
};

/// Answers 304 in place of what the client has.
pub(super) async fn answer(request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let Some(known) = request.headers().get(IF_NONE_MATCH).filter(|_| reads).cloned() else {
        return next.run(request).await;
    };
    let response = next.run(request).await;
    let tag = response.headers().get(ETAG).filter(|_| response.status() == StatusCode::OK);
    match (known.to_str(), tag) {
        (Ok(known), Some(tag)) if tag.to_str().is_ok_and(|tag| names(known, tag)) => {
            (StatusCode::NOT_MODIFIED, [(ETAG, tag.clone())], Body::empty()).into_response()
        }
        _ => response,
    }
}

/// Whether the answer depends on its ETag, so that one must be found even if that costs something.
pub(super) fn needs_tag(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::HEAD || headers.contains_key(IF_NONE_MATCH)
}

/// Whether `known`, a list of tags or `*`, has `tag` in it.
fn names(known: &str, tag: &str) -> bool {
    known.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_in_a_list() {
        let check = |known: &str, expected: bool| assert_eq!(names(known, r#""a""#), expected, "{known}");
        check(r#""a""#, true);
        check(r#""b", W/"a""#, true);
        check("*", true);
        check(r#""b""#, false);
        check("a", false);
        check("", false);
    }
}
