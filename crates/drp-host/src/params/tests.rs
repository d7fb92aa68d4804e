#![allow(clippy::unwrap_used, clippy::needless_pass_by_value)]
use super::*;
use crate::store::{MemoryStore, Store};
use serde_json::json;

struct Room {
    values: ParamValues,
    store: Arc<dyn Store>,
}

impl Room {
    /// A machine `m1` with profiles `one` and `two`, a stage with profile `staged`, and some declarations.
    async fn open() -> Self {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new().unwrap());
        let objects = Arc::new(Objects::open(Arc::clone(&store)).await.unwrap());
        let bundle = serde_json::from_value(json!({"sections": {
            "params": {
                "a/step": {"Name": "a/step", "Schema": {"type": "integer", "default": 1}},
                "a/secret": {"Name": "a/secret", "Secure": true, "Schema": {"type": "string"}}
            },
            "stages": {"s1": {"Name": "s1", "Params": {"in-stage": 1, "deep": "stage"}, "Profiles": ["staged"]}},
            "profiles": {
                "one": {"Profiles": ["nested"], "Params": {"deep": "one", "map": {"a": 1, "b": {"x": 1}}}},
                "nested": {"Profiles": ["one"], "Params": {"deep": "nested", "in-nested": 1, "order": "nested"}},
                "two": {"Params": {"order": "two", "map": {"b": {"y": 2}, "c": [1]}, "a/secret": "of two"}},
                "staged": {"Params": {"in-staged": 1, "order": "staged"}}
            }
        }}));
        objects.set_layer("content", &bundle.unwrap(), &drp_core::Map::default()).await.unwrap();
        let machine = json!({"Name": "m1", "Stage": "s1", "Profiles": ["one", "two"], "Params": {"own": 1.50}});
        objects.create(&Principal::system(), "machines", RawModel::new(&machine).unwrap()).await.unwrap();
        let room = Self { values: ParamValues::new(objects), store };
        room.values.set(&Principal::system(), "profiles", "global", "in-global", &raw(json!(1))).await.unwrap();
        room
    }

    fn one(&self, name: &str, view: View) -> String {
        self.values.one("machines", "Name:m1", name, view).unwrap().get().to_owned()
    }

    async fn set(&self, name: &str, value: Value) -> Result<Raw, Error> {
        self.values.set(&Principal::system(), "machines", "Name:m1", name, &raw(value)).await
    }

    fn machine(&self) -> Arc<RawModel> {
        self.values.objects.get("machines", "Name:m1").unwrap().unwrap()
    }
}

fn raw(value: Value) -> Raw {
    Raw::from(value)
}

const AGGREGATE: View = View { aggregate: true, compose: false, decode: false };
const DECODE: View = View { aggregate: false, compose: false, decode: true };

#[tokio::test]
async fn a_name_is_looked_up_in_order() {
    let room = Room::open().await;
    for (name, expected) in [
        ("own", "1.5"),
        ("deep", "\"one\""),
        ("order", "\"nested\""),
        ("in-nested", "1"),
        ("in-stage", "1"),
        ("in-staged", "1"),
        ("in-global", "1"),
        ("a/step", "1"),
        ("nowhere", "null"),
    ] {
        assert_eq!(room.one(name, AGGREGATE), expected, "{name}");
        let resolved = room.values.resolve("machines", &room.machine(), name).unwrap().map(|found| found.value);
        assert_eq!(resolved.map(|value| value.get().to_owned()), Some(expected.to_owned()).filter(|v| v != "null"));
        if name != "own" {
            assert_eq!(room.one(name, View::default()), "null", "{name} is not the machine's own");
        }
    }
    room.set("order", json!(null)).await.unwrap();
    assert_eq!(room.one("order", AGGREGATE), "null", "null is a value");
    assert_eq!(
        room.values.resolve("machines", &room.machine(), "order").unwrap().map(|found| found.value),
        Some(Raw::null())
    );
    let all = room.values.all("machines", "Name:m1", AGGREGATE).unwrap();
    assert_eq!(
        all.keys().map(String::as_str).collect::<Vec<_>>().join(" "),
        "a/secret deep in-global in-nested in-stage in-staged map order own"
    );
}

#[tokio::test]
async fn composed_values_are_merged_over_all_places() {
    let room = Room::open().await;
    let composed = room.one("map", View { compose: true, ..AGGREGATE });
    assert_eq!(serde_json::from_str::<Value>(&composed).unwrap(), json!({"a": 1, "b": {"x": 1, "y": 2}, "c": [1]}));
    let check = |a: Value, b: Value, expected: Value| assert_eq!(compose(raw(a), raw(b)), raw(expected));
    check(json!([1]), json!([2]), json!([1, 2]));
    check(json!(1), json!({"a": 1}), json!(1));
}

