//! Applying a patch, within limits: a few copies into itself would make any document as large and deep as one likes,
//! and many small operations on a large one could take hours.

use std::collections::BTreeMap;

use super::{Operation, OperationKind};
use crate::{
    Raw,
    json::{depth, same},
    limits,
};

/// A document that is being patched.
pub(super) struct Document {
    root: Node,
    /// Bytes that copies may still add.
    pub(super) copies_left: usize,
    pub(super) moves: Moves,
}

/// How much may still be moved about.
pub(super) struct Moves {
    pub(super) bytes_left: u64,
}

impl Moves {
    fn spend(&mut self, bytes: usize) -> Result<(), String> {
        let too_many = || format!("it moves more than {} bytes about", limits::PATCH_MOVED_BYTES_MAX);
        self.bytes_left = self.bytes_left.checked_sub(bytes as u64).ok_or_else(too_many)?;
        Ok(())
    }

    /// The items of an array from an index on make room or close a gap.
    fn shift(&mut self, items: &[Node], index: usize) -> Result<(), String> {
        self.spend(items.get(index..).map_or(0, size_of_val))
    }
}

impl Document {
    pub(super) fn new(document: &Raw) -> Self {
        let moves = Moves { bytes_left: limits::PATCH_MOVED_BYTES_MAX };
        Self { root: Node::Leaf(document.clone()), copies_left: limits::BODY_BYTES_MAX, moves }
    }

    pub(super) fn into_raw(self) -> Raw {
        self.root.into_raw()
    }

    pub(super) fn apply(&mut self, operation: &Operation) -> Result<(), String> {
        let path = split(&operation.path)?;
        let value = || Node::Leaf(operation.value.clone());
        let moves = &mut self.moves;
        match operation.op {
            OperationKind::Test => {
                let found = self.root.find(&path, &operation.path)?.clone().into_raw();
                if same(&found, &operation.value) { Ok(()) } else { Err("Test op failed.".to_owned()) }
            }
            OperationKind::Replace => {
                value().check_depth_below(&path)?;
                *self.root.find(&path, &operation.path)? = value();
                Ok(())
            }
            OperationKind::Add => self.root.add(&path, &operation.path, value(), moves),
            OperationKind::Remove => self.root.remove(&path, &operation.path, moves).map(drop),
            OperationKind::Move => {
                if operation.path.strip_prefix(&operation.from).is_some_and(|rest| rest.starts_with('/')) {
                    return Err(format!("cannot move `{}` into itself", operation.from));
                }
                let value = self.root.remove(&split(&operation.from)?, &operation.from, moves)?;
                // All of it is looked at for its depth.
                moves.spend(value.bytes())?;
                self.root.add(&path, &operation.path, value, moves)
            }
            OperationKind::Copy => {
                let source = self.root.find(&split(&operation.from)?, &operation.from)?;
                let too_large = || format!("copies add more than {} bytes", limits::BODY_BYTES_MAX);
                self.copies_left = self.copies_left.checked_sub(source.bytes()).ok_or_else(too_large)?;
                let value = source.clone();
                self.root.add(&path, &operation.path, value, moves)
            }
        }
    }
}

/// A document that is taken apart only along the paths that a patch names.
#[derive(Clone)]
enum Node {
    Leaf(Raw),
    Object(BTreeMap<String, Node>),
    Array(Vec<Node>),
}

impl Node {
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

    fn add(&mut self, path: &[String], pointer: &str, value: Self, moves: &mut Moves) -> Result<(), String> {
        let Some((key, parents)) = path.split_last() else {
            return Err("cannot add the whole document: replace it".to_owned());
        };
        value.check_depth_below(path)?;
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
                moves.shift(items, index)?;
                items.insert(index, value);
                Ok(())
            }
            Self::Leaf(_) => Err(format!("Selector {key} not a member of a scalar")),
        }
    }

    fn remove(&mut self, path: &[String], pointer: &str, moves: &mut Moves) -> Result<Self, String> {
        let missing = || format!("`{pointer}` does not point to an existing location");
        let Some((key, parents)) = path.split_last() else {
            return Err("cannot remove the whole document".to_owned());
        };
        match self.find(parents, pointer)?.open() {
            Self::Object(members) => members.remove(key).ok_or_else(missing),
            Self::Array(items) => {
                let index = index_of(key, items.len())?;
                moves.shift(items, index)?;
                Ok(items.remove(index))
            }
            Self::Leaf(_) => Err(missing()),
        }
    }

    fn check_depth_below(&self, path: &[String]) -> Result<(), String> {
        if path.len() + self.depth() <= limits::JSON_DEPTH_MAX {
            return Ok(());
        }
        Err(format!("document would nest deeper than {} levels", limits::JSON_DEPTH_MAX))
    }

    /// Levels that it nests.
    fn depth(&self) -> usize {
        match self {
            Self::Leaf(raw) => depth(raw.get().as_bytes()),
            Self::Object(members) => 1 + members.values().map(Self::depth).max().unwrap_or_default(),
            Self::Array(items) => 1 + items.iter().map(Self::depth).max().unwrap_or_default(),
        }
    }

    /// About as many bytes as it is written with.
    fn bytes(&self) -> usize {
        match self {
            Self::Leaf(raw) => raw.get().len(),
            Self::Object(members) => 2 + members.iter().map(|(key, node)| key.len() + 4 + node.bytes()).sum::<usize>(),
            Self::Array(items) => 2 + items.iter().map(|node| 1 + node.bytes()).sum::<usize>(),
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
