//! What bodies look like.

use drp_core::{Field, Form};
use serde_json::{Map, Value, json};

use super::{EXTENDED, schema_ref};
use crate::types::{ObjectType, SERVER_OWNED};

const TEXTS: Form = Form::List(&Form::Text);
const TEXT_MAP: Form = Form::Map(&Form::Text);

/// Every schema: the object types from their table, and what is no object.
pub(super) fn all(kinds: &[&ObjectType]) -> Value {
    let mut all = Map::new();
    for (name, schema) in [basic(), bundled(), of_requests()].into_iter().flatten() {
        all.insert(name.to_owned(), schema);
    }
    for kind in kinds {
        all.insert(kind.prefix.clone(), object_type(kind));
    }
    Value::Object(all)
}

fn object_type(kind: &ObjectType) -> Value {
    let shown = kind.fields().filter(|field| !kind.hidden.contains(&field.name));
    let mut schema = object(shown);
    schema["description"] = json!(format!("One of {}; its key is {}", kind.prefix, kind.key_field));
    schema
}

fn object<'a>(fields: impl Iterator<Item = &'a Field>) -> Value {
    let properties = fields.map(|field| {
        let mut schema = of_form(field.form);
        if SERVER_OWNED.contains(&field.name) {
            schema["readOnly"] = json!(true);
        }
        (field.name.to_owned(), schema)
    });
    json!({ "type": "object", "properties": properties.collect::<Map<_, _>>() })
}

fn of_form(form: Form) -> Value {
    match form {
        Form::Text => json!({ "type": "string" }),
        Form::Bool => json!({ "type": "boolean" }),
        Form::Int => json!({ "type": "integer" }),
        Form::Uuid => json!({ "type": "string", "description": "A UUID, or empty" }),
        Form::Address => json!({ "type": "string", "description": "An IP address, or empty" }),
        Form::Time => json!({ "type": "string", "format": "date-time" }),
        Form::Bytes => json!({ "type": "string", "contentEncoding": "base64" }),
        Form::List(Form::Any) => json!({ "type": "array" }),
        Form::List(item) => json!({ "type": "array", "items": of_form(*item) }),
        Form::Map(Form::Any) => json!({ "type": "object" }),
        Form::Map(item) => json!({ "type": "object", "additionalProperties": of_form(*item) }),
        Form::Record(keys) => object(keys.iter().copied().flatten()),
        Form::Any => json!({}),
    }
}

/// An object whose properties are texts, lists of texts, or what a schema says.
fn record(texts: &[&str], lists: &[&str], others: Value) -> Value {
    let mut properties = Map::new();
    properties.extend(texts.iter().map(|name| ((*name).to_owned(), json!({ "type": "string" }))));
    properties.extend(lists.iter().map(|name| ((*name).to_owned(), of_form(TEXTS))));
    if let Value::Object(others) = others {
        properties.extend(others);
    }
    json!({ "type": "object", "properties": properties })
}

fn basic() -> Vec<(&'static str, Value)> {
    let messages = json!({ "type": ["array", "null"], "items": { "type": "string" } });
    let code = json!({ "type": "integer", "description": "The status" });
    let mut extended = record(
        &["Type", "Id", "Description", "Documentation", "Bundle", "Endpoint"],
        &["Errors"],
        json!({ "Params": { "type": "object" }, "Meta": of_form(TEXT_MAP), "Validated": { "type": "boolean" },
            "Available": { "type": "boolean" }, "ReadOnly": { "type": "boolean" } }),
    );
    extended["description"] = json!("An object whose type a provider brings, with whatever properties it declares");
    extended["required"] = json!(["Id"]);
    vec![
        ("Text", json!({ "type": "string" })),
        ("Any", json!({})),
        ("Error", record(&["Model", "Key", "Type"], &[], json!({ "Messages": messages, "Code": code }))),
        (EXTENDED, extended),
        (
            "Info",
            json!({ "type": "object", "properties": { "features": of_form(TEXTS), "version": { "type": "string" } } }),
        ),
        ("Interface", record(&["Name", "ActiveAddress"], &["Addresses"], json!({}))),
        (
            "Index",
            record(
                &["Type"],
                &[],
                json!({ "Unique": { "type": "boolean" }, "Unordered": { "type": "boolean" },
            "Regex": { "type": "boolean" } }),
            ),
        ),
        ("Indexes", json!({ "type": "object", "additionalProperties": schema_ref("Index") })),
        (
            "Event",
            record(
                &["Type", "Action", "Key", "Principal"],
                &[],
                json!({ "Time": of_form(Form::Time),
            "Object": {}, "Original": {} }),
            ),
        ),
        (
            "LogLine",
            record(
                &["Service", "Principal", "Level", "File", "Message"],
                &[],
                json!({ "Time": of_form(Form::Time),
            "Group": { "type": "integer" }, "Seq": { "type": "integer" }, "Line": { "type": "integer" },
            "Data": { "type": "array" }, "IgnorePublish": { "type": "boolean" } }),
            ),
        ),
    ]
}

fn bundled() -> Vec<(&'static str, Value)> {
    let meta = json!({ "type": "object", "properties": { "Name": { "type": "string" }, "Version": { "type": "string" },
        "Type": { "type": "string" } } });
    let sections = json!({ "type": "object", "description": "Objects by key, by type",
        "additionalProperties": { "type": "object" } });
    let counts = json!({ "type": "object", "additionalProperties": { "type": "integer" } });
    let actions = json!({ "type": "array", "items": schema_ref("AvailableAction") });
    vec![
        (
            "Content",
            json!({ "type": "object", "required": ["meta"], "properties": { "meta": meta, "sections": sections } }),
        ),
        ("ContentSummary", record(&[], &["Warnings"], json!({ "meta": meta, "Counts": counts }))),
        (
            "AvailableAction",
            record(&["Provider", "Model", "Command"], &["RequiredParams", "OptionalParams"], json!({})),
        ),
        (
            "PluginProvider",
            record(
                &["Name", "Version", "Documentation", "Content"],
                &["RequiredParams", "OptionalParams"],
                json!({ "PluginVersion": { "type": "integer" }, "AutoStart": { "type": "boolean" },
                "HasPublish": { "type": "boolean" }, "AvailableActions": actions, "StoreObjects": { "type": "object" },
                "Meta": of_form(TEXT_MAP) }),
            ),
        ),
    ]
}

fn of_requests() -> Vec<(&'static str, Value)> {
    let operation = json!({ "type": "object", "required": ["op", "path"], "properties": {
        "op": { "enum": ["add", "remove", "replace", "move", "copy", "test"] },
        "path": { "type": "string" }, "from": { "type": "string" }, "value": {},
    } });
    vec![
        ("Patch", json!({ "type": "array", "items": operation, "description": "RFC 6902; sent as application/json" })),
        ("Password", record(&["Password"], &[], json!({}))),
        ("Token", record(&["Token"], &[], json!({ "Info": schema_ref("Info") }))),
        (
            "Whoami",
            record(
                &["OnDiskUUID"],
                &["MacAddrs"],
                json!({ "Fingerprint": { "type": "object" },
            "Result": record(&["Uuid", "Token"], &[], json!({ "Score": { "type": "integer" } })) }),
            ),
        ),
        ("Uploaded", record(&["Path"], &[], json!({ "Size": { "type": "integer" } }))),
        ("ProviderUploaded", record(&["path"], &[], json!({ "size": { "type": "integer" } }))),
    ]
}
