//! Objects of a bundle as Go models write them: every key of their type is there, each in its form.

use std::collections::BTreeSet;

use drp_core::{
    ACTIVE_LEASE_SECONDS_MIN, Field, Form, MisfitError, ModelType, RESERVED_LEASE_SECONDS_MIN, Raw, RawModel, hex_key,
};
use serde_json::{Value, json};
use thiserror::Error;

use crate::yaml;

/// A value that is no object of its section's type.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// It is a list or a scalar.
    #[error("expected an object, found {0}")]
    NotAnObject(&'static str),
    /// A key's value has another type.
    #[error(transparent)]
    Misfit(#[from] MisfitError),
    /// It cannot be written as JSON.
    #[error("{0}")]
    Json(String),
}

/// The object that a YAML file holds; nothing is the empty one.
pub(crate) fn from_yaml(section: &str, mut value: Value) -> Result<RawModel, DecodeError> {
    let found = match &value {
        Value::Object(_) => {
            if let Some(model) = ModelType::find(section) {
                yaml::soften(Form::Record(model.keys), &mut value);
            }
            let object = serde_json::from_value(yaml::regular(value));
            return complete(section, object.map_err(|error| DecodeError::Json(error.to_string()))?);
        }
        Value::Null => return complete(section, RawModel::default()),
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
    };
    Err(DecodeError::NotAnObject(found))
}

/// The object with every key of its type. What nobody knows stays.
pub(crate) fn complete(section: &str, object: RawModel) -> Result<RawModel, DecodeError> {
    let Some(model) = ModelType::find(section) else { return complete_custom(section, object) };
    let mut filled = object.clone();
    filled.fill(model.keys)?;
    for (name, default) in defaults(section) {
        let field = model.keys.iter().copied().flatten().find(|field| field.name == name);
        if field.and_then(|field| value_of(field, &object.fields)).is_none_or(Raw::is_null) {
            filled.fields.insert(name.to_owned(), Raw::from(default));
        }
    }
    for field in model.keys.iter().copied().flatten() {
        let Some(value) = filled.fields.get_mut(field.name) else { continue };
        let Some(given) = value_of(field, &object.fields) else { continue };
        if given.is_null() && is_null_when_zero(field.form) {
            *value = Raw::null();
        } else if let (true, Ok(given), Ok(mut nested)) = (has_records(field.form), given.parse(), value.parse()) {
            empty(field.form, &given, &mut nested, Base::Filled);
            *value = Raw::from(nested);
        }
    }
    Ok(filled)
}

/// What keys of a type have where nobody sets them and zero says something else.
fn defaults(section: &str) -> Vec<(&'static str, Value)> {
    match section {
        "catalog_items" => vec![("Type", json!(section))],
        "machines" => vec![("Arch", json!("amd64"))],
        "subnets" => vec![
            ("ActiveLeaseTime", json!(ACTIVE_LEASE_SECONDS_MIN)),
            ("Pickers", json!(["hint", "nextFree", "mostExpired"])),
            ("ReservedLeaseTime", json!(RESERVED_LEASE_SECONDS_MIN)),
            ("Strategy", json!("MAC")),
        ],
        _ => Vec::new(),
    }
}

/// What a Go decoder finds where it puts an object.
#[derive(Clone, Copy)]
enum Base {
    /// An object that was filled before: lists and maps are empty.
    Filled,
    /// Nothing: lists and maps are `null`.
    Zero,
}

/// Takes out of a filled value what a Go decoder would not have put in.
fn empty(form: Form, given: &Value, filled: &mut Value, base: Base) {
    match (form, filled) {
        (Form::List(item), Value::Array(items)) => {
            let given = given.as_array().into_iter().flatten();
            items.iter_mut().zip(given).for_each(|(filled, given)| empty(*item, given, filled, Base::Zero));
        }
        (Form::Map(item), Value::Object(items)) => {
            for (key, filled) in items {
                empty(*item, given.get(key).unwrap_or(&Value::Null), filled, Base::Zero);
            }
        }
        (Form::Record(groups), Value::Object(filled)) => {
            let nothing = serde_json::Map::new();
            let given = given.as_object().unwrap_or(&nothing);
            for field in groups.iter().copied().flatten() {
                let Some(filled) = filled.get_mut(field.name) else { continue };
                let given = value_of(field, given);
                let is_zero = match (given, base) {
                    (Some(given), _) => given.is_null(),
                    (None, Base::Zero) => true,
                    (None, Base::Filled) => continue,
                };
                if is_zero && is_null_when_zero(field.form) {
                    *filled = Value::Null;
                } else {
                    empty(field.form, given.unwrap_or(&Value::Null), filled, base);
                }
            }
        }
        _ => {}
    }
}

/// Takes out of an object what no key of its type is, as Go decoders do, save what is in `keep`. Tells what that was, by
/// keys and indexes: `ExtraClaims/1/specifig`.
pub(crate) fn strip(section: &str, object: &mut RawModel, keep: &BTreeSet<String>) -> Vec<String> {
    let Some(model) = ModelType::find(section) else { return Vec::new() };
    let mut stripped = Stripped { keep, paths: Vec::new() };
    object.fields.retain(|key, value| {
        let Some(field) = model.keys.iter().copied().flatten().find(|field| field.name == key) else {
            return stripped.is_kept(key);
        };
        if has_records(field.form)
            && let Ok(mut nested) = value.parse()
        {
            let before = stripped.paths.len();
            stripped.walk(field.form, key, &mut nested);
            if stripped.paths.len() > before {
                *value = Raw::from(nested);
            }
        }
        true
    });
    stripped.paths
}

struct Stripped<'a> {
    keep: &'a BTreeSet<String>,
    paths: Vec<String>,
}

