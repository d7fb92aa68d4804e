//! Writing YAML that every reader takes for the same, Go servers above all.

use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_saphyr::DoubleQuoted;
use thiserror::Error;

/// A value that cannot be written as YAML.
#[derive(Debug, Error)]
#[error("cannot write as YAML: {0}")]
pub struct WriteYamlError(String);

/// Writes a value as YAML, keys in order. What YAML 1.1 would not take for a text (`yes`, `1.20`, `012`, `~`) is quoted,
/// and texts of several lines are blocks.
///
/// # Errors
/// YAML cannot say the value.
pub fn write_yaml(value: &Value) -> Result<String, WriteYamlError> {
    let options = serde_saphyr::ser_options! {
        // Long texts stay on one line: folded ones are hard to compare and to search.
        folded_wrap_chars: usize::MAX,
    };
    serde_saphyr::to_string_with_options(&Safe(value), options).map_err(|error| WriteYamlError(error.to_string()))
}

/// A value whose every text Go reads back.
struct Safe<'a>(&'a Value);

impl Serialize for Safe<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Array(values) => serializer.collect_seq(values.iter().map(Safe)),
            Value::Object(values) => serializer.collect_map(values.iter().map(|(key, value)| (key, Safe(value)))),
            Value::String(text) if begins_with_tab(text) => DoubleQuoted(text).serialize(serializer),
            other => other.serialize(serializer),
        }
    }
}

/// Go finds out how far a block is indented by its first line, and refuses a tab there.
fn begins_with_tab(text: &str) -> bool {
    text.trim_start_matches('\n').starts_with('\t')
}
