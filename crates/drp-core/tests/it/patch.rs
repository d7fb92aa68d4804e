//! Patches of any JSON, as properties.

use std::collections::BTreeMap;

use drp_core::{
    Raw,
    patch::{Operation, OperationKind, Patch},
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Few, so that two documents have some in common, and among them those that pointers escape.
const KEYS: [&str; 12] = ["", "a", "b", "/", "~", "~0", "~1", "a/b~c", "Ünï ☃", "\"\\\u{7}", "-", "0"];

fn key() -> impl Strategy<Value = String> {
    prop::sample::select(&KEYS[..]).prop_map(str::to_owned)
}

fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..3_i64).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        // Eighths, which every reader reads exactly.
        any::<i32>().prop_map(|number| json!(f64::from(number) / 8.0)),
        key().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let members = prop::collection::btree_map(key(), inner.clone(), 0..5);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            members.prop_map(|members: BTreeMap<_, _>| Value::Object(Map::from_iter(members))),
        ]
    })
}

fn object() -> impl Strategy<Value = Value> {
    prop::collection::btree_map(key(), document(), 0..6).prop_map(|members| Value::Object(Map::from_iter(members)))
}

/// A document as a patch sees it: members that are `null` are none.
fn without_null_members(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(members.map(|(key, value)| (key, without_null_members(value))).collect())
        }
        other => other,
    }
}

fn raw(value: &Value) -> Raw {
    Raw::from(value.clone())
}

fn value(raw: &Raw) -> Value {
    raw.parse().unwrap()
}

fn operation() -> impl Strategy<Value = Operation> {
    use OperationKind::{Add, Copy, Move, Remove, Replace, Test};
    let pointer = || {
        prop::collection::vec(prop_oneof![key(), Just("-1".to_owned()), Just("1".to_owned())], 0..4)
            .prop_map(|keys| drp_core::patch::pointer(keys.iter().map(String::as_str)))
    };
    (prop::sample::select(vec![Test, Add, Replace, Remove, Move, Copy]), pointer(), pointer(), document())
        .prop_map(|(op, path, from, value)| Operation { op, path, from, value: raw(&value) })
}

proptest! {
    #[test]
    fn a_made_patch_leads_to_the_target((old, new) in (object(), object())) {
        let patch = Patch::between(&raw(&old), &raw(&new));
        let made = patch.apply(&raw(&old)).unwrap();
        prop_assert_eq!(without_null_members(value(&made)), without_null_members(new));
    }

    #[test]
    fn equal_documents_need_no_patch(document in document()) {
        prop_assert!(Patch::between(&raw(&document), &raw(&document)).0.is_empty());
    }

    /// What servers refuse is not made: `null` as a value. What is replaced or removed stands right behind the test of
    /// what was there, unless that was `null`.
    #[test]
    fn what_is_replaced_or_removed_is_tested_first((old, new) in (object(), object())) {
        let (old, patch) = (raw(&old), Patch::between(&raw(&old), &raw(&new)).0);
        for (i, step) in patch.iter().enumerate() {
            let was = value(&old).pointer(&step.path).cloned();
            let tested = i > 0 && patch[i - 1] == Operation::test(&step.path, raw(&was.clone().unwrap_or_default()));
            match step.op {
                OperationKind::Test => prop_assert_eq!(Some(value(&step.value)), was),
                OperationKind::Add => prop_assert!(was.is_none_or(|was| was.is_null())),
                OperationKind::Replace => prop_assert!(tested),
                OperationKind::Remove => prop_assert!(tested || was == Some(Value::Null)),
                OperationKind::Move | OperationKind::Copy => prop_assert!(false, "never made"),
            }
            prop_assert!(step.op == OperationKind::Remove || !step.value.is_null());
        }
    }

    /// Somebody else was faster: whatever the patch replaces or removes is not overwritten unseen.
    #[test]
    fn a_patch_of_something_else_fails_or_changes_only_what_it_tested(
        (old, new, other) in (object(), object(), object()),
    ) {
        let patch = Patch::between(&raw(&old), &raw(&new));
        if patch.apply(&raw(&other)).is_ok() {
            for step in patch.0.iter().filter(|step| step.op == OperationKind::Test) {
                prop_assert_eq!(other.pointer(&step.path), Some(&value(&step.value)));
            }
        }
    }

    /// All or nothing: the operation that is named is the first that does not apply, and the document stays as it was.
    #[test]
    fn any_patch_applies_whole_or_not_at_all(
        document in document(), operations in prop::collection::vec(operation(), 0..8),
    ) {
        let before = raw(&document);
        let outcome = Patch(operations.clone()).apply(&before);
        prop_assert_eq!(value(&before), document);
        let steps = |count: usize| Patch(operations[..count].to_vec()).apply(&before);
        match outcome {
            Ok(_) => prop_assert!(steps(operations.len()).is_ok()),
            Err(error) => {
                prop_assert!(steps(error.index).is_ok());
                prop_assert_eq!(steps(error.index + 1).unwrap_err().index, error.index);
            }
        }
    }

    #[test]
    fn a_patch_is_written_and_read_back(operations in prop::collection::vec(operation(), 0..4)) {
        let patch = Patch(operations);
        let text = serde_json::to_string(&patch).unwrap();
        prop_assert_eq!(serde_json::from_str::<Patch>(&text).unwrap(), patch);
    }
}
