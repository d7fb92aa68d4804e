//! Tokens and passwords of users.

use std::sync::Arc;

use axum::extract::State;
use drp_core::{Error, Raw};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::{
    info, objects,
    reply::{self, Reply},
    request::{At, Call, JsonBody, Query},
};
use crate::shared::Shared;

const USERS: &str = "users";
/// Life of a token whose client names none.
const TTL_DEFAULT_S: u64 = 3600;
/// Longest life of a token: a hundred years, as good as for ever and far from any overflow.
const TTL_MAX_S: u64 = 100 * 365 * 24 * 3600;

/// `GET /users/NAME/token`: a token and, to spare a client its next call, the host's info.
pub(super) async fn token(State(shared): State<Arc<Shared>>, call: Call, At(name): At<String>, query: Query) -> Reply {
    call.require(USERS, "token", &name)?;
    let ttl_s = query.get("ttl").map_or(Ok(TTL_DEFAULT_S), |text| {
        seconds(text).map_err(|problem| Error::new(400, "GET", problem).about(USERS, &name))
    })?;
    let list =
        |text: &str| text.split(',').map(|role| role.trim().to_owned()).filter(|role| !role.is_empty()).collect();
    let roles = query.get("roles").map(list);
    let token = shared.auth.issue_user_token(&name, ttl_s, roles)?;
    reply::json(StatusCode::OK, &json!({ "Token": token, "Info": info::info(&shared) }))
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

/// A number of seconds, or a number with a unit: `90s`, `10m`, `2h`, `7d`, `4w`, `3y`.
fn seconds(text: &str) -> Result<u64, String> {
    // The wording is that of the reference server, which clients' tests know.
    let syntax = || format!("strconv.ParseInt: parsing {}: invalid syntax", Raw::from(text));
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit_s = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 24 * 3600,
        "w" => 7 * 24 * 3600,
        "y" => 365 * 24 * 3600,
        _ => return Err(syntax()),
    };
    let number: i64 = digits.parse().map_err(|_| syntax())?;
    match u64::try_from(number) {
        Ok(number @ 1..) => Ok(number.saturating_mul(unit_s).min(TTL_MAX_S)),
        _ => Err(format!("ttl must be positive, not {text}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lives_are_seconds_or_carry_a_unit() {
        let check = |text: &str, expected: Result<u64, &str>| {
            assert_eq!(seconds(text), expected.map_err(str::to_owned), "{text}");
        };
        check("7200", Ok(7200));
        check("1h", Ok(3600));
        check("3y", Ok(94_608_000));
        check("999999999999y", Ok(TTL_MAX_S));
        check("cow", Err(r#"strconv.ParseInt: parsing "cow": invalid syntax"#));
        check("", Err(r#"strconv.ParseInt: parsing "": invalid syntax"#));
        check("1.5", Err(r#"strconv.ParseInt: parsing "1.5": invalid syntax"#));
        check("5ü", Err(r#"strconv.ParseInt: parsing "5ü": invalid syntax"#));
        check("0", Err("ttl must be positive, not 0"));
        check("-5", Err("ttl must be positive, not -5"));
    }
}
