//! The bundle itself (`models.md` §19.1).

use std::collections::BTreeMap;

use drp_core::{Meta, Model, PluginProvider, RawModel};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// Objects by section (the object type) and key.
pub type Sections = BTreeMap<String, BTreeMap<String, RawModel>>;

/// What a server takes for "not said" in a bundle's metadata.
const UNSPECIFIED: &str = "Unspecified";

/// A content bundle.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bundle {
    /// What the bundle says of itself.
    #[serde(default)]
    pub meta: Metadata,
    /// Its objects.
    #[serde(default, deserialize_with = "null_is_default")]
    pub sections: Sections,
}

/// The metadata of a bundle: texts by field name.
///
/// All of [`Metadata::FIELDS`] are written, empty where nobody set them. Booleans and numbers that a YAML author wrote
/// for a text are read as text.
#[derive(Clone, Debug, Default)]
pub struct Metadata(BTreeMap<String, String>);

/// What is not set is the same as what is empty.
impl PartialEq for Metadata {
    fn eq(&self, other: &Self) -> bool {
        Self::FIELDS.into_iter().all(|field| self.text(field) == other.text(field))
    }
}

impl Metadata {
    /// The names of the fields, all of them texts.
    pub const FIELDS: [&str; 18] = [
        "Author",
        "CodeSource",
        "Color",
        "Copyright",
        "Description",
        "DisplayName",
        "DocUrl",
        "Documentation",
        "Icon",
        "License",
        "Name",
        "Order",
        "Prerequisites",
        "RequiredFeatures",
        "Source",
        "Tags",
        "Type",
        "Version",
    ];

    /// What bundlers write into the fields that are not empty where nobody sets them.
    pub const DEFAULTS: [(&str, &str); 3] = [("Name", UNSPECIFIED), ("Version", "v0.0.0"), ("Type", "dynamic")];

    /// A field's text; empty where it is not set.
    #[must_use]
    pub fn text(&self, field: &str) -> &str {
        self.0.get(field).map_or("", String::as_str)
    }

    /// A field's text, where it is set.
    #[cfg(feature = "yaml")]
    pub(crate) fn given(&self, field: &str) -> Option<&str> {
        self.0.get(field).map(String::as_str)
    }

    /// Sets a field.
    pub fn set(&mut self, field: &str, text: impl Into<String>) {
        self.0.insert(field.to_owned(), text.into());
    }

    fn set_if_unspecified(&mut self, field: &str, text: impl Into<String>) {
        if matches!(self.text(field), "" | UNSPECIFIED) {
            self.set(field, text);
        }
    }
}

impl Serialize for Metadata {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(Self::FIELDS.into_iter().map(|field| (field, self.text(field))))
    }
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Option::<BTreeMap<String, Value>>::deserialize(deserializer)?.unwrap_or_default();
        let text = |value| match value {
            Value::String(text) => text,
            Value::Null => String::new(),
            other => other.to_string(),
        };
        let known = fields.into_iter().filter(|(field, _)| Self::FIELDS.contains(&field.as_str()));
        Ok(Self(known.map(|(field, value)| (field, text(value))).collect()))
    }
}

impl Bundle {
    /// Adds a typed object under its own key.
    ///
    /// # Errors
    /// The object cannot be written as JSON.
    pub fn add<M: Model>(&mut self, object: &M) -> Result<(), serde_json::Error> {
        self.add_raw(M::PREFIX, object.key(), RawModel::new(object)?);
        Ok(())
    }

    /// Adds an object of any type.
    pub fn add_raw(&mut self, section: &str, key: String, object: RawModel) {
        self.sections.entry(section.to_owned()).or_default().insert(key, object);
    }

    /// The bundle as JSON, which every reader of YAML content takes as well.
    ///
    /// # Errors
    /// An object cannot be written as JSON.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Completes the metadata of the bundle that `provider` carries, and the provider's `Meta` from it, as a server
    /// does when it loads the provider (`models.md` §5.2).
    pub fn adopt(&mut self, provider: &mut PluginProvider) {
        let name = &provider.name;
        self.meta.set("Name", name);
        self.meta.set("Version", &provider.version);
        self.meta.set_if_unspecified("Description", format!("Content layer for {name} plugin provider"));
        self.meta.set_if_unspecified("Source", "FromPluginProvider");
        self.meta.set("Type", "plugin");
        let mut meta: BTreeMap<String, String> =
            Metadata::FIELDS.into_iter().map(|field| (field.to_owned(), self.meta.text(field).to_owned())).collect();
        for (copy, field) in [("color", "Color"), ("icon", "Icon")] {
            meta.insert(copy.to_owned(), self.meta.text(field).to_owned());
        }
        provider.meta = Meta::from(meta);
    }
}

fn null_is_default<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Sections, D::Error> {
    let sections = Option::<BTreeMap<String, Option<BTreeMap<String, RawModel>>>>::deserialize(deserializer)?;
    Ok(sections.unwrap_or_default().into_iter().map(|(name, objects)| (name, objects.unwrap_or_default())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use drp_core::Param;

    #[test]
    fn all_metadata_fields_are_written_and_numbers_are_read_as_text() {
        let bundle: Bundle =
            serde_json::from_str(r#"{"meta":{"Version":1.2,"Writable":true},"sections":null}"#).unwrap();
        assert_eq!(bundle.meta.text("Version"), "1.2");
        let json: Value = serde_json::from_str(&bundle.to_json().unwrap()).unwrap();
        assert_eq!(json["meta"].as_object().unwrap().len(), 18);
        assert_eq!(json["sections"], serde_json::json!({}));
    }

    #[test]
    fn objects_stand_under_their_own_key() {
        let mut bundle = Bundle::default();
        bundle.add(&Param { name: "a/b".to_owned(), ..Param::default() }).unwrap();
        assert!(bundle.sections["params"].contains_key("a/b"));
    }

    #[test]
    fn a_providers_bundle_takes_its_name_and_gives_it_twenty_meta_keys() {
        let mut provider = PluginProvider { name: "p1".into(), version: "v2".into(), ..PluginProvider::default() };
        let mut bundle = Bundle::default();
        bundle.meta.set("Name", "Unspecified");
        bundle.meta.set("Color", "blue");
        bundle.adopt(&mut provider);
        assert_eq!(provider.meta.len(), 20);
        assert_eq!(provider.meta["color"], "blue");
        assert_eq!(provider.meta["Source"], "FromPluginProvider");
        assert_eq!(provider.meta["Description"], "Content layer for p1 plugin provider");
        assert_eq!((bundle.meta.text("Name"), bundle.meta.text("Type")), ("p1", "plugin"));
    }
}
