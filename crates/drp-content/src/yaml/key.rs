//! Keys of YAML maps, which Go turns into texts.

use granit_parser::{Event, ScalarStyle};
use serde_json::Value;

use super::{Node, NodeKind, YamlError, YamlProblem, lossy};

/// Whether the entry with this key brings other maps in.
pub(super) fn is_merge(event: &Event) -> bool {
    let Event::Scalar(text, style, _, tag) = event else { return false };
    text == "<<"
        && match tag {
            None => *style == ScalarStyle::Plain,
            Some(tag) => tag.suffix_in_namespace("tag:yaml.org,2002:").as_deref() == Some("merge"),
        }
}

/// `y:` is the key `true`, and `012:` the key `10`.
pub(super) fn key_text(key: &Node) -> Result<String, YamlError> {
    match &key.kind {
        NodeKind::Scalar(Value::String(text)) => Ok(text.clone()),
        NodeKind::Scalar(value @ (Value::Bool(_) | Value::Number(_))) => Ok(lossy::text(value)),
        _ => Err(YamlError::new(key.position, YamlProblem::Key)),
    }
}
