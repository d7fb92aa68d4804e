//! The groups of keys that most models share (`models.md` §2).

use std::collections::BTreeMap;

use serde::{de::MapAccess, ser::SerializeMap};

use crate::{
    Field, List,
    json::Map,
    wire::{Fields, Value, wire_mixin},
};

/// Free text by key: `icon`, `color`, `title`, `feature-flags` and whatever users put there.
pub type Meta = Map<String>;

impl Meta {
    /// Meta with these entries.
    pub fn of<const N: usize>(entries: [(&str, &str); N]) -> Self {
        entries.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect::<BTreeMap<_, _>>().into()
    }
}

/// Meta is one key on the wire, but stands among the mixins there.
impl Fields for Meta {
    const OWN: &'static [Field] = &[Field { name: "Meta", form: <Self as Value>::FORM, is_omitted: false }];

    fn read<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        let is_meta = key.eq_ignore_ascii_case("Meta");
        if is_meta && let Some(meta) = map.next_value::<Option<Self>>()? {
            *self = meta;
        }
        Ok(is_meta)
    }

    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry("Meta", self)
    }
}

wire_mixin! {
    /// Whether the server holds the object for valid and usable. The server sets it.
    pub struct Validation {
        /// The object is semantically valid; others are never saved.
        "Validated" validated: bool,
        /// The object is valid and usable now.
        "Available" available: bool,
        /// What the last validation found.
        "Errors" errors: List<String>,
    }
}

wire_mixin! {
    /// Whether users may change the object. The server sets it.
    pub struct Access {
        /// The object comes from another layer than the writable one.
        "ReadOnly" read_only: bool,
    }
}

wire_mixin! {
    /// The DRP endpoint that owns the object in a multi-site manager.
    pub struct Owned {
        /// Id of the endpoint; empty where there is no manager.
        "Endpoint" endpoint: String,
    }
}

wire_mixin! {
    /// The content layer that holds the object. The server sets it.
    pub struct Bundled {
        /// Name of the layer; empty for the writable one.
        "Bundle" bundle: String,
    }
}

wire_mixin! {
    /// Whether the server left parts of the object out.
    pub struct Partialed {
        /// Parts are missing: do not write the object back.
        "Partial" partial: bool,
    }
}
