//! Who speaks, on the wire: a token as it is, or one that is fetched for a user and renewed.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use drp_core::{Error, limits};
use http::HeaderValue;
use serde::Deserialize;
use tokio::time::timeout;

use crate::{Client, ClientError, ClientErrorKind, ConfigError, Credentials, Request, answer};

/// What goes into the `Authorization` header.
#[derive(Clone, Debug)]
pub(crate) struct Authorization {
    pub(crate) header: HeaderValue,
    /// Which of the login's authorizations it is; they are counted from 1.
    number: u64,
}

/// Gives an [`Authorization`] whenever one is needed.
pub(crate) enum Login {
    Fixed(Authorization),
    User(Box<UserLogin>),
}

/// A user whose token is fetched at the first call. It is renewed by the call that finds half of its life gone, so
/// nothing runs in the background, and a client that nobody uses asks for nothing.
pub(crate) struct UserLogin {
    user: String,
    basic: HeaderValue,
    state: Mutex<State>,
    /// Held by the one call that talks to the server about tokens.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    /// Logins and renewals that were begun, successful or not.
    begun: u64,
    /// The last one that came to an end.
    ended: u64,
    grant: Option<Grant>,
    /// The last one, if it was a login that failed, with its number.
    failure: Option<(u64, Arc<ClientError>)>,
}

#[derive(Clone)]
struct Grant {
    authorization: Authorization,
    /// When to ask for the next one, and when this one is worth nothing any more. `None` for ever.
    times: Option<(Instant, Instant)>,
}

/// The answer to a request for a token.
#[derive(Deserialize)]
struct UserToken {
    #[serde(rename = "Token", default)]
    token: String,
}

impl Login {
    pub(crate) fn new(credentials: Credentials) -> Result<Self, ConfigError> {
        match credentials {
            Credentials::Token(token) => Ok(Self::Fixed(Authorization {
                header: bearer(token.expose()).ok_or(ConfigError::Credentials)?,
                number: 1,
            })),
            Credentials::UserPassword(user, password) => {
                // Else the server would take the rest of the name for the password's beginning.
                let is_good = !user.is_empty() && !user.contains(':');
                let basic = basic(&user, password.expose()).filter(|_| is_good).ok_or(ConfigError::Credentials)?;
                let (state, turn) = (Mutex::default(), tokio::sync::Mutex::default());
                Ok(Self::User(Box::new(UserLogin { user, basic, state, turn })))
            }
        }
    }

    /// What to send now. A user is logged in first, and a token that is half gone renewed.
    pub(crate) async fn authorization(
        &self,
        client: &Client,
        deadline: Instant,
    ) -> Result<Authorization, ClientErrorKind> {
        match self {
            Self::Fixed(authorization) => Ok(authorization.clone()),
            Self::User(login) => login.authorization(client, deadline).await,
        }
    }

    /// Takes note that the server did not accept `used`. Whether there can be a better one.
    pub(crate) fn refused(&self, used: &Authorization) -> bool {
        match self {
            Self::Fixed(_) => false,
            Self::User(login) => login.refused(used),
        }
    }

    /// An error of a call, which is another one where the server does not know who speaks.
    pub(crate) fn judge(&self, kind: ClientErrorKind) -> ClientErrorKind {
        match self {
            Self::Fixed(_) => {
                unauthenticated(kind, || "the token, which may have ended or be another server's".to_owned())
            }
            Self::User(login) => unauthenticated(kind, || format!("its own token for user `{}`", login.user)),
        }
    }
}

