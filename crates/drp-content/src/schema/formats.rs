//! Formats that are none.
//!
//! The server that clients know takes a `format` for one only if it is a text and passes over any other. Content relies
//! on it: the schema of the param `kvm-test/bios` lists properties, one of them called `format`, where a schema belongs
//! (`vectors/define/kvm-test.json`).

use serde_json::Value;

use super::budget::{DATA, SCHEMA_MAPS};

const FORMAT: &str = "format";

/// Takes every `format` out of a schema that is no text.
pub(super) fn drop_those_that_are_no_text(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(drop_those_that_are_no_text),
        Value::Object(keywords) => {
            keywords.retain(|keyword, value| keyword != FORMAT || value.is_string());
            for (keyword, value) in keywords.iter_mut().filter(|(keyword, _)| !DATA.contains(&keyword.as_str())) {
                match value {
                    // The names in it are no keywords.
                    Value::Object(named) if SCHEMA_MAPS.contains(&keyword.as_str()) => {
                        named.values_mut().for_each(drop_those_that_are_no_text);
                    }
                    _ => drop_those_that_are_no_text(value),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_keyword_that_is_no_text_goes() {
        let check = |mut schema: Value, expected: Value| {
            drop_those_that_are_no_text(&mut schema);
            assert_eq!(schema, expected);
        };
        let property = json!({ "properties": { "format": { "type": "string", "format": "ipv4" } } });
        check(property.clone(), property);
        check(
            json!({ "additionalProperties": { "code": {}, "format": { "enum": ["rom"] } } }),
            json!({ "additionalProperties": { "code": {} } }),
        );
        let data = json!({ "enum": [{ "format": 1 }], "const": { "format": 1 } });
        check(data.clone(), data);
        check(json!({ "items": [{ "format": 5 }] }), json!({ "items": [{}] }));
    }
}
