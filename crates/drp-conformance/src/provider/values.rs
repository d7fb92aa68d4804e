//! Values that fit a schema, and values that do not.

use serde_json::{Value, json};

/// The JSON types that a schema takes; empty where it does not say.
fn types(schema: &Value) -> Vec<&str> {
    match &schema["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// A value whose type the schema does not take; none where it takes all or does not say.
pub(crate) fn misfit(schema: &Value) -> Option<Value> {
    let types = types(schema);
    if types.is_empty() {
        return None;
    }
    // What is least like a text or a number comes first: some readers are generous.
    let candidates = [
        ("object", json!({ "wrong": { "type": true } })),
        ("array", json!([{ "wrong": true }])),
        ("string", json!("of the wrong type")),
        ("boolean", json!(true)),
    ];
    let fits = |name: &str| types.contains(&name);
    candidates.into_iter().find(|(name, _)| !fits(name)).map(|(_, value)| value)
}

/// Whether null is no value by the schema.
pub(crate) fn forbids_null(schema: &Value) -> bool {
    let types = types(schema);
    !types.is_empty() && !types.contains(&"null")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misfit_is_of_no_type_that_the_schema_takes() {
        let check = |schema: Value, wanted: Option<Value>| assert_eq!(misfit(&schema), wanted, "{schema}");
        check(json!({ "type": "string" }), Some(json!({ "wrong": { "type": true } })));
        check(json!({ "type": "object" }), Some(json!([{ "wrong": true }])));
        check(json!({ "type": ["object", "array"] }), Some(json!("of the wrong type")));
        check(json!({}), None);
        check(json!({ "type": ["object", "array", "string", "boolean", "null"] }), None);
        assert!(forbids_null(&json!({ "type": "string" })));
        assert!(!forbids_null(&json!({ "type": ["string", "null"] })) && !forbids_null(&json!({})));
    }
}
