//! Changes of an object that nobody else's change gets lost by.

use drp_core::{
    Raw, RawModel,
    patch::{Operation, OperationKind, Patch},
};
use serde::{Serialize, de::DeserializeOwned};

use super::{Objects, key_of};
use crate::{BuildRequestError, ClientError, Request, answer, attempts::Attempts};

/// What only the server changes (`models.md` §2). In a patch it has no effect, and a test of it would fail whenever
/// the server has looked at the object once more.
const SERVER_OWNED: [&str; 7] = ["Validated", "Available", "Errors", "ReadOnly", "Endpoint", "Bundle", "Partial"];

impl<M: Serialize + DeserializeOwned> Objects<M> {
    /// Reads an object, lets `change` change it, and writes what it changed if nobody else changed the same in
    /// between; else does it all again. Gives the object back as the server has it then.
    ///
    /// The patch holds what was changed and tests for what was there before, and nothing else. A new key of a map,
    /// such as a param, goes with a test of the whole map, as a patch cannot test that a key is absent. What only the
    /// server changes, such as `Available`, is never sent; where nothing is left to change, nothing is.
    ///
    /// Updates of one object through clones of one client take turns, so that only other processes can be in the way.
    /// It keeps trying for [`UPDATE_TIME`](drp_core::limits::UPDATE_TIME), with waits between the tries that spread
    /// many writers out.
    ///
    /// # Errors
    /// As [`Client::send`](crate::Client::send); the server gave a partial object; the key of the object would change;
    /// others were faster all the time ([`ClientError::is_patch_conflict`]).
    pub async fn update(&self, key: &str, mut change: impl FnMut(&mut M)) -> Result<M, ClientError> {
        let mut attempts = Attempts::new();
        let _turn = self.client.inner.turns.take(&self.object(key)).await;
        loop {
            let read = Request::get(&self.prefix, key)?;
            let unreadable = |error| ClientError::new(self.doing(key), answer::unexpected(error));
            let stored: Raw = self.client.send(read).await?;
            let mut object: M = stored.parse().map_err(unreadable)?;
            if is_partial(&stored) {
                return Err(BuildRequestError::Partial(self.object(key)).into());
            }
            let old = Raw::new(&object).map_err(BuildRequestError::Body)?;
            change(&mut object);
            let new = Raw::new(&object).map_err(BuildRequestError::Body)?;
            let patch = patch_of(&stored, &old, &new);
            if patch.0.is_empty() {
                return stored.parse().map_err(unreadable);
            }
            let key_in = |raw: &Raw| key_of(&self.prefix, &raw.parse::<RawModel>().unwrap_or_default());
            let (stored_key, new_key) = (key_in(&stored), key_in(&new));
            if stored_key != new_key {
                return Err(BuildRequestError::OtherKey(self.object(key)).into());
            }
            // Servers before v4 patch by the key itself only.
            match self.patch(stored_key.as_deref().unwrap_or(key), &patch).await {
                Err(error) => attempts.wait_after(error).await?,
                done => return done,
            }
        }
    }

    fn doing(&self, key: &str) -> String {
        format!("GET {}", self.object(key))
    }
}

/// Whether parts of an object were left out by the server.
pub(super) fn is_partial(object: &Raw) -> bool {
    object.parse::<RawModel>().is_ok_and(|object| object.get("Partial") == Some(true))
}

/// The patch of `stored` that changes what differs between `old` and `new`.
///
/// These two are `stored` as a model writes it, which may have keys that the server's version of the object lacks.
fn patch_of(stored: &Raw, old: &Raw, new: &Raw) -> Patch {
    let is_ours = |operation: &Operation| {
        let first = operation.path.split('/').nth(1).unwrap_or_default();
        !SERVER_OWNED.contains(&first)
    };
    let mut changes = Patch::between(old, new);
    changes.0.retain(is_ours);
    let set = |operation: &Operation| match operation.op {
        OperationKind::Test => None,
        OperationKind::Remove => Some(operation.clone()),
        _ => Some(Operation::add(&operation.path, operation.value.clone())),
    };
    // A key that the model and the server spell in different ways is for the server to judge.
    let Ok(target) = Patch(changes.0.iter().filter_map(set).collect()).apply(stored) else { return changes };
    guard_additions(stored, Patch::between(stored, &target))
}

