//! What a value's schema demands beyond its Rust type: ranges, lengths, patterns, numbers of items.
//!
//! The types come first: a value is looked at here when it has been read into its type already. So only the keywords
//! that the attributes of schemars write are known, in the form that draft 4 gives them.

mod kinds;

use regex_lite::Regex;
use serde_json::{Map, Value};

pub(crate) use self::kinds::misfit;

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
            // Values are no schemas, whatever they look like.
            let below = keys.iter().filter(|(key, _)| !["default", "enum"].contains(&key.as_str()));
            let below = below.flat_map(|(_, below)| bad_patterns(below));
            own.map(|error| error.to_string()).into_iter().chain(below).collect()
        }
        Value::Array(items) => items.iter().flat_map(bad_patterns).collect(),
        _ => Vec::new(),
    }
}

/// Every bound that the value breaks, with its place below the param.
pub(crate) fn broken(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let root = schema;
    Look { root, found: &mut found }.at(schema, value, "");
    found
}

/// A look at a value from its outside to its inside.
struct Look<'a> {
    /// What references within the schema are about.
    root: &'a Value,
    found: &'a mut Vec<String>,
}

impl Look<'_> {
    fn at(&mut self, schema: &Value, value: &Value, place: &str) {
        let Value::Object(keys) = resolved(self.root, schema) else { return };
        let problem = match value {
            Value::Number(number) => number.as_f64().and_then(|number| number_problem(keys, number)),
            Value::String(text) => text_problem(keys, text),
            Value::Array(items) => items_problem(keys, items),
            _ => None,
        };
        if let Some(expected) = problem {
            self.found.push(format!("{}expected {expected}, got {}", with_colon(place), shown(value)));
        }
        match value {
            Value::Array(items) => self.at_items(keys, items, place),
            Value::Object(members) => self.at_members(keys, members, place),
            _ => {}
        }
        for schema in keys.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            self.at(schema, value, place);
        }
        // Of real alternatives the type has chosen one that is not known here; what may be `null` has none.
        if let [only] = alternatives(keys).as_slice()
            && !value.is_null()
        {
            self.at(only, value, place);
        }
    }

    fn at_items(&mut self, keys: &Map<String, Value>, items: &[Value], place: &str) {
        for (index, item) in items.iter().enumerate() {
            let schema = match keys.get("items") {
                Some(Value::Array(each)) => each.get(index),
                all => all,
            };
            if let Some(schema) = schema {
                self.at(schema, item, &format!("{place}[{index}]"));
            }
        }
    }

    fn at_members(&mut self, keys: &Map<String, Value>, members: &Map<String, Value>, place: &str) {
        let properties = keys.get("properties").and_then(Value::as_object);
        for (name, member) in members {
            let declared = properties.and_then(|properties| properties.get(name));
            if let Some(schema) = declared.or_else(|| keys.get("additionalProperties")) {
                let dot = if place.is_empty() { "" } else { "." };
                self.at(schema, member, &format!("{place}{dot}{name}"));
            }
        }
    }
}

/// The schema that a reference within the document means.
fn resolved<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let reference = schema.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#'));
    reference.and_then(|pointer| root.pointer(pointer)).unwrap_or(schema)
}

/// What the value may be by `anyOf` or `oneOf`, save `null`.
fn alternatives(keys: &Map<String, Value>) -> Vec<&Value> {
    let lists = ["anyOf", "oneOf"].iter().filter_map(|key| keys.get(*key).and_then(Value::as_array));
    lists.flatten().filter(|choice| choice.get("type").is_none_or(|kind| kind != "null")).collect()
}

fn with_colon(place: &str) -> String {
    if place.is_empty() { String::new() } else { format!("{place}: ") }
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
    // A tenth is no binary number: three of them are 0.3 all the same.
    let is_multiple = |step: f64| (number / step - (number / step).round()).abs() < 1e-9;
    bound("multipleOf").filter(|step| *step > 0.0 && !is_multiple(*step)).map(|step| format!("a multiple of {step}"))
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
pub(crate) fn shown(value: &Value) -> String {
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
        check(json!({"multipleOf": 0.1}), json!(0.3), &[]);
        let tuple = json!({"items": [{}, {"minimum": 2}]});
        check(tuple, json!([0, 1]), &["[1]: expected 2 or more, got 1"]);
        let optional = json!({"anyOf": [{"minimum": 2}, {"type": "null"}]});
        check(optional.clone(), json!(null), &[]);
        check(optional, json!(1), &["expected 2 or more, got 1"]);
        let node = json!({"properties": {"size": {"minimum": 2}, "next": {"$ref": "#/definitions/Node"}}});
        let recursive = json!({"definitions": {"Node": node}, "$ref": "#/definitions/Node"});
        check(recursive, json!({"next": {"next": {"size": 1}}}), &["next.next.size: expected 2 or more, got 1"]);
    }

    #[test]
    fn bounds_and_bad_patterns_are_found_at_any_depth() {
        let deep = |inner: Value| json!({"type": "object", "properties": {"a": {"items": inner}}});
        assert!(has_bounds(&deep(json!({"maxLength": 2}))));
        assert!(!has_bounds(&deep(json!({"type": "string"}))));
        assert_eq!(bad_patterns(&deep(json!({"pattern": "("}))).len(), 1);
        assert!(bad_patterns(&deep(json!({"pattern": "^x", "default": {"pattern": "("}}))).is_empty());
    }
}
