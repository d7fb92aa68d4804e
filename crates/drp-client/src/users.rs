//! Passwords of users, and tokens of users and machines.

use std::time::Duration;

use drp_core::{User, UserToken};

use crate::{Client, ClientError, Request, Secret};

impl Client {
    /// Makes a token of a user that lives for so long, in whole seconds; an hour where nothing is asked for. Its
    /// rights are those of `roles`, as far as the user has them, or all the user has where that is empty.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn user_token(
        &self,
        name: &str,
        life: Option<Duration>,
        roles: &[&str],
    ) -> Result<UserToken, ClientError> {
        let request = with_life(Request::user_token(name)?, life);
        let request = if roles.is_empty() { request } else { request.query("roles", &roles.join(",")) };
        self.send(request).await.map_err(ClientError::without_quote)
    }

    /// Makes a token of a machine that lives for so long, in whole seconds; an hour where nothing is asked for.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn machine_token(&self, key: &str, life: Option<Duration>) -> Result<UserToken, ClientError> {
        self.send(with_life(Request::machine_token(key)?, life)).await.map_err(ClientError::without_quote)
    }

    /// Sets the password of a user and gives the user, without it. All tokens of that user end.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn set_password(&self, name: &str, password: &Secret) -> Result<User, ClientError> {
        self.send(Request::set_password(name, password)?).await
    }
}

fn with_life(request: Request, life: Option<Duration>) -> Request {
    match life {
        Some(life) => request.query("ttl", &life.as_secs().to_string()),
        None => request,
    }
}
