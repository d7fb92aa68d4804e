//! Params that become secret: what is there of them in plain is sealed in the change that declares them so, before
//! anybody is told (`models.md` §10.2, the feature `secure-param-upgrade`).
//!
//! The host remembers the names of which nothing is in plain. While one has no declaration, because its provider is
//! not loaded yet, values of it are sealed all the same. A declaration that goes, or says that the param is no secret
//! any more, ends that; what was sealed until then stays sealed, and opens for whom it did.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use arc_swap::ArcSwap;
use drp_core::{Error, Param, Params, RawModel};
use tokio::sync::{RwLockReadGuard, RwLockWriteGuard};

use super::layering::KEPT;
use super::values::key_failed;
use super::{Ask, Catalog, Objects, PAGE, read, refusal, write};
use crate::layers::{Kind, Layer, Layers};
use crate::secrets::{self, KeyError, Secrets};
use crate::store::{BATCH_CHANGES_MAX, Batch, Change, Expect, Note, Store};
use crate::types::{ObjectType, Types};

/// The store's section of the names of which nothing is in plain.
const MARKS: &str = ".secure-params";
pub(super) const PARAMS: &str = "params";
/// Bytes of sealed objects that are written at once; few in tests, so that they get there.
pub(super) const SEALED_BYTES_MAX: usize = if cfg!(test) { 64 << 10 } else { 16 << 20 };

/// As [`SEALED_BYTES_MAX`], in changes. A page of objects comes on top, each with its key pair.
const SEALED_CHANGES_MAX: usize = BATCH_CHANGES_MAX / 4;

/// The names of params of which nothing is in plain.
#[derive(Debug, Default)]
pub(super) struct SealedNames(ArcSwap<BTreeSet<String>>);

/// What declarations come to say: these params are secret, and those are not, or are not declared any more.
#[derive(Debug, Default)]
pub(super) struct Declarations {
    secret: BTreeSet<String>,
    open: BTreeSet<String>,
}

/// How things were before declarations were put in force.
pub(super) struct Before {
    catalog: Arc<Catalog>,
    sealed: Arc<BTreeSet<String>>,
}

