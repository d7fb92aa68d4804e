//! JSON Patch as DRP peers make and apply it (`models.md` §20).
//!
//! RFC 6902, but: arrays take `add` only at an existing index or `-`, negative indexes count from the end, and
//! numbers compare by value. Values that a patch does not touch keep their text, so exact numbers stay exact.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

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
        for (key, value) in &old_keys {
            match new_keys.get(key) {
                Some(new_value) => self.compare(&below(key), value, new_value),
                None => self.0.extend([Operation::test(below(key), value.clone()), Operation::remove(below(key))]),
            }
        }
        for (key, value) in new_keys.iter().filter(|(key, _)| !old_keys.contains_key(*key)) {
            self.0.push(Operation::add(below(key), value.clone()));
        }
    }

    /// The document with the patch applied.
    ///
    /// # Errors
    /// An operation does not apply; then none does.
    pub fn apply(&self, document: &Raw) -> Result<Raw, PatchError> {
        let mut root = Node::Leaf(document.clone());
        for (index, operation) in self.0.iter().enumerate() {
            root.apply(operation).map_err(|reason| PatchError { index, reason })?;
        }
        Ok(root.into_raw())
    }
}

fn keys_of(value: &Raw) -> Option<BTreeMap<String, Raw>> {
    value.get().starts_with('{').then(|| value.parse().ok()).flatten()
}

/// A document that is taken apart only along the paths that a patch names.
#[derive(Clone)]
enum Node {
    Leaf(Raw),
    Object(BTreeMap<String, Node>),
    Array(Vec<Node>),
}

impl Node {
    fn apply(&mut self, operation: &Operation) -> Result<(), String> {
        let path = split(&operation.path)?;
        match operation.op {
            OperationKind::Test => {
                let found = self.find(&path, &operation.path)?.clone().into_raw();
                if same(&found, &operation.value) { Ok(()) } else { Err("Test op failed.".to_owned()) }
            }
            OperationKind::Replace => {
                *self.find(&path, &operation.path)? = Self::Leaf(operation.value.clone());
                Ok(())
            }
            OperationKind::Add => self.add(&path, &operation.path, Self::Leaf(operation.value.clone())),
            OperationKind::Remove => self.remove(&path, &operation.path).map(drop),
            OperationKind::Move => {
                if operation.path.strip_prefix(&operation.from).is_some_and(|rest| rest.starts_with('/')) {
                    return Err(format!("cannot move `{}` into itself", operation.from));
                }
                let value = self.remove(&split(&operation.from)?, &operation.from)?;
                self.add(&path, &operation.path, value)
            }
            OperationKind::Copy => {
                let value = self.find(&split(&operation.from)?, &operation.from)?.clone();
                self.add(&path, &operation.path, value)
            }
        }
    }

    fn find(&mut self, path: &[String], pointer: &str) -> Result<&mut Self, String> {
        path.iter().try_fold(self, |node, key| match node.open() {
            Self::Object(members) => {
                members.get_mut(key).ok_or_else(|| format!("`{pointer}` does not point to an existing location"))
            }
            Self::Array(items) => {
                let index = index_of(key, items.len())?;
                items.get_mut(index).ok_or_else(|| "Index out of bounds".to_owned())
            }
            Self::Leaf(_) => Err(format!("`{pointer}` does not point to an existing location")),
        })
    }

    fn add(&mut self, path: &[String], pointer: &str, value: Self) -> Result<(), String> {
        let Some((key, parents)) = path.split_last() else {
            return Err("cannot add the whole document: replace it".to_owned());
        };
        match self.find(parents, pointer)?.open() {
            Self::Object(members) => {
                members.insert(key.clone(), value);
                Ok(())
            }
            Self::Array(items) if key == "-" => {
                items.push(value);
                Ok(())
            }
            Self::Array(items) => {
                let index = index_of(key, items.len())?;
                items.insert(index, value);
                Ok(())
            }
            Self::Leaf(_) => Err(format!("Selector {key} not a member of a scalar")),
        }
    }

    fn remove(&mut self, path: &[String], pointer: &str) -> Result<Self, String> {
        let missing = || format!("`{pointer}` does not point to an existing location");
        let Some((key, parents)) = path.split_last() else {
            return Err("cannot remove the whole document".to_owned());
        };
        match self.find(parents, pointer)?.open() {
            Self::Object(members) => members.remove(key).ok_or_else(missing),
            Self::Array(items) => {
                let index = index_of(key, items.len())?;
                Ok(items.remove(index))
            }
            Self::Leaf(_) => Err(missing()),
        }
    }

