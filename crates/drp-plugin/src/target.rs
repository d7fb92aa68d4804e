//! What an action applies to.

use drp_core::{ActionOn, Model, Raw, RawModel, json};
use serde::de::IgnoredAny;

/// The target of an action: it comes with the request, whole.
///
/// Every typed model is one; [`System`] stands for an action on the server itself.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the target of an action",
    label = "not a target",
    note = "the second argument of an action handler is a model such as `Machine` or `Plugin`, or `System`"
)]
pub trait Target: Sized + Send + 'static {
    /// The object type, as `AvailableAction.Model` names it; empty for a system action.
    const MODEL: &'static str;

    /// Reads the target out of the request.
    ///
    /// # Errors
    /// A text that says what is wrong with it.
    fn read(model: &Raw) -> Result<Self, String>;

    /// Reads the target in the same pass as the rest of the request. `None` where there is anything wrong with either:
    /// then the request is read step by step, to tell what. Without this it always is, which takes longer.
    #[must_use]
    fn read_in_request(_request: &str) -> Option<ActionOn<Self>> {
        None
    }

    /// What tells this target from others of its type; empty for the server itself.
    fn target_key(&self) -> String;
}

impl<M: Model> Target for M {
    const MODEL: &'static str = M::PREFIX;

    fn read(model: &Raw) -> Result<Self, String> {
        if model.is_null() {
            return Err(format!("Model: expected an object of {}, got none", M::PREFIX));
        }
        let object: M = model.parse().map_err(|_| problem::<M>(model))?;
        if object.key().is_empty() {
            return Err(format!("Model: the object of {} has no key", M::PREFIX));
        }
        Ok(object)
    }

    fn read_in_request(request: &str) -> Option<ActionOn<Self>> {
        let call: ActionOn<M> = json::parse_str(request).ok()?;
        call.target.as_ref().is_some_and(|object| !object.key().is_empty()).then_some(call)
    }

    fn target_key(&self) -> String {
        self.key()
    }
}

/// What is wrong, and where. Reading once more is for models that are wrong: keeping track of the place costs too much
/// for all others.
fn problem<M: Model>(model: &Raw) -> String {
    let mut reader = serde_json::Deserializer::from_str(model.get());
    match serde_path_to_error::deserialize::<_, M>(&mut reader) {
        Ok(_) => format!("Model: expected an object of {}", M::PREFIX),
        Err(error) => match error.path().to_string().as_str() {
            "." => format!("Model: expected an object of {}: {}", M::PREFIX, error.inner()),
            path => format!("Model/{path}: {}", error.inner()),
        },
    }
}

/// The server itself: for actions that are on no object.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Target for System {
    const MODEL: &'static str = "";

    fn read(_model: &Raw) -> Result<Self, String> {
        Ok(Self)
    }

    fn read_in_request(request: &str) -> Option<ActionOn<Self>> {
        let call: ActionOn<IgnoredAny> = json::parse_str(request).ok()?;
        Some(call.map(|_| Self))
    }

    fn target_key(&self) -> String {
        String::new()
    }
}

/// The type of a target, for servers that do not name it: by keys that only objects of that type have.
pub(crate) fn guess_model(model: &Raw) -> Option<String> {
    let object: RawModel = model.parse().ok()?;
    let has = |key: &str| object.fields.contains_key(key);
    match () {
        () if has("HardwareAddrs") => Some("machines".to_owned()),
        () if has("PluginErrors") => Some("plugins".to_owned()),
        () if has("Type") && has("Id") => Some(object.type_name()),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use drp_core::Machine;

    use super::*;

    fn raw(text: &str) -> Raw {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_wrong_or_missing_model_is_refused_with_its_place() {
        let check = |text: &str, expected: &str| {
            let problem = Machine::read(&raw(text)).unwrap_err();
            assert!(problem.starts_with(expected), "{problem}");
        };
        check("null", "Model: expected an object of machines, got none");
        check("\"x\"", "Model: expected an object of machines: invalid type: string");
        check("{}", "Model: the object of machines has no key");
        check(r#"{"Uuid": "zz"}"#, "Model/Uuid: ");
        check(r#"{"Uuid": "87a74f0e-d168-4687-99e8-8fd3a7ed551b", "Params": []}"#, "Model/Params: ");
    }

    #[test]
    fn models_are_told_apart_by_keys_of_their_own() {
        assert_eq!(guess_model(&raw(r#"{"HardwareAddrs": []}"#)).as_deref(), Some("machines"));
        assert_eq!(guess_model(&raw(r#"{"PluginErrors": []}"#)).as_deref(), Some("plugins"));
        assert_eq!(guess_model(&raw(r#"{"Type": "cows", "Id": "bessie"}"#)).as_deref(), Some("cows"));
        assert_eq!(guess_model(&raw("{}")), None);
    }
}
