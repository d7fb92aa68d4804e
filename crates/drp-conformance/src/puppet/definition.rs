//! What the provider says it is.

use serde_json::{Value, json};

/// The version it has.
pub(crate) const VERSION: &str = "v1.2.3";
/// What its param with a default has where nobody sets it.
pub(crate) const DEFAULT: &str = "by default";

/// Its definition.
pub(crate) fn of(name: &str) -> Value {
    let param = |short: &str| param(name, short);
    let action = |command: &str, model: &str, required: Value, optional: Value| json!({ "Command": command, "Model": model, "RequiredParams": required, "OptionalParams": optional });
    let none = || json!([]);
    json!({
        "Name": name,
        "Version": VERSION,
        "PluginVersion": 4,
        "AutoStart": false,
        "HasPublish": false,
        "AvailableActions": [
            action("echo", "machines", none(), json!([param("number"), param("defaulted"), param("secret")])),
            action("choosy", "machines", json!([param("number")]), none()),
            action("fail", "", none(), none()),
            action("told", "", none(), none()),
            action("log", "", none(), none()),
            action("publish", "", none(), none()),
            action("leave", "", none(), none()),
            action("crash", "", none(), none()),
        ],
        "RequiredParams": [param("required")],
        "OptionalParams": [param("defaulted"), param("secret"), param("refuse")],
        "StoreObjects": { type_(name): { "Spotted": { "type": "boolean", "isrequired": true } } },
        "Documentation": "",
        // A YAML document: JSON is one.
        "Content": content(name).to_string(),
    })
}

/// The name of a param of the provider.
pub(crate) fn param(name: &str, short: &str) -> String {
    format!("{name}/{short}")
}

/// The type of objects that the provider brings.
pub(crate) fn type_(name: &str) -> String {
    format!("{name}-cows")
}

fn content(name: &str) -> Value {
    let declared = [
        ("required", json!({ "type": "string" }), false),
        ("number", json!({ "type": "number" }), false),
        ("defaulted", json!({ "type": "string", "default": DEFAULT }), false),
        ("secret", json!({ "type": "string" }), true),
        ("refuse", json!({ "type": "integer" }), false),
    ];
    let params: serde_json::Map<String, Value> = declared
        .into_iter()
        .map(|(short, schema, is_secure)| {
            let name = param(name, short);
            let object = json!({ "Name": name, "Schema": schema, "Secure": is_secure });
            (name, object)
        })
        .collect();
    json!({ "meta": { "Name": name, "Description": "conformance suite" }, "sections": { "params": params } })
}
