//! Content layers come and go: with the types their provider declares, all or nothing.

use std::sync::Arc;

use drp_content::Bundle;
use drp_core::{Error, Map, Param, Params, Raw, RawModel};

use super::values::key_failed;
use super::{Ask, Catalog, Objects, refusal};
use crate::layers::Layer;
use crate::secrets;
use crate::types::{ObjectType, Types};

impl Objects {
    /// Puts a provider's content and types in place of what it had before.
    ///
    /// Secure params of its objects are sealed. Objects of sections that no type is known for are kept as they are.
    ///
    /// # Errors
    /// A type is defined otherwise by somebody else, an object is not valid, or a key is in the store or in another
    /// layer; then all stays as it was.
    pub(crate) async fn set_layer(&self, layer: &str, bundle: &Bundle, types: &Map<Raw>) -> Result<(), Error> {
        // Nobody creates an object while the keys are compared.
        let _alone = self.gate.write().await;
        let catalog = self.catalog.load_full();
        let types = catalog.types.with(layer, types, &self.schemas);
        let types = types.map_err(|error| refused(layer, vec![error.to_string()]))?;
        let built = self.build_layer(layer, bundle, &types).await?;
        let mut conflicts = catalog.layers.conflicts(&built);
        for (section, key, _) in built.objects() {
            let ask = Ask { method: "POST", prefix: section, key };
            let stored = self.store.get(section, key).map_err(|error| refusal::unreadable(ask, &error))?;
            if stored.is_some() {
                conflicts.push(built.conflict_with_store(section, key));
            }
        }
        if !conflicts.is_empty() {
            return Err(refused(layer, conflicts));
        }
        self.catalog.store(Arc::new(Catalog { types, layers: catalog.layers.with(built) }));
        Ok(())
    }

    /// Takes a provider's content and types away. Objects of its types stay in the store.
    pub(crate) async fn drop_layer(&self, layer: &str) {
        let _alone = self.gate.write().await;
        let catalog = self.catalog.load_full();
        let (types, layers) = (catalog.types.without(layer), catalog.layers.without(layer));
        self.catalog.store(Arc::new(Catalog { types, layers }));
    }

    async fn build_layer(&self, name: &str, bundle: &Bundle, types: &Types) -> Result<Layer, Error> {
        let mut layer = Layer::new(name);
        let mut problems = Vec::new();
        for (section, objects) in &bundle.sections {
            let kind = types.find(section);
            for (key, object) in objects {
                let mut object = object.clone();
                if let Some(kind) = &kind {
                    let found = self.complete_layered(kind, key, bundle, &mut object).await?;
                    let named = |problem| {
                        format!("Store {section} item {key} failed to load from layer plugin-{name}: {problem}")
                    };
                    problems.extend(found.into_iter().map(named));
                }
                layer.insert(section, key, object);
            }
        }
        if problems.is_empty() { Ok(layer) } else { Err(refused(name, problems)) }
    }

    /// Fills, checks and seals an object of a layer and returns what is wrong with it.
    async fn complete_layered(
        &self,
        kind: &ObjectType,
        key: &str,
        bundle: &Bundle,
        object: &mut RawModel,
    ) -> Result<Vec<String>, Error> {
        // An object is saved under the key that the bundle has it under, whatever it says itself.
        crate::types::set_text(object, kind.key_field, key);
        if let Err(error) = kind.fill(object) {
            return Ok(vec![error.to_string()]);
        }
        kind.complete(object, None);
        let mut problems = kind.problems(object, &self.schemas);
        if kind.has_params {
            let ask = Ask { method: "POST", prefix: &kind.prefix, key };
            problems.extend(self.settle_params(ask, bundle, object).await?);
        }
        ObjectType::mark_valid(object);
        Ok(problems)
    }

    /// Checks the values of a layer's object and seals the secret ones. A declaration may be in the same bundle.
    async fn settle_params(&self, ask: Ask<'_>, bundle: &Bundle, object: &mut RawModel) -> Result<Vec<String>, Error> {
        let mut params: Params = object.get("Params").unwrap_or_default();
        let mut problems = Vec::new();
        for (name, value) in params.iter_mut() {
            let bundled = bundle.sections.get("params").and_then(|section| section.get(name));
            let declaration = match bundled {
                Some(declaration) => declaration.typed::<Param>().ok(),
                None => self.declaration(name)?,
            };
            let Some(param) = declaration else { continue };
            if param.secure && secrets::as_sealed(value).is_some() {
                continue;
            }
            let shown = if param.secure { "***" } else { value.get() };
            if let Err(found) = self.schemas.check(&param.schema, value) {
                problems.push(super::values::violation(name, shown, &found));
            }
            if param.secure {
                let key = self.secrets.ensure(ask.prefix, ask.key).await.map_err(|error| key_failed(ask, &error))?;
                let sealed = Raw::new(&secrets::seal(value, &key.public_key()));
                *value = sealed.map_err(|error| Error::new(500, ask.method, error.to_string()))?;
            }
        }
        object.set("Params", &params).map_err(|error| Error::new(500, ask.method, error.to_string()))?;
        Ok(problems)
    }
}

fn refused(layer: &str, problems: Vec<String>) -> Error {
    let error = Error { type_: "STORE_ERROR".to_owned(), messages: problems.into(), code: 422, ..Error::default() };
    error.about("contents", layer)
}
