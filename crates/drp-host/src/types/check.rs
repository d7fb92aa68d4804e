//! What makes an object of each type valid, and what the server puts into it (`models.md` §3).
//!
//! What an object says about others is looked up where it is written (`objects/references.rs`).

pub(in crate::types) mod job;
pub(in crate::types) mod machine;
pub(in crate::types) mod network;
pub(in crate::types) mod rendered;

use std::collections::BTreeMap;

use drp_core::{Param, Params, Raw, RawModel, names};

use super::{scopes::BUILT_IN_PREFIXES, set_text};
use crate::schema::Schemas;

/// What happens to a machine that enters or leaves a pool.
const TRANSITIONS: [&str; 4] = ["EnterActions", "ExitActions", "AllocateActions", "ReleaseActions"];

type Problems = Vec<String>;

/// Adds the server's text for each value that breaks its rule.
fn require(rule: fn(&str) -> bool, what: &str, values: impl IntoIterator<Item = String>, problems: &mut Problems) {
    problems.extend(values.into_iter().filter(|value| !rule(value)).map(|value| names::complaint(what, &value)));
}

/// A text that may be missing.
fn given(object: &RawModel, field: &str) -> Vec<String> {
    Some(object.text(field)).filter(|text| !text.is_empty()).into_iter().collect()
}

fn texts(object: &RawModel, field: &str) -> Vec<String> {
    object.get(field).unwrap_or_default()
}

fn param_names(object: &RawModel) -> Vec<String> {
    let params: Params = object.get("Params").unwrap_or_default();
    params.into_inner().into_keys().collect()
}

pub(in crate::types) fn plugin(object: &RawModel, _: &Schemas, problems: &mut Problems) {
    require(names::is_name, "Invalid Name", [object.text("Name")], problems);
    require(names::is_name, "Invalid Provider", [object.text("Provider")], problems);
    require(names::is_param_name, "Invalid Param Name", param_names(object), problems);
}

pub(in crate::types) fn profile(object: &RawModel, _: &Schemas, problems: &mut Problems) {
    require(names::is_name, "Invalid Name", [object.text("Name")], problems);
    require(names::is_param_name, "Invalid Param Name", param_names(object), problems);
    require(names::is_name, "Invalid Profile Name", texts(object, "Profiles"), problems);
}

pub(in crate::types) fn param(object: &RawModel, schemas: &Schemas, problems: &mut Problems) {
    require(names::is_param_name, "Invalid Name", [object.text("Name")], problems);
    match object.typed::<Param>() {
        Ok(param) => problems.extend(schemas.check_declaration(&param)),
        Err(error) => problems.push(error.to_string()),
    }
}

pub(in crate::types) fn user(object: &RawModel, _: &Schemas, problems: &mut Problems) {
    require(names::is_user_name, "Invalid Name", [object.text("Name")], problems);
}

/// For types of which nothing but the name is checked, or the rest elsewhere.
pub(in crate::types) fn name(object: &RawModel, _: &Schemas, problems: &mut Problems) {
    require(names::is_name, "Invalid Name", [object.text("Name")], problems);
}

pub(in crate::types) fn tenant(object: &RawModel, schemas: &Schemas, problems: &mut Problems) {
    name(object, schemas, problems);
    let members: BTreeMap<String, Raw> = object.get("Members").unwrap_or_default();
    for (prefix, keys) in members {
        if !BUILT_IN_PREFIXES.contains(&prefix.as_str()) {
            problems.push(names::complaint("Invalid Members", &prefix));
        }
        if !keys.is_null() && keys.parse::<Vec<String>>().is_err() {
            problems.push(format!("Members of {prefix} must be a list of keys"));
        }
    }
}

pub(in crate::types) fn endpoint(object: &RawModel, _: &Schemas, problems: &mut Problems) {
    // As names of machines, and `:`.
    let is_endpoint_name = |id: &str| !id.starts_with(':') && names::is_machine_name(&id.replace(':', "."));
    let id = object.text("Id");
    if !is_endpoint_name(&id) {
        problems.push(names::complaint("Invalid Id", &id));
    }
    require(names::is_param_name, "Invalid Param Name", param_names(object), problems);
}

pub(in crate::types) fn pool(object: &RawModel, _: &Schemas, problems: &mut Problems) {
    require(names::is_name, "Invalid Id", [object.text("Id")], problems);
    require(names::is_name, "Invalid ParentPool", given(object, "ParentPool"), problems);
    for when in TRANSITIONS {
        let Some(transition) = object.get::<RawModel>(when) else { continue };
        let mut check = |what, values: Vec<String>| {
            require(names::is_name, &format!("Invalid {when} {what}"), values, problems);
        };
        check("Workflow", given(&transition, "Workflow"));
        check("Add Profile", texts(&transition, "AddProfiles"));
        check("Remove Profile", texts(&transition, "RemoveProfiles"));
    }
}

pub(in crate::types) fn complete_catalog_item(item: &mut RawModel, _: Option<&RawModel>) {
    set_text(item, "Type", "catalog_items");
}

pub(in crate::types) fn complete_user(user: &mut RawModel, _: Option<&RawModel>) {
    if user.text("Secret").is_empty() {
        set_text(user, "Secret", &random_secret());
    }
}

/// Two random UUIDs hold 244 random bits, from the system's source.
fn random_secret() -> String {
    format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple())
}
