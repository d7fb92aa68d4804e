//! `POST /events` and `GET /logs`.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use drp_core::Event;
use http::StatusCode;

use super::{
    reply::{self, Fail, Reply},
    request::{Call, JsonBody},
};
use crate::shared::Shared;

/// Publishes an event as it comes; only where it does not say who caused it, that is the caller.
pub(super) async fn post(
    State(shared): State<Arc<Shared>>,
    call: Call,
    JsonBody(body): JsonBody,
) -> Result<Response, Fail> {
    call.require("events", "post", "")?;
    let mut event: Event = call.parse_or_default(&body)?;
    if event.principal.is_empty() {
        event.principal.clone_from(&call.by.name);
    }
    shared.bus.publish(event);
    Ok(reply::no_content())
}

/// The lines that the log still has.
pub(super) async fn logs(State(shared): State<Arc<Shared>>, call: Call) -> Reply {
    call.require("logs", "get", "")?;
    reply::json(StatusCode::OK, &shared.log.lines().iter().map(Arc::as_ref).collect::<Vec<_>>())
}
