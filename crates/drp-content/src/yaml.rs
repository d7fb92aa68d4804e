//! Reading and writing YAML as Go servers do.
//!
//! Servers read content with a decoder of YAML 1.1 that has ways of its own (`models.md` §19.2): `yes` is a boolean,
//! `012` is ten, `1e3` is text, a merge overwrites what stands before it. Any other reader of YAML finds other values
//! in the same file, so the parser's events are put together here, by those rules and within limits.
//!
//! This file and its folder are the only ones that know the YAML libraries.

mod compose;
mod key;
mod lossy;
mod node;
mod scalar;
#[cfg(feature = "write")]
mod write;

#[cfg(feature = "check")]
pub(crate) mod marks;

use drp_core::limits;
use thiserror::Error;

#[cfg(feature = "check")]
pub(crate) use self::lossy::text;
pub(crate) use self::lossy::{regular, soften};
pub use self::node::{Entry, Node, NodeKind, Position};
#[cfg(feature = "write")]
pub use self::write::{WriteYamlError, write_yaml};

/// A text that is not the YAML that a server reads.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("line {line}, column {column}: {problem}", line = .position.line, column = .position.column)]
pub struct YamlError {
    /// Where the problem is.
    pub position: Position,
    /// What it is.
    pub problem: YamlProblem,
}

/// What is wrong with a YAML text.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum YamlProblem {
    /// It is not YAML.
    #[error("{0}")]
    Syntax(String),
    /// It has more than [`limits::BODY_BYTES_MAX`] bytes or [`limits::YAML_NODES_MAX`] values.
    #[error("more than {bytes} bytes or {nodes} values", bytes = limits::BODY_BYTES_MAX, nodes = limits::YAML_NODES_MAX)]
    TooLarge,
    /// Its anchors and aliases repeat more than [`limits::YAML_REPEATED_NODES_MAX`] values or [`limits::YAML_REPEATED_BYTES_MAX`]
    /// bytes of text.
    #[error(
        "anchors and aliases repeat more than {nodes} values or {bytes} bytes",
        nodes = limits::YAML_REPEATED_NODES_MAX,
        bytes = limits::YAML_REPEATED_BYTES_MAX
    )]
    TooMuchRepeated,
    /// It nests deeper than [`limits::JSON_DEPTH_MAX`] levels, counting what aliases repeat.
    #[error("nested deeper than {max} levels", max = limits::JSON_DEPTH_MAX)]
    TooDeep,
    /// What an alias repeats contains the alias.
    #[error("the alias stands inside of what it repeats")]
    Cycle,
    /// A merge of what is no map.
    #[error("`<<` wants a map or a list of maps")]
    Merge,
    /// A key that is a list, a map or null.
    #[error("a key must be a text, a number or a boolean")]
    Key,
    /// A number that JSON cannot say.
    #[error("`{0}` cannot be written as JSON")]
    NotFinite(String),
    /// A tag says what the text after it is not.
    #[error("the tag says that this is {expected}, and it is not")]
    Misfit {
        /// What the tag says.
        expected: &'static str,
    },
}

impl YamlError {
    pub(crate) fn new(position: Position, problem: YamlProblem) -> Self {
        Self { position, problem }
    }
}

/// Reads the first document of a YAML text as a Go server reads it. A text without one is null.
///
/// # Errors
/// See [`YamlProblem`].
///
/// ```
/// let document = drp_content::read_yaml("Name: yes\nOrder: 012\n")?;
/// assert_eq!(document.position_of(["Order"]).line, 2);
/// assert_eq!(document.into_value(), serde_json::json!({ "Name": true, "Order": 10 }));
/// # Ok::<(), drp_content::YamlError>(())
/// ```
pub fn read_yaml(text: &str) -> Result<Node, YamlError> {
    if text.len() > limits::BODY_BYTES_MAX {
        return Err(YamlError::new(Position::default(), YamlProblem::TooLarge));
    }
    compose::first_document(text)
}

#[cfg(test)]
mod tests;
