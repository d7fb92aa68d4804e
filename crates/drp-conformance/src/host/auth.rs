//! Who may ask.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    case::Case,
    expect::{same, shown},
    link::{Ask, Auth},
    suite::{Check, check},
};
use crate::answer::Answer;
use crate::verdict::{Verdict, ensure};

pub(super) const CHECKS: &[Check] = &[
    check!(HostAuthNone, nobody_is_refused),
    check!(HostAuthWrong, wrong_credentials_are_refused),
    check!(HostAuthToken, tokens_work),
    check!(HostAuthTtl, tokens_end),
    check!(HostAuthTtlBad, a_ttl_is_a_number),
    check!(HostAuthQuery, a_token_in_the_query_works),
    check!(HostAuthPassword, a_new_password_ends_the_old),
    check!(HostAuthClaims, who_may_nothing_gets_nothing),
    check!(HostAuthGone, a_deleted_user_is_nobody),
];

/// A token lives so long where it is to end soon.
const SHORT_TTL_SECONDS: u64 = 1;
const PASSWORD: &str = "c0nformance";

async fn nobody_is_refused(case: &Case) -> Verdict {
    for (what, auth) in [
        ("no credentials", Auth::Nobody),
        ("an unknown scheme", Auth::Raw("Digest x".to_owned())),
        ("Basic that is no base64", Auth::Raw("Basic %".to_owned())),
    ] {
        case.get_as(auth, "info").await?.is(401, what)?;
    }
    Ok(())
}

async fn wrong_credentials_are_refused(case: &Case) -> Verdict {
    let user = &case.session.user;
    for (what, auth) in [
        ("a wrong password", Auth::Basic(user.clone(), format!("{PASSWORD}-wrong"))),
        ("an unknown user", Auth::Basic(case.name(), PASSWORD.to_owned())),
        ("a token that is none", Auth::Bearer("nonsense".to_owned())),
    ] {
        let answer = case.get_as(auth, "info").await?;
        ensure!([401, 403].contains(&answer.status), "{what}: 401 or 403 was expected, {} came", answer.shown());
        if !answer.body.is_empty() {
            answer.error_object(what)?;
        }
    }
    Ok(())
}

/// Asks for a token of a user.
async fn token(case: &Case, auth: Auth, user: &str, query: &str) -> Verdict<String> {
    let answer = case.get_as(auth, format!("users/{user}/token{query}")).await?;
    let body = answer.json_of(200, "GET /users/NAME/token")?;
    ensure!(body["Info"].is_object(), "Info was expected beside Token, {} came", shown(&body["Info"]));
    match body["Token"].as_str() {
        Some(token) if !token.is_empty() => Ok(token.to_owned()),
        _ => crate::verdict::failed(format!("a Token was expected, {} came", shown(&body["Token"]))),
    }
}

async fn tokens_work(case: &Case) -> Verdict {
    let (user, auth) = (&case.session.user, case.session.auth.clone());
    for query in ["", "?ttl=600"] {
        let token = token(case, auth.clone(), user, query).await?;
        case.get_as(Auth::Bearer(token), "info").await?.is(200, "GET /info with the token")?;
    }
    Ok(())
}

