//! What objects can be found, filtered and sorted by (`models.md` §21.2).

use std::collections::BTreeMap;

use drp_core::{Form, Raw};
use serde::Serialize;
use serde_json::Value;

use super::ObjectType;

/// Keys that are no index, whatever their form: what is secret, and what is shown under another name.
const UNINDEXED: [&str; 6] = ["Secret", "Fingerprint", "Validated", "Errors", "Partial", "PluginErrors"];
/// What clients are told of a custom type beside what it declares, as a v4 server does. Its other keys can be compared
/// all the same.
const TOLD_OF_CUSTOM_TYPES: [&str; 6] = ["Key", "Id", "Type", "Available", "Valid", "ReadOnly"];

/// What `GET /indexes` tells of an index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct IndexInfo {
    /// What is compared.
    #[serde(rename = "Type")]
    pub(crate) type_: &'static str,
    /// No two objects have the same value, and `NAME:VALUE` stands for the object.
    pub(crate) unique: bool,
    /// Objects cannot be sorted by it.
    pub(crate) unordered: bool,
    /// It can be compared with a regular expression.
    pub(crate) regex: bool,
}

/// An index of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Index {
    /// Its name in requests.
    pub(crate) name: String,
    /// Where its values are.
    pub(crate) source: IndexSource,
    /// What clients are told of it.
    pub(crate) info: IndexInfo,
}

/// Where the values of an index are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum IndexSource {
    /// A key of the object.
    Field(String, Form),
    /// An address, as the eight hexadecimal digits that are the object's key.
    HexAddress(&'static str),
    /// A text within an object's value.
    Within(&'static str, &'static str),
    /// The addresses that a subnet gives away.
    ActiveRange,
    /// The addresses of a subnet.
    Network,
}

/// An index that is no key of the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Derived {
    /// Another name of an index.
    Alias(&'static str),
    /// A text within the value of a key.
    Within(&'static str, &'static str),
    /// The addresses that a subnet gives away.
    ActiveRange,
    /// The addresses of a subnet.
    Network,
}

impl ObjectType {
    /// All indexes as clients are told of them.
    pub(crate) fn indexes(&self) -> BTreeMap<String, IndexInfo> {
        let is_told = |name: &str| {
            self.custom.is_none()
                || TOLD_OF_CUSTOM_TYPES.contains(&name)
                || self.declared().any(|(declared, _)| declared == name)
        };
        self.all_indexes().filter(|index| is_told(&index.name)).map(|index| (index.name, index.info)).collect()
    }

    /// An index by its name.
    pub(crate) fn index(&self, name: &str) -> Option<Index> {
        self.all_indexes().find(|index| index.name == name)
    }

    fn all_indexes(&self) -> impl Iterator<Item = Index> {
        let fields = self.fields().filter(|field| {
            let is_hidden = UNINDEXED.contains(&field.name) || self.hidden.contains(&field.name);
            !is_hidden && (has_index(field.form) || field.name == "Params")
        });
        let fields = fields.map(|field| self.field_index(field.name, field.name, field.form));
        let declared = self.declared().map(|(name, schema)| self.field_index(name, name, form_of(schema)));
        let derived = self.indexes.iter().filter_map(|(name, derived)| self.derived_index(name, *derived));
        let valid = self.field_index("Valid", "Validated", Form::Bool);
        [self.key_index(), valid].into_iter().chain(fields).chain(declared).chain(derived)
    }

    fn key_index(&self) -> Index {
        let source = match self.key_form {
            super::KeyForm::Text => IndexSource::Field(self.key_field.to_owned(), Form::Text),
            super::KeyForm::HexAddress => IndexSource::HexAddress(self.key_field),
        };
        Index { name: "Key".to_owned(), source, info: IndexInfo { unique: true, ..info_of(Form::Text) } }
    }

    fn field_index(&self, name: &str, field: &str, form: Form) -> Index {
        let unique = (name == self.key_field && self.custom.is_none()) || self.unique.contains(&name);
        let info = IndexInfo { unique, ..info_of(form) };
        Index { name: name.to_owned(), source: IndexSource::Field(field.to_owned(), form), info }
    }

    fn derived_index(&self, name: &str, derived: Derived) -> Option<Index> {
        let source = match derived {
            Derived::Alias(of) => {
                let field = self.fields().find(|field| field.name == of)?;
                return Some(self.field_index(name, of, field.form));
            }
            Derived::Within(outer, inner) => IndexSource::Within(outer, inner),
            Derived::ActiveRange => IndexSource::ActiveRange,
            Derived::Network => IndexSource::Network,
        };
        let info = match source {
            IndexSource::Within(..) => info_of(Form::Text),
            // An address lies within, or not; there is no order of such ranges.
            _ => IndexInfo { unordered: true, ..info_of(Form::Address) },
        };
        Some(Index { name: name.to_owned(), source, info })
    }
}

/// What objects of every type are found by, even of one that nobody knows.
pub(crate) fn indexes_of_every_type() -> BTreeMap<String, IndexInfo> {
    let key = IndexInfo { unique: true, ..info_of(Form::Text) };
    let flags = ["Available", "ReadOnly", "Valid"].map(|name| (name.to_owned(), info_of(Form::Bool)));
    flags.into_iter().chain([("Key".to_owned(), key)]).collect()
}

fn has_index(form: Form) -> bool {
    use Form::{Address, Bool, Int, List, Text, Time, Uuid};
    matches!(form, Text | Bool | Int | Uuid | Address | Time | List(Text))
}

fn info_of(form: Form) -> IndexInfo {
    let ordered = |type_| IndexInfo { type_, ..IndexInfo::default() };
    let unordered = |type_| IndexInfo { type_, unordered: true, ..IndexInfo::default() };
    match form {
        Form::Text | Form::Bytes => IndexInfo { regex: true, ..ordered("string") },
        Form::Bool => unordered("boolean"),
        Form::Int => ordered("integer"),
        Form::Uuid => ordered("UUID string"),
        Form::Address => ordered("IP Address"),
        Form::Time => ordered("dateTime"),
        Form::List(_) | Form::Map(_) | Form::Record(_) => unordered("list"),
        Form::Any => ordered("any"),
    }
}

/// What the values of a custom type's property are.
fn form_of(schema: &Raw) -> Form {
    let schema: Value = schema.parse().unwrap_or_default();
    match schema.get("type").and_then(Value::as_str) {
        Some("string") => Form::Text,
        Some("boolean") => Form::Bool,
        Some("integer") => Form::Int,
        _ => Form::Any,
    }
}
