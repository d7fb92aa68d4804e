//! Whether a value is of the kind that a schema wants, for values whose reading does not tell.

use serde_json::Value;

use super::{alternatives, resolved, shown};

/// What is wrong with the kind of a value; `None` where nothing is, or nothing that is known here.
pub(crate) fn misfit(schema: &Value, value: &Value) -> Option<String> {
    if fits(schema, schema, value) {
        return None;
    }
    Some(format!("expected {}, got {}", wanted(schema, schema), shown(value)))
}

fn fits(root: &Value, schema: &Value, value: &Value) -> bool {
    let Value::Object(keys) = resolved(root, schema) else { return true };
    let kind_fits = match keys.get("type") {
        Some(Value::String(kind)) => is_kind(kind, value),
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).any(|kind| is_kind(kind, value)),
        _ => true,
    };
    let choices = alternatives(keys);
    let choice_fits = choices.is_empty() || value.is_null() || choices.iter().any(|one| fits(root, one, value));
    let listed = keys.get("enum").and_then(Value::as_array).is_none_or(|values| values.contains(value));
    kind_fits && choice_fits && listed && inside_fits(root, keys, value)
}

fn inside_fits(root: &Value, keys: &serde_json::Map<String, Value>, value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().enumerate().all(|(index, item)| match keys.get("items") {
            Some(Value::Array(each)) => each.get(index).is_none_or(|schema| fits(root, schema, item)),
            Some(schema) => fits(root, schema, item),
            None => true,
        }),
        Value::Object(members) => {
            let properties = keys.get("properties").and_then(Value::as_object);
            let required = keys.get("required").and_then(Value::as_array);
            let mut required = required.into_iter().flatten().filter_map(Value::as_str);
            required.all(|name| members.contains_key(name))
                && members.iter().all(|(name, member)| {
                    let declared = properties.and_then(|properties| properties.get(name));
                    let schema = declared.or_else(|| keys.get("additionalProperties"));
                    schema.is_none_or(|schema| fits(root, schema, member))
                })
        }
        _ => true,
    }
}

fn is_kind(kind: &str, value: &Value) -> bool {
    match kind {
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        _ => true,
    }
}

/// What a schema wants, short.
fn wanted(root: &Value, schema: &Value) -> String {
    let Value::Object(keys) = resolved(root, schema) else { return "anything".to_owned() };
    if let Some(values) = keys.get("enum").and_then(Value::as_array) {
        let values: Vec<String> = values.iter().map(shown).collect();
        return if values.len() == 1 { values.concat() } else { format!("one of {}", values.join(", ")) };
    }
    match keys.get("type").and_then(Value::as_str) {
        Some("integer") => "an integer".to_owned(),
        Some("array") => "a list as its schema says".to_owned(),
        Some("object") => "an object as its schema says".to_owned(),
        Some(kind) => format!("a {kind}"),
        None => match alternatives(keys).as_slice() {
            [] => "what its schema says".to_owned(),
            choices => {
                let mut choices: Vec<String> = choices.iter().map(|choice| wanted(root, choice)).collect();
                choices.dedup();
                choices.join(" or ")
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_of_another_kind_is_told_with_what_was_expected() {
        let check = |schema: Value, value: Value, expected: Option<&str>| {
            assert_eq!(misfit(&schema, &value).as_deref(), expected, "{schema} {value}");
        };
        check(json!({"type": "integer"}), json!(5.0), None);
        check(json!({"type": "integer"}), json!(5.5), Some("expected an integer, got 5.5"));
        check(json!({"type": "string"}), json!([1]), Some("expected a string, got 1 items"));
        check(json!({"enum": ["a", "b"]}), json!("c"), Some("expected one of \"a\", \"b\", got \"c\""));
        check(json!({}), json!(null), None);
        let list = json!({"type": "array", "items": {"type": ["string", "null"]}});
        check(list.clone(), json!(["a", null]), None);
        check(list, json!([1]), Some("expected a list as its schema says, got 1 items"));
        let object = json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "boolean"}}});
        check(object.clone(), json!({"a": true, "b": 1}), None);
        check(object.clone(), json!({}), Some("expected an object as its schema says, got {}"));
        check(object, json!({"a": 1}), Some("expected an object as its schema says, got {\"a\":1}"));
        let either = json!({"anyOf": [{"type": "string"}, {"type": "integer"}]});
        check(either.clone(), json!(1), None);
        check(either, json!(true), Some("expected a string or an integer, got true"));
    }
}
