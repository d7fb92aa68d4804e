//! What may stand in paths, queries and headers.

use serde_json::{Map, Value, json};

use crate::types::ObjectType;

/// Name, kind and meaning of what a query may have.
const QUERY: [(&str, &str, &str); 23] = [
    ("aggregate", "boolean", "Params of profiles, stages and the profile global are taken in"),
    ("all", "boolean", "Names in the folders below are listed too"),
    ("completeJobsPurgedAfter", "string", "Age from which finished jobs go: seconds, or a number with a unit"),
    ("compose", "boolean", "Maps and lists of all levels are merged"),
    ("decode", "boolean", "Secure params are shown open; needs the claim getSecure"),
    ("dryrun", "boolean", "Only says what would be done"),
    ("explode", "boolean", "The archive is unpacked beside itself: tar, tar.gz, tar.bz2, tar.xz or zip"),
    ("failedJobsPurgedAfter", "string", "Age from which failed jobs go: seconds, or a number with a unit"),
    ("force", "boolean", "Accepted, and without effect"),
    ("jobsToKeep", "integer", "So many jobs of each machine stay"),
    ("limit", "integer", "At most so many objects"),
    ("machine", "string", "Only jobs of this machine; `missing` means machines that are gone"),
    ("offset", "integer", "So many objects are left out first"),
    ("os", "string", "The operating system that the scripts are for"),
    ("params", "string", "Only these params, separated by commas"),
    ("path", "string", "The folder"),
    ("plugin", "string", "Only actions of this plugin"),
    ("replaceWritable", "boolean", "Objects of the same keys make room"),
    ("reverse", "boolean", "The other way round"),
    ("roles", "string", "Only the rights of these roles, separated by commas"),
    ("slim", "string", "Leaves out Params, Meta or both, separated by commas"),
    ("sort", "string", "The index to sort by"),
    ("ttl", "string", "The life of the token: seconds, or a number with a unit of s, m, h, d, w, y"),
];

/// Every parameter that more than one operation may have.
pub(super) fn components() -> Value {
    let mut all: Map<String, Value> = QUERY
        .iter()
        .map(|(name, type_, meaning)| ((*name).to_owned(), parameter("query", name, type_, meaning)))
        .collect();
    for (name, meaning) in [
        ("If-None-Match", "ETags of states that the client has: 304 if the present one is among them"),
        (
            "Prefer",
            "wait=DUR with If-None-Match: waits so long for a change, in seconds or as 1m30s, at most 10 minutes",
        ),
        ("Range", "The bytes wanted"),
    ] {
        all.insert(name.to_owned(), parameter("header", name, "string", meaning));
    }
    Value::Object(all)
}

/// A variable part of a path.
pub(super) fn in_path(name: &str) -> Value {
    let meaning = match name {
        "key" => "The object's key, or INDEX:VALUE with a unique index",
        "prefix" => "The object type",
        "path" | "rest" => "May hold slashes",
        _ => "",
    };
    let mut parameter = parameter("path", name, "string", meaning);
    parameter["required"] = json!(true);
    parameter
}

/// What objects of a type can be filtered by.
pub(super) fn indexes(kind: &ObjectType) -> Vec<Value> {
    let described = |(name, info): (String, crate::types::IndexInfo)| {
        let regex = if info.regex { ", Re(REGEX)" } else { "" };
        let order = if info.unordered { "" } else { ", Lt, Lte, Gt, Gte(VALUE), Between, Except(LOW,HIGH)" };
        let meaning = format!("A {} or OP(ARGUMENT): Eq, Ne(VALUE), In, Nin(VALUE,…){order}{regex}", info.type_);
        parameter("query", &name, "string", &meaning)
    };
    kind.indexes().into_iter().map(described).collect()
}

fn parameter(place: &str, name: &str, type_: &str, meaning: &str) -> Value {
    let mut parameter = json!({ "name": name, "in": place, "schema": { "type": type_ } });
    if !meaning.is_empty() {
        parameter["description"] = json!(meaning);
    }
    parameter
}
