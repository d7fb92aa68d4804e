//! The params of an object: its own, those it gets from elsewhere, and changes of them (`api.md` §5).
//!
//! A name is looked up in the object itself, its profiles in order (each with the profiles it names), its stage and
//! the stage's profiles, the profile `global`, and at last in the schema's default.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use drp_core::patch::Patch;
use drp_core::{Error, Param, Params, Raw, RawModel, contract};
use serde_json::Value;

use crate::auth::Principal;
use crate::objects::Objects;
use crate::secrets::{self, public_text};

/// Profiles that one lookup visits.
const PROFILES_MAX: usize = 1000;

/// The params of all objects.
#[derive(Debug)]
pub(crate) struct ParamValues {
    objects: Arc<Objects>,
}

/// How params are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct View {
    /// From everywhere, and not the object's own alone.
    pub(crate) aggregate: bool,
    /// Maps and lists of all places merged, and not the first one alone.
    pub(crate) compose: bool,
    /// Sealed values opened. Whoever asks must have the right to see them.
    pub(crate) decode: bool,
}

/// A value as it was found. It has no `Debug`: it may be a secret.
pub(crate) struct Resolved {
    pub(crate) value: Raw,
    /// It was sealed, or its param is secret: it must not be seen elsewhere.
    pub(crate) is_secret: bool,
}

/// A place that params come from: what it holds is sealed with its own key.
struct Source {
    prefix: String,
    key: String,
    params: Params,
}

impl ParamValues {
    /// The params of the objects of a host.
    pub(crate) fn new(objects: Arc<Objects>) -> Self {
        Self { objects }
    }

    /// The declaration of a param, if there is one that can be read.
    pub(crate) fn declaration(&self, name: &str) -> Option<Param> {
        self.objects.declaration(name).ok().flatten()
    }

    /// Checks a value against the declaration of its param; any value goes where there is none.
    ///
    /// # Errors
    /// The schema's text, such as `(root): Invalid type. Expected: integer, given: string`.
    pub(crate) fn check(&self, name: &str, value: &Raw) -> Result<(), Vec<String>> {
        let Some(param) = self.declaration(name) else { return Ok(()) };
        self.objects.schemas().check(&param.schema, value)
    }

    /// The value of a param for an object, from wherever it comes, opened where it was sealed. `null` is a value.
    ///
    /// # Errors
    /// The store cannot be read, or a sealed value cannot be opened.
    pub(crate) fn resolve(&self, prefix: &str, object: &RawModel, name: &str) -> Result<Option<Resolved>, Error> {
        let declaration = self.objects.declaration(name)?;
        let is_declared = declaration.as_ref().is_some_and(|param| param.secure);
        for source in self.sources(prefix, object)? {
            if let Some(stored) = source.params.get(name) {
                let value = self.open(&source, name, stored)?;
                let is_secret = is_declared || value.get() != stored.get();
                return Ok(Some(Resolved { value, is_secret }));
            }
        }
        let default = declaration.and_then(|param| param.default_value());
        Ok(default.map(|value| Resolved { value, is_secret: is_declared }))
    }

    /// All own params of an object, opened.
    ///
    /// # Errors
    /// As [`resolve`](Self::resolve).
    pub(crate) fn opened(&self, prefix: &str, object: &RawModel) -> Result<Params, Error> {
        self.opened_at(prefix, &self.own(prefix, object).key, object)
    }

    /// As [`opened`](Self::opened), of an object under a key, also where its type is not known.
    ///
    /// # Errors
    /// As [`resolve`](Self::resolve).
    pub(crate) fn opened_at(&self, prefix: &str, key: &str, object: &RawModel) -> Result<Params, Error> {
        let own = source(prefix, key.to_owned(), object);
        own.params.iter().map(|(name, value)| Ok((name.clone(), self.open(&own, name, value)?))).collect()
    }

    /// The params of an object, as they are wanted.
    ///
    /// # Errors
    /// No such object; else as [`resolve`](Self::resolve).
    pub(crate) fn all(&self, prefix: &str, key: &str, view: View) -> Result<Params, Error> {
        let object = self.object("GET", prefix, key)?;
        let sources = if view.aggregate { self.sources(prefix, &object)? } else { vec![self.own(prefix, &object)] };
        let mut all: BTreeMap<String, Raw> = BTreeMap::new();
        for source in &sources {
            for (name, value) in source.params.iter().filter(|(name, _)| !all.contains_key(*name)).collect::<Vec<_>>() {
                let value = if view.decode { self.open(source, name, value)? } else { value.clone() };
                all.insert(name.clone(), value);
            }
        }
        Ok(all.into())
    }

