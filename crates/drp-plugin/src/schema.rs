//! Param declarations and object type definitions, read off Rust types.
//!
//! The server takes JSON Schema draft 4, in which `true` is no schema, `const` is unknown and exclusive bounds are
//! flags, so what schemars makes is brought into that form here.

mod draft_4;

use std::collections::HashSet;

use drp_core::{Param, Raw};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::{
    de::{self, DeserializeOwned, Deserializer, Visitor},
    forward_to_deserialize_any,
};
use serde_json::{Map, Value};

use self::draft_4::{drop_null, to_draft_4};
use crate::{bounds, secure::SECURE_MARK};

/// A param as a struct's field declares it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DeclaredParam {
    pub(crate) name: String,
    pub(crate) required: bool,
    pub(crate) secure: bool,
    pub(crate) description: String,
    pub(crate) schema: Value,
    /// The schema demands more of a value than its Rust type does.
    pub(crate) bounded: bool,
}

impl DeclaredParam {
    /// Any JSON is a value of it, `null` as well.
    pub(crate) fn takes_anything(&self) -> bool {
        self.schema.as_object().is_some_and(Map::is_empty)
    }

    /// What its values are, for people.
    pub(crate) fn kind(&self) -> String {
        format!("{}{}", if self.secure { "secure " } else { "" }, self.schema)
    }

    /// The Param object of the content bundle.
    pub(crate) fn to_param(&self) -> Param {
        let mut param = Param {
            name: self.name.clone(),
            description: self.description.clone(),
            secure: self.secure,
            schema: Raw::from(self.schema.clone()),
            ..Param::default()
        };
        param.validation.errors.fill();
        param.meta.fill();
        param
    }
}

/// The params that the fields of a struct declare, in the order of the fields.
///
/// # Errors
/// Why they are none: what is wrong with the params, to stand behind their name.
pub(crate) fn params_of<T: JsonSchema + DeserializeOwned>() -> Result<Vec<DeclaredParam>, String> {
    let fields = Fields::of::<T>().ok_or("are no struct with named fields")?;
    if fields.open {
        return Err("hold an enum or a map where a struct's fields should be: a server gives only params that are \
                    named, so declare each one as a field"
            .to_owned());
    }
    let names = field_names::<T>().unwrap_or_default();
    let mut seen = HashSet::new();
    if let Some(twice) = names.iter().find(|name| !seen.insert(**name)) {
        return Err(format!("have two fields for `{twice}`"));
    }
    let mut params: Vec<DeclaredParam> = fields.declare();
    if params.iter().any(|param| refers_to(&param.schema, "#")) {
        return Err("hold themselves: a param's value may be recursive, the struct of params may not".to_owned());
    }
    // The schema sorts its properties; people want to see them as they were written.
    params.sort_by_key(|param| names.iter().position(|field| *field == param.name));
    Ok(params)
}

/// Whether serde reads some fields out of a buffer, and so does not tell whose value is wrong.
pub(crate) fn is_flattened<T: DeserializeOwned>() -> bool {
    field_names::<T>().is_none()
}

/// The wire names of a struct's fields as they stand in the code; `None` where serde does not tell.
fn field_names<T: DeserializeOwned>() -> Option<&'static [&'static str]> {
    struct Ask<'a>(&'a mut Option<&'static [&'static str]>);

    impl<'de> Deserializer<'de> for Ask<'_> {
        type Error = de::value::Error;

        fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Self::Error> {
            Err(de::Error::custom("only asking"))
        }

        fn deserialize_struct<V: Visitor<'de>>(
            self,
            _name: &'static str,
            fields: &'static [&'static str],
            visitor: V,
        ) -> Result<V::Value, Self::Error> {
            *self.0 = Some(fields);
            self.deserialize_any(visitor)
        }

        fn deserialize_newtype_struct<V: Visitor<'de>>(
            self,
            _name: &'static str,
            visitor: V,
        ) -> Result<V::Value, Self::Error> {
            visitor.visit_newtype_struct(self)
        }

        fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
            visitor.visit_some(self)
        }

        forward_to_deserialize_any! {
            bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
            seq tuple tuple_struct map enum identifier ignored_any
        }
    }

    let mut fields = None;
    // It always fails: the answer is in what serde asked for.
    let _ = T::deserialize(Ask(&mut fields));
    fields
}

