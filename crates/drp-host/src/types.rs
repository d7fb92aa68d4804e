//! The object types there are. A type is one entry of [`built_in`]; custom types come and go with their provider.
//!
//! # Choices
//! * What an object's own check finds is prefixed with its key, ``KEY: Invalid Name `x` ``, as v4.8 does; 3.9 had the
//!   tail alone, which is what clients match on. Texts of schemas (custom types, param values) have no prefix in
//!   either.
//! * A new machine is always runnable: Go clients cannot leave a boolean out, so all of them send `false` and expect
//!   `true` back (`vectors/wire/drpcli-machines.jsonl`).

mod check;
mod custom;
mod indexes;
mod scopes;
mod table;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use drp_content::Schemas;
use drp_core::{Field, Map, MisfitError, Problem, Raw, RawModel, hex_key};
use serde_json::Value;

pub(crate) use self::{
    check::{
        job::is_over,
        machine::{DEFAULT_BOOT_ENV, DEFAULT_STAGE},
        network::active_range,
    },
    indexes::{Index, IndexInfo, IndexSource, indexes_of_every_type},
};
use self::{custom::Definition, indexes::Derived, table::built_in};

/// Keys that only the server sets (`models.md` §2).
pub(crate) const SERVER_OWNED: [&str; 7] =
    ["Validated", "Available", "Errors", "ReadOnly", "Bundle", "Endpoint", "Partial"];

const HIDDEN_OF_USERS: &[&str] = &["PasswordHash", "Secret"];

/// One object type.
#[derive(Clone, Debug)]
pub(crate) struct ObjectType {
    /// Its name in URLs and events, and the store's section.
    pub(crate) prefix: String,
    /// The key that holds an object's key.
    pub(crate) key_field: &'static str,
    /// Further keys whose values are unique, and by which objects can be found.
    pub(crate) unique: &'static [&'static str],
    /// Keys that clients never see: they are left out on the API and in events.
    pub(crate) hidden: &'static [&'static str],
    /// Objects hold param values, and have a key pair.
    pub(crate) has_params: bool,
    /// Plugins may offer actions on objects.
    pub(crate) has_actions: bool,
    key_form: KeyForm,
    keys: &'static [&'static [Field]],
    /// Indexes that are no key of the object.
    indexes: &'static [(&'static str, Derived)],
    /// Puts in what the server makes: for a new object, or for one that replaces `before`.
    complete: fn(&mut RawModel, before: Option<&RawModel>),
    /// What the model itself knows of what is wrong with an object.
    validate: fn(&RawModel) -> Result<Vec<Problem>, serde_json::Error>,
    /// What only the server can know of it, beside what an object says of others (`objects/references.rs`).
    check: fn(&RawModel, &Schemas, &mut Vec<String>),
    custom: Option<Arc<Definition>>,
}

/// How an object's key is made of the value of its key field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyForm {
    /// It is the value.
    Text,
    /// An IPv4 address as eight hexadecimal digits.
    HexAddress,
}

impl KeyForm {
    fn key<'a>(self, value: &'a str) -> Cow<'a, str> {
        match self {
            Self::Text => Cow::Borrowed(value),
            Self::HexAddress => hex_key(value),
        }
    }

    fn value<'a>(self, key: &'a str) -> Cow<'a, str> {
        match self {
            Self::HexAddress if key.len() == 8 => match u32::from_str_radix(key, 16) {
                Ok(bits) => Cow::Owned(Ipv4Addr::from_bits(bits).to_string()),
                Err(_) => Cow::Borrowed(key),
            },
            Self::Text | Self::HexAddress => Cow::Borrowed(key),
        }
    }
}

fn custom_type(prefix: &str, definition: Definition) -> ObjectType {
    ObjectType {
        prefix: prefix.to_owned(),
        key_field: "Id",
        unique: &[],
        hidden: &[],
        has_params: true,
        has_actions: true,
        key_form: KeyForm::Text,
        keys: RawModel::KEYS,
        indexes: &[],
        complete: |_, _| {},
        validate: |_| Ok(Vec::new()),
        check: |_, _, _| {},
        custom: Some(Arc::new(definition)),
    }
}

