//! Tokens and passwords of users.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::{
    info, objects,
    reply::{self, Reply},
    request::{At, Call, JsonBody, Query},
};
use crate::{duration, shared::Shared};

const USERS: &str = "users";
/// Life of a token whose client names none.
const TTL_DEFAULT_S: u64 = 3600;

/// `GET /users/NAME/token`: a token and, to spare a client its next call, the host's info.
pub(super) async fn token(State(shared): State<Arc<Shared>>, call: Call, At(name): At<String>, query: Query) -> Reply {
    call.require(USERS, "token", &name)?;
    let ttl_s = ttl_s(&query).map_err(|problem| call.error(400, problem).about(USERS, &name))?;
    let list =
        |text: &str| text.split(',').map(|role| role.trim().to_owned()).filter(|role| !role.is_empty()).collect();
    let roles = query.get("roles").map(list);
    let token = shared.auth.issue_user_token(&name, ttl_s, roles)?;
    reply::json(StatusCode::OK, &json!({ "Token": token, "Info": info::info(&shared, &call.by) }))
}

/// `PUT /users/NAME/password`.
pub(super) async fn password(
    State(shared): State<Arc<Shared>>,
    call: Call,
    At(name): At<String>,
    JsonBody(body): JsonBody,
) -> Reply {
    #[derive(Deserialize)]
    struct Body {
        #[serde(rename = "Password")]
        password: String,
    }
    call.require(USERS, "password", &name)?;
    let body: Body = call.parse(&body)?;
    objects::exists(&shared, &call, USERS, &name)?;
    shared.auth.set_password(&call.by, &name, &body.password).await?;
    let user = objects::exists(&shared, &call, USERS, &name)?;
    objects::show(&shared, &*objects::find_kind(&shared, &call, USERS)?, StatusCode::OK, &user)
}

/// The life that a token is asked for with, in seconds.
pub(super) fn ttl_s(query: &Query) -> Result<u64, String> {
    match query.get("ttl") {
        None => Ok(TTL_DEFAULT_S),
        Some(text) => match duration::seconds(text)? {
            0 => Err(format!("ttl must be positive, not {text}")),
            ttl_s => Ok(ttl_s),
        },
    }
}
