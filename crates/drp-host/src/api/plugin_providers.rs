//! `/plugin_providers`: the executables, as they define themselves; they come and go here too (`api.md` §9).

mod receive;

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::Response,
};
use drp_core::Error;
use http::StatusCode;
use serde_json::json;

use super::{
    reply::{self, Counts, Fail, Reply},
    request::{At, Call, Query},
};
use crate::{
    disk,
    providers::{ImportError, RemoveError},
    shared::Shared,
};

const PROVIDERS: &str = "plugin_providers";
/// Type of most errors of an upload.
const API_ERROR: &str = "API ERROR";

/// `GET` and `HEAD /plugin_providers`. The content bundles, which may be large, are left to the single answer.
pub(super) async fn list(State(shared): State<Arc<Shared>>, call: Call) -> Reply {
    let mut providers = Vec::new();
    if call.by.allows(PROVIDERS, "list", "") {
        for imported in shared.providers.list().iter().filter(|found| call.by.sees(PROVIDERS, &found.definition.name)) {
            let mut provider = imported.definition.clone();
            provider.content.clear();
            providers.push(provider);
        }
    }
    providers.sort_by(|a, b| a.name.cmp(&b.name));
    let count = providers.len();
    reply::list(&providers, &Counts { total: count, filtered: count, sent: count })
}

/// `GET` and `HEAD /plugin_providers/NAME`.
pub(super) async fn get(State(shared): State<Arc<Shared>>, call: Call, At(name): At<String>) -> Reply {
    let found = shared.providers.get(&name).filter(|_| call.by.allows(PROVIDERS, "get", &name));
    let provider = found.ok_or_else(|| call.not_found(PROVIDERS, &name))?;
    reply::object(StatusCode::OK, &provider.definition)
}

/// `POST /plugin_providers/NAME?replaceWritable=`: takes an executable in, or one in place of another.
pub(super) async fn upload(
    State(shared): State<Arc<Shared>>,
    call: Call,
    At(name): At<String>,
    query: Query,
    request: Request,
) -> Reply {
    require_create(&call, &name)?;
    let received = receive::receive(&shared.providers, &call, &name, request).await?;
    let (name, size) = (received.upload.name().to_owned(), received.size);
    let replacing = query.is("replaceWritable").then_some(call.by);
    // A client that goes away must not leave half of the change behind.
    let finished = tokio::spawn(async move {
        let finished = shared.providers.finish_upload(received.upload, replacing.as_ref()).await;
        finished.map_err(|error| (refused_with(&error), error.to_string()))
    });
    let failed = |code, text| Error::new(code, API_ERROR, format!("Import plugin failed {name}: {text}"));
    match finished.await {
        Ok(Ok(())) => reply::json(StatusCode::CREATED, &json!({ "path": name, "size": size })),
        Ok(Err((code, text))) => Err(failed(code, text).into()),
        Err(error) => Err(Error::new(500, API_ERROR, error.to_string()).into()),
    }
}

/// Refuses a provider of a name that the caller may not bring, or that is hidden from them.
fn require_create(call: &Call, name: &str) -> Result<(), Error> {
    call.require(PROVIDERS, "create", name)?;
    if call.by.sees(PROVIDERS, name) { Ok(()) } else { Err(call.not_found(PROVIDERS, name)) }
}

/// The code of a refusal: the server's disk may be the reason.
fn refused_with(error: &ImportError) -> u16 {
    match error {
        ImportError::Install { source, .. } if disk::takes_no_more(source) => 507,
        ImportError::Layer { error, .. } if error.code == 507 => 507,
        _ => 400,
    }
}

/// `DELETE /plugin_providers/NAME`.
pub(super) async fn delete(
    State(shared): State<Arc<Shared>>,
    call: Call,
    At(name): At<String>,
) -> Result<Response, Fail> {
    call.require(PROVIDERS, "delete", &name)?;
    let removed = {
        let name = name.clone();
        tokio::spawn(async move { shared.providers.remove(&name).await })
    };
    let error = match removed.await {
        Ok(Ok(())) => return Ok(reply::no_content()),
        Ok(Err(error @ RemoveError::Missing)) => call.error(404, error.to_string()),
        Ok(Err(error @ RemoveError::Busy(_))) => call.error(409, error.to_string()),
        Ok(Err(error @ RemoveError::Io(..))) => call.error(500, error.to_string()),
        Err(error) => call.error(500, error.to_string()),
    };
    Err(error.about(PROVIDERS, &name).into())
}