impl ObjectType {
    /// The keys that objects of this type always have.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &'static Field> {
        self.keys.iter().copied().flatten()
    }

    /// The properties that a custom type declares, with their schemas.
    pub(crate) fn declared(&self) -> impl Iterator<Item = (&String, &Raw)> {
        self.custom.iter().flat_map(|definition| definition.properties())
    }

    /// The key of a filled object; empty where it has none.
    pub(crate) fn key_of(&self, object: &RawModel) -> String {
        self.key_form.key(&object.text(self.key_field)).into_owned()
    }

    /// The key that a client means: an address may also be written as one.
    pub(crate) fn key_meant<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.key_form.key(text)
    }

    /// Gives an object its key.
    pub(crate) fn set_key(&self, object: &mut RawModel, key: &str) {
        set_text(object, self.key_field, &self.key_form.value(key));
    }

    /// Makes an object complete and regular: all keys there, in the wire's spelling and form, none of them `null`.
    ///
    /// # Errors
    /// A value has another type than its key; the object is then half done.
    pub(crate) fn fill(&self, object: &mut RawModel) -> Result<(), MisfitError> {
        object.fill(self.keys)
    }

    /// Puts in what the server owns: what it makes, what it sets and what clients never see. `before` is the object
    /// that is replaced, filled.
    pub(crate) fn complete(&self, object: &mut RawModel, before: Option<&RawModel>) {
        for name in SERVER_OWNED {
            let kept = before.and_then(|before| before.fields.get(name)).cloned();
            let zero = || self.fields().find(|field| field.name == name).map(|field| field.form.zero());
            match kept.or_else(zero) {
                Some(value) => drop(object.fields.insert(name.to_owned(), value)),
                None => drop(object.fields.remove(name)),
            }
        }
        if self.custom.is_some() && object.text("Type").is_empty() {
            set_text(object, "Type", &self.prefix);
        }
        for name in self.hidden {
            // A client that writes back what it has read has not seen these, and does not mean to clear them.
            if object.text(name).is_empty()
                && let Some(kept) = before.and_then(|before| before.fields.get(*name))
            {
                object.fields.insert((*name).to_owned(), kept.clone());
            }
        }
        (self.complete)(object, before);
    }

    /// Everything that is wrong with a filled object, as the texts that clients see.
    pub(crate) fn problems(&self, object: &RawModel, schemas: &Schemas) -> Vec<String> {
        let mut found = match (self.validate)(object) {
            Ok(problems) => problems.iter().map(Problem::to_string).collect(),
            Err(error) => vec![error.to_string()],
        };
        (self.check)(object, schemas, &mut found);
        let key = self.key_of(object);
        let mut problems: Vec<_> = found.into_iter().map(|problem| format!("{key}: {problem}")).collect();
        if let Some(definition) = &self.custom {
            let type_ = object.text("Type");
            if type_ != self.prefix {
                problems.push(format!("Error in value: Type: must be {}, given: {type_}", self.prefix));
            }
            problems.extend(definition.problems(object, schemas));
        }
        problems
    }

    /// Marks an object as one that has passed all checks, and is available if it has no shortcomings.
    pub(crate) fn mark_valid(object: &mut RawModel, shortcomings: &[String]) {
        for (name, value) in [("Validated", true), ("Available", shortcomings.is_empty())] {
            object.fields.insert(name.to_owned(), Raw::from(Value::Bool(value)));
        }
        object.fields.insert("Errors".to_owned(), Raw::from(Value::from(shortcomings)));
    }

    /// Takes out what clients never see.
    pub(crate) fn redact(&self, object: &mut RawModel) {
        for name in self.hidden {
            object.fields.remove(*name);
        }
    }
}

/// Sets a key to a text.
pub(crate) fn set_text(object: &mut RawModel, name: &str, text: &str) {
    object.fields.insert(name.to_owned(), Raw::from(text));
}

