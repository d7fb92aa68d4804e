//! Untyped objects (`models.md` §9).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    Access, Bundled, Field, Form, Meta, Owned, Params, Raw, Validation,
    wire::{Fields, Value},
};

/// An object of any type, key by key: what custom object types are, and what a server stores.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RawModel {
    /// The object's keys.
    pub fields: BTreeMap<String, Raw>,
}

const fn text_key(name: &'static str) -> Field {
    Field { name, form: Form::Text, is_omitted: false }
}

impl RawModel {
    /// The keys that objects of every custom type have: those of each mixin, then others.
    pub const KEYS: &'static [&'static [Field]] = &[
        Validation::OWN,
        Access::OWN,
        Meta::OWN,
        Owned::OWN,
        Bundled::OWN,
        &[
            text_key("Type"),
            text_key("Id"),
            text_key("Description"),
            text_key("Documentation"),
            Field { name: "Params", form: <Params as Value>::FORM, is_omitted: false },
        ],
    ];

    /// The object of a value that is written as a JSON object.
    ///
    /// # Errors
    /// The value is no JSON object.
    pub fn new<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        Raw::new(value)?.parse()
    }

    /// The value of a key as `T`, or `None` where it is missing, `null` or no `T`.
    #[must_use]
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        self.fields.get(key).filter(|raw| !raw.is_null()).and_then(|raw| raw.parse().ok())
    }

    /// The text of a key, or `""`.
    #[must_use]
    pub fn text(&self, key: &str) -> String {
        self.get(key).unwrap_or_default()
    }

    /// Sets a key.
    ///
    /// # Errors
    /// As [`Raw::new`].
    pub fn set<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), serde_json::Error> {
        self.fields.insert(key.to_owned(), Raw::new(value)?);
        Ok(())
    }

    /// Reads the object as a typed model.
    ///
    /// # Errors
    /// A key does not fit the model.
    pub fn typed<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&serde_json::to_string(self)?)
    }

    /// The custom type's name, from `Type`.
    #[must_use]
    pub fn type_name(&self) -> String {
        self.text("Type")
    }

    /// The key of the object, from `Id`.
    #[must_use]
    pub fn id(&self) -> String {
        self.text("Id")
    }
}
