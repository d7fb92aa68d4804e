//! `GET /system/backup`: the whole host as one file (`docs/design/0005-backup.md`).

use std::sync::Arc;

use axum::{body::Body, extract::State, response::Response};
use drp_core::{chain, contract};
use futures_util::stream;
use http::{
    HeaderValue, Method,
    header::{CONTENT_DISPOSITION, CONTENT_TYPE},
};

use super::{
    reply::Fail,
    request::{Call, STREAM},
};
use crate::{backup::Source, shared::Shared};

/// Claim on the scope `system`.
const ACTION: &str = "backup";

pub(super) async fn get(State(shared): State<Arc<Shared>>, call: Call) -> Result<Response, Fail> {
    call.require(contract::SYSTEM, ACTION, "")?;
    if call.by.is_restricted() {
        // A backup has in it what the caller's tenants hide.
        return Err(call.refused().and("Requires: no tenant").into());
    }
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(STREAM));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"drpx-backup.tar.gz\""));
    if call.method == Method::HEAD {
        return Ok(response);
    }
    let turn =
        shared.backups.turn().map_err(|error| call.error(409, error.to_string()).about(contract::SYSTEM, ACTION))?;
    let snapshot = shared.objects.snapshot().map_err(|error| call.error(500, chain(&error)))?;
    let source = Source {
        data: shared.data.clone(),
        plugins: shared.providers.directory().to_owned(),
        rebuilt: shared.providers.list().iter().map(|it| shared.providers.unpacked(&it.definition.name)).collect(),
        snapshot,
    };
    let running = shared.backups.begin(turn, source, &call.by.name);
    *response.body_mut() = Body::from_stream(stream::unfold(running, |mut running| async move {
        running.next().await.map(|chunk| (chunk, running))
    }));
    Ok(response)
}