/// The keys that clients never see, of the type `prefix`; the type need not be known at the moment, because only
/// built-in ones have any.
pub(crate) fn hidden_of(prefix: &str) -> &'static [&'static str] {
    if prefix == "users" { HIDDEN_OF_USERS } else { &[] }
}

/// A custom type cannot be taken in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DeclareError {
    /// The name breaks the rule for names.
    #[error("Invalid object type `{0}`")]
    Name(String),
    /// The name stands for something else in the API.
    #[error("Object type {0} is already in use by the server")]
    Taken(String),
    /// Somebody else declares it otherwise.
    #[error("Object type {name} is already defined otherwise by {by}")]
    Differs {
        /// The type.
        name: String,
        /// Who declared it first.
        by: String,
    },
    /// The definition is neither a map of properties nor a schema.
    #[error("Object type {name}: {problem}")]
    Definition {
        /// The type.
        name: String,
        /// What is wrong.
        problem: String,
    },
}

/// First parts of API paths that are no object type of this host, so that no custom type may hide them.
const RESERVED: [&str; 21] = [
    "contents",
    "events",
    "files",
    "indexes",
    "info",
    "interfaces",
    "isos",
    "logs",
    "meta",
    "objects",
    "plugin-apis",
    "plugin_providers",
    "preferences",
    "prefs",
    "system",
    "whoami",
    "ws",
    "log",
    "websocket",
    "plugin",
    "plugin_provider",
];

/// All types of a moment: those built in and those that providers declare.
#[derive(Clone, Debug)]
pub(crate) struct Types {
    known: BTreeMap<String, Arc<ObjectType>>,
    /// For each custom type, who declares it.
    declared_by: BTreeMap<String, Vec<String>>,
}

impl Types {
    /// The types built in.
    pub(crate) fn new() -> Self {
        let known = built_in().into_iter().map(|kind| (kind.prefix.clone(), Arc::new(kind))).collect();
        Self { known, declared_by: BTreeMap::new() }
    }

    /// The type of a prefix, if there is one.
    pub(crate) fn find(&self, prefix: &str) -> Option<Arc<ObjectType>> {
        self.known.get(prefix).cloned()
    }

    /// All types, sorted by prefix.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<ObjectType>> {
        self.known.values()
    }

    /// These types with those that `provider` declares, in place of what it declared before. Several providers may
    /// declare a type if they define it alike.
    ///
    /// # Errors
    /// See [`DeclareError`].
    pub(crate) fn with(&self, provider: &str, types: &Map<Raw>, schemas: &Schemas) -> Result<Self, DeclareError> {
        let mut all = self.without(provider);
        for (name, definition) in types {
            if !drp_core::names::is_name(name) {
                return Err(DeclareError::Name(name.clone()));
            }
            let by = all.declared_by.entry(name.clone()).or_default();
            match all.known.get(name).map(|kind| &kind.custom) {
                Some(None) => return Err(DeclareError::Taken(name.clone())),
                None if RESERVED.contains(&name.as_str()) => return Err(DeclareError::Taken(name.clone())),
                Some(Some(known)) if !known.is_defined_as(definition) => {
                    return Err(DeclareError::Differs { name: name.clone(), by: by.join(", ") });
                }
                Some(Some(_)) => {}
                None => {
                    let read = Definition::read(definition, schemas)
                        .map_err(|problem| DeclareError::Definition { name: name.clone(), problem })?;
                    all.known.insert(name.clone(), Arc::new(custom_type(name, read)));
                }
            }
            by.push(provider.to_owned());
        }
        Ok(all)
    }

    /// These types without those that `provider` alone declares.
    pub(crate) fn without(&self, provider: &str) -> Self {
        let mut all = self.clone();
        all.declared_by.retain(|name, by| {
            by.retain(|declarer| declarer != provider);
            if by.is_empty() {
                all.known.remove(name);
            }
            !by.is_empty()
        });
        all
    }
}

#[cfg(test)]
mod tests;
