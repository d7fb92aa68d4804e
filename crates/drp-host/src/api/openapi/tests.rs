#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use super::*;

/// Every value of a key, anywhere.
fn all<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(map) => {
            found.extend(map.get(key));
            map.values().for_each(|value| all(value, key, found));
        }
        Value::Array(list) => list.iter().for_each(|value| all(value, key, found)),
        _ => {}
    }
}

fn operations(document: &Value) -> impl Iterator<Item = (&String, &String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, item)| {
        item.as_object().unwrap().iter().map(move |(method, operation)| (path, method, operation))
    })
}

#[test]
fn the_document_is_openapi_3_1() {
    let document = document();
    let parsed = oas3::from_json(document.to_string()).unwrap();
    assert_eq!(parsed.operations().count(), operations(&document).count());
}

#[test]
fn what_is_referred_to_is_there() {
    let document = document();
    let mut references = Vec::new();
    all(&document, "$ref", &mut references);
    assert!(references.len() > 1000);
    for reference in references {
        let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}

#[test]
fn operations_are_told_apart_and_say_what_their_path_needs() {
    let document = document();
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{method} {path}");
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let said: BTreeSet<_> =
            parameters.filter(|one| one["in"] == "path").map(|one| one["name"].as_str().unwrap()).collect();
        let needed: BTreeSet<_> = path.split('/').filter_map(variable).collect();
        assert_eq!(said, needed, "{method} {path}");
        let mut names = BTreeSet::new();
        for one in operation["parameters"].as_array().into_iter().flatten() {
            let name =
                if one["$ref"].is_null() { format!("{}/{}", one["in"], one["name"]) } else { one["$ref"].to_string() };
            assert!(names.insert(name.to_lowercase()), "{method} {path}: {name} twice");
        }
    }
}

#[test]
fn every_route_is_in_the_document() {
    let document = document();
    for route in table::routes() {
        let path = format!("{}{}", contract::API_BASE, route.path.replace("{*", "{"));
        let path = if route.kinds == Kinds::Jobs { path.replace(EXTENDED_PREFIX, "jobs") } else { path };
        for operation in &route.operations {
            let method = operation.method.unwrap_or("get");
            assert!(document["paths"][&path][method].is_object(), "{method} {path}");
        }
    }
}

#[test]
fn object_types_are_told_from_their_table() {
    let document = document();
    let machine = &document["components"]["schemas"]["machines"]["properties"];
    assert_eq!(machine["Uuid"]["type"], "string");
    assert_eq!(machine["Available"], json!({ "type": "boolean", "readOnly": true }));
    let user = &document["components"]["schemas"]["users"]["properties"];
    assert!(user["Name"].is_object() && user["PasswordHash"].is_null() && user["Secret"].is_null());
    let list = &document["paths"]["/api/v3/machines"]["get"];
    let named = |name: &str| list["parameters"].as_array().unwrap().iter().any(|one| one["name"] == name);
    assert!(named("HardwareAddr") && named("Name") && !named("Secret"));
    assert!(document["paths"]["/api/v3/roles/{key}/params"].is_null(), "roles have none");
}
