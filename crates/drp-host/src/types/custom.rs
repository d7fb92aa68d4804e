//! Definitions of custom object types (`models.md` §9, `host.md` §14).

use std::collections::BTreeMap;

use drp_content::Schemas;
use drp_core::{Raw, RawModel};
use serde_json::{Value, json};

use super::SERVER_OWNED;

/// What a provider says about the objects of a type.
#[derive(Debug)]
pub(super) struct Definition {
    /// As it was given; two providers that give the same share the type.
    given: Raw,
    properties: BTreeMap<String, Raw>,
    /// The schema of a whole object; `null` where anything goes.
    schema: Raw,
    /// The schema names the only properties allowed, so that those of the server must not be shown to it.
    is_closed: bool,
}

impl Definition {
    /// Reads a definition: `{}`, a map from properties to their schemas with the marker `isrequired`, or (an
    /// extension) a whole JSON Schema.
    pub(super) fn read(given: &Raw, schemas: &Schemas) -> Result<Self, String> {
        if given.is_null() {
            return Self::read(&Raw::from(json!({})), schemas);
        }
        let keys: BTreeMap<String, Raw> = given.parse().map_err(|_| "definition is not an object".to_owned())?;
        let (properties, schema) = if keys.is_empty() {
            (keys, Raw::null())
        } else if is_schema(&keys) {
            let properties = keys.get("properties").and_then(|map| map.parse().ok()).unwrap_or_default();
            (properties, given.clone())
        } else {
            let schema = schema_of(&keys);
            (keys, schema)
        };
        if !schema.is_null() {
            schemas.compile(&schema)?;
        }
        let is_closed = schema.parse::<Value>().is_ok_and(|schema| schema.get("additionalProperties").is_some());
        Ok(Self { given: given.clone(), properties, schema, is_closed })
    }

    pub(super) fn is_defined_as(&self, other: &Raw) -> bool {
        self.given == *other || (self.schema.is_null() && matches!(other.get(), "null" | "{}"))
    }

    pub(super) fn properties(&self) -> impl Iterator<Item = (&String, &Raw)> {
        self.properties.iter()
    }

    pub(super) fn problems(&self, object: &RawModel, schemas: &Schemas) -> Vec<String> {
        let shown = if self.is_closed { self.without_server_keys(object) } else { object.clone() };
        let value = match Raw::new(&shown) {
            Ok(value) => value,
            Err(error) => return vec![error.to_string()],
        };
        let named = |problem| format!("Error in value: {problem}");
        schemas.check(&self.schema, &value).err().into_iter().flatten().map(named).collect()
    }

    fn without_server_keys(&self, object: &RawModel) -> RawModel {
        let mut shown = object.clone();
        let servers = RawModel::KEYS.iter().copied().flatten().map(|field| field.name).chain(SERVER_OWNED);
        for name in servers.filter(|name| !self.properties.contains_key(*name)) {
            shown.fields.remove(name);
        }
        shown
    }
}

/// A whole schema says `$schema`, has `properties` that are all schemas, or has a keyword whose value is no object,
/// while the properties of a map all are.
fn is_schema(keys: &BTreeMap<String, Raw>) -> bool {
    let is_object = |value: &Raw| value.get().starts_with('{');
    let has_properties = keys.get("properties").is_some_and(|properties| {
        let properties: BTreeMap<String, Raw> = properties.parse().unwrap_or_default();
        !properties.is_empty() && properties.values().all(is_object)
    });
    keys.contains_key("$schema") || has_properties || !keys.values().all(is_object)
}

fn schema_of(properties: &BTreeMap<String, Raw>) -> Raw {
    let is_required = |schema: &Raw| schema.parse::<Value>().is_ok_and(|schema| schema["isrequired"] == json!(true));
    let required: Vec<_> = properties.iter().filter(|(_, schema)| is_required(schema)).map(|(name, _)| name).collect();
    let parsed = |schema: &Raw| schema.parse::<Value>().unwrap_or_default();
    let all: serde_json::Map<_, _> = properties.iter().map(|(name, schema)| (name.clone(), parsed(schema))).collect();
    // Draft 4 takes no empty list of required properties.
    let schema =
        if required.is_empty() { json!({"properties": all}) } else { json!({"properties": all, "required": required}) };
    Raw::from(schema)
}