impl UserLogin {
    async fn authorization(&self, client: &Client, deadline: Instant) -> Result<Authorization, ClientErrorKind> {
        let ended = self.state().ended;
        if let Some(grant) = self.grant() {
            return Ok(self.fresh(client, grant, deadline).await);
        }
        let remaining = deadline.saturating_duration_since(Instant::now());
        let turn = timeout(remaining, self.turn.lock()).await;
        let _turn = turn.map_err(|_| ClientErrorKind::Timeout(client.request_time()))?;
        if let Some(grant) = self.grant() {
            return Ok(grant.authorization);
        }
        // Who waited while somebody else was refused would be refused for the same reason.
        let failure = self.state().failure.clone();
        if let Some((number, failure)) = failure
            && number > ended
        {
            return Err(self.failed(failure));
        }
        self.log_in(client, deadline).await
    }

    /// What there is, renewed if it is due and nobody else is at it.
    async fn fresh(&self, client: &Client, grant: Grant, deadline: Instant) -> Authorization {
        if grant.is_due()
            && let Ok(_turn) = self.turn.try_lock()
            // Somebody may have renewed it just before.
            && let Some(due) = self.grant().filter(Grant::is_due)
        {
            return self.renew(client, due, deadline).await;
        }
        self.grant().unwrap_or(grant).authorization
    }

    /// Asks for a token as `drpcli` does at its start (`vectors/wire/drpcli-login-info.jsonl`): by the password, and
    /// without a word about its life.
    async fn log_in(&self, client: &Client, deadline: Instant) -> Result<Authorization, ClientErrorKind> {
        let number = self.begin();
        let request = Request::user_token(&self.user).map_err(ClientErrorKind::Build)?;
        // A call may have hours, but a login is no such call.
        let client = &client.with_request_time(client.request_time().min(limits::REQUEST_TIME));
        let deadline = deadline.min(client.deadline());
        match self.fetch(client, &request, &self.basic, deadline).await {
            Ok(header) => Ok(self.keep(number, header, Some(limits::TOKEN_TIME_UNASKED))),
            Err(error) if is_tokenless(&error) => {
                tracing::debug!(
                    user = self.user,
                    reason = error.chain(),
                    "the server gives no token: the password is sent"
                );
                Ok(self.keep(number, self.basic.clone(), None))
            }
            Err(error) => {
                let error = Arc::new(error);
                // How long one call may take says nothing about the others.
                if !matches!(error.kind(), ClientErrorKind::Timeout(_)) {
                    let mut state = self.state();
                    state.ended = number;
                    state.failure = Some((number, Arc::clone(&error)));
                }
                Err(self.failed(error))
            }
        }
    }

    /// Renews a token that is still good, by itself and else by the password. Where neither succeeds, the old one has
    /// to do for a while.
    async fn renew(&self, client: &Client, old: Grant, deadline: Instant) -> Authorization {
        let number = self.begin();
        let deadline = deadline.min(Instant::now() + limits::TOKEN_RENEW_TIME);
        let asked = async {
            let request = Request::user_token(&self.user)?;
            let renewal = request.clone().query("ttl", &limits::TOKEN_TIME.as_secs().to_string());
            match self.fetch(client, &renewal, &old.authorization.header, deadline).await {
                Ok(header) => Ok((header, limits::TOKEN_TIME)),
                Err(error) if error.status().is_some() => {
                    let header = self.fetch(client, &request, &self.basic, deadline).await?;
                    Ok((header, limits::TOKEN_TIME_UNASKED))
                }
                Err(error) => Err(error),
            }
        };
        match asked.await {
            Ok((header, life)) => self.keep(number, header, Some(life)),
            Err(error) => {
                tracing::warn!(
                    user = self.user,
                    reason = error.chain(),
                    "a token was not renewed; the old one is still good"
                );
                self.put_off(&old);
                old.authorization
            }
        }
    }

    async fn fetch(
        &self,
        client: &Client,
        request: &Request,
        by: &HeaderValue,
        deadline: Instant,
    ) -> Result<HeaderValue, ClientError> {
        let who = || format!("user `{}` with this password", self.user);
        let failed = |kind| ClientError::new(request.to_string(), unauthenticated(kind, who));
        let api = client.inner().endpoint.login_api();
        let answer = client.repeat(request, &api, by, deadline).await.map_err(failed)?;
        // Not even the wrong type of a token is quoted.
        let token: UserToken = answer::decode(&answer.body).map_err(|kind| failed(kind).without_quote())?;
        bearer(&token.token).filter(|_| !token.token.is_empty()).ok_or_else(|| failed(answer::no_token()))
    }