async fn tokens_end(case: &Case) -> Verdict {
    let query = format!("?ttl={SHORT_TTL_SECONDS}");
    let token = token(case, case.session.auth.clone(), &case.session.user, &query).await?;
    let mut status = 200;
    for _ in 0..20 {
        status = case.get_as(Auth::Bearer(token.clone()), "info").await?.status;
        if status != 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    ensure!([401, 403].contains(&status), "a token of 1 s still gets {status} after 10 s");
    Ok(())
}

async fn a_ttl_is_a_number(case: &Case) -> Verdict {
    let answer = case.get(format!("users/{}/token?ttl=cow", case.session.user)).await?;
    let error = answer.error_of(400, "ttl=cow")?;
    same("Model", &error["Model"], &json!("users"))
}

async fn a_token_in_the_query_works(case: &Case) -> Verdict {
    let token = token(case, case.session.auth.clone(), &case.session.user, "").await?;
    case.get_as(Auth::Nobody, format!("info?token={token}")).await?.is(200, "GET /info?token=")?;
    let answer = case.get_as(Auth::Nobody, "info?token=nonsense").await?;
    ensure!([401, 403].contains(&answer.status), "a wrong token: 401 or 403 was expected, {} came", answer.shown());
    Ok(())
}

/// Makes a user who may do nothing of note, and gives the name and the credentials.
async fn user(case: &Case) -> Verdict<(String, Auth)> {
    let name = case.name();
    let made = case.create("users", &json!({ "Name": name })).await?;
    hides_secrets(&made)?;
    set_password(case, &name, PASSWORD).await?;
    Ok((name.clone(), Auth::Basic(name, PASSWORD.to_owned())))
}

async fn set_password(case: &Case, name: &str, password: &str) -> Verdict {
    let answer = case.put(format!("users/{name}/password"), &json!({ "Password": password })).await?;
    hides_secrets(&answer.json_of(200, "PUT /users/NAME/password")?)
}

/// Holds that no hash of a password is shown.
fn hides_secrets(user: &Value) -> Verdict {
    let hash = &user["PasswordHash"];
    let is_hidden = hash.is_null() || hash == "";
    ensure!(is_hidden, "no PasswordHash was expected, one came");
    Ok(())
}

async fn a_new_password_ends_the_old(case: &Case) -> Verdict {
    let (name, auth) = user(case).await?;
    let token = token(case, auth.clone(), &name, "").await?;
    case.get_as(auth.clone(), "info").await?.is(200, "GET /info with the first password")?;
    set_password(case, &name, "an0ther-one").await?;
    refused(&case.get_as(auth, "info").await?, "the password before")?;
    refused(&case.get_as(Auth::Bearer(token), "info").await?, "a token of the password before")?;
    let auth = Auth::Basic(name, "an0ther-one".to_owned());
    case.get_as(auth, "info").await?.is(200, "GET /info with the new password").map(drop)
}

fn refused(answer: &Answer, what: &str) -> Verdict {
    ensure!([401, 403].contains(&answer.status), "{what}: 401 or 403 was expected, {} came", answer.shown());
    Ok(())
}

async fn who_may_nothing_gets_nothing(case: &Case) -> Verdict {
    let (name, auth) = user(case).await?;
    let profile = case.profile(json!({})).await?;
    let token = Auth::Bearer(token(case, auth, &name, "").await?);
    case.get_as(token.clone(), "info").await?.is(200, "GET /info")?;
    case.get_as(token.clone(), format!("users/{name}")).await?.is(200, "GET of oneself")?;
    let missing = case.get_as(token.clone(), format!("profiles/{profile}")).await?;
    missing.error_of(404, "GET of what one may not see")?;
    let list = case.get_as(token.clone(), "profiles").await?.json_of(200, "a list that one may not see")?;
    same("a list that one may not see", &list, &json!([]))?;
    let created = case.name();
    case.will_make(format!("profiles/{created}"));
    let create = Ask { auth: token, ..case.ask_with("POST", "profiles", &json!({ "Name": created })) };
    let error = case.send(create).await?.error_of(403, "POST without the claim")?;
    same("Type", &error["Type"], &json!("AUTH"))?;
    case.get(format!("profiles/{created}")).await?.is(404, "what was refused").map(drop)
}

async fn a_deleted_user_is_nobody(case: &Case) -> Verdict {
    let (name, auth) = user(case).await?;
    let token = token(case, auth.clone(), &name, "").await?;
    case.delete(format!("users/{name}")).await?.is(200, "DELETE /users/NAME")?;
    refused(&case.get_as(auth, "info").await?, "the password of a user who is gone")?;
    refused(&case.get_as(Auth::Bearer(token), "info").await?, "the token of a user who is gone")
}
