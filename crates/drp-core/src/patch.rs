//! JSON Patch as DRP peers make and apply it (`models.md` §20).
//!
//! RFC 6902, but: arrays take `add` only at an existing index or `-`, negative indexes count from the end, and
//! numbers compare by value. Values that a patch does not touch keep their text, so exact numbers stay exact.

mod apply;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use self::apply::Document;

#[cfg(doc)]
use crate::limits;
use crate::{Raw, json::same};

/// A list of operations that apply all or not at all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Patch(pub Vec<Operation>);

/// One operation. All four keys are always written, as the Go client does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// What to do.
    pub op: OperationKind,
    /// JSON pointer to where.
    pub path: String,
    /// JSON pointer to the source of a move or copy.
    #[serde(default)]
    pub from: String,
    /// The value to test for, add or put in place.
    #[serde(default)]
    pub value: Raw,
}

/// What an [`Operation`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names are those of RFC 6902")]
pub enum OperationKind {
    Test,
    Add,
    Replace,
    Remove,
    Move,
    Copy,
}

/// Which operation of a patch did not apply, and why. The texts are those that clients see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatchError {
    /// Index of the operation.
    pub index: usize,
    /// The reason.
    pub reason: String,
}

impl fmt::Display for PatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "patch operation {} does not apply: {}", self.index, self.reason)
    }
}

impl std::error::Error for PatchError {}

impl Operation {
    /// A `test` for a value.
    #[must_use]
    pub fn test(path: impl Into<String>, value: Raw) -> Self {
        Self { op: OperationKind::Test, path: path.into(), from: String::new(), value }
    }

    /// An `add` of a value.
    #[must_use]
    pub fn add(path: impl Into<String>, value: Raw) -> Self {
        Self { op: OperationKind::Add, path: path.into(), from: String::new(), value }
    }

    /// A `replace` by a value.
    #[must_use]
    pub fn replace(path: impl Into<String>, value: Raw) -> Self {
        Self { op: OperationKind::Replace, path: path.into(), from: String::new(), value }
    }

    /// A `remove`.
    #[must_use]
    pub fn remove(path: impl Into<String>) -> Self {
        Self { op: OperationKind::Remove, path: path.into(), from: String::new(), value: Raw::null() }
    }
}

/// The JSON pointer of a chain of keys: `["Params", "a/b"]` is `/Params/a~1b`.
#[must_use]
pub fn pointer<'a>(keys: impl IntoIterator<Item = &'a str>) -> String {
    keys.into_iter().fold(String::new(), |path, key| path + "/" + &key.replace('~', "~0").replace('/', "~1"))
}

impl Patch {
    /// The patch that turns `old` into `new`: each replace and remove stands behind a test of the old value, so that
    /// it fails where somebody else was faster. Objects are compared key by key, arrays and scalars replaced whole.
    ///
    /// A member of an object that is `null` counts as none: real servers refuse operations with the value `null`.
    /// What becomes `null` is removed therefore, and what was `null` is added without a test.
    ///
    /// ```
    /// use drp_core::{Raw, patch::Patch};
    /// let raw = |text: &str| serde_json::from_str::<Raw>(text).unwrap();
    /// let patch = Patch::between(&raw(r#"{"a": 1, "b": [2]}"#), &raw(r#"{"a": 1, "b": [3]}"#));
    /// assert_eq!(patch.0.len(), 2, "a test of /b, and what replaces it");
    /// assert_eq!(patch.apply(&raw(r#"{"b": [2], "c": 4}"#)).unwrap().get(), r#"{"b":[3],"c":4}"#);
    /// assert!(patch.apply(&raw(r#"{"b": [5]}"#)).is_err());
    /// ```
    #[must_use]
    pub fn between(old: &Raw, new: &Raw) -> Self {
        let mut patch = Self::default();
        patch.compare("", old, new);
        patch
    }

    fn compare(&mut self, path: &str, old: &Raw, new: &Raw) {
        let (Some(old_keys), Some(new_keys)) = (keys_of(old), keys_of(new)) else {
            if !same(old, new) {
                self.0.extend([Operation::test(path, old.clone()), Operation::replace(path, new.clone())]);
            }
            return;
        };
        let below = |key: &str| path.to_owned() + &pointer([key]);
        let not_null = |value: &&Raw| !value.is_null();
        for (key, value) in &old_keys {
            match new_keys.get(key).filter(not_null) {
                Some(new_value) if value.is_null() => self.0.push(Operation::add(below(key), new_value.clone())),
                Some(new_value) => self.compare(&below(key), value, new_value),
                None if !value.is_null() => {
                    self.0.extend([Operation::test(below(key), value.clone()), Operation::remove(below(key))]);
                }
                None if !new_keys.contains_key(key) => self.0.push(Operation::remove(below(key))),
                None => {}
            }
        }
        for (key, value) in new_keys.iter().filter(|(key, value)| !value.is_null() && !old_keys.contains_key(*key)) {
            self.0.push(Operation::add(below(key), value.clone()));
        }
    }

    /// The document with the patch applied. It may not nest deeper than [`limits::JSON_DEPTH_MAX`] then, and copies
    /// may not add more than [`limits::BODY_BYTES_MAX`] to it, nor all operations together move more than
    /// [`limits::PATCH_MOVED_BYTES_MAX`] about in it.
    ///
    /// # Errors
    /// An operation does not apply; then none does.
    pub fn apply(&self, document: &Raw) -> Result<Raw, PatchError> {
        let mut document = Document::new(document);
        for (index, operation) in self.0.iter().enumerate() {
            document.apply(operation).map_err(|reason| PatchError { index, reason })?;
        }
        Ok(document.into_raw())
    }
}

fn keys_of(value: &Raw) -> Option<BTreeMap<String, Raw>> {
    value.get().starts_with('{').then(|| value.parse().ok()).flatten()
}
