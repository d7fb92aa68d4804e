//! A YAML document: values that know where they stand.

use std::collections::BTreeMap;

use serde_json::Value;

/// Where something stands in a text; both count from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// A value of a YAML document and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where it begins. What an alias or a merge brings stands where it was written first.
    pub position: Position,
    /// What it is.
    pub kind: NodeKind,
}

/// What a [`Node`] is.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeKind {
    /// Null, a boolean, a number or a text.
    Scalar(Value),
    /// A list.
    List(Vec<Node>),
    /// A map. Keys are texts, whatever they were in YAML.
    Map(BTreeMap<String, Entry>),
}

/// An entry of a map.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Where its key begins.
    pub position: Position,
    /// Its value.
    pub value: Node,
}

impl Node {
    /// The value without positions.
    #[must_use]
    pub fn into_value(self) -> Value {
        match self.kind {
            NodeKind::Scalar(value) => value,
            NodeKind::List(nodes) => nodes.into_iter().map(Self::into_value).collect(),
            NodeKind::Map(entries) => {
                Value::Object(entries.into_iter().map(|(key, entry)| (key, entry.value.into_value())).collect())
            }
        }
    }

    /// Where the value stands that `path` leads to, by keys and indexes; where the way ends early, that is where the
    /// rest would have to be.
    #[must_use]
    pub fn position_of<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> Position {
        let (mut node, mut position) = (self, self.position);
        for step in path {
            node = match &node.kind {
                NodeKind::Map(entries) => match entries.get(step) {
                    Some(entry) => {
                        position = entry.position;
                        &entry.value
                    }
                    None => return position,
                },
                NodeKind::List(nodes) => match step.parse::<usize>().ok().and_then(|index| nodes.get(index)) {
                    Some(node) => {
                        position = node.position;
                        node
                    }
                    None => return position,
                },
                NodeKind::Scalar(_) => return position,
            };
        }
        position
    }
}
