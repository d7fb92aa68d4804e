//! `define`, against what the Go incrementer prints.

use drp_content::Bundle;
use serde_json::Value;

use crate::vectors::{incrementer, read};

/// What may be richer in ours.
const TEXTS: [&str; 2] = ["Description", "Documentation"];

#[test]
fn the_definition_is_equal_to_the_recorded_one() {
    let Some(recorded) = read("define/incrementer.json") else { return };
    let ours = define(&[]);
    let recorded = serde_json::from_str(&recorded).unwrap();
    assert_eq!(comparable(&ours), comparable(&recorded));
}

#[test]
fn define_says_nothing_else_and_needs_no_server() {
    for env in [&[("RS_TOKEN", "catalog")] as &[_], &[("RS_TOKEN", "x"), ("RS_ENDPOINT", "https://127.0.0.1:1")]] {
        assert_eq!(define(env), define(&[]));
    }
}

fn define(env: &[(&str, &str)]) -> Value {
    let output = incrementer().arg("define").envs(env.iter().copied()).output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The definition by the rule of comparison: content parsed, `null` and empty the same, texts left out.
fn comparable(definition: &Value) -> Value {
    let mut definition = definition.clone();
    let content = Bundle::from_yaml(definition["Content"].as_str().unwrap()).unwrap();
    definition["Content"] = serde_json::to_value(content).unwrap();
    strip(&mut definition);
    definition
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|key, _| !TEXTS.contains(&key.as_str()));
            members.values_mut().for_each(strip);
        }
        Value::Array(items) if items.is_empty() => *value = Value::Null,
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
    if value.as_object().is_some_and(serde_json::Map::is_empty) {
        *value = Value::Null;
    }
}
