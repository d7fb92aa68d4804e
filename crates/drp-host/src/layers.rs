//! Read-only content layers below the writable store: one for each provider, uploaded bundle and bundle on disk.
//!
//! A key is in one place only: a layer is refused when one of its keys is in the store or in another layer
//! (`host.md` §5.3), so a lookup never has to decide who wins.

use std::collections::BTreeMap;
use std::sync::Arc;

use drp_content::{Bundle, Metadata};
use drp_core::{Raw, RawModel};
use serde_json::Value;

/// The name of the writable layer, as it stands in conflict texts.
const WRITABLE: &str = "writable-BackingStore";

/// Where a layer comes from. The order is that of lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// The operator has it on disk.
    Local,
    /// It was uploaded.
    Dynamic,
    /// A provider carries it.
    Plugin,
    /// It is built in; every other layer may have its keys too, and hides them.
    Basic,
}

impl Kind {
    /// What texts call it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Dynamic => "dynamic",
            Self::Plugin => "plugin",
            Self::Basic => "basic",
        }
    }
}

/// The objects of one provider or bundle.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    name: String,
    kind: Kind,
    meta: Metadata,
    sections: BTreeMap<String, BTreeMap<String, Arc<RawModel>>>,
}

/// All layers of a moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layers {
    by_name: BTreeMap<String, Arc<Layer>>,
}

impl Layer {
    /// A layer without objects.
    pub(crate) fn new(name: &str, kind: Kind, meta: Metadata) -> Self {
        Self { name: name.to_owned(), kind, meta, sections: BTreeMap::new() }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// What the bundle says of itself.
    pub(crate) fn meta(&self) -> &Metadata {
        &self.meta
    }

    /// How many objects each section has.
    pub(crate) fn counts(&self) -> BTreeMap<String, usize> {
        self.sections.iter().map(|(section, objects)| (section.clone(), objects.len())).collect()
    }

    /// The layer as a bundle, its secrets sealed.
    pub(crate) fn bundle(&self) -> Bundle {
        let mut bundle = Bundle { meta: self.meta.clone(), ..Bundle::default() };
        for section in self.sections.keys() {
            bundle.sections.entry(section.clone()).or_default();
        }
        for (section, key, object) in self.objects() {
            bundle.add_raw(section, key.to_owned(), RawModel::clone(object));
        }
        bundle
    }

    /// Adds a section, which may stay empty.
    pub(crate) fn insert_section(&mut self, section: &str) {
        self.sections.entry(section.to_owned()).or_default();
    }

    /// Adds an object under a key, marked as one that nobody may change.
    pub(crate) fn insert(&mut self, section: &str, key: &str, mut object: RawModel) {
        object.fields.insert("ReadOnly".to_owned(), Raw::from(Value::Bool(true)));
        object.fields.insert("Bundle".to_owned(), Raw::from(self.name.as_str()));
        self.sections.entry(section.to_owned()).or_default().insert(key.to_owned(), Arc::new(object));
    }

    /// Puts an object in the place of one that is there.
    pub(crate) fn replace(&mut self, section: &str, key: &str, object: RawModel) {
        if let Some(place) = self.sections.get_mut(section).and_then(|objects| objects.get_mut(key)) {
            *place = Arc::new(object);
        }
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

    /// What conflict texts call it.
    fn title(&self) -> String {
        format!("{}-{}", self.kind.title(), self.name)
    }

    /// The text of a key that the writable layer has as well.
    pub(crate) fn conflict_with_store(&self, section: &str, key: &str) -> String {
        format!("{section}:{key} in layer {} would override layer {WRITABLE}", self.title())
    }
}

impl Layers {
    /// A layer by its name.
    pub(crate) fn find(&self, name: &str) -> Option<&Arc<Layer>> {
        self.by_name.get(name)
    }

    /// All layers, from the top to the bottom.
    pub(crate) fn all(&self) -> Vec<&Arc<Layer>> {
        let mut all: Vec<_> = self.by_name.values().collect();
        // Within a kind they stay in the order of their names.
        all.sort_by_key(|layer| layer.kind);
        all
    }

    /// The object under a key, whichever layer has it.
    pub(crate) fn get(&self, section: &str, key: &str) -> Option<&Arc<RawModel>> {
        let found = |in_basic| self.layers(in_basic).find_map(|layer| layer.get(section, key));
        found(false).or_else(|| found(true))
    }

    /// The objects of a section, unsorted.
    pub(crate) fn section(&self, section: &str) -> impl Iterator<Item = (&String, &Arc<RawModel>)> {
        let objects =
            move |in_basic| self.layers(in_basic).filter_map(move |layer| layer.sections.get(section)).flatten();
        let is_hidden = move |key: &str| self.layers(false).any(|layer| layer.get(section, key).is_some());
        objects(false).chain(objects(true).filter(move |(key, _)| !is_hidden(key)))
    }

    /// How many objects a section has.
    pub(crate) fn count(&self, section: &str) -> usize {
        self.section(section).count()
    }

    /// One text for each key of `layer` that another layer has already.
    pub(crate) fn conflicts(&self, layer: &Layer) -> Vec<String> {
        let others = || self.layers(false).filter(|other| other.name != layer.name && layer.kind != Kind::Basic);
        let conflict = |(section, key, _)| {
            let other = others().find(|other| other.get(section, key).is_some())?;
            Some(format!("{section}:{key} in layer {} would override layer {}", layer.title(), other.title()))
        };
        layer.objects().filter_map(conflict).collect()
    }

    /// The layers that are built in, or all others.
    fn layers(&self, in_basic: bool) -> impl Iterator<Item = &Arc<Layer>> {
        self.by_name.values().filter(move |layer| (layer.kind == Kind::Basic) == in_basic)
    }

    /// These layers and `layer`, in place of the one that had its name.
    pub(crate) fn with(&self, layer: Arc<Layer>) -> Self {
        let mut all = self.clone();
        all.by_name.insert(layer.name.clone(), layer);
        all
    }

    /// These layers without one.
    pub(crate) fn without(&self, name: &str) -> Self {
        let mut all = self.clone();
        all.by_name.remove(name);
        all
    }
}