#[tokio::test]
async fn params_are_set_replaced_patched_and_removed() {
    let room = Room::open().await;
    let by = Principal::system();
    assert_eq!(room.set("a/step", json!(7)).await.unwrap().get(), "7");
    assert_eq!(room.one("a/step", View::default()), "7");
    let patch: Patch = serde_json::from_value(json!([
        {"op": "test", "path": "", "from": "", "value": {"a/step": 7, "own": 1.5}},
        {"op": "add", "path": "/foo~1bar", "from": "", "value": "x"}
    ]))
    .unwrap();
    let params = room.values.patch(&by, "machines", "Name:m1", &patch).await.unwrap();
    assert_eq!(serde_json::to_string(&params).unwrap(), r#"{"a/step":7,"foo/bar":"x","own":1.5}"#);
    let error = room.values.patch(&by, "machines", "Name:m1", &patch).await.unwrap_err();
    assert_eq!((error.code, error.type_.as_str()), (409, "PATCH"));
    assert_eq!(*error.messages, ["Patch failed to apply at line 0", "Test op failed."]);
    assert_eq!(room.values.remove(&by, "machines", "Name:m1", "foo/bar").await.unwrap().get(), "\"x\"");
    let error = room.values.remove(&by, "machines", "Name:m1", "foo/bar").await.unwrap_err();
    assert_eq!(error.to_string(), "DELETE: params/foo/bar: Not Found");
    let values: Params = serde_json::from_str(r#"{"only":[1]}"#).unwrap();
    assert_eq!(room.values.replace(&by, "machines", "Name:m1", &values).await.unwrap(), values);
    let error = room.values.replace(&by, "machines", "nosuch", &values).await.unwrap_err();
    assert_eq!(error.to_string(), "POST: machines/nosuch: Not Found");
    let error = room.values.set(&by, "users", "x", "y", &Raw::null()).await.unwrap_err();
    assert_eq!(error.to_string(), "POST: /api/v3/users/x/params: No route");
    let error = room.values.set(&by, "profiles", "one", "y", &Raw::null()).await.unwrap_err();
    assert_eq!(error.to_string(), "POST: profiles/one: one");
}

#[tokio::test]
async fn a_value_that_its_schema_does_not_take_is_a_conflict() {
    let room = Room::open().await;
    let error = room.set("a/step", json!(["x"])).await.unwrap_err();
    let text = r#"Key 'a/step': invalid val '["x"]': : (root): Invalid type. Expected: integer, given: array"#;
    assert_eq!((error.code, error.type_.as_str(), error.messages[0].as_str()), (409, "POST", text));
    assert_eq!(
        room.values.check("a/step", &raw(json!("asdf"))),
        Err(vec!["(root): Invalid type. Expected: integer, given: string".to_owned()])
    );
    assert_eq!(room.values.check("undeclared", &Raw::null()), Ok(()));
}

#[tokio::test]
async fn secrets_are_sealed_at_rest_and_opened_when_asked() {
    let room = Room::open().await;
    let stored = room.set("a/secret", json!("plain")).await.unwrap();
    assert!(secrets::as_sealed(&stored).is_some());
    let uuid = room.machine().text("Uuid");
    let entry = room.store.get("machines", &uuid).unwrap().unwrap();
    assert!(!String::from_utf8_lossy(&entry.value).contains("plain"));
    assert_eq!(room.one("a/secret", DECODE), "\"plain\"");
    assert_eq!(room.values.opened("machines", &room.machine()).unwrap()["a/secret"].get(), "\"plain\"");
    assert_eq!(room.values.all("machines", &uuid, DECODE).unwrap()["own"].get(), "1.5");

    let public = room.values.public_key("machines", "Name:m1").await.unwrap();
    let pair = room.values.objects.secrets().find("machines", &uuid).unwrap().unwrap();
    assert_eq!(public, public_text(&pair));
    let sealed = |value: Value| serde_json::to_value(secrets::seal(&raw(value), &pair.public_key())).unwrap();
    room.set("a/secret", sealed(json!("from client"))).await.unwrap();
    assert_eq!(room.one("a/secret", DECODE), "\"from client\"");

    for (bad, text) in [
        (
            sealed(json!(5)),
            "Key 'a/secret': invalid val '***': : (root): Invalid type. Expected: string, given: integer",
        ),
        (json!(5), "Key 'a/secret': invalid val '***': : (root): Invalid type. Expected: string, given: integer"),
        (
            serde_json::to_value(secrets::seal(&raw(json!("x")), &secrets_of_another())).unwrap(),
            "Key 'a/secret': invalid val '***': : SecureData corrupted",
        ),
    ] {
        assert_eq!(room.set("a/secret", bad).await.unwrap_err().messages[0], text);
    }
}

fn secrets_of_another() -> crypto_box::PublicKey {
    crypto_box::SecretKey::from_bytes([7; 32]).public_key()
}

#[tokio::test]
async fn secrets_of_content_are_sealed_for_their_own_object() {
    let room = Room::open().await;
    let two = room.values.objects.get("profiles", "two").unwrap().unwrap();
    assert!(!serde_json::to_string(&*two).unwrap().contains("of two"));
    let resolved = room.values.resolve("machines", &room.machine(), "a/secret").unwrap().map(|found| found.value);
    assert_eq!(resolved.unwrap().get(), "\"of two\"");
}

#[tokio::test]
async fn what_was_sealed_stays_a_secret_when_its_param_is_none_any_more() {
    let room = Room::open().await;
    room.set("a/secret", json!("plain")).await.unwrap();
    room.values.objects.drop_layer("content").await;
    let found = |name| room.values.resolve("machines", &room.machine(), name).unwrap().unwrap();
    let secret = found("a/secret");
    // So it is in no event of an action and in no line of a plugin.
    assert_eq!((secret.value.get(), secret.is_secret), ("\"plain\"", true));
    assert!(!found("own").is_secret);
}
