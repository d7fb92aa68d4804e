//! `/contents`: the layers of content, and bundles that clients bring (`api.md` §8).

use std::sync::Arc;

use axum::{extract::State, response::Response};
use drp_content::Bundle;
use drp_core::Error;
use http::StatusCode;
use serde::Serialize;

use super::{
    info::FEATURES,
    reply::{self, Counts, Fail, Reply},
    request::{At, Call, JsonBody, Query},
};
use crate::{contents, shared::Shared};

const CONTENTS: &str = "contents";

/// `GET` and `HEAD /contents`: a summary of every layer, from top to bottom.
pub(super) async fn list(State(shared): State<Arc<Shared>>, call: Call) -> Reply {
    let summaries =
        if call.by.allows(CONTENTS, "list", "") { contents::summaries(&shared.objects, &call.by)? } else { Vec::new() };
    let count = summaries.len();
    reply::list(&summaries, &Counts { total: count, filtered: count, sent: count })
}

/// `GET` and `HEAD /contents/NAME`: a layer with its objects.
pub(super) async fn get(State(shared): State<Arc<Shared>>, call: Call, At(name): At<String>) -> Reply {
    let is_allowed = call.by.allows(CONTENTS, "get", &name);
    let content = if is_allowed { contents::content(&shared.objects, &shared.params, &call.by, &name)? } else { None };
    reply::object(StatusCode::OK, &content.ok_or_else(|| missing(&call, &name))?)
}

/// `POST /contents?replaceWritable=`: brings a bundle.
pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    call: Call,
    query: Query,
    JsonBody(body): JsonBody,
) -> Reply {
    let bundle: Bundle = call.parse(&body)?;
    let name = bundle.meta.text("Name").trim().to_owned();
    call.require(CONTENTS, "create", &name)?;
    if contents::is_foreign(&shared.objects, &name) || shared.objects.layers().find(&name).is_some() {
        return Err(call.error(409, format!("Content {name} already exists")).about(CONTENTS, &name).into());
    }
    put(shared, call, "create", StatusCode::CREATED, bundle, query.is("replaceWritable")).await
}

/// `PUT /contents/NAME?replaceWritable=`: brings a bundle in place of another.
pub(super) async fn replace(
    State(shared): State<Arc<Shared>>,
    call: Call,
    At(name): At<String>,
    query: Query,
    JsonBody(body): JsonBody,
) -> Reply {
    call.require(CONTENTS, "update", &name)?;
    let bundle: Bundle = call.parse(&body)?;
    if contents::is_foreign(&shared.objects, &name) {
        return Err(not_yours(&call, &name).into());
    }
    if contents::uploaded(&shared.objects, &name).is_none() {
        return Err(call.error(404, format!("Cannot find {name}")).about(CONTENTS, &name).into());
    }
    let new = bundle.meta.text("Name").trim();
    if new != name {
        let text = format!("Cannot change name from {name} to {new}");
        return Err(call.error(400, text).about(CONTENTS, &name).into());
    }
    put(shared, call, "update", StatusCode::OK, bundle, query.is("replaceWritable")).await
}

/// `DELETE /contents/NAME`: takes a bundle away, and its objects with it.
pub(super) async fn delete(
    State(shared): State<Arc<Shared>>,
    call: Call,
    At(name): At<String>,
) -> Result<Response, Fail> {
    call.require(CONTENTS, "delete", &name)?;
    if contents::is_foreign(&shared.objects, &name) {
        return Err(not_yours(&call, &name).into());
    }
    let summary = contents::uploaded(&shared.objects, &name).ok_or_else(|| missing(&call, &name))?;
    // A client that goes away must not leave the change without its event.
    let deleted = tokio::spawn(async move {
        shared.objects.delete_content(&call.by, &name).await?;
        announce(&shared, &call, "delete", &name, &summary);
        Ok::<_, Error>(())
    });
    deleted.await.map_err(|error| Error::new(500, "DELETE", error.to_string()))??;
    Ok(reply::no_content())
}

async fn put(
    shared: Arc<Shared>,
    call: Call,
    action: &'static str,
    status: StatusCode,
    bundle: Bundle,
    replace: bool,
) -> Reply {
    let verb = call.verb();
    let taken = tokio::spawn(async move {
        let replacing = replace.then_some(&call.by);
        let summary = contents::put(&shared.objects, verb, &bundle, &FEATURES, replacing).await?;
        announce(&shared, &call, action, bundle.meta.text("Name").trim(), &summary);
        Ok::<_, Error>(summary)
    });
    let summary = taken.await.map_err(|error| Error::new(500, verb, error.to_string()))??;
    reply::json(status, &summary)
}

/// Tells everybody, and the plugins first of all: they may have come or gone with it.
fn announce(shared: &Shared, call: &Call, action: &str, name: &str, summary: &impl Serialize) {
    shared.plugins.look_again();
    contents::publish(&shared.bus, &call.by, action, name, summary);
}

fn missing(call: &Call, name: &str) -> Error {
    call.error(404, "No such content store").about(CONTENTS, name)
}

fn not_yours(call: &Call, name: &str) -> Error {
    call.error(409, format!("Content {name} is not an uploaded one")).about(CONTENTS, name)
}
