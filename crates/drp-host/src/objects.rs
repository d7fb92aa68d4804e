//! The object engine: objects of all types, above read-only layers, changed with compare-and-set.
//!
//! An object is stored as the JSON of its filled form. Every change reads the object and its revision, makes the new
//! one, checks it and writes it only if the revision is still the same. What follows from a change, the events above
//! all, is made from the store's watch and from nothing else.

mod changes;
mod events;
mod guard;
mod layering;
pub(crate) mod list;
mod listing;
mod place;
mod references;
mod refusal;
mod sealing;
#[cfg(test)]
mod tests;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use drp_content::Schemas;
use drp_core::patch::Patch;
use drp_core::{Error, Raw, RawModel, contract};
use futures_util::future::BoxFuture;
use tokio::sync::{Mutex, MutexGuard, RwLock};

pub(crate) use self::changes::Changes;
pub(crate) use self::events::spawn_event_pump;
pub(crate) use self::layering::{NewLayer, Origin};
pub(crate) use self::listing::{Listed, Listing, Sight};
use self::place::{Place, not_committed, unique_changes};
use self::sealing::SealedNames;
use crate::auth::Principal;
use crate::layers::Layers;
use crate::store::{Batch, Change, CommitError, Expect, Note, Snapshot, Store, StoreError, Watch, WatchError};
use crate::types::{ObjectType, Types};
use crate::{Recorder, secrets::Secrets};

/// Times that a change is made again because somebody else was faster.
const ATTEMPTS_MAX: usize = 64;
/// Queues of those who change objects of this process.
const TURNS: usize = 1024;
/// Objects that are read from the store at once.
const PAGE: usize = 1000;

/// All objects.
pub(crate) struct Objects {
    store: Arc<dyn Store>,
    catalog: ArcSwap<Catalog>,
    /// Held by who changes objects, and alone by who changes layers or declares a param: so a key never comes to be
    /// in both, and no value of a secret is written in plain.
    gate: RwLock<()>,
    /// Who wants to change the same object waits in line, instead of overtaking each other again and again. The
    /// compare-and-set alone keeps changes apart.
    turns: Vec<Mutex<()>>,
    hasher: RandomState,
    schemas: Schemas,
    secrets: Secrets,
    sealed: SealedNames,
    changes: Arc<Changes>,
}

/// Types and layers, which change together.
struct Catalog {
    types: Types,
    layers: Layers,
}

/// Who asks for what: the parts of an answer that say no.
#[derive(Clone, Copy)]
struct Ask<'a> {
    method: &'static str,
    prefix: &'a str,
    key: &'a str,
}

impl Objects {
    /// The objects of a store. Makes the profile `global` if it is not there.
    ///
    /// # Errors
    /// The store cannot be read or does not take the profile.
    pub(crate) async fn open(store: Arc<dyn Store>) -> Result<Self, Error> {
        let objects = Self {
            catalog: ArcSwap::from_pointee(Catalog { types: Types::new(), layers: Layers::default() }),
            gate: RwLock::default(),
            turns: (0..TURNS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            schemas: Schemas::default(),
            secrets: Secrets::new(Arc::clone(&store)),
            sealed: SealedNames::read(&*store)?,
            changes: Arc::default(),
            store,
        };
        if objects.get("profiles", contract::GLOBAL_PROFILE)?.is_none() {
            let mut global = RawModel::default();
            crate::types::set_text(&mut global, "Name", contract::GLOBAL_PROFILE);
            objects.create(&Principal::system(), "profiles", global).await?;
        }
        objects.seal_leftovers().await?;
        Ok(objects)
    }

    /// The type of a prefix; `None` is answered with `No route`.
    pub(crate) fn kind(&self, prefix: &str) -> Option<Arc<ObjectType>> {
        self.catalog.load().types.find(prefix)
    }

    /// All types, sorted by prefix.
    pub(crate) fn kinds(&self) -> Vec<Arc<ObjectType>> {
        self.catalog.load().types.all().cloned().collect()
    }

    /// Scope by scope the actions that a role may name.
    pub(crate) fn scopes(&self) -> BTreeMap<String, BTreeSet<&'static str>> {
        self.catalog.load().types.scopes()
    }

    /// The schemas in use.
    pub(crate) fn schemas(&self) -> &Schemas {
        &self.schemas
    }

    /// Who waits for a change of an object.
    pub(crate) fn changes(&self) -> &Arc<Changes> {
        &self.changes
    }

