//! Content layers come and go: with the types their provider declares, all or nothing.

use std::sync::Arc;

use bytes::Bytes;
use drp_content::Bundle;
use drp_core::{Error, Map, Param, Params, Raw, RawModel, contract};

use super::place::unique_changes;
use super::sealing::{Before, Declarations};
use super::values::key_failed;
use super::{Ask, Catalog, Objects, refusal};
use crate::auth::Principal;
use crate::layers::{Kind, Layer, Layers};
use crate::secrets::{self, OpenError};
use crate::store::{Batch, Change, Note};
use crate::types::{ObjectType, Types};

/// Section of the store in which uploaded bundles are kept, whole.
pub(super) const KEPT: &str = ".contents";

/// Content that is to become a layer.
#[derive(Clone, Copy)]
pub(crate) struct NewLayer<'a> {
    pub(crate) name: &'a str,
    pub(crate) bundle: &'a Bundle,
    pub(crate) origin: Origin<'a>,
}

/// Where content comes from.
#[derive(Clone, Copy)]
pub(crate) enum Origin<'a> {
    /// A provider, which declares these types with it.
    Provider(&'a Map<Raw>),
    /// A client; it is kept from now on.
    Upload,
    /// The store, where it has been kept.
    Kept,
    /// A file of the operator's, which keeps it.
    Disk,
    /// The host itself.
    BuiltIn,
}

impl Origin<'_> {
    fn kind(self) -> Kind {
        match self {
            Self::Provider(_) => Kind::Plugin,
            Self::Upload | Self::Kept => Kind::Dynamic,
            Self::Disk => Kind::Local,
            Self::BuiltIn => Kind::Basic,
        }
    }
}

impl Objects {
    /// As [`put_layer`](Self::put_layer), of a provider's content; the objects of the store stay.
    #[cfg(test)]
    pub(crate) async fn set_layer(&self, layer: &str, bundle: &Bundle, types: &Map<Raw>) -> Result<(), Error> {
        let layer = NewLayer { name: layer, bundle, origin: Origin::Provider(types) };
        self.put_layer(layer, None).await.map(drop)
    }

    /// Puts content, and types if there are some, in place of what the layer had before.
    ///
    /// Secure params of its objects are sealed. Objects of sections that no type is known for are kept as they are.
    /// Objects of the store with the same keys go if `replacing` says in whose name, save the profile `global` and
    /// users, without which nobody could do much.
    ///
    /// # Errors
    /// A type is defined otherwise by somebody else, an object is not valid, or a key is in the store or in another
    /// layer; then all stays as it was.
    pub(crate) async fn put_layer(
        &self,
        new: NewLayer<'_>,
        replacing: Option<&Principal>,
    ) -> Result<Arc<Layer>, Error> {
        let layer = self.put_in_force(new, replacing).await?;
        let counts = layer.counts();
        for section in ["bootenvs", "stages"].into_iter().filter(|section| counts.contains_key(*section)) {
            self.complete_users_of(section).await;
        }
        Ok(layer)
    }

    async fn put_in_force(&self, new: NewLayer<'_>, replacing: Option<&Principal>) -> Result<Arc<Layer>, Error> {
        // Nobody creates an object while the keys are compared.
        let _alone = self.gate.write().await;
        let before = self.catalog.load_full();
        if before.layers.find(new.name).is_some_and(|layer| layer.kind() != new.origin.kind()) {
            return Err(refusal::content_exists(new.name));
        }
        let types = match new.origin {
            Origin::Provider(types) => before.types.with(new.name, types, &self.schemas),
            Origin::Upload | Origin::Kept | Origin::Disk | Origin::BuiltIn => Ok(before.types.clone()),
        };
        let types = types.map_err(|error| refused(new.name, vec![error.to_string()]))?;
        let built = Arc::new(self.build_layer(new, &types).await?);
        let mut changes = self.make_room(&built, &types, &before, replacing.is_some())?;
        if matches!(new.origin, Origin::Upload) {
            let kept = built.bundle().to_json().map_err(|error| Error::new(500, "POST", error.to_string()))?;
            changes.push(Change::put(KEPT, new.name, kept));
        }
        let by = replacing.map_or_else(|| Principal::system().name, |by| by.name.clone());
        let mut batch = Batch { changes, note: Note::by(by) };
        let declarations = Declarations::of_layer(Some(&built), before.layers.find(new.name).map(|old| &**old));
        let layers = before.layers.with(Arc::clone(&built));
        let ask = Ask { method: "POST", prefix: "contents", key: new.name };
        // In force before the store's objects go, so that no key is nowhere meanwhile.
        let before = self.declare(ask, &declarations, types, layers, &mut batch).await?;
        if let Err(error) = self.commit_all(batch, ask).await {
            self.withdraw(Some(before));
            return Err(error);
        }
        self.changes.tell_all();
        Ok(built)
    }

