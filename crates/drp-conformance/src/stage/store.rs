//! Objects in memory, as raw JSON: as much of a server as providers need to configure themselves and to act.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use drp_core::{Raw, patch::Patch};
use serde_json::{Map, Value, json};

/// Objects of one prefix that may be made.
const OBJECTS_MAX: usize = 10_000;

type Prefixes = BTreeMap<String, BTreeMap<String, Value>>;

/// The objects by prefix and key.
#[derive(Default)]
pub(crate) struct Store(Mutex<Prefixes>);

/// A status, and what is said with it.
pub(super) type Reply = (u16, Value);

impl Store {
    /// Puts an object in its place.
    pub(crate) fn put(&self, prefix: &str, object: Value) {
        if let Some(key) = key_of(prefix, &object) {
            self.objects().entry(prefix.to_owned()).or_default().insert(key, object);
        }
    }

    /// All objects of a prefix.
    pub(crate) fn list(&self, prefix: &str) -> Vec<Value> {
        self.objects().get(prefix).into_iter().flat_map(BTreeMap::values).cloned().collect()
    }

    /// Answers a request about objects; `path` is what follows the base of the API.
    pub(super) fn answer(&self, method: &str, path: &[&str], query: &BTreeMap<String, String>, body: &[u8]) -> Reply {
        match (method, path) {
            ("GET" | "HEAD", [prefix]) => (200, self.filtered(prefix, query)),
            ("POST", [prefix]) => self.create(prefix, body),
            ("GET" | "HEAD", [prefix, key]) => self.with(method, prefix, key, |object| (200, object.clone())),
            ("PUT", [prefix, key]) => match serde_json::from_slice::<Value>(body) {
                Ok(new) => self.with(method, prefix, key, |object| {
                    object.clone_from(&new);
                    (200, new)
                }),
                Err(error) => refused(400, method, prefix, key, &error.to_string()),
            },
            ("PATCH", [prefix, key]) => {
                self.with(method, prefix, key, |object| patch(method, prefix, key, object, body))
            }
            ("DELETE", [prefix, key]) => {
                let gone = self.objects().get_mut(*prefix).and_then(|objects| objects.remove(*key));
                gone.map_or_else(|| not_found(method, prefix, key), |object| (200, object))
            }
            (method, [prefix, key, "params"]) => {
                let defaults = self.defaults(query);
                self.with(method, prefix, key, |object| all_params(method, prefix, key, object, &defaults, body))
            }
            (method, [prefix, key, "params", name @ ..]) => {
                let (name, defaults) = (name.join("/"), self.defaults(query));
                self.with(method, prefix, key, |object| one_param(method, object, &name, &defaults, body))
            }
            _ => not_found(method, path.first().copied().unwrap_or_default(), &path.join("/")),
        }
    }