    /// One param of an object, as it is wanted; `null` where it is not set. The default of its schema counts only in
    /// the aggregate.
    ///
    /// # Errors
    /// As [`all`](Self::all).
    pub(crate) fn one(&self, prefix: &str, key: &str, name: &str, view: View) -> Result<Raw, Error> {
        let object = self.object("GET", prefix, key)?;
        let aggregate = view.aggregate || view.compose;
        let sources = if aggregate { self.sources(prefix, &object)? } else { vec![self.own(prefix, &object)] };
        let mut values = Vec::new();
        for source in sources.iter().filter(|source| source.params.contains_key(name)) {
            if let Some(value) = source.params.get(name) {
                values.push(if view.decode { self.open(source, name, value)? } else { value.clone() });
            }
            if !view.compose {
                break;
            }
        }
        if aggregate && (view.compose || values.is_empty()) {
            values.extend(self.objects.declaration(name)?.and_then(|param| param.default_value()));
        }
        Ok(values.into_iter().reduce(compose).unwrap_or_default())
    }

    /// Sets one param and returns it as it is stored.
    ///
    /// # Errors
    /// No such object, one that is read-only, or a value that its schema does not take (409).
    pub(crate) async fn set(
        &self,
        by: &Principal,
        prefix: &str,
        key: &str,
        name: &str,
        value: &Raw,
    ) -> Result<Raw, Error> {
        let set = |params: &mut Params| {
            params.insert(name.to_owned(), value.clone());
            Ok(())
        };
        let params = self.change("POST", by, prefix, key, set).await?;
        Ok(params.get(name).cloned().unwrap_or_default())
    }

    /// Replaces all params and returns them as they are stored.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub(crate) async fn replace(
        &self,
        by: &Principal,
        prefix: &str,
        key: &str,
        values: &Params,
    ) -> Result<Params, Error> {
        let replace = |params: &mut Params| {
            params.clone_from(values);
            Ok(())
        };
        self.change("POST", by, prefix, key, replace).await
    }

    /// Applies a patch to the map of own params and returns the new one.
    ///
    /// # Errors
    /// As [`set`](Self::set); the patch does not apply (409) or leaves no map (406).
    pub(crate) async fn patch(&self, by: &Principal, prefix: &str, key: &str, patch: &Patch) -> Result<Params, Error> {
        let refused = |code, message: String| Error::new(code, "PATCH", message).about(prefix, key);
        let apply = |params: &mut Params| {
            params.fill();
            let document = Raw::new(params).map_err(|error| refused(406, error.to_string()))?;
            let patched = patch.apply(&document).map_err(|error| {
                refused(409, format!("Patch failed to apply at line {}", error.index)).and(error.reason)
            })?;
            *params = patched.parse::<BTreeMap<_, _>>().map_err(|error| refused(406, error.to_string()))?.into();
            Ok(())
        };
        self.change("PATCH", by, prefix, key, apply).await
    }

    /// Removes one param and returns the value it had.
    ///
    /// # Errors
    /// As [`set`](Self::set); the param is not set (404, about the param).
    pub(crate) async fn remove(&self, by: &Principal, prefix: &str, key: &str, name: &str) -> Result<Raw, Error> {
        let mut removed = Raw::null();
        let remove = |params: &mut Params| {
            let missing = || Error::new(404, "DELETE", "Not Found").about("params", name);
            removed = params.remove(name).ok_or_else(missing)?;
            Ok(())
        };
        self.change("DELETE", by, prefix, key, remove).await?;
        Ok(removed)
    }

    /// The public key with which a client seals values for an object, made now if there is none.
    ///
    /// # Errors
    /// No such object, or the store does not take the key.
    pub(crate) async fn public_key(&self, prefix: &str, key: &str) -> Result<String, Error> {
        let own = self.own(prefix, &*self.object("GET", prefix, key)?);
        let pair = self.objects.key_pair(prefix, &own.key).await;
        pair.map(|pair| public_text(&pair)).map_err(|error| broken(&own, &error))
    }

    async fn change(
        &self,
        method: &'static str,
        by: &Principal,
        prefix: &str,
        key: &str,
        mut change: impl FnMut(&mut Params) -> Result<(), Error> + Send,
    ) -> Result<Params, Error> {
        self.object(method, prefix, key)?;
        let objects = &self.objects;
        let write = |object: &mut RawModel| {
            let own = self.own(prefix, object);
            let before = object.clone();
            let mut params = own.params;
            change(&mut params)?;
            params.fill();
            object.set("Params", &params).map_err(|error| Error::new(500, method, error.to_string()))?;
            let problems = objects.param_problems(prefix, &own.key, &before, object)?;
            if problems.is_empty() {
                return Ok(());
            }
            let error = Error { type_: method.to_owned(), messages: problems.into(), code: 409, ..Error::default() };
            // The key as the caller wrote it, which may be an index and a value.
            Err(error.about(prefix, key))
        };
        let object = objects.update_as(method, by, prefix, key, write).await?;
        Ok(self.own(prefix, &object).params)
    }

    /// An object that has params.
    fn object(&self, method: &'static str, prefix: &str, key: &str) -> Result<Arc<RawModel>, Error> {
        if !self.objects.kind(prefix).is_some_and(|kind| kind.has_params) {
            let path = format!("{}/{prefix}/{key}/params", contract::API_BASE);
            return Err(Error::new(404, method, "No route").about("", &path));
        }
        let missing = || Error::new(404, method, "Not Found").about(prefix, key);
        self.objects.get(prefix, key)?.ok_or_else(missing)
    }

    fn own(&self, prefix: &str, object: &RawModel) -> Source {
        let key_field = self.objects.kind(prefix).map_or("Name", |kind| kind.key_field);
        source(prefix, object.text(key_field), object)
    }

    /// Everywhere that params of an object come from, first one first.
    fn sources(&self, prefix: &str, object: &RawModel) -> Result<Vec<Source>, Error> {
        let mut sources = vec![self.own(prefix, object)];
        let mut visited = HashSet::new();
        if prefix == "profiles" {
            visited.insert(object.text("Name"));
        }
        self.add_profiles(&names_in(object, "Profiles"), &mut visited, &mut sources)?;
        let stage = object.text("Stage");
        if !stage.is_empty()
            && let Some(found) = self.objects.content("stages", &stage)?
        {
            sources.push(source("stages", stage, &found));
            self.add_profiles(&names_in(&found, "Profiles"), &mut visited, &mut sources)?;
        }
        self.add_profiles(&[contract::GLOBAL_PROFILE.to_owned()], &mut visited, &mut sources)?;
        Ok(sources)
    }

    /// Adds profiles in order, each one followed by those it names. None is visited twice.
    fn add_profiles(
        &self,
        names: &[String],
        visited: &mut HashSet<String>,
        sources: &mut Vec<Source>,
    ) -> Result<(), Error> {
        let mut waiting: Vec<String> = names.iter().rev().cloned().collect();
        while let Some(name) = waiting.pop() {
            if visited.len() >= PROFILES_MAX || !visited.insert(name.clone()) {
                continue;
            }
            let Some(profile) = self.objects.get("profiles", &name)? else { continue };
            waiting.extend(names_in(&profile, "Profiles").into_iter().rev());
            sources.push(source("profiles", name, &profile));
        }
        Ok(())
    }

    /// Opens a value if it is sealed. One that only looks sealed, of a param that is not secret, stays as it is.
    fn open(&self, source: &Source, name: &str, value: &Raw) -> Result<Raw, Error> {
        let Some(sealed) = secrets::as_sealed(value) else { return Ok(value.clone()) };
        let pair = self.objects.secrets().find(&source.prefix, &source.key).map_err(|error| broken(source, &error))?;
        let opened = pair.map_or(Err(secrets::OpenError::Corrupted), |pair| secrets::open(&sealed, &pair));
        match opened {
            Ok(plain) => {
                self.objects.secrets().seen(&plain);
                Ok(plain)
            }
            Err(_) if !self.objects.declaration(name)?.is_some_and(|param| param.secure) => Ok(value.clone()),
            Err(error) => {
                Err(Error::new(409, "GET", format!("Key '{name}': {error}")).about(&source.prefix, &source.key))
            }
        }
    }
}

