//! What a tenant hides is not there, whatever is asked of it (`api.md` §2.3).

use axum::extract::Request;
use drp_core::{Error, contract};
use percent_encoding::percent_decode_str;

use super::request::error_of;
use crate::{auth::Principal, shared::Shared};

const PARAMS: &str = "params";

/// The error for a request about an object that the caller's tenant hides.
pub(super) fn hides(shared: &Shared, by: &Principal, request: &Request) -> Result<(), Error> {
    if !by.is_restricted() {
        return Ok(());
    }
    let path = percent_decode_str(request.uri().path()).decode_utf8_lossy();
    let Some((prefix, key)) = named_in(path.strip_prefix(contract::API_BASE).unwrap_or(&path)) else { return Ok(()) };
    let missing = || error_of(request.method(), 404, "Not Found").about(prefix, key);
    let is_seen = match shared.objects.kind(prefix) {
        Some(kind) => shared.objects.get(prefix, key)?.is_none_or(|object| by.sees_object(&kind, &object)),
        None => by.sees(prefix, key),
    };
    if is_seen { Ok(()) } else { Err(missing()) }
}

/// The type and key of the object that a path is about, if it is about one.
fn named_in(path: &str) -> Option<(&str, &str)> {
    let (prefix, rest) = path.trim_start_matches('/').split_once('/')?;
    let key = || rest.split('/').next().unwrap_or(rest);
    match prefix {
        "meta" => rest.split_once('/'),
        "plugin-apis" => Some(("plugins", key())),
        // The one type whose keys may hold slashes.
        PARAMS => Some((prefix, rest)),
        _ => Some((prefix, key())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_one_object_or_none() {
        let check = |path, expected| assert_eq!(named_in(path), expected, "{path}");
        check("/machines", None);
        check("/machines/Name:m1/params/a/b", Some(("machines", "Name:m1")));
        check("/params/a/b", Some(("params", "a/b")));
        check("/meta/params/a/b", Some(("params", "a/b")));
        check("/meta/machines/m1", Some(("machines", "m1")));
        check("/plugin-apis/p1/x/y", Some(("plugins", "p1")));
        check("/users/bob/token", Some(("users", "bob")));
    }
}