    fn objects(&self) -> MutexGuard<'_, Prefixes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with(&self, method: &str, prefix: &str, key: &str, answer: impl FnOnce(&mut Value) -> Reply) -> Reply {
        // Such as `Name:demo`, which asks by an index.
        let key = key.split_once(':').map_or(key, |(_, key)| key);
        let mut objects = self.objects();
        let found = objects.get_mut(prefix).and_then(|objects| {
            let by_name = objects.iter().find(|(_, object)| object["Name"] == key).map(|(key, _)| key.clone());
            let by_key = objects.contains_key(key).then(|| key.to_owned());
            objects.get_mut(&by_key.or(by_name)?)
        });
        found.map_or_else(|| not_found(method, prefix, key), answer)
    }

    fn filtered(&self, prefix: &str, query: &BTreeMap<String, String>) -> Value {
        // `Field=value` and `Field=Eq(value)`; words in lower case ask for a form and not for objects.
        let is_filter = |name: &str| name.starts_with(|c: char| c.is_uppercase()) || name.contains('/');
        let filters: Vec<(&String, &str)> = query
            .iter()
            .filter(|(name, _)| is_filter(name))
            .map(|(name, value)| {
                let inner = value.strip_prefix("Eq(").and_then(|value| value.strip_suffix(')'));
                (name, inner.unwrap_or(value))
            })
            .collect();
        let is_wanted = |object: &Value| {
            filters.iter().all(|(name, wanted)| {
                let found = object.get(name.as_str()).or_else(|| object["Params"].get(name.as_str()));
                found.is_some_and(|found| found.as_str().map_or_else(|| found.to_string(), str::to_owned) == *wanted)
            })
        };
        self.list(prefix).into_iter().filter(is_wanted).collect()
    }

    fn create(&self, prefix: &str, body: &[u8]) -> Reply {
        let mut object: Value = match serde_json::from_slice(body) {
            Ok(object @ Value::Object(_)) => object,
            _ => return refused(400, "CREATE", prefix, "", "an object is expected"),
        };
        if ["machines", "jobs"].contains(&prefix) && key_of(prefix, &object).is_none_or(|key| key.is_empty()) {
            object["Uuid"] = uuid::Uuid::new_v4().to_string().into();
        }
        let Some(key) = key_of(prefix, &object).filter(|key| !key.is_empty()) else {
            return refused(400, "CREATE", prefix, "", "Empty key not allowed");
        };
        let mut all = self.objects();
        let objects = all.entry(prefix.to_owned()).or_default();
        if objects.contains_key(&key) {
            return refused(409, "CREATE", prefix, &key, "already exists");
        }
        if objects.len() >= OBJECTS_MAX {
            return refused(507, "CREATE", prefix, &key, "there are too many objects");
        }
        objects.insert(key, object.clone());
        (201, object)
    }

    /// Defaults of all params, where a request asks for what holds in the end.
    fn defaults(&self, query: &BTreeMap<String, String>) -> BTreeMap<String, Value> {
        if query.get("aggregate").map(String::as_str) != Some("true") {
            return BTreeMap::new();
        }
        let default =
            |param: Value| Some((param["Name"].as_str()?.to_owned(), param["Schema"].get("default")?.clone()));
        self.list("params").into_iter().filter_map(default).collect()
    }
}

/// The key of an object, as its type has it.
pub(crate) fn key_of(prefix: &str, object: &Value) -> Option<String> {
    let fields: &[&str] = match prefix {
        "machines" | "jobs" => &["Uuid"],
        _ => &["Name", "Id", "ID", "Addr", "Strategy", "Uuid"],
    };
    fields.iter().find_map(|field| object[*field].as_str()).map(str::to_owned)
}

pub(super) fn not_found(method: &str, prefix: &str, key: &str) -> Reply {
    refused(404, method, prefix, key, "Not Found")
}

fn refused(status: u16, kind: &str, prefix: &str, key: &str, text: &str) -> Reply {
    (status, json!({ "Model": prefix, "Key": key, "Type": kind, "Messages": [text], "Code": status }))
}

fn patch(method: &str, prefix: &str, key: &str, object: &mut Value, body: &[u8]) -> Reply {
    let patched = || -> Result<Value, (u16, String)> {
        let patch: Patch = serde_json::from_slice(body).map_err(|error| (400, error.to_string()))?;
        let raw = Raw::new(object).map_err(|error| (400, error.to_string()))?;
        let patched = patch.apply(&raw).map_err(|error| (409, error.to_string()))?;
        patched.parse().map_err(|error| (406, error.to_string()))
    };
    match patched() {
        Ok(new) => {
            object.clone_from(&new);
            (200, new)
        }
        Err((status, text)) => refused(status, method, prefix, key, &text),
    }
}

fn params_of(object: &mut Value) -> Option<&mut Map<String, Value>> {
    let params = object.as_object_mut()?.entry("Params").or_insert_with(|| json!({}));
    if params.is_null() {
        *params = json!({});
    }
    params.as_object_mut()
}

