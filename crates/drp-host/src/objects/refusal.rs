//! The wire errors of the object engine (`api.md` §3.3).

use drp_core::patch::{Patch, PatchError};
use drp_core::{Error, chain};

use super::Ask;
use crate::{
    store::{CommitError, StoreError},
    types::ObjectType,
};

pub(super) fn no_route(ask: Ask<'_>) -> Error {
    let slash = if ask.key.is_empty() { "" } else { "/" };
    let path = format!("{}/{}{slash}{}", drp_core::contract::API_BASE, ask.prefix, ask.key);
    Error::new(404, ask.method, "No route").about("", &path)
}

/// An address that was meant as a key is named as the key that it is.
pub(super) fn not_found(ask: Ask<'_>, kind: &ObjectType) -> Error {
    Error::new(404, ask.method, "Not Found").about(ask.prefix, &kind.key_meant(ask.key))
}

pub(super) fn damaged(ask: Ask<'_>) -> Error {
    Error::new(500, ask.method, "the stored object is damaged").about(ask.prefix, ask.key)
}

/// What clients print for a change of a content layer's object is its bare key.
pub(super) fn read_only(ask: Ask<'_>, key: &str) -> Error {
    Error::new(409, ask.method, key).about(ask.prefix, key)
}

pub(super) fn delete_of_read_only(ask: Ask<'_>, key: &str) -> Error {
    Error::new(404, ask.method, format!("readonly: {key}")).about(ask.prefix, key)
}

pub(super) fn empty_key(prefix: &str) -> Error {
    Error::new(400, "CREATE", "Empty key not allowed").about(prefix, "")
}

pub(super) fn already_exists(prefix: &str, key: &str) -> Error {
    Error::new(409, "CREATE", "already exists").about(prefix, key)
}

pub(super) fn content_exists(name: &str) -> Error {
    Error::new(409, "POST", format!("Content {name} already exists")).about("contents", name)
}

pub(super) fn key_change(ask: Ask<'_>, from: &str, to: &str) -> Error {
    Error::new(400, ask.method, format!("Key change from {from} to {to} not allowed")).about(ask.prefix, from)
}

pub(super) fn invalid(prefix: &str, key: &str, problems: Vec<String>) -> Error {
    Error { type_: "ValidationError".to_owned(), messages: problems.into(), code: 422, ..Error::default() }
        .about(prefix, key)
}

pub(super) fn in_use(ask: Ask<'_>, problems: Vec<String>) -> Error {
    Error { type_: "StillInUseError".to_owned(), messages: problems.into(), code: 422, ..Error::default() }
        .about(ask.prefix, ask.key)
}

pub(super) fn locked(ask: Ask<'_>) -> Error {
    Error::new(409, ask.method, "Locked").about(ask.prefix, ask.key)
}

/// The place where a patch failed and the whole patch, as v4.8 answers.
pub(super) fn patch_failed(ask: Ask<'_>, patch: &Patch, error: &PatchError) -> Error {
    let whole = serde_json::to_string_pretty(patch).unwrap_or_default();
    Error::new(409, ask.method, format!("Patch error at line {}: {}", error.index, error.reason))
        .and(format!("Patch: {whole}"))
        .about(ask.prefix, ask.key)
}

pub(super) fn undecodable(ask: Ask<'_>, error: &dyn std::fmt::Display) -> Error {
    let code = if ask.method == "PATCH" { 406 } else { 400 };
    Error::new(code, ask.method, error.to_string()).about(ask.prefix, ask.key)
}

pub(super) fn too_busy(ask: Ask<'_>) -> Error {
    Error::new(409, ask.method, "changed by others too often, try again").about(ask.prefix, ask.key)
}

pub(super) fn unreadable(ask: Ask<'_>, error: &StoreError) -> Error {
    Error::new(500, ask.method, chain(error)).about(ask.prefix, ask.key)
}

/// A batch that the store did not take, other than for a conflict that the engine answers itself.
pub(super) fn uncommitted(ask: Ask<'_>, error: &CommitError) -> Error {
    let code = match error {
        CommitError::ReadOnly { .. } | CommitError::Failed(_) => 507,
        CommitError::TooLarge { .. } => 413,
        CommitError::BadName { .. } => 400,
        CommitError::Conflict { .. } => 409,
        _ => 500,
    };
    Error::new(code, ask.method, chain(error)).about(ask.prefix, ask.key)
}
