//! The OpenAPI 3.1 document, made from the table of routes and the table of object types. It says what is built in;
//! types that providers bring are like one another, and are told of as one.

mod parameters;
mod schemas;

use std::collections::BTreeMap;

use axum::response::{IntoResponse, Redirect, Response};
use bytes::Bytes;
use drp_core::contract;
use http::StatusCode;
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

use super::{
    reply,
    route::{Content, Kinds, Operation, Route},
    table,
};
use crate::types::{ObjectType, Types};

/// Where the document is served, outside of the API.
pub(super) const PATH: &str = "/openapi.json";
/// Where the reference server has one.
pub(super) const OLD_PATH: &str = "/swagger.json";
/// The schema of objects whose type a provider brings.
const EXTENDED: &str = "Extended";
const EXTENDED_PREFIX: &str = "{prefix}";
/// What a plugin serves may have any of these.
const METHODS: [&str; 5] = ["delete", "get", "patch", "post", "put"];

static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| document().to_string().into());

/// `GET /openapi.json`, for everybody.
pub(super) async fn get() -> Response {
    reply::object_bytes(StatusCode::OK, DOCUMENT.clone())
}

/// `GET /swagger.json`: what it says is no Swagger 2 any more, so it is said at its own place.
pub(super) async fn moved() -> Response {
    Redirect::permanent(PATH).into_response()
}

/// The OpenAPI 3.1 document of the API, as `GET /openapi.json` has it.
#[must_use]
pub fn document() -> Value {
    let types = Types::new();
    let kinds: Vec<&ObjectType> = types.all().map(AsRef::as_ref).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "drpx",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The dr-provision API of a host of plugin providers. Wherever GET is served, so is HEAD. \
                An answer with an ETag is 304 for who sends it back in If-None-Match. Errors of any status are an Error.",
        },
        "servers": [{ "url": "/" }],
        "security": [{ "basic": [] }, { "bearer": [] }, { "token": [] }],
        "paths": paths(&table::routes(), &kinds),
        "components": {
            "schemas": schemas::all(&kinds),
            "parameters": parameters::components(),
            "headers": headers(),
            "responses": responses(),
            "securitySchemes": {
                "basic": { "type": "http", "scheme": "basic" },
                "bearer": { "type": "http", "scheme": "bearer" },
                "token": { "type": "apiKey", "in": "query", "name": "token", "description": "A bearer token, where no header can be set" },
            },
        },
    })
}

/// All paths. What is said of a path first stands: routes of their own come before those of all types.
fn paths(routes: &[Route], kinds: &[&ObjectType]) -> Value {
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    let mut say = |path: String, method: &str, operation: Value| {
        paths.entry(path).or_default().entry(method).or_insert(operation);
    };
    for route in routes {
        let own = (route.kinds == Kinds::None).then_some(None);
        let of_kinds = kinds.iter().filter(|kind| route.kinds.include(kind)).map(|kind| Some(*kind));
        // Last, so that a type's own path is said first.
        let extended = (!matches!(route.kinds, Kinds::None | Kinds::Jobs)).then_some(None);
        for kind in own.into_iter().chain(of_kinds).chain(extended) {
            let path = kind.map_or(route.path.to_owned(), |kind| route.path.replace(EXTENDED_PREFIX, &kind.prefix));
            let path = format!("{}{}", contract::API_BASE, path.replace("{*", "{"));
            for operation in &route.operations {
                for method in operation.method.as_ref().map_or(&METHODS[..], std::slice::from_ref) {
                    let place = Place { path: &path, method, kind, chapter: route.chapter };
                    say(path.clone(), method, place.describe(operation));
                }
            }
        }
    }
    let bytes = json!({ "200": { "description": "The file", "content": { "application/octet-stream": {} } },
        "206": { "description": "A range of it", "content": { "application/octet-stream": {} } },
        "404": response_ref("Error"), "416": response_ref("Error") });
    let public = |id: &str, summary: &str, responses: Value| json!({ "operationId": id, "summary": summary, "tags": ["public"], "security": [], "responses": responses });
    let mut file = public("getPublicFile", "A file of /files, for everybody", bytes);
    file["parameters"] = json!([parameters::in_path("path")]);
    say("/files/{path}".to_owned(), "get", file);
    let document = json!({ "200": { "description": "The document", "content": { "application/json": {} } } });
    say(PATH.to_owned(), "get", public("getOpenapi", "This document", document));
    let moved = json!({ "308": { "description": "It is at /openapi.json" } });
    say(OLD_PATH.to_owned(), "get", public("getSwagger", "Where the reference server has its document", moved));
    json!(paths)
}

/// Where an operation is described.
struct Place<'a> {
    path: &'a str,
    method: &'a str,
    kind: Option<&'a ObjectType>,
    chapter: &'a str,
}