    /// Takes a leaf apart if it is an object or array.
    fn open(&mut self) -> &mut Self {
        if let Self::Leaf(raw) = self {
            let leaf = |(key, value)| (key, Self::Leaf(value));
            if let Ok(members) = raw.parse::<BTreeMap<String, Raw>>() {
                *self = Self::Object(members.into_iter().map(leaf).collect());
            } else if let Ok(items) = raw.parse::<Vec<Raw>>() {
                *self = Self::Array(items.into_iter().map(Self::Leaf).collect());
            }
        }
        self
    }

    fn into_raw(self) -> Raw {
        let text = |raw: Result<Raw, serde_json::Error>| raw.expect("raw values under string keys are JSON");
        match self {
            Self::Leaf(raw) => raw,
            Self::Object(members) => {
                let members: BTreeMap<String, Raw> =
                    members.into_iter().map(|(k, node)| (k, node.into_raw())).collect();
                text(Raw::new(&members))
            }
            Self::Array(items) => text(Raw::new(&items.into_iter().map(Self::into_raw).collect::<Vec<_>>())),
        }
    }
}

fn split(pointer: &str) -> Result<Vec<String>, String> {
    if pointer.is_empty() {
        return Ok(Vec::new());
    }
    let rest = pointer.strip_prefix('/').ok_or_else(|| format!("`{pointer}` is no JSON pointer"))?;
    rest.split('/')
        .map(|key| {
            let plain = key.replace("~1", "").replace("~0", "");
            if plain.contains('~') {
                return Err(format!("`{pointer}` is no JSON pointer"));
            }
            Ok(key.replace("~1", "/").replace("~0", "~"))
        })
        .collect()
}

fn index_of(key: &str, len: usize) -> Result<usize, String> {
    let outside = || "Index out of bounds".to_owned();
    let index: i64 = key.parse().map_err(|_| format!("Selector {key} not a member of an array"))?;
    let len_signed = i64::try_from(len).map_err(|_| outside())?;
    let index = if index < 0 { index + len_signed } else { index };
    usize::try_from(index).ok().filter(|&index| index < len).ok_or_else(outside)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Raw {
        serde_json::from_str(text).unwrap()
    }

    fn apply(document: &str, patch: &str) -> Result<String, PatchError> {
        let patch: Patch = serde_json::from_str(patch).unwrap();
        patch.apply(&raw(document)).map(|raw| raw.get().to_owned())
    }

    #[test]
    fn operations_apply_in_order_and_keep_untouched_text() {
        let patch = r#"[{"op":"test","path":"/a","value":1.0},{"op":"replace","path":"/a","value":2},
            {"op":"add","path":"/b/-","value":3},{"op":"remove","path":"/c"},{"op":"add","path":"/x~1y","value":null}]"#;
        let document = r#"{"a":1,"b":[9007199254740993],"c":true,"d":1.10}"#;
        let expected = r#"{"a":2,"b":[9007199254740993,3],"d":1.10,"x/y":null}"#;
        assert_eq!(apply(document, patch).unwrap(), expected);
    }

    #[test]
    fn failures_name_the_operation_and_the_reason() {
        let check = |patch: &str, index: usize, reason: &str| {
            let error = apply(r#"{"a":[1,2],"b":1}"#, patch).unwrap_err();
            assert_eq!((error.index, error.reason.as_str()), (index, reason), "{patch}");
        };
        check(r#"[{"op":"test","path":"/b","value":2}]"#, 0, "Test op failed.");
        check(
            r#"[{"op":"test","path":"/b","value":1},{"op":"remove","path":"/z"}]"#,
            1,
            "`/z` does not point to an existing location",
        );
        check(r#"[{"op":"add","path":"/a/2","value":1}]"#, 0, "Index out of bounds");
        check(r#"[{"op":"add","path":"a","value":1}]"#, 0, "`a` is no JSON pointer");
        check(r#"[{"op":"test","path":"/~2","value":1}]"#, 0, "`/~2` is no JSON pointer");
    }

    #[test]
    fn negative_indexes_count_from_the_end() {
        assert_eq!(apply("[1,2,3]", r#"[{"op":"remove","path":"/-1"}]"#).unwrap(), "[1,2]");
    }

    #[test]
    fn a_generated_patch_tests_what_it_changes_and_leads_to_the_target() {
        let old = raw(r#"{"Name":"a","Params":{"x/y":1,"z":[1]},"Gone":1}"#);
        let new = raw(r#"{"Name":"b","Params":{"x/y":1,"z":[2]},"New":{}}"#);
        let patch = Patch::between(&old, &new);
        let steps: Vec<String> = patch.0.iter().map(|o| format!("{:?} {}", o.op, o.path)).collect();
        let expected = [
            "Test /Gone",
            "Remove /Gone",
            "Test /Name",
            "Replace /Name",
            "Test /Params/z",
            "Replace /Params/z",
            "Add /New",
        ];
        assert_eq!(steps, expected);
        assert_eq!(patch.apply(&old).unwrap(), new);
        assert!(Patch::between(&old, &old).0.is_empty());
    }
}