fn all_params(
    method: &str,
    prefix: &str,
    key: &str,
    object: &mut Value,
    defaults: &BTreeMap<String, Value>,
    body: &[u8],
) -> Reply {
    let Some(params) = params_of(object) else { return not_found(method, prefix, key) };
    match method {
        "GET" | "HEAD" => {
            let mut all: Map<String, Value> = defaults.clone().into_iter().collect();
            all.extend(params.clone());
            (200, Value::Object(all))
        }
        "POST" => match serde_json::from_slice(body) {
            Ok(Value::Object(new)) => {
                params.clone_from(&new);
                (200, Value::Object(new))
            }
            _ => refused(400, method, prefix, key, "an object is expected"),
        },
        "PATCH" => {
            let mut value = Value::Object(params.clone());
            let reply = patch(method, prefix, key, &mut value, body);
            if let Value::Object(new) = value {
                *params = new;
            }
            reply
        }
        _ => not_found(method, prefix, key),
    }
}

fn one_param(method: &str, object: &mut Value, name: &str, defaults: &BTreeMap<String, Value>, body: &[u8]) -> Reply {
    let Some(params) = params_of(object) else { return not_found(method, "params", name) };
    match method {
        // What is not set is null, and no error.
        "GET" | "HEAD" => (200, params.get(name).or_else(|| defaults.get(name)).cloned().unwrap_or_default()),
        "POST" => match serde_json::from_slice::<Value>(body) {
            Ok(value) => {
                params.insert(name.to_owned(), value.clone());
                (200, value)
            }
            Err(error) => refused(400, method, "params", name, &error.to_string()),
        },
        "DELETE" => params.remove(name).map_or_else(|| not_found(method, "params", name), |value| (200, value)),
        _ => not_found(method, "params", name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine with a param, and a Param with a default.
    fn store() -> Store {
        let store = Store::default();
        store.put("machines", json!({ "Uuid": "u1", "Name": "demo", "Params": { "a/b": 1 } }));
        store.put("params", json!({ "Name": "a/c", "Schema": { "default": 7 } }));
        store
    }

    #[test]
    fn requests_are_answered_as_a_server_does() {
        let store = store();
        let check = |method: &str, path: &str, query: &[(&str, &str)], body: &str, wanted: (u16, Value)| {
            let path: Vec<&str> = path.split('/').collect();
            let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let (status, answer) = store.answer(method, &path, &query, body.as_bytes());
            let answer = if status < 400 { answer } else { answer["Messages"][0].clone() };
            assert_eq!((status, answer), wanted, "{method} {path:?}");
        };
        check("GET", "machines/Name:demo/params/a/b", &[], "", (200, json!(1)));
        check("GET", "machines/u1/params/a/c", &[], "", (200, json!(null)));
        check("GET", "machines/u1/params/a/c", &[("aggregate", "true")], "", (200, json!(7)));
        check("POST", "machines/u1/params/a/b", &[], "2", (200, json!(2)));
        check("GET", "machines/u1/params", &[("aggregate", "true")], "", (200, json!({ "a/b": 2, "a/c": 7 })));
        check("DELETE", "machines/u1/params/a/b", &[], "", (200, json!(2)));
        check("DELETE", "machines/u1/params/a/b", &[], "", (404, json!("Not Found")));
        check("GET", "machines/u2", &[], "", (404, json!("Not Found")));
        check("POST", "profiles", &[], r#"{"Name":"p"}"#, (201, json!({ "Name": "p" })));
        check("POST", "profiles", &[], r#"{"Name":"p"}"#, (409, json!("already exists")));
        let patch = r#"[{"op":"test","path":"/Name","value":"p"},{"op":"add","path":"/Meta","value":{}}]"#;
        check("PATCH", "profiles/p", &[], patch, (200, json!({ "Name": "p", "Meta": {} })));
        check("GET", "profiles", &[("Name", "Eq(q)"), ("slim", "Params")], "", (200, json!([])));
        check("GET", "nonsense/a/b/c", &[], "", (404, json!("Not Found")));
    }
}
