//! What the probe says it is.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::peer::{ACTION, Probe, define};

/// The definition, and the content in it.
fn defined(text: &str) -> (Value, Value) {
    let definition: Value = serde_json::from_str(text).unwrap();
    let content = serde_json::from_str(definition["Content"].as_str().unwrap()).unwrap();
    (definition, content)
}

#[test]
fn the_definition_is_the_committed_one() {
    let (mut now, content) = defined(&define());
    let (mut committed, committed_content) = defined(include_str!("../../define.json"));
    assert_eq!(
        content, committed_content,
        "if it is meant to be: cargo run -p probe define > examples/probe/define.json"
    );
    for definition in [&mut now, &mut committed] {
        definition["Content"] = Value::Null;
    }
    assert_eq!(now, committed, "if it is meant to be: cargo run -p probe define > examples/probe/define.json");
}

#[test]
fn name_version_and_params_are_those_of_the_contract() {
    let (definition, _) = defined(&define());
    assert_eq!((&definition["Name"], &definition["PluginVersion"]), (&json!("probe"), &json!(4)));
    assert_eq!(definition["HasPublish"], json!(false));
    assert!(!definition["Version"].as_str().unwrap().is_empty());
    assert_eq!(definition["RequiredParams"], json!(["probe/token"]));
    let expected = ["probe/limit", "probe/mode", "probe/events", "probe/handler_ms", "probe/handler_fail"];
    assert_eq!(definition["OptionalParams"], json!(expected));
    let color = &definition["StoreObjects"]["probe-things"]["Color"];
    assert_eq!((&color["type"], &color["isrequired"]), (&json!("string"), &json!(true)));
}

#[test]
fn actions_are_those_of_the_contract() {
    let (definition, _) = defined(&define());
    let actions = definition["AvailableActions"].as_array().unwrap();
    let list =
        |value: &Value| serde_json::from_value::<Option<Vec<String>>>(value.clone()).unwrap().unwrap_or_default();
    let found: BTreeMap<&str, _> = actions
        .iter()
        .map(|action| {
            let params = (list(&action["RequiredParams"]), list(&action["OptionalParams"]));
            (action["Command"].as_str().unwrap(), (action["Model"].as_str().unwrap(), params))
        })
        .collect();
    let check = |command: &str, model: &str, required: &[&str], optional: &[&str]| {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        assert_eq!(found[command], (model, (names(required), names(optional))), "{command}");
    };
    check("echo", "", &["probe/value"], &[]);
    check("sleep", "", &["probe/seconds"], &[]);
    check("panic", "", &[], &[]);
    check("fail", "", &["probe/code", "probe/message"], &[]);
    check("log", "", &["probe/count"], &[]);
    check("spawn", "", &["probe/command"], &["probe/timeout"]);
    check("secret", "", &[], &["probe/fail"]);
    check("store", "machines", &[], &[]);
    check("seen", "", &[], &[]);
    assert_eq!(found.len(), 9);
}

#[test]
fn what_define_lists_is_what_listen_serves() {
    let probe = Probe::quiet();
    let (definition, _) = defined(&define());
    for defined in definition["AvailableActions"].as_array().unwrap() {
        let model = defined["Model"].as_str().unwrap();
        let command_set = if model.is_empty() { "system" } else { model };
        let call = json!({"Command": defined["Command"], "CommandSet": command_set, "Model": {}, "Params": {}});
        let (status, body) = probe.post(ACTION, &call);
        assert_ne!(status, 404, "{defined}: {body}");
    }
}

#[test]
fn every_param_has_its_schema_and_the_secret_is_secure() {
    let (_, content) = defined(&define());
    let params = content["sections"]["params"].as_object().unwrap();
    let check = |name: &str, expected: Value| {
        let schema = &params[name]["Schema"];
        for (key, value) in expected.as_object().unwrap() {
            assert_eq!(&schema[key], value, "{key} of {name}: {schema}");
        }
        assert_eq!(params[name]["Secure"], json!(name == "probe/token"), "{name}");
    };
    check("probe/token", json!({"type": "string"}));
    check("probe/limit", json!({"type": "integer", "minimum": 1, "maximum": 100, "default": 10}));
    check("probe/mode", json!({"enum": ["fast", "slow"], "default": "fast"}));
    check("probe/events", json!({"type": "array", "default": ["probe.*.*"]}));
    check("probe/handler_ms", json!({"type": "integer", "minimum": 0, "default": 0}));
    check("probe/handler_fail", json!({"type": "boolean", "default": false}));
    check("probe/seconds", json!({"type": "number", "minimum": 0}));
    check("probe/code", json!({"type": "integer"}));
    check("probe/message", json!({"type": "string"}));
    check("probe/count", json!({"type": "integer"}));
    check("probe/command", json!({"type": "string"}));
    check("probe/timeout", json!({"type": "number", "default": 10.0}));
    check("probe/fail", json!({"type": "boolean"}));
    check("probe/value", json!({}));
    assert!(params.contains_key("probe/counter"));
    assert_eq!(params.len(), 15);
}
