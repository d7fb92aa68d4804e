//! Read-only content layers, one a provider, below the writable store.
//!
//! A key is in one place only: a layer is refused when one of its keys is in the store or in another layer
//! (`host.md` §5.3), so a lookup never has to decide who wins.

use std::collections::BTreeMap;
use std::sync::Arc;

use drp_core::{Raw, RawModel};
use serde_json::Value;

/// The name of the writable layer, as it stands in conflict texts.
const WRITABLE: &str = "writable-BackingStore";

/// The objects of one provider.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    name: String,
    sections: BTreeMap<String, BTreeMap<String, Arc<RawModel>>>,
}

/// All layers of a moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layers {
    by_name: BTreeMap<String, Arc<Layer>>,
}

impl Layer {
    /// A layer without objects.
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), sections: BTreeMap::new() }
    }

    /// Adds an object under a key, marked as one that nobody may change.
    pub(crate) fn insert(&mut self, section: &str, key: &str, mut object: RawModel) {
        object.fields.insert("ReadOnly".to_owned(), Raw::from(Value::Bool(true)));
        object.fields.insert("Bundle".to_owned(), Raw::from(self.name.as_str()));
        self.sections.entry(section.to_owned()).or_default().insert(key.to_owned(), Arc::new(object));
    }

    /// All objects as section, key and object.
    pub(crate) fn objects(&self) -> impl Iterator<Item = (&str, &str, &Arc<RawModel>)> {
        self.sections
            .iter()
            .flat_map(|(section, keys)| keys.iter().map(move |(key, object)| (section.as_str(), key.as_str(), object)))
    }

    fn get(&self, section: &str, key: &str) -> Option<&Arc<RawModel>> {
        self.sections.get(section)?.get(key)
    }

    fn title(&self) -> String {
        format!("plugin-{}", self.name)
    }

    /// The text of a key that the writable layer has as well.
    pub(crate) fn conflict_with_store(&self, section: &str, key: &str) -> String {
        format!("{section}:{key} in layer {} would override layer {WRITABLE}", self.title())
    }
}

impl Layers {
    /// The object under a key, whichever layer has it.
    pub(crate) fn get(&self, section: &str, key: &str) -> Option<&Arc<RawModel>> {
        self.by_name.values().find_map(|layer| layer.get(section, key))
    }

    /// The objects of a section, unsorted.
    pub(crate) fn section(&self, section: &str) -> impl Iterator<Item = (&String, &Arc<RawModel>)> {
        self.by_name.values().filter_map(move |layer| layer.sections.get(section)).flatten()
    }

    /// How many objects a section has.
    pub(crate) fn count(&self, section: &str) -> usize {
        self.by_name.values().filter_map(|layer| layer.sections.get(section)).map(BTreeMap::len).sum()
    }

    /// One text for each key of `layer` that another layer has already.
    pub(crate) fn conflicts(&self, layer: &Layer) -> Vec<String> {
        let others = || self.by_name.values().filter(|other| other.name != layer.name);
        let conflict = |(section, key, _)| {
            let other = others().find(|other| other.get(section, key).is_some())?;
            Some(format!("{section}:{key} in layer {} would override layer {}", layer.title(), other.title()))
        };
        layer.objects().filter_map(conflict).collect()
    }

    /// These layers and `layer`, in place of the one that had its name.
    pub(crate) fn with(&self, layer: Layer) -> Self {
        let mut all = self.clone();
        all.by_name.insert(layer.name.clone(), Arc::new(layer));
        all
    }

    /// These layers without one.
    pub(crate) fn without(&self, name: &str) -> Self {
        let mut all = self.clone();
        all.by_name.remove(name);
        all
    }
}