/// The patch with a test of each map that gets a new key: somebody else may have added the same one.
fn guard_additions(stored: &Raw, patch: Patch) -> Patch {
    let mut guards: Vec<Operation> = Vec::new();
    for operation in patch.0.iter().filter(|operation| operation.op == OperationKind::Add) {
        let Some((map, _)) = operation.path.rsplit_once('/').filter(|(map, _)| !map.is_empty()) else { continue };
        if let Some(value) = value_at(stored, map).filter(|_| !guards.iter().any(|guard| guard.path == map)) {
            guards.push(Operation::test(map, value));
        }
    }
    let is_guarded = |operation: &Operation| {
        let within =
            |guard: &Operation| operation.path.strip_prefix(&guard.path).is_some_and(|below| below.starts_with('/'));
        operation.op == OperationKind::Test && guards.iter().any(within)
    };
    let rest: Vec<Operation> = patch.0.into_iter().filter(|operation| !is_guarded(operation)).collect();
    Patch(guards.into_iter().chain(rest).collect())
}

/// The value that a pointer leads to through objects.
fn value_at(document: &Raw, pointer: &str) -> Option<Raw> {
    pointer.split('/').skip(1).try_fold(document.clone(), |value, key| {
        let key = key.replace("~1", "/").replace("~0", "~");
        value.parse::<RawModel>().ok()?.fields.remove(&key)
    })
}

#[cfg(test)]
mod tests {
    use drp_core::json;

    use super::*;

    fn raw(text: &str) -> Raw {
        serde_json::from_str(text).unwrap()
    }

    fn check(stored: &str, old: &str, new: &str, expected: &str) {
        let patch = patch_of(&raw(stored), &raw(old), &raw(new));
        let lines: Vec<String> = patch.0.iter().map(|o| format!("{:?} {} {}", o.op, o.path, o.value)).collect();
        assert_eq!(lines.join("; "), expected);
        let target = patch.apply(&raw(stored)).unwrap();
        assert!(patch.0.is_empty() || !json::same(&target, &raw(stored)));
    }

    #[test]
    fn a_change_tests_what_it_touches_and_nothing_else() {
        let stored = r#"{"Name":"a","Description":"x","Available":true,"Tasks":["t"]}"#;
        check(stored, stored, stored, "");
        let new = r#"{"Name":"a","Description":"y","Available":true,"Tasks":["t","u"]}"#;
        check(
            stored,
            stored,
            new,
            r#"Test /Description "x"; Replace /Description "y"; Test /Tasks ["t"]; Replace /Tasks ["t","u"]"#,
        );
    }

    #[test]
    fn what_only_the_server_changes_is_never_sent() {
        let stored = r#"{"Name":"a","Available":true,"Errors":[],"Bundle":"b"}"#;
        check(stored, stored, r#"{"Name":"a","Available":false,"Errors":["x"],"Validated":true}"#, "");
    }

    #[test]
    fn a_new_key_of_a_map_goes_with_a_test_of_the_map() {
        let stored = r#"{"Params":{"a":1,"b":2},"Meta":{}}"#;
        let new = r#"{"Params":{"a":5,"c/d":3},"Meta":{"x":"y"}}"#;
        let expected = r#"Test /Meta {}; Test /Params {"a":1,"b":2}; Add /Meta/x "y"; Replace /Params/a 5; Remove /Params/b null; Add /Params/c~1d 3"#;
        check(stored, stored, new, expected);
    }

    #[test]
    fn keys_that_the_server_lacks_are_added_where_they_change() {
        let old = r#"{"Name":"a","Pool":"","Meta":null}"#;
        check(r#"{"Name":"a","New":1}"#, old, r#"{"Name":"a","Pool":"p","Meta":null}"#, r#"Add /Pool "p""#);
        check(r#"{"Name":"a"}"#, old, r#"{"Name":"a","Pool":"","Meta":{"x":"y"}}"#, r#"Add /Meta {"x":"y"}"#);
    }
}
