//! What the keys of an object are, and how an untyped object is brought into their form (`models.md` §1).

use std::{collections::BTreeMap, fmt, net::IpAddr};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::{Blank, Raw, RawModel, Time as PointInTime};

/// A key of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The key, in the wire's spelling.
    pub name: &'static str,
    /// What its value is.
    pub form: Form,
    /// It is left out where its value says nothing.
    pub is_omitted: bool,
}

/// What the value of a key is, in the notation of `models.md` §1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
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
    /// B64
    Bytes,
    /// A list of such values.
    List(&'static Form),
    /// An object with any keys and such values.
    Map(&'static Form),
    /// An object of known keys, and maybe more: those of each mixin, then its own.
    Record(&'static [&'static [Field]]),
    /// ANY
    Any,
}

use Form::{Address, Any, Bool, Bytes, Int, List, Map, Record, Text, Time, Uuid};

/// A value has another type than its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MisfitError {
    /// The key, and those within it: `OS/Name`.
    pub path: String,
    /// What was expected, such as `a string`.
    pub expected: &'static str,
}

impl fmt::Display for MisfitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read {}: expected {}", self.path, self.expected)
    }
}

impl std::error::Error for MisfitError {}

impl MisfitError {
    fn within(self, name: &str) -> Self {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{name}/{}", self.path) };
        Self { path, ..self }
    }
}

impl RawModel {
    /// Makes the object complete and regular: all `keys` there, in the wire's spelling and form, none of them `null`
    /// that could be empty instead. A key in other letter case is taken for the one meant, as Go peers do; keys that
    /// are not among them stay as they are.
    ///
    /// ```
    /// use drp_core::{ModelType, RawModel};
    /// let mut workflow = RawModel::new(&serde_json::json!({"name": "w1", "Stages": null})).unwrap();
    /// workflow.fill(ModelType::find("workflows").unwrap().keys).unwrap();
    /// assert_eq!(workflow.text("Name"), "w1");
    /// assert_eq!(workflow.fields["Stages"].get(), "[]");
    /// ```
    ///
    /// # Errors
    /// A value has another type than its key; the object is then half done.
    pub fn fill(&mut self, keys: &[&[Field]]) -> Result<(), MisfitError> {
        respell(keys, self);
        for field in keys.iter().copied().flatten() {
            let given = self.fields.get(field.name).filter(|value| !value.is_null());
            let value = match given {
                Some(value) => field.form.read(value).map_err(|error| error.within(field.name))?,
                None => field.form.zero(),
            };
            if field.is_omitted && says_nothing(&value) {
                self.fields.remove(field.name);
            } else {
                self.fields.insert(field.name.to_owned(), value);
            }
        }
        Ok(())
    }
}

fn says_nothing(value: &Raw) -> bool {
    matches!(value.get(), "\"\"" | "0" | "false" | "[]" | "{}" | "null")
}

