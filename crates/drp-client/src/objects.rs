//! The objects of one type.

use std::{collections::BTreeMap, fmt, marker::PhantomData, time::Duration};

use drp_core::{Meta, Model, ModelType, Params, Raw, RawModel, patch::Patch};
use http::HeaderMap;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    BadAnswer, BuildRequestError, Client, ClientError, ObjectActions, ObjectParams, Query, Request, Waited,
    attempts::Attempts, params::patch_between, wait,
};

mod pages;
mod update;

pub use pages::Pages;

/// The objects of one type. Made by [`Client::objects`] and [`Client::raw_objects`]; clones cost next to nothing.
///
/// `key` may be `Index:value` with a unique index, such as `Name:web1.example.com`, wherever one object is meant.
/// Every call fails as [`Client::send`] does, and may do so for further reasons where it says so.
///
/// ```no_run
/// use drp_client::{Client, Filter, Query};
/// use drp_core::{Machine, Params};
///
/// # async fn example(client: Client) -> Result<(), Box<dyn std::error::Error>> {
/// let machines = client.objects::<Machine>();
/// let broken = machines.list(&Query::new().filter("Available", Filter::eq(false)).limit(10)).await?;
/// let web1 = machines.get("Name:web1.example.com").await?;
/// machines.update(&web1.uuid.to_string(), |machine| machine.description = "the first".to_owned()).await?;
/// machines.run_action("Name:web1.example.com", "increment", &Params::default()).await?;
/// # Ok(())
/// # }
/// ```
pub struct Objects<M = RawModel> {
    client: Client,
    prefix: String,
    model: PhantomData<fn() -> M>,
}

impl Client {
    /// The objects of a typed model. Those of a custom object type are [`Stored`](drp_core::Stored).
    #[must_use]
    pub fn objects<M: Model>(&self) -> Objects<M> {
        Objects { client: self.clone(), prefix: M::PREFIX.to_owned(), model: PhantomData }
    }

    /// The objects of any type by its prefix, key by key: types of providers, or those without a model.
    #[must_use]
    pub fn raw_objects(&self, prefix: &str) -> Objects {
        Objects { client: self.clone(), prefix: prefix.to_owned(), model: PhantomData }
    }
}

impl<M: Serialize + DeserializeOwned> Objects<M> {
    /// One object. That there is none is an error too: [`ClientError::is_not_found`].
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn get(&self, key: &str) -> Result<M, ClientError> {
        self.client.send(Request::get(&self.prefix, key)?).await
    }

    /// As much of one object as a query wants with [`slim`](Query::slim), [`params`](Query::params) and
    /// [`decode`](Query::decode).
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn get_with(&self, key: &str, query: &Query) -> Result<M, ClientError> {
        let object = self.client.send(Request::get(&self.prefix, key)?.with(query)).await;
        unquoted(query, object)
    }

    /// Whether there is such an object, for all this client may see.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn exists(&self, key: &str) -> Result<bool, ClientError> {
        match self.client.exchange(&Request::exists(&self.prefix, key)?).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The objects that a query wants, all in one answer. [`pages`](Self::pages) holds fewer at a time.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn list(&self, query: &Query) -> Result<Vec<M>, ClientError> {
        let objects = self.client.send(Request::list(&self.prefix)?.with(query)).await;
        unquoted(query, objects)
    }

    /// How many objects pass the filters of a query, whatever its limit and offset.
    ///
    /// # Errors
    /// As [`Client::send`]; the server does not tell.
    pub async fn count(&self, query: &Query) -> Result<u64, ClientError> {
        let request = Request::count(&self.prefix)?.with(query);
        let answer = self.client.exchange(&request).await?;
        // The second one is the only one of servers before v4, and means the same where there is no limit.
        let found = COUNTS.iter().find_map(|name| number(&answer.headers, name));
        found.ok_or_else(|| ClientError::new(request.to_string(), BadAnswer::NoHeader(COUNTS[0]).into()))
    }

    /// Makes an object and gives it back as the server has it.
    ///
    /// `object` is an `M`, or anything else that is written as the keys of one. A key that is left out becomes what
    /// the server holds for usual: a machine from `json!({"Name": "web1"})` can run jobs, and one from
    /// `Machine { name, ..Machine::default() }` cannot, because it says `Runnable` is false.
    ///
    /// # Errors
    /// As [`Client::send`]; [`ClientError::is_conflict`] where there is one with this key.
    pub async fn create<T: Serialize + ?Sized>(&self, object: &T) -> Result<M, ClientError> {
        self.client.send(Request::create(&self.prefix, object)?).await
    }

    /// Puts an object in the place of what is there, whatever somebody else has made of it meanwhile: use
    /// [`update`](Self::update) where that matters.
    ///
    /// # Errors
    /// As [`Client::send`]; the object is partial, so that putting it would remove what was left out of it.
    pub async fn put<T: Serialize + ?Sized>(&self, key: &str, object: &T) -> Result<M, ClientError> {
        let object = Raw::new(object).map_err(BuildRequestError::Body)?;
        if update::is_partial(&object) {
            return Err(BuildRequestError::Partial(self.object(key)).into());
        }
        self.client.send(Request::put(&self.prefix, key, &object)?).await
    }

