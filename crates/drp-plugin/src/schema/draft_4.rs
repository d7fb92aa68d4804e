//! From the schemas that schemars makes to those that a server reads.

use serde_json::{Map, Value, json};

/// Draft 7 to draft 4, all the way down.
pub(super) fn to_draft_4(schema: &mut Value) {
    match schema {
        Value::Bool(true) => *schema = json!({}),
        Value::Bool(false) => *schema = json!({"not": {}}),
        // The items of a tuple, each with its own.
        Value::Array(items) => items.iter_mut().for_each(to_draft_4),
        Value::Object(keys) => {
            if let Some(value) = keys.remove("const") {
                keys.insert("enum".to_owned(), json!([value]));
            }
            for (exclusive, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
                if let Some(limit) = keys.get(exclusive).filter(|limit| limit.is_number()).cloned() {
                    keys.insert(bound.to_owned(), limit);
                    keys.insert(exclusive.to_owned(), true.into());
                }
            }
            // Rust's names for number sizes mean nothing to the server.
            let is_number = ["integer", "number"].iter().any(|kind| names_type(keys.get("type"), kind));
            if is_number {
                keys.remove("format");
            }
            if keys.get("additionalProperties") == Some(&Value::Bool(true)) {
                keys.remove("additionalProperties");
            }
            for key in ["items", "additionalItems", "additionalProperties", "not"] {
                keys.get_mut(key).into_iter().for_each(to_draft_4_unless_flag);
            }
            for key in ["allOf", "anyOf", "oneOf"] {
                keys.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten().for_each(to_draft_4);
            }
            for key in ["properties", "patternProperties", "definitions"] {
                let below = keys.get_mut(key).and_then(Value::as_object_mut);
                below.into_iter().flat_map(Map::values_mut).for_each(to_draft_4);
            }
        }
        _ => {}
    }
}

/// `additionalProperties: false` stays a flag in draft 4.
fn to_draft_4_unless_flag(schema: &mut Value) {
    if !schema.is_boolean() {
        to_draft_4(schema);
    }
}

fn names_type(type_: Option<&Value>, name: &str) -> bool {
    match type_ {
        Some(Value::String(one)) => one == name,
        Some(Value::Array(many)) => many.iter().any(|one| one == name),
        _ => false,
    }
}

/// An optional param is one that is missing, not one that is `null`.
pub(super) fn drop_null(schema: &mut Value) {
    let Value::Object(keys) = schema else { return };
    if keys.get("default").is_some_and(Value::is_null) {
        keys.remove("default");
    }
    if let Some(Value::Array(values)) = keys.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    if let Some(Value::Array(types)) = keys.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            keys.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(choices)) = keys.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
        if let [Value::Object(only)] = choices.as_slice() {
            let only = only.clone();
            keys.remove("anyOf");
            keys.extend(only);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_are_draft_4_all_the_way_down() {
        let mut schema = json!({"items": {"exclusiveMinimum": 0, "type": "number", "format": "double"},
            "properties": {"a": true, "b": {"const": 1}, "c": {"items": [true, {"const": 2}]}}, "additionalProperties": false});
        to_draft_4(&mut schema);
        let expected = json!({"items": {"exclusiveMinimum": true, "minimum": 0, "type": "number"},
            "properties": {"a": {}, "b": {"enum": [1]}, "c": {"items": [{}, {"enum": [2]}]}}, "additionalProperties": false});
        assert_eq!(schema, expected);
    }
}
