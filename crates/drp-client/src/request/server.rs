//! Calls of the server's own data.

use std::collections::BTreeMap;

use drp_core::Whoami;
use http::Method;

use super::{BuildRequestError, Request};
use crate::Secret;

impl Request {
    /// The names of all object types that can be stored.
    ///
    /// # Errors
    /// None: it is a result for uniformity.
    pub fn object_types() -> Result<Self, BuildRequestError> {
        Self::new(Method::GET, &["objects"])
    }

    /// The indexes of all types.
    ///
    /// # Errors
    /// None: it is a result for uniformity.
    pub fn indexes() -> Result<Self, BuildRequestError> {
        Self::new(Method::GET, &["indexes"])
    }

    /// The indexes of a type.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn indexes_of(prefix: &str) -> Result<Self, BuildRequestError> {
        Self::new(Method::GET, &["indexes", prefix])
    }

    /// One index, or param, of a type.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn index(prefix: &str, name: &str) -> Result<Self, BuildRequestError> {
        Self::new(Method::GET, &["indexes", prefix, name])
    }

    /// All preferences.
    ///
    /// # Errors
    /// None: it is a result for uniformity.
    pub fn prefs() -> Result<Self, BuildRequestError> {
        Self::new(Method::GET, &["prefs"])
    }

    /// Sets some preferences.
    ///
    /// # Errors
    /// None: it is a result for uniformity.
    pub fn set_prefs(prefs: &BTreeMap<String, String>) -> Result<Self, BuildRequestError> {
        Self::new(Method::POST, &["prefs"])?.with_body(prefs)
    }

    /// The lines of the server's log that it keeps.
    ///
    /// # Errors
    /// None: it is a result for uniformity.
    pub fn logs() -> Result<Self, BuildRequestError> {
        Self::new(Method::GET, &["logs"])
    }

    /// A new token of a machine. Its life goes into [`query`](Self::query) as `ttl`.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn machine_token(key: &str) -> Result<Self, BuildRequestError> {
        Self::new(Method::GET, &["machines", key, "token"])
    }

    /// Sets the password of a user, which ends all tokens of that user.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn set_password(name: &str, password: &Secret) -> Result<Self, BuildRequestError> {
        let body = BTreeMap::from([("Password", password.expose())]);
        Self::new(Method::PUT, &["users", name, "password"])?.with_body(&body)
    }

    /// Which machine it is that knows this of itself.
    ///
    /// # Errors
    /// The body cannot be written as JSON.
    pub fn whoami(known: &Whoami) -> Result<Self, BuildRequestError> {
        Self::new(Method::POST, &["whoami"])?.with_body(known)
    }
}