/// The declaration of one param with values of type `T`.
pub(crate) fn param_of<T: JsonSchema>(name: &str, description: &str) -> DeclaredParam {
    let mut param = declared(name.to_owned(), false, schema_of::<T>());
    description.clone_into(&mut param.description);
    param
}

/// A `StoreObjects` definition: property to schema, with the mark `isrequired` (`models.md` §9).
pub(crate) fn object_type_of<T: JsonSchema>() -> Option<Value> {
    let define = |DeclaredParam { name, required, schema: mut definition, .. }| {
        if let Value::Object(keys) = &mut definition {
            keys.remove("default");
            if required {
                keys.insert("isrequired".to_owned(), true.into());
            }
        }
        (name, definition)
    };
    Some(Value::Object(Fields::of::<T>()?.declare().into_iter().map(define).collect()))
}

fn declared(name: String, required: bool, mut schema: Value) -> DeclaredParam {
    let mut take = |key: &str| schema.as_object_mut().and_then(|keys| keys.remove(key));
    let description = take("description").and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_default();
    take("title");
    let secure = take_secure_mark(&mut schema);
    to_draft_4(&mut schema);
    drop_null(&mut schema);
    let bounded = bounds::has_bounds(&schema);
    DeclaredParam { name, required, secure, description, schema, bounded }
}

/// Whether there is a secret anywhere inside: a param is sealed as a whole or not at all.
fn take_secure_mark(schema: &mut Value) -> bool {
    match schema {
        Value::Object(keys) => {
            let marked = keys.remove(SECURE_MARK).is_some();
            keys.values_mut().fold(marked, |marked, below| take_secure_mark(below) | marked)
        }
        Value::Array(items) => items.iter_mut().fold(false, |marked, below| take_secure_mark(below) | marked),
        _ => false,
    }
}

/// What a struct's fields are, as its schema has them.
struct Fields {
    properties: Map<String, Value>,
    required: Vec<String>,
    /// It takes keys that are no field's.
    open: bool,
    /// What recursive types refer to.
    definitions: Option<Value>,
}

impl Fields {
    /// `None`: `T` is no struct with named fields.
    fn of<T: JsonSchema>() -> Option<Self> {
        let Value::Object(mut schema) = schema_of::<T>() else { return None };
        let required =
            schema.remove("required").and_then(|names| serde_json::from_value(names).ok()).unwrap_or_default();
        let properties = match (schema.remove("properties"), schema.get("type")) {
            (Some(Value::Object(properties)), _) => properties,
            (None, Some(kind)) if kind == "object" => Map::new(),
            _ => return None,
        };
        let open = ["oneOf", "anyOf", "allOf", "patternProperties"].iter().any(|key| schema.contains_key(*key))
            || schema.get("additionalProperties").is_some_and(|others| *others != Value::Bool(false));
        Some(Self { properties, required, open, definitions: schema.remove("definitions") })
    }

    fn declare(self) -> Vec<DeclaredParam> {
        let Self { properties, required, definitions, .. } = self;
        let declare = |(name, mut schema): (String, Value)| {
            // A reference leads nowhere unless what it means goes along.
            if let Some(definitions) = definitions.as_ref().filter(|_| refers_to(&schema, "#/definitions/"))
                && let Value::Object(keys) = &mut schema
            {
                keys.insert("definitions".to_owned(), definitions.clone());
            }
            let required = required.contains(&name);
            declared(name, required, schema)
        };
        properties.into_iter().map(declare).collect()
    }
}

