//! Params, Meta and the public key of an object (`api.md` §5).

use std::sync::Arc;

use axum::extract::State;
use drp_core::{
    Meta, Params, Raw, RawModel,
    patch::{Patch, pointer},
};
use http::StatusCode;

use super::{
    objects::{find, find_kind, require_patch, specific},
    reply::{self, Fail, Reply},
    request::{At, Call, JsonBody, Query},
};
use crate::{params::View, shared::Shared, types::ObjectType};

const PARAMS: &str = "Params";
const META: &str = "Meta";

/// `GET /P/ID/params`: all params, the object's own or, aggregated, those it has from elsewhere too.
pub(super) async fn all(
    State(shared): State<Arc<Shared>>,
    call: Call,
    At((prefix, key)): At<(String, String)>,
    query: Query,
) -> Reply {
    let view = readable(&shared, &call, &prefix, &key, &query)?;
    let mut params = shared.params.all(&prefix, &key, view)?;
    if let Some(wanted) = query.get("params") {
        params.retain(|name, _| wanted.split(',').any(|one| one.trim() == name));
    }
    params.fill();
    reply::json(StatusCode::OK, &params)
}

/// `GET /P/ID/params/NAME`: one param, `null` where it is not set.
pub(super) async fn one(
    State(shared): State<Arc<Shared>>,
    call: Call,
    At((prefix, key, name)): At<(String, String, String)>,
    query: Query,
) -> Reply {
    let view = readable(&shared, &call, &prefix, &key, &query)?;
    reply::json(StatusCode::OK, &shared.params.one(&prefix, &key, &name, view)?)
}

/// `POST /P/ID/params`: replaces all.
pub(super) async fn replace(
    State(shared): State<Arc<Shared>>,
    call: Call,
    At((prefix, key)): At<(String, String)>,
    JsonBody(body): JsonBody,
) -> Reply {
    find_params_kind(&shared, &call, &prefix)?;
    call.require(&prefix, "update:/Params", &key)?;
    let values: Params = call.parse_or_default(&body)?;
    reply::json(StatusCode::OK, &shared.params.replace(&call.by, &prefix, &key, &values).await?)
}

/// `POST /P/ID/params/NAME`: sets one.
pub(super) async fn set(
    State(shared): State<Arc<Shared>>,
    call: Call,
    At((prefix, key, name)): At<(String, String, String)>,
    JsonBody(body): JsonBody,
) -> Reply {
    find_params_kind(&shared, &call, &prefix)?;
    call.require(&prefix, &format!("update:{}", pointer([PARAMS, &name])), &key)?;
    let value: Raw = call.parse_or_default(&body)?;
    reply::json(StatusCode::OK, &shared.params.set(&call.by, &prefix, &key, &name, &value).await?)
}

/// `PATCH /P/ID/params`.
pub(super) async fn patch(
    State(shared): State<Arc<Shared>>,
    call: Call,
    At((prefix, key)): At<(String, String)>,
    JsonBody(body): JsonBody,
) -> Reply {
    find_params_kind(&shared, &call, &prefix)?;
    let patch: Patch = call.parse_or_default(&body)?;
    require_patch(&call, &prefix, &key, "/Params", &patch)?;
    reply::json(StatusCode::OK, &shared.params.patch(&call.by, &prefix, &key, &patch).await?)
}

/// `DELETE /P/ID/params/NAME`: answers with the old value.
pub(super) async fn remove(
    State(shared): State<Arc<Shared>>,
    call: Call,
    At((prefix, key, name)): At<(String, String, String)>,
) -> Reply {
    find_params_kind(&shared, &call, &prefix)?;
    call.require(&prefix, &format!("update:{}", pointer([PARAMS, &name])), &key)?;
    reply::json(StatusCode::OK, &shared.params.remove(&call.by, &prefix, &key, &name).await?)
}

/// `GET /P/ID/pubkey`: what values of secure params are sealed to.
pub(super) async fn public_key(
    State(shared): State<Arc<Shared>>,
    call: Call,
    At((prefix, key)): At<(String, String)>,
) -> Reply {
    find_params_kind(&shared, &call, &prefix)?;
    call.require(&prefix, "updateSecure", &key)?;
    reply::json(StatusCode::OK, &shared.params.public_key(&prefix, &key).await?)
}

/// `GET /meta/P/ID`.
pub(super) async fn meta(
    State(shared): State<Arc<Shared>>,
    call: Call,
    At((prefix, key)): At<(String, String)>,
) -> Reply {
    find_meta_kind(&shared, &call, &prefix)?;
    let mut meta = find(&shared, &call, &prefix, &key)?.get::<Meta>(META).unwrap_or_default();
    meta.fill();
    reply::json(StatusCode::OK, &meta)
}

/// `PATCH /meta/P/ID`.
pub(super) async fn patch_meta(
    State(shared): State<Arc<Shared>>,
    call: Call,
    At((prefix, key)): At<(String, String)>,
    JsonBody(body): JsonBody,
) -> Reply {
    find_meta_kind(&shared, &call, &prefix)?;
    let patch: Patch = call.parse_or_default(&body)?;
    require_patch(&call, &prefix, &specific(&shared, &prefix, &key)?, "/Meta", &patch)?;
    let change = |object: &mut RawModel| {
        let mut meta = object.get::<Meta>(META).unwrap_or_default();
        meta.fill();
        let refused = |code, text: String| call.error(code, text).about(&prefix, &key);
        let document = Raw::new(&meta).map_err(|error| refused(500, error.to_string()))?;
        let patched = patch.apply(&document).map_err(|error| {
            refused(409, format!("Patch failed to apply at line {}", error.index)).and(error.reason)
        })?;
        let patched: Meta = patched.parse().map_err(|error: serde_json::Error| refused(406, error.to_string()))?;
        object.set(META, &patched).map_err(|error| refused(500, error.to_string()))
    };
    let updated = shared.objects.update_as("PATCH", &call.by, &prefix, &key, change).await?;
    reply::json(StatusCode::OK, &updated.get::<Meta>(META).unwrap_or_default())
}

/// The type that a path below `/meta` names. The path itself is there whatever it names, so another is a bad request.
fn find_meta_kind(shared: &Shared, call: &Call, prefix: &str) -> Result<Arc<ObjectType>, Fail> {
    let unknown = || call.error(400, format!("No such object type: {prefix}")).about(prefix, "").into();
    shared.objects.kind(prefix).ok_or_else(unknown)
}

/// The type, if its objects have params.
fn find_params_kind(shared: &Shared, call: &Call, prefix: &str) -> Result<Arc<ObjectType>, Fail> {
    let kind = find_kind(shared, call, prefix)?;
    if kind.has_params { Ok(kind) } else { Err(call.no_route().into()) }
}

/// How the caller wants to see params, if they may.
fn readable(shared: &Shared, call: &Call, prefix: &str, key: &str, query: &Query) -> Result<View, Fail> {
    find_params_kind(shared, call, prefix)?;
    find(shared, call, prefix, key)?;
    let view = View { aggregate: query.is("aggregate"), compose: query.is("compose"), decode: query.is("decode") };
    if view.decode {
        call.require(prefix, "getSecure", key)?;
    }
    Ok(view)
}