/// Keeps declarations and layers as they are, or everybody else from changing any object.
#[expect(dead_code, reason = "a guard is held and not looked at")]
pub(super) enum Gate<'a> {
    Shared(RwLockReadGuard<'a, ()>),
    Alone(RwLockWriteGuard<'a, ()>),
}

impl SealedNames {
    /// Those that a store knows.
    pub(super) fn read(store: &dyn Store) -> Result<Self, Error> {
        let ask = Ask { method: "GET", prefix: PARAMS, key: "" };
        let mut names = BTreeSet::new();
        loop {
            let page = store.scan(MARKS, names.last().map(String::as_str), PAGE);
            let page = page.map_err(|error| refusal::unreadable(ask, &error))?;
            let is_last = page.len() < PAGE;
            names.extend(page.into_iter().map(|(name, _)| name));
            if is_last {
                return Ok(Self(ArcSwap::from_pointee(names)));
            }
        }
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.0.load().contains(name)
    }
}

impl Declarations {
    /// What one declaration says.
    pub(super) fn of(object: &RawModel) -> Self {
        let mut all = Self::default();
        all.add(object.text("Name"), object.get("Secure") == Some(true));
        all
    }

    /// What a layer says that takes the place of another one.
    pub(super) fn of_layer(new: Option<&Layer>, old: Option<&Layer>) -> Self {
        let mut all = Self::default();
        for (_, name, object) in new.into_iter().flat_map(Layer::objects).filter(|(section, ..)| *section == PARAMS) {
            all.add(name.to_owned(), object.get("Secure") == Some(true));
        }
        for (_, name, _) in old.into_iter().flat_map(Layer::objects).filter(|(section, ..)| *section == PARAMS) {
            if !all.secret.contains(name) {
                all.open.insert(name.to_owned());
            }
        }
        all
    }

    fn add(&mut self, name: String, is_secret: bool) {
        if is_secret {
            self.secret.insert(name)
        } else {
            self.open.insert(name)
        };
    }
}

impl Objects {
    /// What a change of an object of this type has to hold, from before it is judged until it is committed: no param
    /// becomes secret meanwhile.
    pub(super) async fn gate(&self, kind: &ObjectType) -> Gate<'_> {
        if kind.prefix == PARAMS { Gate::Alone(self.gate.write().await) } else { Gate::Shared(self.gate.read().await) }
    }

    /// The declaration by which a value is judged. A name that was secret when its declaration was here last still is.
    pub(super) fn declaration_in_force(&self, name: &str) -> Result<Option<Param>, Error> {
        let found = self.declaration(name)?;
        let remembered = || Param { name: name.to_owned(), secure: true, ..Param::default() };
        Ok(found.or_else(|| self.sealed.contains(name).then(remembered)))
    }

    /// The private key of an object, made now if there is none.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub(crate) async fn key_pair(&self, prefix: &str, key: &str) -> Result<crypto_box::SecretKey, KeyError> {
        let _gate = self.gate.read().await;
        self.secrets.ensure(prefix, key).await
    }

    /// Puts a declaration in force, as [`declare`](Self::declare) does, if the object is one.
    pub(super) async fn declare_object(
        &self,
        ask: Ask<'_>,
        object: Option<&RawModel>,
        batch: &mut Batch,
    ) -> Result<Option<Before>, Error> {
        if ask.prefix != PARAMS {
            return Ok(None);
        }
        let gone = || Declarations { open: BTreeSet::from([ask.key.to_owned()]), ..Declarations::default() };
        let declarations = object.map_or_else(gone, Declarations::of);
        let now = self.catalog.load_full();
        self.declare(ask, &declarations, now.types.clone(), now.layers.clone(), batch).await.map(Some)
    }

    /// Puts declarations in force, with the catalog they come with, and adds to `batch` what has to be written with
    /// them. Whoever calls it is alone, commits the batch, and [withdraws](Self::withdraw) them if that fails.
    ///
    /// # Errors
    /// The store cannot be read, or does not take what is sealed.
    pub(super) async fn declare(
        &self,
        ask: Ask<'_>,
        declarations: &Declarations,
        types: Types,
        mut layers: Layers,
        batch: &mut Batch,
    ) -> Result<Before, Error> {
        let before = Before { catalog: self.catalog.load_full(), sealed: self.sealed.0.load_full() };
        let new: BTreeSet<String> = declarations.secret.difference(&before.sealed).cloned().collect();
        if !new.is_empty() {
            batch.note.conceals = true;
            let mut changes = self.seal_stored(ask, &new, &batch.note).await?;
            layers = self.seal_layers(ask, &new, layers, &mut changes).await?;
            changes.extend(new.iter().map(|name| Change::put(MARKS, name, "1")));
            // What the batch takes away needs no sealing.
            let going: HashSet<_> = batch.changes.iter().map(|going| (&going.section, &going.key)).collect();
            changes.retain(|change| !going.contains(&(&change.section, &change.key)));
            batch.changes.extend(changes);
        }
        let ended = declarations.open.intersection(&before.sealed);
        batch.changes.extend(ended.map(|name| Change::delete(MARKS, name)));
        let mut sealed = BTreeSet::clone(&before.sealed);
        sealed.extend(new);
        sealed.retain(|name| !declarations.open.contains(name));
        self.sealed.0.store(Arc::new(sealed));
        self.catalog.store(Arc::new(Catalog { types, layers }));
        self.changes.tell_all();
        Ok(before)
    }

    /// Takes declarations back that were not committed.
    pub(super) fn withdraw(&self, before: Option<Before>) {
        if let Some(before) = before {
            self.catalog.store(before.catalog);
            self.changes.tell_all();
            self.sealed.0.store(before.sealed);
        }
    }

    /// Seals what a host of before left in plain.
    pub(super) async fn seal_leftovers(&self) -> Result<(), Error> {
        let declared = self.list(PARAMS)?;
        let is_secret = |param: &&Arc<RawModel>| param.get("Secure") == Some(true);
        let secret = declared.iter().filter(is_secret).map(|param| param.text("Name")).collect();
        let ask = Ask { method: "PATCH", prefix: PARAMS, key: "" };
        let declarations = Declarations { secret, ..Declarations::default() };
        let mut batch = Batch::new(Note::by("system"));
        let now = self.catalog.load_full();
        let before = self.declare(ask, &declarations, now.types.clone(), now.layers.clone(), &mut batch).await?;
        if batch.changes.is_empty() {
            return Ok(());
        }
        let committed = self.store.commit(batch).await;
        committed.map(drop).map_err(|error| {
            self.withdraw(Some(before));
            refusal::uncommitted(ask, &error)
        })
    }

    /// The changes that seal the values of these params in the store, also in sections whose type is not known now.
    /// Much of it is committed at once, which does no harm without the rest.
    async fn seal_stored(&self, ask: Ask<'_>, names: &BTreeSet<String>, note: &Note) -> Result<Vec<Change>, Error> {
        let (mut changes, mut bytes) = (Vec::new(), 0);
        for section in self.store.sections().map_err(|error| refusal::unreadable(ask, &error))? {
            if section.starts_with('.') || self.kind(&section).is_some_and(|kind| !kind.has_params) {
                continue;
            }
            let mut after: Option<String> = None;
            loop {
                let page = self.store.scan(&section, after.as_deref(), PAGE);
                let page = page.map_err(|error| refusal::unreadable(ask, &error))?;
                let is_last = page.len() < PAGE;
                after = page.last().map(|(key, _)| key.clone());
                for (key, entry) in page {
                    let at = Ask { prefix: &section, key: &key, ..ask };
                    let mut object = read(at, &entry.value)?;
                    if self.seal_values(at, names, &mut object, &mut changes)? {
                        let value = write(&object)?;
                        bytes += value.len();
                        changes.push(Change::put(&section, &key, value).expecting(Expect::Revision(entry.revision)));
                        // Many take a while, and others want to read meanwhile.
                        tokio::task::yield_now().await;
                    }
                }
                if bytes > SEALED_BYTES_MAX || changes.len() > SEALED_CHANGES_MAX {
                    let batch = Batch { changes: std::mem::take(&mut changes), note: note.clone() };
                    self.store.commit(batch).await.map_err(|error| refusal::uncommitted(ask, &error))?;
                    bytes = 0;
                }
                if is_last {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        Ok(changes)
    }

    /// The layers with the values of these params sealed. Uploaded ones are kept anew.
    async fn seal_layers(
        &self,
        ask: Ask<'_>,
        names: &BTreeSet<String>,
        layers: Layers,
        changes: &mut Vec<Change>,
    ) -> Result<Layers, Error> {
        let mut all = layers.clone();
        for layer in layers.all() {
            let mut sealed: Option<Layer> = None;
            for (section, key, object) in layer.objects() {
                let mut object = RawModel::clone(object);
                if self.seal_values(Ask { prefix: section, key, ..ask }, names, &mut object, changes)? {
                    sealed.get_or_insert_with(|| Layer::clone(layer)).replace(section, key, object);
                }
            }
            let Some(sealed) = sealed else { continue };
            if sealed.kind() == Kind::Dynamic {
                let kept = sealed.bundle().to_json().map_err(|error| Error::new(500, ask.method, error.to_string()))?;
                changes.push(Change::put(KEPT, sealed.name(), kept));
            }
            all = all.with(Arc::new(sealed));
        }
        Ok(all)
    }

    /// Seals the values of these params in an object, and says whether there was one to seal. What only looks sealed,
    /// and does not open with the object's key, is a value like any other.
    fn seal_values(
        &self,
        at: Ask<'_>,
        names: &BTreeSet<String>,
        object: &mut RawModel,
        changes: &mut Vec<Change>,
    ) -> Result<bool, Error> {
        let Some(mut params) = object.get::<Params>("Params") else { return Ok(false) };
        let mut pair = self.secrets.find(at.prefix, at.key).map_err(|error| key_failed(at, &error))?;
        let mut any = false;
        for name in names {
            let Some(value) = params.get(name) else { continue };
            let opens = |pair| secrets::as_sealed(value).is_some_and(|sealed| secrets::open(&sealed, pair).is_ok());
            if pair.as_ref().is_some_and(opens) {
                continue;
            }
            let pair = pair.get_or_insert_with(|| {
                let (made, kept) = Secrets::make(at.prefix, at.key);
                changes.push(kept);
                made
            });
            self.secrets.seen(value);
            let sealed = secrets::seal(value, &pair.public_key());
            params.set(name, &sealed).map_err(|error| Error::new(500, at.method, error.to_string()))?;
            any = true;
        }
        if any {
            object.set("Params", &params).map_err(|error| Error::new(500, at.method, error.to_string()))?;
        }
        Ok(any)
    }
}
