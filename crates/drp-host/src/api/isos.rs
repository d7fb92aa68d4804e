//! `/isos`: disk images, as `/files` but without folders.

use std::sync::Arc;

use axum::{body::Body, extract::State, response::Response};
use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::{
    blob::blocking,
    files::{no_file, receive, send},
    reply::{self, Fail, Reply},
    request::{At, Call, require_stream},
};
use crate::{files::FileName, shared::Shared};

const ISOS: &str = "isos";

/// `GET /isos`: the names of all.
pub(super) async fn list(State(shared): State<Arc<Shared>>, call: Call) -> Reply {
    if !call.by.allows(ISOS, "list", "") {
        return reply::json(StatusCode::OK, &[(); 0]);
    }
    let unreadable = |_| call.error(500, "cannot read the folder").about(ISOS, "");
    let names = blocking(&shared.isos, |isos| isos.list(&FileName::root())).await.map_err(unreadable)?;
    reply::json(StatusCode::OK, &names)
}

/// `GET` and `HEAD /isos/NAME`.
pub(super) async fn get(
    State(shared): State<Arc<Shared>>,
    call: Call,
    headers: HeaderMap,
    At(path): At<String>,
) -> Result<Response, Fail> {
    let missing = || no_file(ISOS, &shown(&path));
    let name = flat(&path).filter(|_| call.by.allows(ISOS, "get", &path)).ok_or_else(missing)?;
    send(&shared.isos, name, &call.method, &headers, missing()).await
}

/// `POST /isos/NAME`: writes an image, and replaces the one that was there.
pub(super) async fn post(
    State(shared): State<Arc<Shared>>,
    call: Call,
    At(path): At<String>,
    headers: HeaderMap,
    body: Body,
) -> Reply {
    call.require(ISOS, "post", &path)?;
    require_stream(&headers).map_err(|text| call.error(415, text).about(ISOS, &shown(&path)))?;
    let invalid = || call.error(400, "Invalid file name").about(ISOS, &shown(&path));
    let name = flat(&path).ok_or_else(invalid)?;
    let received = receive(&shared.isos, &name, body).await.map_err(|error| error.wire(ISOS, &name))?;
    let size = received.size;
    received.finish(&shared.isos).await.map_err(|error| error.wire(ISOS, &name))?;
    // Without the slash that files have in front.
    reply::json(StatusCode::CREATED, &json!({ "Path": name.flat(), "Size": size }))
}

/// `DELETE /isos/NAME`.
pub(super) async fn delete(
    State(shared): State<Arc<Shared>>,
    call: Call,
    At(path): At<String>,
) -> Result<Response, Fail> {
    call.require(ISOS, "delete", &path)?;
    let unable = || call.error(404, "Unable to delete").about(ISOS, &shown(&path));
    let name = flat(&path).ok_or_else(unable)?;
    blocking(&shared.isos, move |isos| isos.remove(&name)).await.map_err(|_| unable())?;
    Ok(reply::no_content())
}

fn flat(path: &str) -> Option<FileName> {
    FileName::parse(path).filter(|name| name.flat().is_some())
}

/// A name as errors have it: with a slash in front.
fn shown(path: &str) -> String {
    format!("/{}", path.trim_start_matches('/'))
}
