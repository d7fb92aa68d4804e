//! The params of one object.

use drp_core::{
    Param, Params, Raw, json,
    patch::{Operation, Patch, pointer},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    BadAnswer, BuildRequestError, Client, ClientError, Request, answer,
    attempts::Attempts,
    secure::{PublicKey, seal},
};

/// The params of one object. Made by [`Objects::params`](crate::Objects::params).
///
/// [`aggregate`](Self::aggregate), [`compose`](Self::compose), [`decode`](Self::decode) and [`only`](Self::only) say
/// what its reads see; its writes change the object's own params and nothing else.
#[derive(Clone, Debug)]
pub struct ObjectParams {
    client: Client,
    prefix: String,
    key: String,
    aggregate: bool,
    compose: bool,
    decode: bool,
    only: Option<String>,
}

/// Why a param was not set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompareAndSetError {
    /// The value is not the expected one, so nothing was changed. Where the param was expected to be unset, a change
    /// of any other param of the object in the same moment counts too: read again and try again.
    #[error("param `{name}` of {object} is not what was expected")]
    Conflict {
        /// The object, as `machines/UUID`.
        object: String,
        /// The param.
        name: String,
    },
    /// The call failed.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl ObjectParams {
    pub(crate) fn new(client: Client, prefix: &str, key: &str) -> Self {
        let (prefix, key) = (prefix.to_owned(), key.to_owned());
        Self { client, prefix, key, aggregate: false, compose: false, decode: false, only: None }
    }

    /// Reads see params of profiles, stage and the profile `global` too, and a single read the schema's default.
    #[must_use]
    pub fn aggregate(self) -> Self {
        Self { aggregate: true, ..self }
    }

    /// Reads see maps and lists made of what all of those places have, where the param's declaration allows it.
    #[must_use]
    pub fn compose(self) -> Self {
        Self { compose: true, ..self }
    }

    /// [`all`](Self::all) sees these params only.
    #[must_use]
    pub fn only<T: AsRef<str>>(self, names: impl IntoIterator<Item = T>) -> Self {
        let names: Vec<T> = names.into_iter().collect();
        let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
        Self { only: Some(names.join(",")), ..self }
    }

    /// Reads see secure params in clear text; no error quotes their values.
    #[must_use]
    pub fn decode(self) -> Self {
        Self { decode: true, ..self }
    }

    /// All params.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn all(&self) -> Result<Params, ClientError> {
        let request = Request::params(&self.prefix, &self.key)?;
        let request = match &self.only {
            Some(names) => request.query("params", names),
            None => request,
        };
        self.read(request).await
    }

    /// One param, or `None` where it is unset or `null`: servers do not tell these apart.
    ///
    /// # Errors
    /// As [`Client::send`]; the value is no `T`.
    pub async fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, ClientError> {
        self.read(Request::param(&self.prefix, &self.key, name)?).await
    }

    /// Sets one param, whatever it was.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn set<T: Serialize + ?Sized>(&self, name: &str, value: &T) -> Result<(), ClientError> {
        self.client.send_only(Request::set_param(&self.prefix, &self.key, name, value)?).await
    }

    /// Sets one secure param: it is sealed with the object's key, so that its clear text is never sent.
    ///
    /// # Errors
    /// As [`Client::send`]; the server gave no public key.
    pub async fn set_secure<T: Serialize + ?Sized>(&self, name: &str, value: &T) -> Result<(), ClientError> {
        let request = Request::public_key(&self.prefix, &self.key)?;
        let doing = request.to_string();
        let key: String = self.client.send(request).await?;
        let key: PublicKey = key.parse().map_err(|_| ClientError::new(doing, BadAnswer::Value.into()))?;
        self.set(name, &seal(&Raw::new(value).map_err(BuildRequestError::Body)?, &key)).await
    }

    /// Sets one param, sealed if it is declared as secure. This asks the server for the declaration first; who knows
    /// it uses [`set`](Self::set) or [`set_secure`](Self::set_secure).
    ///
    /// # Errors
    /// As [`set_secure`](Self::set_secure).
    pub async fn set_as_declared<T: Serialize + ?Sized>(&self, name: &str, value: &T) -> Result<(), ClientError> {
        let is_secure = match self.client.objects::<Param>().get(name).await {
            Ok(param) => param.secure,
            Err(error) if error.is_not_found() => false,
            Err(error) => return Err(error),
        };
        if is_secure { self.set_secure(name, value).await } else { self.set(name, value).await }
    }

    /// Sets one param that must not be there yet.
    ///
    /// # Errors
    /// It is there, or as [`compare_and_set`](Self::compare_and_set).
    pub async fn add<T: Serialize + ?Sized>(&self, name: &str, value: &T) -> Result<(), CompareAndSetError> {
        self.compare_and_set(name, None, value).await
    }

    /// Sets all params, whatever they were: those that are not among these are removed.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn set_all(&self, params: &Params) -> Result<Params, ClientError> {
        self.client.send(Request::replace_params(&self.prefix, &self.key, params)?).await
    }

    /// Removes one param and gives its value. That it is unset is an error: [`ClientError::is_not_found`].
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn delete(&self, name: &str) -> Result<Raw, ClientError> {
        self.client.send(Request::delete_param(&self.prefix, &self.key, name)?).await
    }

    /// Sets one param if it is what was expected: `None` stands for unset. A new value that is written as `null`
    /// removes it. The check and the change are one step of the server's.
    ///
    /// # Errors
    /// The param is something else, or as [`Client::send`].
    pub async fn compare_and_set<T: Serialize + ?Sized>(
        &self,
        name: &str,
        expected: Option<&Raw>,
        new: &T,
    ) -> Result<(), CompareAndSetError> {
        let conflict = || CompareAndSetError::Conflict { object: self.object(), name: name.to_owned() };
        let base = match expected.filter(|value| !value.is_null()) {
            Some(value) => Base::Value(value.clone()),
            None => match self.base_without_value(name).await? {
                Base::Value(_) => return Err(conflict()),
                unset => unset,
            },
        };
        match self.replace(name, &base, new).await {
            Err(error) if error.is_patch_conflict() => Err(conflict()),
            other => Ok(other?),
        }
    }

    /// Reads one param, computes its new value with `change`, and sets it if nobody else wrote in between; else does
    /// it all again, so that no change is ever lost. A new value that is written as `null` removes the param.
    ///
    /// Updates of one object through clones of one client take turns, so that only other processes can be in the way.
    /// It keeps trying for [`UPDATE_TIME`](drp_core::limits::UPDATE_TIME), with waits between the tries that spread many writers out.
    ///
    /// # Errors
    /// As [`Client::send`]; the value is no `T`; others were faster all the time
    /// ([`ClientError::is_patch_conflict`]).
    pub async fn update<T>(&self, name: &str, mut change: impl FnMut(Option<T>) -> T) -> Result<T, ClientError>
    where
        T: DeserializeOwned + Serialize,
    {
        let mut attempts = Attempts::new();
        let _turn = self.client.inner.turns.take(&self.object()).await;
        loop {
            let base = self.base(name).await?;
            let new = change(self.parse(name, &base)?);
            match self.replace(name, &base, &new).await {
                Ok(()) => return Ok(new),
                Err(error) => attempts.wait_after(error).await?,
            }
        }
    }

    /// Reads all params, lets `change` change them, and writes what it changed in one step if nobody else wrote to the
    /// same params in between; else does it all again, as [`update`](Self::update) does. Gives what `change` gives.
    ///
    /// Params that belong together are so never seen with one changed and the other not, and several cost one write.
    /// [`Params::value`] and [`Params::set`] read and write them; a param that is removed from the map, or set to
    /// what is written as `null`, is removed.
    ///
    /// ```no_run
    /// # use drp_client::{Client, ClientError};
    /// # use drp_core::Machine;
    /// # async fn example(client: Client, key: &str) -> Result<u64, ClientError> {
    /// client
    ///     .objects::<Machine>()
    ///     .params(key)
    ///     .update_all(|params| {
    ///         let tries = params.value::<u64>("burnin/tries")?.unwrap_or(0) + 1;
    ///         params.set("burnin/tries", &tries)?;
    ///         params.remove("burnin/report");
    ///         Ok(tries)
    ///     })
    ///     .await
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`update`](Self::update); what `change` returns, as an answer that cannot be used.
    pub async fn update_all<T>(
        &self,
        mut change: impl FnMut(&mut Params) -> Result<T, serde_json::Error>,
    ) -> Result<T, ClientError> {
        let mut attempts = Attempts::new();
        let _turn = self.client.inner.turns.take(&self.object()).await;
        loop {
            let mut old: Params = self.client.send(Request::params(&self.prefix, &self.key)?).await?;
            old.fill();
            let mut new = old.clone();
            let doing = || format!("GET {}/params", self.object());
            let result = change(&mut new).map_err(|error| ClientError::new(doing(), answer::unexpected(error)))?;
            let patch = patch_between(&old, &new).map_err(BuildRequestError::Body)?;
            if patch.0.is_empty() {
                return Ok(result);
            }
            match self.client.send_only(Request::patch_params(&self.prefix, &self.key, &patch)?).await {
                Ok(()) => return Ok(result),
                Err(error) => attempts.wait_after(error).await?,
            }
        }
    }

    async fn read<T: DeserializeOwned>(&self, mut request: Request) -> Result<T, ClientError> {
        if self.aggregate {
            request = request.query("aggregate", "true");
        }
        if self.compose {
            request = request.query("compose", "true");
        }
        if self.decode {
            request = request.query("decode", "true");
        }
        let value = self.client.send(request).await;
        // A reason would quote the value, and what is opened here is secret.
        if self.decode { value.map_err(ClientError::without_quote) } else { value }
    }

    /// The param as the object itself holds it.
    async fn base(&self, name: &str) -> Result<Base, ClientError> {
        match self.client.send::<Raw>(Request::param(&self.prefix, &self.key, name)?).await? {
            unset if unset.is_null() => self.base_without_value(name).await,
            value => Ok(Base::Value(value)),
        }
    }

    /// The whole map of the object's params, unless the param has a value by now.
    async fn base_without_value(&self, name: &str) -> Result<Base, ClientError> {
        let mut all: Params = self.client.send(Request::params(&self.prefix, &self.key)?).await?;
        all.fill();
        Ok(match all.get(name) {
            Some(value) if !value.is_null() => Base::Value(value.clone()),
            _ => Base::Unset(all),
        })
    }

    fn parse<T: DeserializeOwned>(&self, name: &str, base: &Base) -> Result<Option<T>, ClientError> {
        let Base::Value(value) = base else { return Ok(None) };
        let doing = || format!("GET {}/params/{name}", self.object());
        answer::decode(value.get().as_bytes()).map(Some).map_err(|kind| ClientError::new(doing(), kind))
    }

    async fn replace<T: Serialize + ?Sized>(&self, name: &str, base: &Base, new: &T) -> Result<(), ClientError> {
        let new = Raw::new(new).map_err(BuildRequestError::Body)?;
        let patch = base.patch_to(name, new).map_err(BuildRequestError::Body)?;
        self.client.send_only(Request::patch_params(&self.prefix, &self.key, &patch)?).await
    }

    fn object(&self) -> String {
        format!("{}/{}", self.prefix, self.key)
    }
}