    /// Changes an object and gives it back as the server has it now. Make the patch with [`Patch::between`]: it tests
    /// what it changes, so that it fails with [`ClientError::is_patch_conflict`] where somebody else was faster.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn patch(&self, key: &str, patch: &Patch) -> Result<M, ClientError> {
        self.client.send(Request::patch(&self.prefix, key, patch)?).await
    }

    /// Removes an object and gives it back as it was.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn delete(&self, key: &str) -> Result<M, ClientError> {
        self.client.send(Request::delete(&self.prefix, key)?).await
    }

    /// Waits until `is_met` says so of an object, no longer than `limit`.
    ///
    /// Its events are registered first, then it is read, and then each change is looked at; a lost connection is made
    /// again, and what may have been missed is read. Nothing goes by unseen but what happens in such a gap and is
    /// undone in it. See [`field_is`](crate::field_is) for a condition on one key.
    ///
    /// # Errors
    /// There is no such object, or its events cannot be had, or it can be read no more.
    pub async fn wait_for(
        &self,
        key: &str,
        is_met: impl FnMut(&M) -> bool,
        limit: Duration,
    ) -> Result<Waited<M>, ClientError> {
        wait::wait_for(&self.client, &self.prefix, key, is_met, limit).await
    }

    /// The params of an object. Nothing is sent yet.
    #[must_use]
    pub fn params(&self, key: &str) -> ObjectParams {
        ObjectParams::new(self.client.clone(), &self.prefix, key)
    }

    /// The actions on an object. Nothing is sent yet.
    #[must_use]
    pub fn actions(&self, key: &str) -> ObjectActions {
        ObjectActions::of_object(self.client.clone(), &self.prefix, key)
    }

    /// Runs an action on an object and gives its result; see [`ObjectActions::run`].
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn run_action(&self, key: &str, command: &str, params: &Params) -> Result<Raw, ClientError> {
        self.actions(key).run(command, params).await
    }

    /// The Meta of an object.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn meta(&self, key: &str) -> Result<BTreeMap<String, String>, ClientError> {
        Ok(self.client.send::<Meta>(Request::meta(&self.prefix, key)?).await?.into_inner())
    }

    /// Reads the Meta of an object, lets `change` change it, and writes what it changed if nobody else wrote to it in
    /// between; else does it all again. Where nothing changes, nothing is sent.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    pub async fn update_meta(
        &self,
        key: &str,
        mut change: impl FnMut(&mut BTreeMap<String, String>),
    ) -> Result<BTreeMap<String, String>, ClientError> {
        let mut attempts = Attempts::new();
        let _turn = self.client.inner.turns.take(&self.object(key)).await;
        loop {
            let mut meta = self.meta(key).await?;
            let old = values(&meta);
            change(&mut meta);
            let patch = patch_between(&old, &values(&meta)).map_err(BuildRequestError::Body)?;
            if patch.0.is_empty() {
                return Ok(meta);
            }
            match self.client.send_only(Request::patch_meta(&self.prefix, key, &patch)?).await {
                Ok(()) => return Ok(meta),
                Err(error) => attempts.wait_after(error).await?,
            }
        }
    }

    fn object(&self, key: &str) -> String {
        format!("{}/{key}", self.prefix)
    }
}

fn values(meta: &BTreeMap<String, String>) -> Params {
    let raw = |(name, value): (&String, &String)| (name.clone(), Raw::from(value.as_str()));
    meta.iter().map(raw).collect::<BTreeMap<_, _>>().into()
}

/// Where counts are, the first that there is.
const COUNTS: [&str; 2] = ["X-DRP-LIST-FILTER-COUNT", "X-DRP-LIST-COUNT"];

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// What a call gave, without a reason that quotes params which were asked for in clear.
fn unquoted<T>(query: &Query, answer: Result<T, ClientError>) -> Result<T, ClientError> {
    if query.is_decoded() { answer.map_err(ClientError::without_quote) } else { answer }
}

/// The key of an object by its type, if it stands in the object as it is.
pub(crate) fn key_of(prefix: &str, object: &RawModel) -> Option<String> {
    let field = match ModelType::find(prefix) {
        // Their keys are their addresses in another spelling.
        Some(model) if model.is_keyed_by_address() => return None,
        Some(model) => model.key_field,
        None => "Id",
    };
    Some(object.text(field)).filter(|key| !key.is_empty())
}

impl<M> Clone for Objects<M> {
    fn clone(&self) -> Self {
        Self { client: self.client.clone(), prefix: self.prefix.clone(), model: PhantomData }
    }
}

impl<M> fmt::Debug for Objects<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Objects").field("client", &self.client).field("prefix", &self.prefix).finish()
    }
}
