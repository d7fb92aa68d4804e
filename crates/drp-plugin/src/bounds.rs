//! What a value's schema demands beyond its Rust type: ranges, lengths, patterns, numbers of items.
//!
//! The types come first: a value is looked at here when it has been read into its type already. So only the keywords
//! that the attributes of schemars write are known, in the form that draft 4 gives them.

use regex_lite::Regex;
use serde_json::{Map, Value};

/// Keywords that a Rust type does not hold by itself.
const KEYWORDS: [&str; 9] =
    ["minimum", "maximum", "multipleOf", "minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems"];

/// Whether there is anything to look at.
pub(crate) fn has_bounds(schema: &Value) -> bool {
    match schema {
        Value::Object(keys) => {
            KEYWORDS.iter().any(|keyword| keys.contains_key(*keyword)) || keys.values().any(has_bounds)
        }
        Value::Array(items) => items.iter().any(has_bounds),
        _ => false,
    }
}

/// Patterns that cannot be checked, all the way down.
pub(crate) fn bad_patterns(schema: &Value) -> Vec<String> {
    match schema {
        Value::Object(keys) => {
            let own = keys.get("pattern").and_then(Value::as_str).and_then(|pattern| Regex::new(pattern).err());
            let below = keys.values().flat_map(bad_patterns);
            own.map(|error| error.to_string()).into_iter().chain(below).collect()
        }
        Value::Array(items) => items.iter().flat_map(bad_patterns).collect(),
        _ => Vec::new(),
    }
}

/// Every bound that the value breaks, with its place below the param.
pub(crate) fn broken(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    look(schema, value, "", &mut found);
    found
}

fn look(schema: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
    let Value::Object(keys) = schema else { return };
    let problem = match value {
        Value::Number(number) => number.as_f64().and_then(|number| number_problem(keys, number)),
        Value::String(text) => text_problem(keys, text),
        Value::Array(items) => items_problem(keys, items),
        _ => None,
    };
    if let Some(expected) = problem {
        let place = if place.is_empty() { String::new() } else { format!("{place}: ") };
        found.push(format!("{place}expected {expected}, got {}", shown(value)));
    }
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                if let Some(schema) = keys.get("items") {
                    look(schema, item, &format!("{place}[{index}]"), found);
                }
            }
        }
        Value::Object(members) => {
            let properties = keys.get("properties").and_then(Value::as_object);
            for (name, member) in members {
                let declared = properties.and_then(|properties| properties.get(name));
                if let Some(schema) = declared.or_else(|| keys.get("additionalProperties")) {
                    let dot = if place.is_empty() { "" } else { "." };
                    look(schema, member, &format!("{place}{dot}{name}"), found);
                }
            }
        }
        _ => {}
    }
    for schema in keys.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        look(schema, value, place, found);
    }
}

fn number_problem(keys: &Map<String, Value>, number: f64) -> Option<String> {
    let bound = |name: &str| keys.get(name).and_then(Value::as_f64);
    let exclusive = |name: &str| keys.get(name) == Some(&Value::Bool(true));
    if let Some(least) = bound("minimum") {
        if exclusive("exclusiveMinimum") && number <= least {
            return Some(format!("more than {least}"));
        }
        if number < least {
            return Some(format!("{least} or more"));
        }
    }
    if let Some(most) = bound("maximum") {
        if exclusive("exclusiveMaximum") && number >= most {
            return Some(format!("less than {most}"));
        }
        if number > most {
            return Some(format!("{most} or less"));
        }
    }
    bound("multipleOf").filter(|step| *step > 0.0 && number % step != 0.0).map(|step| format!("a multiple of {step}"))
}