    /// Takes the content of a provider or of a bundle on disk away, and its types. Objects of them stay in the store.
    pub(crate) async fn drop_layer(&self, layer: &str) {
        let _alone = self.gate.write().await;
        let mut batch = Batch::new(Note::by(Principal::system().name));
        let ask = Ask { method: "DELETE", prefix: "plugin_providers", key: layer };
        if self.uncover(ask, &mut batch).await.is_ok() {
            // A store that does not take it goes on sealing values of the params that were declared secret.
            let _ = self.commit_all(batch, ask).await;
        }
    }

    /// Takes uploaded content away for good.
    ///
    /// # Errors
    /// The store does not let it go.
    pub(crate) async fn delete_content(&self, by: &Principal, name: &str) -> Result<(), Error> {
        let _alone = self.gate.write().await;
        let ask = Ask { method: "DELETE", prefix: "contents", key: name };
        let mut batch = Batch::new(Note::by(&by.name)).with(Change::delete(KEPT, name));
        let before = self.uncover(ask, &mut batch).await?;
        self.commit_all(batch, ask).await.inspect_err(|_| self.withdraw(Some(before)))
    }

    /// The names and texts of the uploaded bundles that are kept.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn kept_contents(&self) -> Result<Vec<(String, Bytes)>, Error> {
        let ask = Ask { method: "GET", prefix: "contents", key: "" };
        let mut kept: Vec<(String, Bytes)> = Vec::new();
        loop {
            // One by one, because each may be large.
            let page = self.store.scan(KEPT, kept.last().map(|(name, _)| name.as_str()), 1);
            let Some((name, entry)) = page.map_err(|error| refusal::unreadable(ask, &error))?.pop() else {
                return Ok(kept);
            };
            kept.push((name, entry.value));
        }
    }

    /// The layers of this moment.
    pub(crate) fn layers(&self) -> Layers {
        self.catalog.load().layers.clone()
    }

    /// Takes the layer that `ask` names out of force, and what it declares.
    async fn uncover(&self, ask: Ask<'_>, batch: &mut Batch) -> Result<Before, Error> {
        let catalog = self.catalog.load_full();
        let declarations = Declarations::of_layer(None, catalog.layers.find(ask.key).map(|old| &**old));
        let (types, layers) = (catalog.types.without(ask.key), catalog.layers.without(ask.key));
        self.declare(ask, &declarations, types, layers, batch).await
    }

    async fn commit_all(&self, batch: Batch, ask: Ask<'_>) -> Result<(), Error> {
        if batch.changes.is_empty() {
            return Ok(());
        }
        self.store.commit(batch).await.map(drop).map_err(|error| refusal::uncommitted(ask, &error))
    }

    /// What has to go from the store for a layer to come.
    ///
    /// # Errors
    /// Every key that must stay where it is.
    fn make_room(&self, layer: &Layer, types: &Types, now: &Catalog, replace: bool) -> Result<Vec<Change>, Error> {
        let mut conflicts = now.layers.conflicts(layer);
        let mut changes = Vec::new();
        for (section, key, _) in layer.objects() {
            let ask = Ask { method: "POST", prefix: section, key };
            let stored = self.store.get(section, key).map_err(|error| refusal::unreadable(ask, &error))?;
            let Some(entry) = stored else { continue };
            if replace && is_replaceable(section, key) {
                changes.push(Change::delete(section, key));
                if let Some(kind) = types.find(section) {
                    changes.extend(unique_changes(&kind, key, Some(&super::read(ask, &entry.value)?), None));
                }
            } else {
                conflicts.push(layer.conflict_with_store(section, key));
            }
        }
        if conflicts.is_empty() { Ok(changes) } else { Err(refused(layer.name(), conflicts)) }
    }

    async fn build_layer(&self, new: NewLayer<'_>, types: &Types) -> Result<Layer, Error> {
        let NewLayer { name, bundle, origin } = new;
        let kind_of_layer = origin.kind();
        let title = match kind_of_layer {
            Kind::Local | Kind::Basic => kind_of_layer.title(),
            Kind::Dynamic => "content",
            Kind::Plugin => "plugin",
        };
        let mut layer = Layer::new(name, kind_of_layer, bundle.meta.clone());
        let mut problems = Vec::new();
        for (section, objects) in &bundle.sections {
            layer.insert_section(section);
            let kind = types.find(section);
            for (key, object) in objects {
                let mut object = object.clone();
                let ask = Ask { method: "POST", prefix: section, key };
                let found = match &kind {
                    Some(kind) => self.complete_layered(ask, kind, new, &mut object).await?,
                    // A type may yet come for it, and until then its secrets are secrets too.
                    None => self.settle_params(ask, new, &mut object).await?,
                };
                let named =
                    |problem| format!("Store {section} item {key} failed to load from layer {title}-{name}: {problem}");
                problems.extend(found.into_iter().map(named));
                layer.insert(section, key, object);
            }
        }
        match kind_of_layer {
            _ if problems.is_empty() => Ok(layer),
            Kind::Plugin | Kind::Local | Kind::Basic => Err(refused(name, problems)),
            Kind::Dynamic => {
                problems.push(format!("Try manually replacing content layer {name}"));
                let type_ = "Failed to load backing objects from cache".to_owned();
                Err(Error { type_, ..refused(name, problems) })
            }
        }
    }

    /// Fills, checks and seals an object of a layer and returns what is wrong with it.
    async fn complete_layered(
        &self,
        ask: Ask<'_>,
        kind: &ObjectType,
        new: NewLayer<'_>,
        object: &mut RawModel,
    ) -> Result<Vec<String>, Error> {
        // An object is saved under the key that the bundle has it under, whatever it says itself.
        kind.set_key(object, ask.key);
        if let Err(error) = kind.fill(object) {
            return Ok(vec![error.to_string()]);
        }
        kind.complete(object, None);
        let mut problems = kind.problems(object, &self.schemas);
        if kind.has_params {
            problems.extend(self.settle_params(ask, new, object).await?);
        }
        ObjectType::mark_valid(object, &[]);
        Ok(problems)
    }

    /// Checks the values of a layer's object and seals the secret ones. A declaration may be in the same bundle.
    async fn settle_params(
        &self,
        ask: Ask<'_>,
        new: NewLayer<'_>,
        object: &mut RawModel,
    ) -> Result<Vec<String>, Error> {
        let Some(mut params) = object.get::<Params>("Params") else { return Ok(Vec::new()) };
        let mut problems = Vec::new();
        for (name, value) in params.iter_mut() {
            let bundled = new.bundle.sections.get("params").and_then(|section| section.get(name));
            let declaration = match bundled {
                Some(declaration) => declaration.typed::<Param>().ok(),
                None => self.declaration_in_force(name)?,
            };
            let Some(param) = declaration else { continue };
            if let Some(sealed) = secrets::as_sealed(value).filter(|_| param.secure) {
                let pair = self.secrets.find(ask.prefix, ask.key).map_err(|error| key_failed(ask, &error))?;
                let opened = pair.map_or(Err(OpenError::Corrupted), |pair| secrets::open(&sealed, &pair));
                // What an upload brings sealed with another key, nobody here could ever open.
                if let (Err(error), Origin::Upload) = (opened, new.origin) {
                    problems.push(super::values::violation(name, "***", &[error.to_string()]));
                }
                continue;
            }
            let shown = if param.secure { "***" } else { value.get() };
            if let Err(found) = self.schemas.check(&param.schema, value) {
                problems.push(super::values::violation(name, shown, &found));
            }
            if param.secure {
                let key = self.secrets.ensure(ask.prefix, ask.key).await.map_err(|error| key_failed(ask, &error))?;
                self.secrets.seen(value);
                let sealed = Raw::new(&secrets::seal(value, &key.public_key()));
                *value = sealed.map_err(|error| Error::new(500, ask.method, error.to_string()))?;
            }
        }
        object.set("Params", &params).map_err(|error| Error::new(500, ask.method, error.to_string()))?;
        Ok(problems)
    }
}

/// Whether a layer may take the place of an object of the store.
fn is_replaceable(section: &str, key: &str) -> bool {
    section != "users" && (section, key) != ("profiles", contract::GLOBAL_PROFILE)
}

fn refused(layer: &str, problems: Vec<String>) -> Error {
    let error = Error { type_: "STORE_ERROR".to_owned(), messages: problems.into(), code: 422, ..Error::default() };
    error.about("contents", layer)
}
