//! `/prefs`: the preferences of the server.

use std::{collections::BTreeMap, sync::Arc};

use axum::extract::State;
use http::StatusCode;

use super::{
    reply::{self, Reply},
    request::{Call, JsonBody},
};
use crate::shared::Shared;

const PREFERENCES: &str = "preferences";

/// `GET /prefs`. Secrets are shown only to who could set them as well.
pub(super) async fn list(State(shared): State<Arc<Shared>>, call: Call) -> Reply {
    call.require(PREFERENCES, "list", "")?;
    answer(&shared, &call, StatusCode::OK)
}

/// `POST /prefs`: changes those that are named, or none of them if one cannot be.
pub(super) async fn post(State(shared): State<Arc<Shared>>, call: Call, JsonBody(body): JsonBody) -> Reply {
    call.require(PREFERENCES, "post", "")?;
    let wanted: BTreeMap<String, String> = call.parse_or_default(&body)?;
    shared.prefs.set(&call.by, &wanted).await?;
    answer(&shared, &call, StatusCode::CREATED)
}

fn answer(shared: &Shared, call: &Call, status: StatusCode) -> Reply {
    let secrets = call.by.allows(PREFERENCES, "post", "");
    reply::json(status, &shared.prefs.all(secrets)?)
}