/// Whether there is a reference: to the document as a whole, or to what begins like this.
fn refers_to(schema: &Value, target: &str) -> bool {
    match schema {
        Value::Object(keys) => {
            let here = keys.get("$ref").and_then(Value::as_str);
            here.is_some_and(|found| found == target || (target != "#" && found.starts_with(target)))
                || keys.values().any(|below| refers_to(below, target))
        }
        Value::Array(items) => items.iter().any(|below| refers_to(below, target)),
        _ => false,
    }
}

fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

#[cfg(test)]
mod tests {
    #![allow(dead_code, reason = "the fields are read by their schema only")]

    use schemars::JsonSchema;
    use serde::Deserialize;
    use serde_json::json;

    use super::*;
    use crate::Secure;

    #[derive(Deserialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum Mode {
        Fast,
        Slow,
    }

    #[derive(Deserialize, JsonSchema)]
    struct Sample {
        /// Host name or address.
        #[serde(rename = "pdu/address")]
        address: String,
        /// Password.
        #[serde(rename = "pdu/password")]
        password: Option<Secure<String>>,
        #[serde(rename = "pdu/outlet")]
        #[schemars(range(min = 1, max = 8))]
        outlet: u8,
        #[serde(rename = "pdu/mode")]
        mode: Option<Mode>,
        #[serde(rename = "pdu/delay", default)]
        delay_s: u32,
        #[serde(rename = "pdu/any")]
        any: Option<serde_json::Value>,
    }

    fn sample(name: &str) -> DeclaredParam {
        params_of::<Sample>().unwrap().into_iter().find(|param| param.name == name).unwrap()
    }

    #[test]
    fn a_struct_declares_its_params() {
        let check = |name: &str, required: bool, secure: bool, schema: Value| {
            let param = sample(name);
            assert_eq!((param.required, param.secure, &param.schema), (required, secure, &schema), "{name}");
        };
        check("pdu/address", true, false, json!({"type": "string"}));
        check("pdu/password", false, true, json!({"type": "string"}));
        check("pdu/outlet", true, false, json!({"type": "integer", "minimum": 1, "maximum": 8}));
        check("pdu/mode", false, false, json!({"type": "string", "enum": ["fast", "slow"]}));
        check("pdu/delay", false, false, json!({"type": "integer", "minimum": 0, "default": 0}));
        check("pdu/any", false, false, json!({}));
        assert_eq!(sample("pdu/address").description, "Host name or address.");
    }

    #[test]
    fn a_secret_anywhere_inside_makes_the_whole_param_secure() {
        #[derive(Deserialize, JsonSchema)]
        struct Account {
            name: String,
            password: Secure<String>,
        }
        #[derive(Deserialize, JsonSchema)]
        struct Nested {
            list: Vec<Secure<String>>,
            any: Option<Secure<serde_json::Value>>,
            accounts: Option<std::collections::BTreeMap<String, Account>>,
            open: Vec<String>,
        }
        let params = params_of::<Nested>().unwrap();
        let secure: Vec<bool> = params.iter().map(|param| param.secure).collect();
        assert_eq!(secure, [true, true, true, false]);
        assert!(params.iter().all(|param| !param.schema.to_string().contains(SECURE_MARK)), "{params:?}");
    }

    #[test]
    fn params_stand_in_the_order_of_the_fields() {
        let names: Vec<String> = params_of::<Sample>().unwrap().into_iter().map(|param| param.name).collect();
        let expected = ["pdu/address", "pdu/password", "pdu/outlet", "pdu/mode", "pdu/delay", "pdu/any"];
        assert_eq!(names, expected);
    }

    #[test]
    fn an_object_type_marks_its_required_properties() {
        #[derive(Deserialize, JsonSchema)]
        #[serde(rename_all = "PascalCase")]
        struct Cow {
            /// It has spots.
            spotted: bool,
            location: Option<String>,
        }
        let expected = json!({"Spotted": {"type": "boolean", "isrequired": true}, "Location": {"type": "string"}});
        assert_eq!(object_type_of::<Cow>(), Some(expected));
        assert_eq!(object_type_of::<String>(), None);
    }
}