    /// The key pairs of objects.
    pub(crate) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// The recorder, if what is said to plugins is recorded.
    pub(crate) fn recorder(&self) -> Option<&Recorder> {
        self.secrets.recorder()
    }

    /// An object, whole: with the keys that clients never see ([`ObjectType::redact`]). `key` may be `Index:value`
    /// with a unique index. `None` also where the type is not known.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn get(&self, prefix: &str, key: &str) -> Result<Option<Arc<RawModel>>, Error> {
        let ask = Ask { method: "GET", prefix, key };
        let Some(kind) = self.kind(prefix) else { return Ok(None) };
        let Some(found) = self.find(ask, &kind)? else { return Ok(None) };
        match found.place {
            Place::Stored(entry) => read(ask, &entry.value).map(|object| Some(Arc::new(object))),
            Place::Layered(object) => Ok(Some(object)),
        }
    }

    /// An object as the JSON that clients get, without parsing it where that can be helped.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn get_json(&self, prefix: &str, key: &str) -> Result<Option<Bytes>, Error> {
        let ask = Ask { method: "GET", prefix, key };
        let Some(kind) = self.kind(prefix) else { return Ok(None) };
        let Some(found) = self.find(ask, &kind)? else { return Ok(None) };
        match found.place {
            Place::Stored(entry) if kind.hidden.is_empty() => Ok(Some(entry.value)),
            Place::Stored(entry) => {
                let mut object = read(ask, &entry.value)?;
                kind.redact(&mut object);
                write(&object).map(Some)
            }
            Place::Layered(object) => {
                let mut object = RawModel::clone(&object);
                kind.redact(&mut object);
                write(&object).map(Some)
            }
        }
    }

    /// All objects of a type, whole, sorted by key. Empty where the type is not known.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn list(&self, prefix: &str) -> Result<Vec<Arc<RawModel>>, Error> {
        let ask = Ask { method: "GET", prefix, key: "" };
        if self.kind(prefix).is_none() {
            return Ok(Vec::new());
        }
        let catalog = self.catalog.load();
        let layered = catalog.layers.section(prefix).map(|(key, object)| (key.clone(), Arc::clone(object)));
        let mut objects: Vec<(String, Arc<RawModel>)> = layered.collect();
        let mut after: Option<String> = None;
        loop {
            let page = self.store.scan(prefix, after.as_deref(), PAGE);
            let page = page.map_err(|error| refusal::unreadable(ask, &error))?;
            let is_last = page.len() < PAGE;
            after = page.last().map(|(key, _)| key.clone());
            for (key, entry) in page {
                objects.push((key, Arc::new(read(ask, &entry.value)?)));
            }
            if is_last {
                break;
            }
        }
        objects.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(objects.into_iter().map(|(_, object)| object).collect())
    }

    /// How many objects of a type there are; costs no reading of them.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn count(&self, prefix: &str) -> Result<u64, Error> {
        let ask = Ask { method: "GET", prefix, key: "" };
        let stored = self.store.count(prefix).map_err(|error| refusal::unreadable(ask, &error))?;
        Ok(stored + self.catalog.load().layers.count(prefix) as u64)
    }

    /// Creates an object.
    ///
    /// # Errors
    /// No such type, no key, there is one already, or it is not valid.
    pub(crate) async fn create(&self, by: &Principal, prefix: &str, object: RawModel) -> Result<Arc<RawModel>, Error> {
        let created = self.put_new(by, prefix, object).await?;
        self.complete_users_of(prefix).await;
        Ok(created)
    }

    async fn put_new(&self, by: &Principal, prefix: &str, mut object: RawModel) -> Result<Arc<RawModel>, Error> {
        let ask = Ask { method: "POST", prefix, key: "" };
        let kind = self.kind(prefix).ok_or_else(|| refusal::no_route(ask))?;
        kind.fill(&mut object).map_err(|error| refusal::undecodable(ask, &error))?;
        kind.complete(&mut object, None);
        let key = kind.key_of(&object);
        if key.is_empty() {
            return Err(refusal::empty_key(prefix));
        }
        let ask = Ask { key: &key, ..ask };
        let _gate = self.gate(&kind).await;
        if self.held(ask)?.is_some() {
            return Err(refusal::already_exists(prefix, &key));
        }
        self.accept(ask, &kind, None, &mut object).await?;
        let put = Change::put(prefix, &key, write(&object)?).expecting(Expect::Absent);
        let mut batch = Batch::new(Note::by(&by.name)).with(put);
        batch.changes.extend(unique_changes(&kind, &key, None, Some(&object)));
        let before = self.declare_object(ask, Some(&object), &mut batch).await?;
        let Err(error) = self.store.commit(batch).await else { return Ok(Arc::new(object)) };
        self.withdraw(before);
        match error {
            CommitError::Conflict { section, .. } if section == prefix => Err(refusal::already_exists(prefix, &key)),
            error => Err(not_committed(ask, &kind, &object, &error)),
        }
    }

    /// Reads, changes, checks and writes an object; runs `change` again when somebody else was faster.
    ///
    /// # Errors
    /// What `change` returns; no such object, one that is read-only, or one that is not valid any more.
    pub(crate) async fn update(
        &self,
        by: &Principal,
        prefix: &str,
        key: &str,
        change: impl FnMut(&mut RawModel) -> Result<(), Error> + Send,
    ) -> Result<Arc<RawModel>, Error> {
        self.change(Ask { method: "PATCH", prefix, key }, Note::by(&by.name), change).await
    }

    /// As [`update`](Self::update), for a change that is announced as `save`: one of the server's own.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    pub(crate) async fn save(
        &self,
        by: &Principal,
        prefix: &str,
        key: &str,
        change: impl FnMut(&mut RawModel) -> Result<(), Error> + Send,
    ) -> Result<Arc<RawModel>, Error> {
        self.change(Ask { method: "PATCH", prefix, key }, Note::by(&by.name).action("save"), change).await
    }

    /// As [`update`](Self::update), with the method that errors are to name.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    pub(crate) async fn update_as(
        &self,
        method: &'static str,
        by: &Principal,
        prefix: &str,
        key: &str,
        change: impl FnMut(&mut RawModel) -> Result<(), Error> + Send,
    ) -> Result<Arc<RawModel>, Error> {
        self.change(Ask { method, prefix, key }, Note::by(&by.name), change).await
    }

    /// Applies a patch, made for the object as clients see it.
    ///
    /// # Errors
    /// As [`update`](Self::update); the patch does not apply (409) or leaves no object of the type (406).
    pub(crate) async fn patch(
        &self,
        by: &Principal,
        prefix: &str,
        key: &str,
        patch: &Patch,
    ) -> Result<Arc<RawModel>, Error> {
        let ask = Ask { method: "PATCH", prefix, key };
        let kind = self.kind(prefix).ok_or_else(|| refusal::no_route(ask))?;
        let apply = |object: &mut RawModel| {
            kind.redact(object);
            let document = Raw::new(object).map_err(|error| refusal::undecodable(ask, &error))?;
            let patched = patch.apply(&document).map_err(|error| refusal::patch_failed(ask, patch, &error))?;
            *object = patched.parse().map_err(|error| refusal::undecodable(ask, &error))?;
            Ok(())
        };
        self.change(ask, Note::by(&by.name), apply).await
    }

    /// Deletes an object and returns what it was.
    ///
    /// # Errors
    /// No such object, or one that cannot be deleted.
    pub(crate) async fn delete(&self, by: &Principal, prefix: &str, key: &str) -> Result<Arc<RawModel>, Error> {
        let ask = Ask { method: "DELETE", prefix, key };
        let kind = self.kind(prefix).ok_or_else(|| refusal::no_route(ask))?;
        let _turn = self.turn(ask).await;
        let _gate = self.gate(&kind).await;
        for _ in 0..ATTEMPTS_MAX {
            let found = self.find(ask, &kind)?.ok_or_else(|| refusal::not_found(ask, &kind))?;
            let Place::Stored(entry) = found.place else {
                return Err(refusal::delete_of_read_only(ask, &found.key));
            };
            let object = read(ask, &entry.value)?;
            guard::require_deletable(self, Ask { key: &found.key, ..ask }, &object)?;
            let delete = Change::delete(prefix, &found.key).expecting(Expect::Revision(entry.revision));
            let mut batch = Batch::new(Note::by(&by.name)).with(delete);
            batch.changes.extend(unique_changes(&kind, &found.key, Some(&object), None));
            batch.changes.extend(kind.has_params.then(|| Secrets::forget(prefix, &found.key)));
            let before = self.declare_object(Ask { key: &found.key, ..ask }, None, &mut batch).await?;
            let Err(error) = self.store.commit(batch).await else { return Ok(Arc::new(object)) };
            self.withdraw(before);
            if !matches!(error, CommitError::Conflict { .. }) {
                return Err(refusal::uncommitted(ask, &error));
            }
        }
        Err(refusal::too_busy(ask))
    }

    /// As [`Store::failed`].
    pub(crate) fn store_failed(&self) -> BoxFuture<'static, Arc<str>> {
        self.store.failed()
    }

    /// Follows the store from now on.
    ///
    /// # Errors
    /// As [`Store::watch`].
    pub(crate) fn watch(&self) -> Result<Watch, WatchError> {
        self.store.watch(None)
    }

    /// All that the store holds, as it is now.
    ///
    /// # Errors
    /// As [`Store::snapshot`].
    pub(crate) fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.store.snapshot()
    }

    async fn change(
        &self,
        ask: Ask<'_>,
        note: Note,
        mut change: impl FnMut(&mut RawModel) -> Result<(), Error> + Send,
    ) -> Result<Arc<RawModel>, Error> {
        let kind = self.kind(ask.prefix).ok_or_else(|| refusal::no_route(ask))?;
        let _turn = self.turn(ask).await;
        let _gate = self.gate(&kind).await;
        for _ in 0..ATTEMPTS_MAX {
            let found = self.find(ask, &kind)?.ok_or_else(|| refusal::not_found(ask, &kind))?;
            let Place::Stored(entry) = found.place else { return Err(refusal::read_only(ask, &found.key)) };
            let before = read(ask, &entry.value)?;
            let mut after = before.clone();
            change(&mut after)?;
            kind.fill(&mut after).map_err(|error| refusal::undecodable(ask, &error))?;
            kind.complete(&mut after, Some(&before));
            guard::require_unlocked(ask, &note, &before, &after)?;
            match kind.key_of(&after) {
                key if key == found.key => {}
                // A body without its key means the one that the URL names.
                key if key.is_empty() => kind.set_key(&mut after, &found.key),
                key => return Err(refusal::key_change(ask, &found.key, &key)),
            }
            self.accept(Ask { key: &found.key, ..ask }, &kind, Some(&before), &mut after).await?;
            let put = Change::put(ask.prefix, &found.key, write(&after)?).expecting(Expect::Revision(entry.revision));
            let mut batch = Batch::new(note.clone()).with(put);
            batch.changes.extend(unique_changes(&kind, &found.key, Some(&before), Some(&after)));
            let earlier = self.declare_object(ask, Some(&after), &mut batch).await?;
            let Err(error) = self.store.commit(batch).await else { return Ok(Arc::new(after)) };
            self.withdraw(earlier);
            if !matches!(&error, CommitError::Conflict { section, .. } if section == ask.prefix) {
                return Err(not_committed(ask, &kind, &after, &error));
            }
        }
        Err(refusal::too_busy(ask))
    }

    /// Checks a completed object and seals what must be sealed.
    async fn accept(
        &self,
        ask: Ask<'_>,
        kind: &ObjectType,
        before: Option<&RawModel>,
        object: &mut RawModel,
    ) -> Result<(), Error> {
        let mut problems = kind.problems(object, &self.schemas);
        if kind.prefix == "roles" {
            let found = self.catalog.load().types.claim_problems(object);
            problems.extend(found.into_iter().map(|problem| format!("{}: {problem}", ask.key)));
        }
        let changed = if kind.has_params { self.changed_params(ask, before, object)? } else { Vec::new() };
        problems.extend(changed.iter().filter_map(|changed| changed.problem.clone()));
        if problems.is_empty() {
            problems = references::misses(self, ask, before, object)?;
        }
        if !problems.is_empty() {
            return Err(refusal::invalid(ask.prefix, ask.key, problems));
        }
        self.seal(ask, &changed, object).await?;
        ObjectType::mark_valid(object, &references::shortcomings(self, ask, object)?);
        Ok(())
    }

    async fn turn(&self, ask: Ask<'_>) -> MutexGuard<'_, ()> {
        let hash = self.hasher.hash_one((ask.prefix, ask.key));
        let index = usize::try_from(hash % TURNS as u64).expect("a remainder is small");
        self.turns[index].lock().await
    }
}

impl std::fmt::Debug for Objects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Objects").finish_non_exhaustive()
    }
}

fn read(ask: Ask<'_>, stored: &[u8]) -> Result<RawModel, Error> {
    serde_json::from_slice(stored).map_err(|_| refusal::damaged(ask))
}

fn write(object: &RawModel) -> Result<Bytes, Error> {
    serde_json::to_vec(object).map(Bytes::from).map_err(|error| Error::new(500, "", error.to_string()))
}
