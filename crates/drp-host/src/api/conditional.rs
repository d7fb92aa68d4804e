//! `If-None-Match`: who has the present state of something already gets no more than that word, and may wait until
//! there is another (`Prefer: wait=`, `api.md` §3.5).

mod wait;

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use drp_core::{Error, limits};
use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{ETAG, IF_NONE_MATCH, IF_RANGE},
    request::Parts,
};
use tokio::time::{self, Instant};

use super::reply::Fail;
use crate::shared::Shared;

/// Marks the answer with one object, so that it can be waited for a change of it.
#[derive(Clone)]
pub(super) struct Shows {
    pub(super) prefix: String,
    /// As the URL has it.
    pub(super) key: String,
}

/// Answers 304 in place of what the client has.
pub(super) async fn answer(request: Request, next: Next) -> Response {
    let Some(known) = known(&request) else { return next.run(request).await };
    let response = next.run(request).await;
    not_modified(&known, &response).unwrap_or(response)
}

/// As [`answer`], and waits for a change if the client prefers that.
pub(super) async fn answer_or_wait(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let Some(known) = known(&request) else { return next.run(request).await };
    match wait::preferred(request.headers()) {
        Ok(None) => answer(request, next).await,
        Ok(Some(wait)) => {
            let deadline = Instant::now() + wait.min(limits::LONG_POLL_TIME);
            answer_when_changed(&shared, &known, request.into_parts().0, deadline, next).await
        }
        Err(problem) => Fail(Error::new(400, "GET", problem)).into_response(),
    }
}

/// Whether the answer depends on its ETag, so that one must be found even if that costs something.
pub(super) fn needs_tag(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::HEAD || headers.contains_key(IF_NONE_MATCH) || headers.contains_key(IF_RANGE)
}

/// Makes the answer anew, claims included, until it is another than the known one, or `deadline` has come.
async fn answer_when_changed(
    shared: &Shared,
    known: &HeaderValue,
    parts: Parts,
    deadline: Instant,
    next: Next,
) -> Response {
    let mut waiter = None;
    loop {
        let response = next.clone().run(Request::from_parts(parts.clone(), Body::empty())).await;
        let Some(unchanged) = not_modified(known, &response) else { return response };
        let Some(shown) = response.extensions().get::<Shows>().cloned() else { return unchanged };
        // Many may wait long, and none of them needs the object for that.
        drop(response);
        let Some(waiting) = &mut waiter else {
            let key = real_key(shared, &shown);
            waiter = shared.objects.changes().wait_for(&shown.prefix, &key);
            if waiter.is_none() {
                let busy = Error::new(503, "GET", "The server has too many requests that wait for changes");
                return Fail(busy.about(&shown.prefix, &shown.key)).into_response();
            }
            // It may have changed before there was anybody to be told.
            continue;
        };
        let over = tokio::select! {
            () = waiting.changed() => false,
            () = time::sleep_until(deadline) => true,
            () = shared.stopping.cancelled() => true,
        };
        if over {
            return unchanged;
        }
    }
}

/// The key of what was shown, which may have been asked for by an index.
fn real_key(shared: &Shared, shown: &Shows) -> String {
    let object = || shared.objects.get(&shown.prefix, &shown.key).ok().flatten();
    match shared.objects.kind(&shown.prefix).zip(object()) {
        Some((kind, object)) => kind.key_of(&object),
        None => shown.key.clone(),
    }
}

/// What a request that only reads says to know.
fn known(request: &Request) -> Option<HeaderValue> {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    request.headers().get(IF_NONE_MATCH).filter(|_| reads).cloned()
}

/// The answer to somebody who knows `known`, if that is what the full answer would say.
fn not_modified(known: &HeaderValue, response: &Response) -> Option<Response> {
    let is_whole = matches!(response.status(), StatusCode::OK | StatusCode::PARTIAL_CONTENT);
    let tag = response.headers().get(ETAG).filter(|_| is_whole)?;
    let same = names(known.to_str().ok()?, tag.to_str().ok()?);
    same.then(|| (StatusCode::NOT_MODIFIED, [(ETAG, tag.clone())], Body::empty()).into_response())
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