fn text_problem(keys: &Map<String, Value>, text: &str) -> Option<String> {
    let size = text.chars().count() as u64;
    if let Some(least) = limit(keys, "minLength").filter(|least| size < *least) {
        return Some(format!("{least} characters or more"));
    }
    if let Some(most) = limit(keys, "maxLength").filter(|most| size > *most) {
        return Some(format!("{most} characters or fewer"));
    }
    let pattern = keys.get("pattern").and_then(Value::as_str)?;
    let regex = Regex::new(pattern).ok()?;
    (!regex.is_match(text)).then(|| format!("a text that matches `{pattern}`"))
}

fn items_problem(keys: &Map<String, Value>, items: &[Value]) -> Option<String> {
    let size = items.len() as u64;
    if let Some(least) = limit(keys, "minItems").filter(|least| size < *least) {
        return Some(format!("{least} items or more"));
    }
    if let Some(most) = limit(keys, "maxItems").filter(|most| size > *most) {
        return Some(format!("{most} items or fewer"));
    }
    let unique = keys.get("uniqueItems") == Some(&Value::Bool(true));
    let twice = |items: &[Value]| items.iter().enumerate().any(|(index, item)| items[..index].contains(item));
    (unique && twice(items)).then(|| "no item twice".to_owned())
}

fn limit(keys: &Map<String, Value>, name: &str) -> Option<u64> {
    keys.get(name).and_then(Value::as_u64)
}

/// What came, short.
fn shown(value: &Value) -> String {
    const CHARS_MAX: usize = 60;
    match value {
        Value::Array(items) => format!("{} items", items.len()),
        other => {
            let text = other.to_string();
            match text.char_indices().nth(CHARS_MAX) {
                Some((end, _)) => format!("{}...", &text[..end]),
                None => text,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_broken_bound_is_named_with_its_place() {
        let check = |schema: Value, value: Value, expected: &[&str]| {
            assert_eq!(broken(&schema, &value), expected, "{schema} {value}");
        };
        let port = json!({"minimum": 1, "maximum": 100});
        check(port.clone(), json!(100), &[]);
        check(port.clone(), json!(0), &["expected 1 or more, got 0"]);
        check(port.clone(), json!(101.0), &["expected 100 or less, got 101.0"]);
        check(json!({"minimum": 0, "exclusiveMinimum": true}), json!(0), &["expected more than 0, got 0"]);
        check(json!({"maximum": 1, "exclusiveMaximum": true}), json!(1), &["expected less than 1, got 1"]);
        check(json!({"multipleOf": 5}), json!(7), &["expected a multiple of 5, got 7"]);
        check(json!({"minLength": 3}), json!("äö"), &["expected 3 characters or more, got \"äö\""]);
        check(json!({"maxLength": 1}), json!("äö"), &["expected 1 characters or fewer, got \"äö\""]);
        check(json!({"pattern": "^a+$"}), json!("ab"), &["expected a text that matches `^a+$`, got \"ab\""]);
        check(json!({"minItems": 1}), json!([]), &["expected 1 items or more, got 0 items"]);
        check(json!({"uniqueItems": true}), json!([1, 2, 1]), &["expected no item twice, got 3 items"]);
        let nested = json!({"properties": {"ports": {"items": port}}, "additionalProperties": {"minLength": 1}});
        check(
            nested,
            json!({"ports": [5, 0], "x": ""}),
            &["ports[1]: expected 1 or more, got 0", "x: expected 1 characters or more, got \"\""],
        );
        check(json!({"allOf": [{"minimum": 2}]}), json!(1), &["expected 2 or more, got 1"]);
    }

    #[test]
    fn bounds_and_bad_patterns_are_found_at_any_depth() {
        let deep = |inner: Value| json!({"type": "object", "properties": {"a": {"items": inner}}});
        assert!(has_bounds(&deep(json!({"maxLength": 2}))));
        assert!(!has_bounds(&deep(json!({"type": "string"}))));
        assert_eq!(bad_patterns(&deep(json!({"pattern": "("}))).len(), 1);
        assert!(bad_patterns(&deep(json!({"pattern": "^x"}))).is_empty());
    }
}