fn respell(keys: &[&[Field]], object: &mut RawModel) {
    let misspelt = |key: &String| {
        let field = keys.iter().copied().flatten().find(|field| field.name.eq_ignore_ascii_case(key))?;
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
    /// The value of a key that was not given.
    #[must_use]
    pub fn zero(self) -> Raw {
        match self {
            Text | Uuid | Address => Raw::from(""),
            Bool => Raw::from(Value::Bool(false)),
            Int => Raw::from(Value::from(0)),
            Time => Raw::from(PointInTime::default().as_str()),
            List(_) => Raw::from(Value::Array(Vec::new())),
            Map(_) => Raw::from(Value::Object(serde_json::Map::new())),
            Record(keys) => record(keys, RawModel::default()).expect("an object without values has no wrong ones"),
            Any | Bytes => Raw::null(),
        }
    }

    /// The value in the wire's form.
    fn read(self, value: &Raw) -> Result<Raw, MisfitError> {
        let misfit = || MisfitError { path: String::new(), expected: self.description() };
        match self {
            Record(keys) => record(keys, value.parse().map_err(|_| misfit())?),
            List(item @ (List(_) | Map(_) | Record(_))) => {
                let items: Vec<Raw> = value.parse().map_err(|_| misfit())?;
                let items = items.iter().map(|value| item.read_or_zero(value)).collect::<Result<Vec<_>, _>>()?;
                Raw::new(&items).map_err(|_| misfit())
            }
            Map(item @ (List(_) | Map(_) | Record(_))) => {
                let items: BTreeMap<String, Raw> = value.parse().map_err(|_| misfit())?;
                let read = |(name, value): (String, Raw)| match item.read_or_zero(&value) {
                    Ok(value) => Ok((name, value)),
                    Err(error) => Err(error.within(&name)),
                };
                let items = items.into_iter().map(read).collect::<Result<BTreeMap<_, _>, _>>()?;
                Raw::new(&items).map_err(|_| misfit())
            }
            form => form.read_plain(value).or_else(|| form.read_items(value)).ok_or_else(misfit),
        }
    }

    /// A list or map of plain values some of which are `null`, which Go decodes as zero.
    fn read_items(self, value: &Raw) -> Option<Raw> {
        let read = |item: Self, value: &Raw| if value.is_null() { Some(item.zero()) } else { item.read_plain(value) };
        match self {
            List(item) => {
                let items: Vec<Raw> = value.parse().ok()?;
                Raw::new(&items.iter().map(|value| read(*item, value)).collect::<Option<Vec<_>>>()?).ok()
            }
            Map(item) => {
                let items: BTreeMap<String, Raw> = value.parse().ok()?;
                let items = items.iter().map(|(key, value)| Some((key, read(*item, value)?)));
                Raw::new(&items.collect::<Option<BTreeMap<_, _>>>()?).ok()
            }
            _ => None,
        }
    }

    fn read_or_zero(self, value: &Raw) -> Result<Raw, MisfitError> {
        if value.is_null() { Ok(self.zero()) } else { self.read(value) }
    }

    /// The value in the wire's form, if it has this form at all and nothing in it has one of its own.
    fn read_plain(self, value: &Raw) -> Option<Raw> {
        let same = |fits: bool| fits.then(|| value.clone());
        match self {
            Text => same(value.get().starts_with('"')),
            Bool => same(matches!(value.get(), "true" | "false")),
            Int => value.parse::<i64>().ok().or_else(|| whole(value)).map(|int| Raw::from(Value::from(int))),
            Uuid => value.parse::<crate::Uuid>().ok().map(|uuid| Raw::from(uuid.to_string().as_str())),
            Address => {
                let address: Blank<IpAddr> = value.parse().ok()?;
                Some(Raw::from(address.to_string().as_str()))
            }
            Time => {
                let time: PointInTime = value.parse().ok()?;
                same(time.timestamp().is_ok())
            }
            Bytes => same(STANDARD.decode(value.as_string()?).is_ok()),
            List(Any) => same(value.get().starts_with('[')),
            List(item) => {
                let items: Vec<Raw> = value.parse().ok()?;
                same(items.iter().all(|value| item.read_plain(value).is_some()))
            }
            Map(Any) | Record(_) => same(value.get().starts_with('{')),
            Map(item) => {
                let items: BTreeMap<String, Raw> = value.parse().ok()?;
                same(items.values().all(|value| item.read_plain(value).is_some()))
            }
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
            List(Text) => "a list of strings",
            List(Record(_)) => "a list of objects",
            List(_) => "a list",
            Map(Text) => "an object of strings",
            Map(_) | Record(_) => "an object",
            Any => "any value",
        }
    }
}

fn record(keys: &[&[Field]], mut object: RawModel) -> Result<Raw, MisfitError> {
    object.fill(keys)?;
    Raw::new(&object).map_err(|_| MisfitError { path: String::new(), expected: "an object" })
}

/// `5.0` is an integer to Go's decoders of untyped values, so clients in dynamic languages send it.
fn whole(value: &Raw) -> Option<i64> {
    let float: f64 = value.parse().ok()?;
    if float.fract() == 0.0 { format!("{float}").parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ModelType;
    use serde_json::json;

    fn filled(prefix: &str, value: &Value) -> Result<Value, String> {
        let mut object = RawModel::new(value).unwrap();
        object.fill(ModelType::find(prefix).unwrap().keys).map_err(|error| error.to_string())?;
        Ok(serde_json::to_value(object).unwrap())
    }

    #[test]
    fn values_of_another_form_are_named_with_their_path() {
        let check = |prefix: &str, value: Value, expected: &str| {
            assert_eq!(filled(prefix, &value).unwrap_err(), format!("cannot read {expected}"));
        };
        check("machines", json!({"Runnable": "yes"}), "Runnable: expected true or false");
        check("machines", json!({"Profiles": ["a", 1]}), "Profiles: expected a list of strings");
        check("machines", json!({"Meta": {"a": null, "b": 1}}), "Meta: expected an object of strings");
        check("machines", json!({"Fingerprint": {"SSNHash": "?"}}), "Fingerprint/SSNHash: expected base64");
        check("tasks", json!({"Templates": [{"Meta": 1}]}), "Templates/Meta: expected an object of strings");
        check("tenants", json!({"Members": {"jobs": 1}}), "Members/jobs: expected a list of strings");
        check("bootenvs", json!({"OS": {"Name": 5}}), "OS/Name: expected a string");
    }

    #[test]
    fn what_is_missing_or_null_is_filled_at_every_depth() {
        let boot_env =
            json!({"Name": "b1", "OS": {"SupportedArchitectures": {"amd64": {"kernel": "k"}, "arm64": null}}});
        let filled = filled("bootenvs", &boot_env).unwrap();
        let arches = &filled["OS"]["SupportedArchitectures"];
        assert_eq!((&arches["amd64"]["Kernel"], &arches["amd64"]["Initrds"]), (&json!("k"), &json!([])));
        assert_eq!(arches["arm64"]["Loader"], "");
        assert_eq!(filled["Loaders"], json!({}));
    }

    #[test]
    fn null_within_lists_and_maps_is_zero() {
        let task = json!({"Meta": {"color": null, "icon": "x"}, "RequiredParams": [null, "a"], "Templates": [{"Meta": {"b": null}}]});
        let filled = filled("tasks", &task).unwrap();
        assert_eq!(filled["Meta"], json!({"color": "", "icon": "x"}));
        assert_eq!(filled["RequiredParams"], json!(["", "a"]));
        assert_eq!(filled["Templates"][0]["Meta"], json!({"b": ""}));
    }

    #[test]
    fn integers_may_be_written_as_fractions_and_become_integers() {
        assert_eq!(filled("machines", &json!({"CurrentTask": 5.0})).unwrap()["CurrentTask"].to_string(), "5");
        assert!(filled("machines", &json!({"CurrentTask": 5.5})).is_err());
    }
}
