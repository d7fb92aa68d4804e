//! The port of operators: metrics, health and readiness, over plain HTTP and without authentication.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use drp_core::Error;
use http::{HeaderValue, Method, StatusCode, Uri, header};
use serde::Serialize;

use super::text_of;
use crate::{
    api::reply::Fail,
    shared::{Phase, Shared},
    store::Status,
};

const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// Whether the host can do its work, and if not why.
#[derive(Debug, Serialize)]
struct Readiness {
    ready: bool,
    reasons: Vec<Reason>,
}

/// Something that keeps the host from its work.
#[derive(Debug, Serialize)]
struct Reason {
    /// What was looked at.
    check: &'static str,
    /// What is the matter with it.
    reason: String,
}

/// `/metrics`, `/health` and `/ready`.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/health", get(health))
        .route("/ready", get(ready))
        .method_not_allowed_fallback(not_served)
        .fallback(not_served)
        .with_state(shared)
}

async fn metrics(State(shared): State<Arc<Shared>>) -> Result<Response, Fail> {
    let text = text_of(&shared).map_err(|error| Error::new(500, "GET", error.to_string()))?;
    Ok(([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response())
}

/// The process answers, and that is all it says.
async fn health() -> Json<serde_json::Value> {
    Json(serde_json::json!({ "status": "alive" }))
}

async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    let reasons = reasons(&shared.store.status(), shared.phase());
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready: reasons.is_empty(), reasons })).into_response()
}

/// What keeps a host from its work whose store and phase are these.
fn reasons(store: &Status, phase: Phase) -> Vec<Reason> {
    let store = store.read_only.as_ref();
    let store = store.map(|why| Reason { check: "store", reason: format!("it takes no changes any more: {why}") });
    let phase = match phase {
        Phase::Starting => Some(Reason { check: "providers", reason: "they are being imported".to_owned() }),
        Phase::Serving => None,
        Phase::Stopping => Some(Reason { check: "host", reason: "it is stopping".to_owned() }),
    };
    store.into_iter().chain(phase).collect()
}

async fn not_served(method: Method, uri: Uri) -> Fail {
    Fail(Error::no_route(method.as_str(), uri.path()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_takes_no_changes_is_a_reason_besides_others() {
        let status = |read_only: Option<&str>| Status {
            revision: 1,
            batches: 1,
            transactions: 1,
            read_only: read_only.map(Into::into),
        };
        let checks = |status: &Status, phase| {
            reasons(status, phase)
                .iter()
                .map(|reason| format!("{}: {}", reason.check, reason.reason))
                .collect::<Vec<_>>()
        };
        assert_eq!(checks(&status(None), Phase::Serving), [] as [String; 0]);
        let full = "store: it takes no changes any more: the disk is full";
        assert_eq!(checks(&status(Some("the disk is full")), Phase::Serving), [full]);
        assert_eq!(checks(&status(Some("the disk is full")), Phase::Stopping), [full, "host: it is stopping"]);
    }
}
