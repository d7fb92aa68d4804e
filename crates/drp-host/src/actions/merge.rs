//! The params of an action: what the caller gave, and what the object has for the rest (`host.md` §10.3).

use drp_core::{AvailableAction, Params, RawModel, contract};

use crate::params::ParamValues;

/// Params that go with an action.
#[derive(Debug)]
pub(super) struct Merged {
    pub(super) params: Params,
    /// Names of those that the host has opened.
    pub(super) secrets: Vec<String>,
}

/// Completes `given` for one candidate; a candidate that does not fit leaves no trace in it.
///
/// # Errors
/// All that is wrong, one text each.
pub(super) fn merge(
    values: &ParamValues,
    action: &AvailableAction,
    prefix: &str,
    object: &RawModel,
    given: &Params,
) -> Result<Merged, Vec<String>> {
    let command = &action.command;
    let mut problems = Vec::new();
    for (name, value) in given {
        if values.declaration(name).is_some_and(|param| param.secure) {
            problems.push(format!("Action {command} cannot be passed secure parameter {name} via the API"));
        } else if let Err(texts) = values.check(name, value) {
            problems.extend(texts.iter().map(|text| format!("Action {command}: Invalid Parameter: {name}: : {text}")));
        }
    }
    let mut merged = Merged { params: given.clone(), secrets: Vec::new() };
    merged.params.fill();
    // A system action is for the profile `global`, whose params are looked up as those of any profile.
    let prefix = if prefix == contract::SYSTEM { "profiles" } else { prefix };
    let required = action.required_params.iter().map(|name| (name, true));
    let optional = action.optional_params.iter().map(|name| (name, false));
    for (name, required) in required.chain(optional) {
        if merged.params.contains_key(name) {
            continue;
        }
        match values.resolve(prefix, object, name) {
            Ok(Some(found)) => {
                if found.is_secret {
                    merged.secrets.push(name.clone());
                }
                merged.params.insert(name.clone(), found.value);
            }
            Ok(None) if required => problems.push(format!("Action {command} Missing Parameter {name}")),
            Ok(None) => {}
            Err(error) => problems.push(format!("Action {command}: Invalid Parameter: {name}: {error}")),
        }
    }
    if problems.is_empty() { Ok(merged) } else { Err(problems) }
}