impl Place<'_> {
    fn describe(&self, operation: &Operation) -> Value {
        let mut said = json!({
            "operationId": self.id(),
            "summary": operation.summary,
            "tags": [self.kind.map_or(self.chapter, |kind| &kind.prefix)],
            "responses": self.responses(operation),
        });
        let mut parameters: Vec<Value> = self.path.split('/').filter_map(variable).map(parameters::in_path).collect();
        parameters.extend(operation.query.iter().map(|name| parameter_ref(name)));
        if operation.gives == Content::Objects {
            parameters.extend(self.kind.into_iter().flat_map(parameters::indexes));
        }
        if self.method == "get" && matches!(operation.gives, Content::Object | Content::Stream) {
            parameters.push(parameter_ref("If-None-Match"));
            parameters.push(parameter_ref(if operation.gives == Content::Object { "Prefer" } else { "Range" }));
        }
        if !parameters.is_empty() {
            said["parameters"] = Value::Array(parameters);
        }
        if operation.takes != Content::Nothing && !(operation.method.is_none() && self.method == "get") {
            said["requestBody"] = json!({ "content": self.content(operation.takes) });
        }
        said
    }

    /// Method and path as one name.
    fn id(&self) -> String {
        let parts = self.path.trim_start_matches(contract::API_BASE).split(['/', '-', '_']);
        let named = parts.map(|part| match variable(part) {
            Some(name) => format!("By{}", capitalized(name)),
            None => capitalized(part),
        });
        format!("{}{}", self.method, named.collect::<String>())
    }

    fn responses(&self, operation: &Operation) -> Value {
        let mut responses = Map::new();
        let mut success = json!({ "description": operation.summary });
        let content = self.content(operation.gives);
        if content != json!({}) {
            success["content"] = content;
        }
        match operation.gives {
            Content::Object | Content::Stream => success["headers"] = json!({ "ETag": header_ref("ETag") }),
            Content::Objects => {
                let counts = ["X-DRP-LIST-TOTAL-COUNT", "X-DRP-LIST-FILTER-COUNT", "X-DRP-LIST-COUNT"];
                success["headers"] = counts.into_iter().map(|name| (name.to_owned(), header_ref(name))).collect();
            }
            _ => {}
        }
        if self.method == "get" && operation.gives == Content::Stream && operation.method.is_some() {
            responses.insert("206".to_owned(), success.clone());
            responses.insert("416".to_owned(), response_ref("Error"));
        }
        if self.method == "get" && matches!(operation.gives, Content::Object | Content::Stream) {
            responses.insert("304".to_owned(), json!({ "description": "It is what the client has" }));
        }
        responses.insert(operation.status.to_string(), success);
        responses.insert("401".to_owned(), response_ref("Anonymous"));
        let refusals: &[&str] = match self.method {
            "get" => &["400", "403", "404", "406"],
            "delete" => &["403", "404", "409", "422", "507"],
            _ => &["400", "403", "404", "406", "408", "409", "413", "415", "422", "507"],
        };
        responses.extend(refusals.iter().map(|status| ((*status).to_owned(), response_ref("Error"))));
        responses.insert("default".to_owned(), response_ref("Error"));
        Value::Object(responses)
    }

    fn content(&self, content: Content) -> Value {
        let of_kind = || schema_ref(self.kind.map_or(EXTENDED, |kind| &kind.prefix));
        let list_of = |items: Value| json!({ "type": "array", "items": items });
        let schema = match content {
            Content::Nothing => return json!({}),
            Content::Stream => return json!({ "application/octet-stream": {} }),
            Content::Json => json!({}),
            Content::Is(name) => schema_ref(name),
            Content::ListOf(name) => list_of(schema_ref(name)),
            Content::MapOf(name) => json!({ "type": "object", "additionalProperties": schema_ref(name) }),
            Content::Object => of_kind(),
            Content::Objects => list_of(of_kind()),
        };
        json!({ "application/json": { "schema": schema } })
    }
}

fn variable(part: &str) -> Option<&str> {
    part.strip_prefix('{')?.strip_suffix('}')
}

fn capitalized(part: &str) -> String {
    let mut letters = part.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn headers() -> Value {
    let count = |what: &str| json!({ "description": what, "required": true, "schema": { "type": "integer" } });
    json!({
        "ETag": { "description": "Names this state of it; of bytes it is \"SHA256:HEX\"", "schema": { "type": "string" } },
        "X-DRP-LIST-TOTAL-COUNT": count("Objects that the caller may see"),
        "X-DRP-LIST-FILTER-COUNT": count("Those of them that the filters leave"),
        "X-DRP-LIST-COUNT": count("Those of them that are sent"),
    })
}

fn responses() -> Value {
    let error = json!({ "application/json": { "schema": schema_ref("Error") } });
    json!({
        "Error": { "description": "It was not done, and why", "content": error },
        "Anonymous": {
            "description": "The request does not say who sends it",
            "headers": { "WWW-Authenticate": { "schema": { "type": "string", "const": "dr-provision" } } },
        },
    })
}

fn schema_ref(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn parameter_ref(name: &str) -> Value {
    json!({ "$ref": format!("#/components/parameters/{name}") })
}

fn header_ref(name: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{name}") })
}

fn response_ref(name: &str) -> Value {
    json!({ "$ref": format!("#/components/responses/{name}") })
}

#[cfg(test)]
mod tests;