    fn begin(&self) -> u64 {
        let mut state = self.state();
        state.begun += 1;
        state.begun
    }

    fn keep(&self, number: u64, header: HeaderValue, life: Option<Duration>) -> Authorization {
        let now = Instant::now();
        let authorization = Authorization { header, number };
        let times = life.map(|life| (now + life / 2, now + life));
        let mut state = self.state();
        state.ended = number;
        state.failure = None;
        state.grant = Some(Grant { authorization: authorization.clone(), times });
        authorization
    }

    fn put_off(&self, old: &Grant) {
        let mut state = self.state();
        if let Some(grant) = &mut state.grant
            && grant.authorization.number == old.authorization.number
            && let Some((due, _)) = &mut grant.times
        {
            *due = Instant::now() + limits::TOKEN_RENEW_PAUSE;
        }
    }

    /// What there is, unless its life is over.
    fn grant(&self) -> Option<Grant> {
        let grant = self.state().grant.clone();
        grant.filter(|grant| grant.times.is_none_or(|(_, end)| Instant::now() < end))
    }

    /// Whoever comes first drops the refused one; the others find it replaced. The password itself is not sent again.
    fn refused(&self, used: &Authorization) -> bool {
        let mut state = self.state();
        if state.grant.as_ref().is_some_and(|grant| grant.authorization.number == used.number) {
            state.grant = None;
        }
        used.header != self.basic
    }

    fn failed(&self, source: Arc<ClientError>) -> ClientErrorKind {
        ClientErrorKind::Login { user: self.user.clone(), source }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Grant {
    fn is_due(&self) -> bool {
        self.times.is_some_and(|(due, _)| Instant::now() >= due)
    }
}

/// Where the server does not know who speaks, an error that says so.
fn unauthenticated(kind: ClientErrorKind, who: impl FnOnce() -> String) -> ClientErrorKind {
    match kind {
        ClientErrorKind::Status { status, error } if is_unknown_speaker(status, &error) => {
            ClientErrorKind::Unauthenticated { status, who: who(), error }
        }
        other => other,
    }
}

/// Whether an error says that the server does not know who speaks, rather than that they may not do this. A server
/// answers so before it does anything, so the call may be made again. Which texts there are: `api.md` §2.1; with 403
/// the 3.9 server sends none at all.
fn is_unknown_speaker(status: u16, error: &Error) -> bool {
    let message = error.messages.first().map(String::as_str).unwrap_or_default();
    match status {
        401 => true,
        403 if error.type_ == answer::CLIENT_ERROR => error.messages.len() == 1,
        403 => message.starts_with("Invalid token") || message == "Validation failed" || message == "Access Denied",
        _ => false,
    }
}

/// Whether the server knows the user but has no token for them: an old or other server, or a user without the right.
/// Such a user sends the password with every call, as Go clients do that were told to use no tokens.
fn is_tokenless(error: &ClientError) -> bool {
    match error.kind() {
        ClientErrorKind::Status { status, .. } => matches!(status, 403 | 404 | 405 | 501),
        _ => false,
    }
}

fn bearer(token: &str) -> Option<HeaderValue> {
    secret_header(format!("Bearer {token}"))
}

fn basic(user: &str, password: &str) -> Option<HeaderValue> {
    secret_header(format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
}

fn secret_header(text: String) -> Option<HeaderValue> {
    let mut header = HeaderValue::from_maybe_shared(Bytes::from(text)).ok()?;
    header.set_sensitive(true);
    Some(header)
}

#[cfg(test)]
mod tests;
