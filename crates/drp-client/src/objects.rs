//! Calls on objects, actions and the server itself.

use drp_core::{Event, Model, Params, Raw, RawModel, patch::Patch};
use serde::Serialize;

use crate::{Client, ClientError, ObjectParams, Request};

/// Typed objects. `key` may be `Index:value` with a unique index, such as `Name:web1.example.com`.
impl Client {
    /// One object. That there is none is an error too: [`ClientError::is_not_found`].
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn get<M: Model>(&self, key: &str) -> Result<M, ClientError> {
        self.send(Request::get(M::PREFIX, key)?).await
    }

    /// All objects of a type.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn list<M: Model>(&self) -> Result<Vec<M>, ClientError> {
        self.send(Request::list(M::PREFIX)?).await
    }

    /// Makes an object and gives it back as the server has it.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn create<M: Model>(&self, object: &M) -> Result<M, ClientError> {
        self.send(Request::create(M::PREFIX, object)?).await
    }

    /// Changes an object and gives it back as the server has it now. Make the patch with [`Patch::between`]: it tests
    /// what it changes, so that it fails with [`ClientError::is_patch_conflict`] where somebody else was faster.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn patch<M: Model>(&self, key: &str, patch: &Patch) -> Result<M, ClientError> {
        self.send(Request::patch(M::PREFIX, key, patch)?).await
    }

    /// Removes an object and gives it back as it was.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn delete<M: Model>(&self, key: &str) -> Result<M, ClientError> {
        self.send(Request::delete(M::PREFIX, key)?).await
    }

    /// The params of an object. Nothing is sent yet.
    #[must_use]
    pub fn params<M: Model>(&self, key: &str) -> ObjectParams {
        ObjectParams::new(self.clone(), M::PREFIX, key)
    }

    /// Objects of any type by its prefix: types of providers, or those without a model of their own.
    #[must_use]
    pub fn objects(&self, prefix: &str) -> Objects {
        Objects { client: self.clone(), prefix: prefix.to_owned() }
    }
}

/// Actions, events and the server itself.
impl Client {
    /// Runs an action on an object and gives its result. It ends with [`Config::request_time`](crate::Config), also
    /// where the action goes on; see [`with_request_time`](Self::with_request_time).
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn run_action(
        &self,
        prefix: &str,
        key: &str,
        command: &str,
        params: &Params,
    ) -> Result<Raw, ClientError> {
        self.send(Request::run_action(prefix, key, command, params)?).await
    }

    /// Runs a system action and gives its result.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn run_system_action(&self, command: &str, params: &Params) -> Result<Raw, ClientError> {
        self.send(Request::run_system_action(command, params)?).await
    }

    /// Publishes an event as it is.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn post_event(&self, event: &Event) -> Result<(), ClientError> {
        self.send_only(Request::post_event(event)?).await
    }

    /// What the server tells about itself: `version`, `features`, `id` and more.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn info(&self) -> Result<RawModel, ClientError> {
        self.send(Request::info()?).await
    }
}

/// Objects of one type, key by key. Made by [`Client::objects`].
#[derive(Clone, Debug)]
pub struct Objects {
    client: Client,
    prefix: String,
}

impl Objects {
    /// One object; as [`Client::get`].
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn get(&self, key: &str) -> Result<RawModel, ClientError> {
        self.client.send(Request::get(&self.prefix, key)?).await
    }

    /// All objects.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn list(&self) -> Result<Vec<RawModel>, ClientError> {
        self.client.send(Request::list(&self.prefix)?).await
    }

    /// Makes an object and gives it back as the server has it.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn create<T: Serialize + ?Sized>(&self, object: &T) -> Result<RawModel, ClientError> {
        self.client.send(Request::create(&self.prefix, object)?).await
    }

    /// Changes an object; as [`Client::patch`].
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn patch(&self, key: &str, patch: &Patch) -> Result<RawModel, ClientError> {
        self.client.send(Request::patch(&self.prefix, key, patch)?).await
    }

    /// Removes an object and gives it back as it was.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn delete(&self, key: &str) -> Result<RawModel, ClientError> {
        self.client.send(Request::delete(&self.prefix, key)?).await
    }

    /// The params of an object. Nothing is sent yet.
    #[must_use]
    pub fn params(&self, key: &str) -> ObjectParams {
        ObjectParams::new(self.client.clone(), &self.prefix, key)
    }
}
