//! Where the values are that objects are compared by.

use std::collections::BTreeMap;

use drp_core::{Error, Form, Params, Raw, RawModel, Time, hex_key, network_range};

use super::{condition::Operand, refused};
use crate::types::{Index, IndexSource, ObjectType, active_range};

/// What objects are compared by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lookup {
    Index(Index),
    Param(String),
}

impl Lookup {
    /// The index of a name, or else the param.
    pub(super) fn find(kind: &ObjectType, name: &str) -> Option<Self> {
        let param = || (kind.has_params && drp_core::names::is_param_name(name)).then(|| Self::Param(name.to_owned()));
        kind.index(name).map(Self::Index).or_else(param)
    }

    /// What an object has here; `None` where it has nothing.
    pub(super) fn value(&self, object: &RawModel) -> Option<Operand> {
        let source = match self {
            Self::Index(index) => &index.source,
            Self::Param(name) => {
                let value = object.get::<Params>("Params")?.remove(name)?;
                return value.parse().ok().map(Operand::Json);
            }
        };
        match source {
            IndexSource::Field(name, form) => field_value(object, name, *form),
            IndexSource::HexAddress(name) => Some(Operand::Text(hex_key(&object.text(name)).into_owned())),
            IndexSource::Within(outer, inner) => Some(Operand::Text(object.get::<RawModel>(outer)?.text(inner))),
            IndexSource::ActiveRange => active_range(object).map(|(low, high)| Operand::Addresses(low, high)),
            IndexSource::Network => {
                network_range(&object.text("Subnet")).map(|(low, high)| Operand::Addresses(low, high))
            }
        }
    }

    /// The keys of an object that [`value`](Self::value) looks at.
    pub(super) fn fields(&self) -> impl Iterator<Item = &str> {
        let fields = match self {
            Self::Param(_) => ["Params", ""],
            Self::Index(index) => match &index.source {
                IndexSource::Field(name, _) => [name.as_str(), ""],
                IndexSource::HexAddress(name) | IndexSource::Within(name, _) => [*name, ""],
                IndexSource::ActiveRange => ["ActiveStart", "ActiveEnd"],
                IndexSource::Network => ["Subnet", ""],
            },
        };
        fields.into_iter().filter(|field| !field.is_empty())
    }

    /// The name of the index, if no two objects have the same value in it and the key of the one that has it can be
    /// looked up.
    pub(super) fn unique_name(&self) -> Option<&str> {
        match self {
            Self::Index(Index { name, info, source: IndexSource::Field(..) }) if info.unique => Some(name),
            _ => None,
        }
    }

    /// Reads a value of a request.
    pub(super) fn operand(&self, name: &str, text: &str) -> Result<Operand, Error> {
        Ok(match self.form() {
            Form::Bool => match text {
                "true" => Operand::Bool(true),
                "false" => Operand::Bool(false),
                _ => return Err(refused(format!("{name} must be true or false"))),
            },
            Form::Int => Operand::Int(text.parse().map_err(|_| refused(format!("{name} must be an integer")))?),
            Form::Uuid => {
                let uuid: drp_core::Uuid = text.parse().map_err(|_| refused(format!("Invalid UUID: {text}")))?;
                Operand::Text(uuid.to_string())
            }
            Form::Address if text.is_empty() => Operand::Address(None),
            Form::Address => {
                Operand::Address(Some(text.parse().map_err(|_| refused(format!("Invalid address: {text}")))?))
            }
            Form::Time => {
                let time = nanoseconds(&Raw::from(text));
                Operand::Time(time.ok_or_else(|| refused(not_a_time(text)))?)
            }
            Form::Text | Form::Bytes => Operand::Text(text.to_owned()),
            Form::List(Form::Text) | Form::Map(_) | Form::Record(_) => {
                Operand::Items(text.split(',').map(|item| item.trim().to_owned()).collect())
            }
            Form::List(_) | Form::Any => {
                let json = drp_core::json::parse(text.as_bytes()).unwrap_or_else(|_| serde_json::Value::from(text));
                Operand::Json(json)
            }
        })
    }

    pub(super) fn can_sort(&self) -> bool {
        match self {
            Self::Param(_) => true,
            Self::Index(index) => !index.info.unordered,
        }
    }

    pub(super) fn takes_regex(&self) -> bool {
        match self {
            // What a param holds is known only object by object; other values than texts do not match.
            Self::Param(_) => true,
            Self::Index(index) => index.info.regex,
        }
    }

    fn form(&self) -> Form {
        match self {
            Self::Param(_) => Form::Any,
            Self::Index(index) => match &index.source {
                IndexSource::Field(_, form) => *form,
                IndexSource::HexAddress(_) | IndexSource::Within(..) => Form::Text,
                IndexSource::ActiveRange | IndexSource::Network => Form::Address,
            },
        }
    }
}

fn field_value(object: &RawModel, name: &str, form: Form) -> Option<Operand> {
    match form {
        Form::Text | Form::Uuid | Form::Bytes => Some(Operand::Text(object.text(name))),
        Form::Bool => Some(Operand::Bool(object.get(name).unwrap_or_default())),
        Form::Int => Some(Operand::Int(object.get(name).unwrap_or_default())),
        Form::Address => Some(Operand::Address(object.text(name).parse().ok())),
        Form::Time => object.fields.get(name).and_then(nanoseconds).map(Operand::Time),
        Form::List(Form::Text) => Some(Operand::Items(object.get(name).unwrap_or_default())),
        Form::Map(_) | Form::Record(_) => {
            let map: BTreeMap<String, Raw> = object.get(name).unwrap_or_default();
            Some(Operand::Items(map.into_keys().collect()))
        }
        Form::List(_) | Form::Any => object.get(name).map(Operand::Json),
    }
}

fn nanoseconds(time: &Raw) -> Option<i128> {
    let time: Time = time.parse().ok()?;
    time.timestamp().ok().map(|time| time.as_nanosecond())
}

/// The text for what is no time, as clients know it: the layout that was tried, and where it failed.
fn not_a_time(text: &str) -> String {
    format!("parsing time {text:?} as \"2006-01-02T15:04:05Z07:00\": cannot parse {text:?} as \"2006\"")
}
