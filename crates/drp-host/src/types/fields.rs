//! The keys of the object types, and how a value that came is brought into their form (`models.md` §1).

use std::net::IpAddr;

use base64::{Engine, engine::general_purpose::STANDARD};
use drp_core::{Raw, RawModel};
use serde_json::Value;

/// A key of an object type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    /// The key.
    pub(crate) name: &'static str,
    /// What its value is.
    pub(crate) form: Form,
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
    /// ANY
    Any,
}

/// A value has another type than its key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot read {field}: expected {expected}")]
pub(crate) struct MisfitError {
    field: &'static str,
    expected: &'static str,
}

const fn field(name: &'static str, form: Form) -> Field {
    Field { name, form }
}

use Form::{Address, Any, Bool, Bytes, Int, List, Map, Text, TextMap, Texts, Uuid};

pub(super) const VALIDATION: &[Field] = &[field("Validated", Bool), field("Available", Bool), field("Errors", Texts)];
pub(super) const ACCESS: &[Field] = &[field("ReadOnly", Bool)];
pub(super) const META: &[Field] = &[field("Meta", TextMap)];
pub(super) const OWNED: &[Field] = &[field("Endpoint", Text)];
pub(super) const BUNDLED: &[Field] = &[field("Bundle", Text)];
pub(super) const PARTIALED: &[Field] = &[field("Partial", Bool)];
pub(super) const CUSTOM: &[Field] = &[
    field("Type", Text),
    field("Id", Text),
    field("Description", Text),
    field("Documentation", Text),
    field("Params", Map),
];
pub(super) const PARAM: &[Field] = &[
    field("Name", Text),
    field("Description", Text),
    field("Documentation", Text),
    field("Secure", Bool),
    field("Schema", Any),
];
pub(super) const PLUGIN: &[Field] = &[
    field("Name", Text),
    field("Description", Text),
    field("Documentation", Text),
    field("Params", Map),
    field("Provider", Text),
    field("PluginErrors", Texts),
];
pub(super) const PROFILE: &[Field] = &[
    field("Name", Text),
    field("Description", Text),
    field("Documentation", Text),
    field("Params", Map),
    field("Profiles", Texts),
];
pub(super) const ROLE: &[Field] =
    &[field("Name", Text), field("Description", Text), field("Documentation", Text), field("Claims", List)];
pub(super) const USER: &[Field] = &[
    field("Name", Text),
    field("Description", Text),
    field("PasswordHash", Bytes),
    field("Secret", Text),
    field("Roles", Texts),
];
pub(super) const MACHINE: &[Field] = &[
    field("Name", Text),
    field("Description", Text),
    field("Uuid", Uuid),
    field("CurrentJob", Uuid),
    field("Address", Address),
    field("Stage", Text),
    field("BootEnv", Text),
    field("Profiles", Texts),
    field("Params", Map),
    field("Tasks", Texts),
    field("CurrentTask", Int),
    field("RetryTaskAttempt", Int),
    field("TaskErrorStacks", List),
    field("Runnable", Bool),
    field("Secret", Text),
    field("OS", Text),
    field("HardwareAddrs", Texts),
    field("Workflow", Text),
    field("Arch", Text),
    field("Locked", Bool),
    field("Context", Text),
    field("Fingerprint", Map),
    field("Pool", Text),
    field("PoolAllocated", Bool),
    field("PoolStatus", Text),
    field("WorkflowComplete", Bool),
];

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
            Some(value) => Some(
                field.form.read(value).ok_or(MisfitError { field: field.name, expected: field.form.description() })?,
            ),
            None => field.form.zero(),
        };
        match value {
            Some(value) => drop(object.fields.insert(field.name.to_owned(), value)),
            None => drop(object.fields.remove(field.name)),
        }
    }
    Ok(())
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

impl Form {
    /// The value of a key that was not given, if it is written at all.
    pub(crate) fn zero(self) -> Option<Raw> {
        Some(match self {
            Text | Uuid | Address => Raw::from(""),
            Bool => Raw::from(Value::Bool(false)),
            Int => Raw::from(Value::from(0)),
            Texts | List => Raw::from(Value::Array(Vec::new())),
            TextMap | Map => Raw::from(Value::Object(serde_json::Map::new())),
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
            Bytes => same(STANDARD.decode(value.as_string()?).is_ok()),
            Texts => same(value.parse::<Vec<String>>().is_ok()),
            List => same(value.get().starts_with('[')),
            TextMap => same(value.parse::<std::collections::BTreeMap<String, String>>().is_ok()),
            Map => same(value.get().starts_with('{')),
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
            Bytes => "base64",
            Texts => "a list of strings",
            List => "a list",
            TextMap => "an object of strings",
            Map => "an object",
            Any => "any value",
        }
    }
}

/// `5.0` is an integer to Go's decoders of untyped values, so clients in dynamic languages send it.
fn whole(value: &Raw) -> Option<i64> {
    let float: f64 = value.parse().ok()?;
    if float.fract() == 0.0 { format!("{float}").parse().ok() } else { None }
}