fn source(prefix: &str, key: String, object: &RawModel) -> Source {
    Source { prefix: prefix.to_owned(), key, params: object.get("Params").unwrap_or_default() }
}

fn names_in(object: &RawModel, field: &str) -> Vec<String> {
    object.get(field).unwrap_or_default()
}

fn broken(source: &Source, error: &secrets::KeyError) -> Error {
    Error::new(500, "GET", error.to_string()).about(&source.prefix, &source.key)
}

/// Merges a value with one from a later place: of two maps the first wins key by key, lists are joined, and anything
/// else hides what comes later.
#[expect(clippy::needless_pass_by_value, reason = "it reduces a list of values")]
fn compose(first: Raw, later: Raw) -> Raw {
    let (Ok(first_value), Ok(later_value)) = (first.parse::<Value>(), later.parse::<Value>()) else { return first };
    match (first_value, later_value) {
        (Value::Object(_), Value::Object(_)) => {
            let (Ok(mine), Ok(mut all)) =
                (first.parse::<BTreeMap<String, Raw>>(), later.parse::<BTreeMap<String, Raw>>())
            else {
                return first;
            };
            for (key, value) in mine {
                let merged = match all.remove(&key) {
                    Some(other) => compose(value, other),
                    None => value,
                };
                all.insert(key, merged);
            }
            Raw::new(&all).unwrap_or(first)
        }
        (Value::Array(_), Value::Array(_)) => {
            let items = |raw: &Raw| raw.parse::<Vec<Raw>>().unwrap_or_default();
            let mut all = items(&first);
            all.extend(items(&later));
            Raw::new(&all).unwrap_or(first)
        }
        _ => first,
    }
}

#[cfg(test)]
mod tests;
