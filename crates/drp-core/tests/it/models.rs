//! The list of models.

use drp_core::{Form, Job, Lease, MODELS, Machine, Model, ModelType, Pool, RawModel, Task, Template, User, UserToken};
use serde_json::{Value, json};

use crate::kept::assert_object_kept;

fn keys(model: &ModelType) -> impl Iterator<Item = (&'static str, Form)> {
    model.keys.iter().copied().flatten().map(|field| (field.name, field.form))
}

#[test]
fn every_model_has_its_key_field_and_is_listed_once_in_order() {
    assert!(MODELS.is_sorted_by(|a, b| a.prefix < b.prefix));
    for model in &MODELS {
        let names: Vec<_> = keys(model).map(|(name, _)| name).collect();
        for name in model.unique.iter().chain([&model.key_field]) {
            assert!(names.contains(name), "{} has no {name}", model.prefix);
        }
        assert_eq!(names.contains(&"Params"), model.has_params, "{}", model.prefix);
    }
    assert!(ModelType::find("cows").is_none());
}

#[test]
fn the_typed_key_is_what_stands_in_the_key_field() {
    fn check<M: Model>(object: Value, key: &str) {
        let model: M = serde_json::from_value(object).unwrap();
        assert_eq!(model.key(), key);
    }
    let uuid = "87a74f0e-d168-4687-99e8-8fd3a7ed551b";
    check::<Machine>(json!({ "Uuid": uuid, "Name": "m1" }), uuid);
    check::<Template>(json!({"ID": "t.tmpl"}), "t.tmpl");
    check::<Lease>(json!({"Addr": "192.168.124.11"}), "C0A87C0B");
    check::<Pool>(json!({"Id": "p1"}), "p1");
}

#[test]
fn the_zero_object_of_every_model_is_kept() {
    for model in &MODELS {
        let zero = keys(model).map(|(name, form)| (name.to_owned(), zero_of(form)));
        let zero = Value::Object(zero.filter(|(name, _)| !is_omitted(model, name)).collect());
        assert_object_kept(model.prefix, &zero.to_string(), model.prefix);
        let nulls = keys(model).map(|(name, _)| (name.to_lowercase(), Value::Null)).collect();
        let object: RawModel = serde_json::from_value(Value::Object(nulls)).unwrap();
        assert!((model.validate)(&object).is_ok(), "{}: nulls in small letters are read", model.prefix);
    }
}

fn is_omitted(model: &ModelType, name: &str) -> bool {
    model.keys.iter().copied().flatten().any(|field| field.name == name && field.is_omitted)
}

fn zero_of(form: Form) -> Value {
    match form {
        Form::Text | Form::Uuid | Form::Address => json!(""),
        Form::Bool => json!(false),
        Form::Int => json!(0),
        Form::Time => json!("0001-01-01T00:00:00Z"),
        Form::List(_) => json!([]),
        Form::Map(_) => json!({}),
        Form::Record(groups) => {
            Value::Object(groups.iter().copied().flatten().map(|f| (f.name.to_owned(), zero_of(f.form))).collect())
        }
        Form::Bytes | Form::Any => Value::Null,
    }
}

#[test]
fn keys_that_say_nothing_are_omitted_where_go_omits_them() {
    let written = |value: Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let pool = written(serde_json::to_value(Pool::default()).unwrap());
    assert_eq!(pool.len(), 8, "mixins and Id: {pool:?}");
    let task = serde_json::to_value(Task { extra_roles: vec!["r1".to_owned()].into(), ..Task::default() }).unwrap();
    assert_eq!((&task["ExtraRoles"], task.get("ExtraClaims")), (&json!(["r1"]), None));
    assert!(!written(serde_json::to_value(Job::default()).unwrap()).contains(&"Token".to_owned()));
    let pool: Pool = serde_json::from_value(json!({"Id": "p1", "EnterActions": {}, "ExitActions": null})).unwrap();
    let pool = serde_json::to_value(pool).unwrap();
    assert_eq!((&pool["EnterActions"], pool.get("ExitActions")), (&json!({}), None));
}

#[test]
fn unknown_keys_are_kept_and_keys_in_other_letter_case_are_read() {
    let machine: Machine = serde_json::from_value(json!({"name": "m1", "meta": {"a": "b"}, "New": [1.50]})).unwrap();
    assert_eq!((machine.name.as_str(), machine.meta["a"].as_str()), ("m1", "b"));
    assert_eq!(serde_json::to_value(machine).unwrap()["New"], json!([1.5]));
}

#[test]
fn printed_objects_show_no_secrets() {
    let hidden = "opensesame";
    let machine = Machine { name: "m1".to_owned(), secret: hidden.into(), ..Machine::default() };
    let user: User = serde_json::from_value(json!({"Name": "bob", "PasswordHash": hidden, "Secret": hidden})).unwrap();
    let job = Job { token: hidden.into(), ..Job::default() };
    let token = UserToken { token: hidden.into(), ..UserToken::default() };
    for printed in [format!("{machine:?}"), format!("{user:?}"), format!("{job:?}"), format!("{token:?}")] {
        assert!(printed.contains("<secret>") && !printed.contains(hidden), "{printed}");
    }
    assert_eq!(serde_json::to_value(machine).unwrap()["Secret"], hidden);
}
