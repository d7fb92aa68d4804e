//! What a key of an object is, and how a value that came is brought into its form (`models.md` §1).

use std::collections::BTreeMap;
use std::net::IpAddr;

use base64::{Engine, engine::general_purpose::STANDARD};
use drp_core::{Raw, RawModel, Time as PointInTime};
use serde_json::Value;

/// A key of an object type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    /// The key.
    pub(crate) name: &'static str,
    /// What its value is.
    pub(crate) form: Form,
    /// It is left out where its value says nothing.
    is_omitted: bool,
}

/// What the value of a key is, in the notation of `models.md` §1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// S
    Text,
    /// B
    Bool,
    /// I
    Int,
    /// UUID
    Uuid,
    /// IP
    Address,
    /// TIME
    Time,
    /// B64, and left out when there is none.
    Bytes,
    /// [S]
    Texts,
    /// [X]
    List,
    /// SMAP
    TextMap,
    /// MAP
    Map,
    /// An object of known keys, and maybe more.
    Record(&'static [Field]),
    /// A list of objects of known keys, and maybe more.
    Records(&'static [Field]),
    /// ANY
    Any,
}

/// A value has another type than its key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot read {path}: expected {expected}")]
pub(crate) struct MisfitError {
    /// The key, and those within it.
    path: String,
    expected: &'static str,
}

impl MisfitError {
    fn within(self, name: &str) -> Self {
        Self { path: format!("{name}/{}", self.path), ..self }
    }
}

pub(super) const fn field(name: &'static str, form: Form) -> Field {
    Field { name, form, is_omitted: false }
}

/// A key that is left out where its value says nothing.
pub(super) const fn omitted(name: &'static str, form: Form) -> Field {
    Field { name, form, is_omitted: true }
}

use Form::{Address, Any, Bool, Bytes, Int, List, Map, Record, Records, Text, TextMap, Texts, Time, Uuid};

/// Sets a key to a text.
pub(crate) fn set_text(object: &mut RawModel, name: &str, text: &str) {
    object.fields.insert(name.to_owned(), Raw::from(text));
}

/// Brings all fields into their form. A key in other letter case is taken for the field, as Go peers do.
pub(super) fn fill(groups: &[&[Field]], object: &mut RawModel) -> Result<(), MisfitError> {
    respell(groups, object);
    for field in groups.iter().copied().flatten() {
        let given = object.fields.get(field.name).filter(|value| !value.is_null());
        let value = match given {
            Some(value) => Some(field.read(value)?),
            None => field.form.zero(),
        };
        match value.filter(|value| !field.is_omitted || says_something(value)) {
            Some(value) => drop(object.fields.insert(field.name.to_owned(), value)),
            None => drop(object.fields.remove(field.name)),
        }
    }
    Ok(())
}

fn says_something(value: &Raw) -> bool {
    !matches!(value.get(), "" | "\"\"" | "0" | "false" | "[]" | "{}" | "null")
}

fn respell(groups: &[&[Field]], object: &mut RawModel) {
    let misspelt = |key: &String| {
        let field = groups.iter().copied().flatten().find(|field| field.name.eq_ignore_ascii_case(key))?;
        (field.name != key).then(|| (key.clone(), field.name))
    };
    let misspelt: Vec<_> = object.fields.keys().filter_map(misspelt).collect();
    for (key, name) in misspelt {
        if let Some(value) = object.fields.remove(&key) {
            object.fields.entry(name.to_owned()).or_insert(value);
        }
    }
}

impl Field {
    /// The value in the wire's form.
    fn read(&self, value: &Raw) -> Result<Raw, MisfitError> {
        let misfit = || MisfitError { path: self.name.to_owned(), expected: self.form.description() };
        match self.form {
            Record(fields) => record(fields, value.parse().map_err(|_| misfit())?).map_err(|e| e.within(self.name)),
            Records(fields) => {
                let given: Vec<Option<RawModel>> = value.parse().map_err(|_| misfit())?;
                let read = given.into_iter().map(|item| record(fields, item.unwrap_or_default()));
                let items = read.collect::<Result<Vec<_>, _>>().map_err(|error| error.within(self.name))?;
                Raw::new(&items).map_err(|_| misfit())
            }
            form => form.read(value).ok_or_else(misfit),
        }
    }
}

fn record(fields: &[Field], mut object: RawModel) -> Result<Raw, MisfitError> {
    fill(&[fields], &mut object)?;
    Raw::new(&object).map_err(|_| MisfitError { path: String::new(), expected: "an object" })
}

impl Form {
    /// The value of a key that was not given, if it is written at all.
    pub(crate) fn zero(self) -> Option<Raw> {
        Some(match self {
            Text | Uuid | Address => Raw::from(""),
            Bool => Raw::from(Value::Bool(false)),
            Int => Raw::from(Value::from(0)),
            Time => Raw::from(PointInTime::default().as_str()),
            Texts | List | Records(_) => Raw::from(Value::Array(Vec::new())),
            TextMap | Map => Raw::from(Value::Object(serde_json::Map::new())),
            Record(fields) => return record(fields, RawModel::default()).ok(),
            Any => Raw::null(),
            Bytes => return None,
        })
    }

    /// The value in the wire's form, if it has this form at all.
    fn read(self, value: &Raw) -> Option<Raw> {
        let same = |fits: bool| fits.then(|| value.clone());
        match self {
            Text => same(value.get().starts_with('"')),
            Bool => same(matches!(value.get(), "true" | "false")),
            Int => value.parse::<i64>().ok().or_else(|| whole(value)).map(|int| Raw::from(Value::from(int))),
            Uuid => value.parse::<drp_core::Uuid>().ok().map(|uuid| Raw::from(uuid.to_string().as_str())),
            Address => {
                let address: drp_core::Blank<IpAddr> = value.parse().ok()?;
                Some(Raw::from(address.to_string().as_str()))
            }
            Time => {
                let time: PointInTime = value.parse().ok()?;
                same(time.timestamp().is_ok())
            }
            Bytes => same(STANDARD.decode(value.as_string()?).is_ok()),
            Texts => same(value.parse::<Vec<String>>().is_ok()),
            List | Records(_) => same(value.get().starts_with('[')),
            TextMap => same(value.parse::<BTreeMap<String, String>>().is_ok()),
            Map | Record(_) => same(value.get().starts_with('{')),
            Any => same(true),
        }
    }

    fn description(self) -> &'static str {
        match self {
            Text => "a string",
            Bool => "true or false",
            Int => "an integer",
            Uuid => "a UUID",
            Address => "an IP address",
            Time => "a time such as 2026-01-02T15:04:05Z",
            Bytes => "base64",
            Texts => "a list of strings",
            List => "a list",
            Records(_) => "a list of objects",
            TextMap => "an object of strings",
            Map | Record(_) => "an object",
            Any => "any value",
        }
    }
}

/// `5.0` is an integer to Go's decoders of untyped values, so clients in dynamic languages send it.
fn whole(value: &Raw) -> Option<i64> {
    let float: f64 = value.parse().ok()?;
    if float.fract() == 0.0 { format!("{float}").parse().ok() } else { None }
}
