//! Calls on objects, their params, Meta and actions.

use drp_core::{Params, patch::Patch};
use http::Method;
use serde::Serialize;

use super::{BuildRequestError, Request};
use crate::Query;

impl Request {
    /// Whether there is such an object.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn exists(prefix: &str, key: &str) -> Result<Self, BuildRequestError> {
        Self::new(Method::HEAD, &[prefix, key])
    }

    /// How many objects of a type there are; the answer is in its headers.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn count(prefix: &str) -> Result<Self, BuildRequestError> {
        Self::new(Method::HEAD, &[prefix])
    }

    /// Puts an object in the place of what is there, whatever that is by now.
    ///
    /// # Errors
    /// As [`list`](Self::list), or the object cannot be written as JSON.
    pub fn put<T: Serialize + ?Sized>(prefix: &str, key: &str, object: &T) -> Result<Self, BuildRequestError> {
        Self::new(Method::PUT, &[prefix, key])?.with_body(object)
    }

    /// The same with what a [`Query`] asks for.
    #[must_use]
    pub fn with(self, query: &Query) -> Self {
        query.pairs().fold(self, |request, (name, value)| request.query(&name, &value))
    }

    /// Sets all params of an object, whatever they were.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn replace_params(prefix: &str, key: &str, params: &Params) -> Result<Self, BuildRequestError> {
        Self::new(Method::POST, &[prefix, key, "params"])?.with_body(&**params)
    }

    /// The public key to seal secure params of an object with.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn public_key(prefix: &str, key: &str) -> Result<Self, BuildRequestError> {
        Self::new(Method::GET, &[prefix, key, "pubkey"])
    }

    /// The Meta of an object.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn meta(prefix: &str, key: &str) -> Result<Self, BuildRequestError> {
        Self::new(Method::GET, &["meta", prefix, key])
    }

    /// Changes the Meta of an object; the document that is patched is the map of it.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn patch_meta(prefix: &str, key: &str, patch: &Patch) -> Result<Self, BuildRequestError> {
        Self::new(Method::PATCH, &["meta", prefix, key])?.with_body(patch)
    }

    /// The actions that can be run on an object now. A plugin may be named with `query("plugin", name)`.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn actions(prefix: &str, key: &str) -> Result<Self, BuildRequestError> {
        Self::new(Method::GET, &[prefix, key, actions_of(prefix)])
    }

    /// One action on an object.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn action(prefix: &str, key: &str, command: &str) -> Result<Self, BuildRequestError> {
        Self::new(Method::GET, &[prefix, key, actions_of(prefix), command])
    }

    /// The actions that can be run on the system now.
    ///
    /// # Errors
    /// None: it is a result for uniformity.
    pub fn system_actions() -> Result<Self, BuildRequestError> {
        Self::new(Method::GET, &["system", "actions"])
    }

    /// One action on the system.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn system_action(command: &str) -> Result<Self, BuildRequestError> {
        Self::new(Method::GET, &["system", "actions", command])
    }
}

/// Where the actions on objects of a type are: `/jobs/ID/actions` is the list of a job's scripts.
pub(super) fn actions_of(prefix: &str) -> &'static str {
    if prefix == "jobs" { "plugin_actions" } else { "actions" }
}