impl Stripped<'_> {
    fn is_kept(&mut self, path: &str) -> bool {
        let kept = self.keep.contains(path);
        if !kept {
            self.paths.push(path.to_owned());
        }
        kept
    }

    fn walk(&mut self, form: Form, path: &str, value: &mut Value) {
        match (form, value) {
            (Form::List(item), Value::Array(items)) => {
                for (index, value) in items.iter_mut().enumerate() {
                    self.walk(*item, &format!("{path}/{index}"), value);
                }
            }
            (Form::Map(item), Value::Object(items)) => {
                for (key, value) in items {
                    self.walk(*item, &format!("{path}/{key}"), value);
                }
            }
            (Form::Record(groups), Value::Object(fields)) => fields.retain(|key, value| {
                let path = format!("{path}/{key}");
                match groups.iter().copied().flatten().find(|field| field.name == key) {
                    Some(field) => {
                        self.walk(field.form, &path, value);
                        true
                    }
                    None => self.is_kept(&path),
                }
            }),
            _ => {}
        }
    }
}

/// The value of a key, in whatever letter case it is given.
fn value_of<'a, V>(field: &Field, given: impl IntoIterator<Item = (&'a String, &'a V)>) -> Option<&'a V> {
    let mut found = None;
    for (key, value) in given {
        if key == field.name {
            return Some(value);
        }
        if key.eq_ignore_ascii_case(field.name) {
            found.get_or_insert(value);
        }
    }
    found
}

fn is_null_when_zero(form: Form) -> bool {
    matches!(form, Form::List(_) | Form::Map(_) | Form::Any | Form::Bytes)
}

fn has_records(form: Form) -> bool {
    match form {
        Form::List(item) | Form::Map(item) => has_records(*item),
        Form::Record(_) => true,
        _ => false,
    }
}

/// The key under which an object is found; empty where it has none.
pub(crate) fn key(section: &str, object: &RawModel) -> String {
    match ModelType::find(section) {
        Some(model) if model.is_keyed_by_address() => hex_key(&object.text(model.key_field)).into_owned(),
        Some(model) => object.text(model.key_field),
        None => object.text("Id"),
    }
}

/// Custom types are maps: only what is missing is put in (`models.md` §9).
fn complete_custom(section: &str, mut object: RawModel) -> Result<RawModel, DecodeError> {
    // Otherwise all such objects would stand under one key, and all but the last be lost.
    if object.fields.get("Id").is_some_and(|id| id.as_string().is_none()) {
        return Err(MisfitError { path: "Id".to_owned(), expected: "a string" }.into());
    }
    for (name, zero) in [
        ("Available", json!(false)),
        ("Bundle", json!("")),
        ("Description", json!("")),
        ("Documentation", json!("")),
        ("Endpoint", json!("")),
        ("Errors", json!([])),
        ("Meta", json!({})),
        ("Params", json!({})),
        ("ReadOnly", json!(false)),
        ("Type", json!(section)),
        ("Validated", json!(false)),
    ] {
        object.fields.entry(name.to_owned()).or_insert_with(|| Raw::from(zero));
    }
    Ok(object)
}