/// What a change of one param starts from.
#[derive(Debug)]
enum Base {
    /// The param's value.
    Value(Raw),
    /// The param is unset, or `null`, among these.
    Unset(Params),
}

impl Base {
    /// The patch of the map of params that sets `name` to `new` if nothing has changed. A patch cannot test that a
    /// key is absent, nor for `null`, so there it tests that the whole map is as it was.
    fn patch_to(&self, name: &str, new: Raw) -> Result<Patch, serde_json::Error> {
        let path = pointer([name]);
        let (test, change) = match self {
            Self::Value(old) if new.is_null() => (Operation::test(&path, old.clone()), Some(Operation::remove(path))),
            Self::Value(old) => (Operation::test(&path, old.clone()), Some(Operation::replace(path, new))),
            Self::Unset(all) => {
                let change = match (new.is_null(), all.contains_key(name)) {
                    (false, _) => Some(Operation::add(path, new)),
                    (true, true) => Some(Operation::remove(path)),
                    (true, false) => None,
                };
                (Operation::test("", Raw::new(all)?), change)
            }
        };
        Ok(Patch(std::iter::once(test).chain(change).collect()))
    }
}

/// The patch of the map of params that makes `new` of `old` if the params that differ have not changed; for one that
/// is new that means the whole map, as a patch cannot test that a key is absent.
pub(crate) fn patch_between(old: &Params, new: &Params) -> Result<Patch, serde_json::Error> {
    let value = |params: &Params, name: &str| params.get(name).filter(|value| !value.is_null()).cloned();
    let (mut tests, mut changes, mut adds) = (Vec::new(), Vec::new(), false);
    for name in old.keys().chain(new.keys().filter(|name| !old.contains_key(*name))) {
        let path = pointer([name.as_str()]);
        match (value(old, name), value(new, name)) {
            (Some(old), Some(new)) if json::same(&old, &new) => {}
            (Some(old), new) => {
                tests.push(Operation::test(&path, old));
                changes.push(new.map_or_else(|| Operation::remove(&path), |new| Operation::replace(&path, new)));
            }
            (None, Some(new)) => {
                adds = true;
                changes.push(Operation::add(path, new));
            }
            (None, None) => {}
        }
    }
    if adds {
        tests = vec![Operation::test("", Raw::new(old)?)];
    }
    Ok(Patch(tests.into_iter().chain(changes).collect()))
}

#[cfg(test)]
mod tests;
