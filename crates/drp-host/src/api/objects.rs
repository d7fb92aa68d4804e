//! The verbs that all object types have (`api.md` §4.2).

mod listing;

use std::{borrow::Cow, sync::Arc, time::Duration};

use axum::{extract::State, response::Response};
use drp_core::{
    Error, Model, Params, Plugin, Raw, RawModel,
    patch::{OperationKind, Patch},
};
use http::StatusCode;

use super::{
    conditional::Shows,
    reply::{self, Counts, Fail, Reply},
    request::{At, Call, JsonBody, Query},
};
use crate::{
    objects::list::{self, Trim},
    shared::Shared,
    types::ObjectType,
};

/// The one type whose objects' keys may hold slashes.
const PARAMS: &str = "params";
/// The one type whose objects have something beside them that goes with them.
const JOBS: &str = "jobs";
const PREFERENCES: &str = "preferences";
/// How long a new plugin is waited for: clients look for its actions right after they have made it.
const SETTLE_TIME: Duration = Duration::from_secs(2);

/// `GET /objects`: the types that can be stored.
pub(super) async fn types(State(shared): State<Arc<Shared>>, call: Call) -> Reply {
    call.require("objects", "list", "")?;
    let kinds = shared.objects.kinds();
    let mut names: Vec<&str> = kinds.iter().map(|kind| kind.prefix.as_str()).collect();
    // Preferences are objects too, though they have a path of their own.
    names.push(PREFERENCES);
    names.sort_unstable();
    reply::json(StatusCode::OK, &names)
}

/// `GET` and `HEAD /PREFIX`.
pub(super) async fn list(State(shared): State<Arc<Shared>>, call: Call, At(prefix): At<String>, query: Query) -> Reply {
    let kind = find_kind(&shared, &call, &prefix)?;
    let wanted = list::Query::read(&kind, query.pairs()).map_err(|error| error.about(&prefix, ""))?;
    if wanted.decode {
        call.require(&prefix, "getSecure", "")?;
    }
    if !call.by.allows(&prefix, "list", "") {
        return reply::list::<()>(&[], &Counts { total: 0, filtered: 0, sent: 0 });
    }
    listing::answer(shared, kind, wanted, call.by).await
}

/// `POST /PREFIX`.
pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    call: Call,
    At(prefix): At<String>,
    JsonBody(body): JsonBody,
) -> Reply {
    if prefix == JOBS {
        // Its own path, written with escapes.
        return super::jobs::create(State(shared), call, JsonBody(body)).await;
    }
    let kind = find_kind(&shared, &call, &prefix)?;
    call.require(&prefix, "create", "")?;
    let created = shared.objects.create(&call.by, &prefix, call.parse_or_default(&body)?).await?;
    if prefix == Plugin::PREFIX {
        shared.plugins.settled(&created.text(kind.key_field), SETTLE_TIME).await;
    }
    show(&shared, &kind, StatusCode::CREATED, &created)
}

/// `GET` and `HEAD /PREFIX/KEY`.
pub(super) async fn get(
    State(shared): State<Arc<Shared>>,
    call: Call,
    At((prefix, key)): At<(String, String)>,
    query: Query,
) -> Reply {
    let kind = find_kind(&shared, &call, &prefix)?;
    let mut trim = Trim::default();
    for (name, value) in query.pairs().filter(|(name, _)| matches!(*name, "slim" | "params")) {
        trim.read(name, value);
    }
    let decode = query.is("decode");
    if !decode && trim.is_nothing() && !has_runtime_state(&kind) {
        let json = if call.by.allows(&prefix, "get", &specific(&shared, &prefix, &key)?) {
            shared.objects.get_json(&prefix, &key)?
        } else {
            None
        };
        let json = json.ok_or_else(|| missing(&shared, &call, &prefix, &key))?;
        return Ok(shows(prefix, key, reply::object_bytes(StatusCode::OK, json)));
    }
    let object = find(&shared, &call, &prefix, &key)?;
    if decode {
        call.require(&prefix, "getSecure", &key)?;
    }
    let view = View { shared: &shared, kind: &kind, decode, trim: &trim };
    let response = reply::object(StatusCode::OK, &view.of(&object)?)?;
    Ok(shows(prefix, key, response))
}

/// Says which object an answer shows, for who wants to wait until it is another.
fn shows(prefix: String, key: String, mut response: Response) -> Response {
    response.extensions_mut().insert(Shows { prefix, key });
    response
}

/// `PUT /PREFIX/KEY`: replaces the whole object.
pub(super) async fn put(
    State(shared): State<Arc<Shared>>,
    call: Call,
    At((prefix, key)): At<(String, String)>,
    JsonBody(body): JsonBody,
) -> Reply {
    let kind = find_kind(&shared, &call, &prefix)?;
    let wanted: RawModel = call.parse_or_default(&body)?;
    let specific = specific(&shared, &prefix, &key)?;
    let may_all = call.by.allows(&prefix, "update", &specific);
    if !may_all {
        // What somebody may not see is not told by the way a replacement is refused.
        find(&shared, &call, &prefix, &key)?;
    }
    let change = |object: &mut RawModel| {
        if !may_all {
            require_changes(&call, &kind, &specific, object, &wanted)?;
        }
        object.clone_from(&wanted);
        Ok(())
    };
    let updated = shared.objects.update_as("PUT", &call.by, &prefix, &key, change).await?;
    show(&shared, &kind, StatusCode::OK, &updated)
}

/// `PATCH /PREFIX/KEY`.
pub(super) async fn patch(
    State(shared): State<Arc<Shared>>,
    call: Call,
    At((prefix, key)): At<(String, String)>,
    JsonBody(body): JsonBody,
) -> Reply {
    let kind = find_kind(&shared, &call, &prefix)?;
    let patch: Patch = call.parse_or_default(&body)?;
    require_patch(&call, &prefix, &specific(&shared, &prefix, &key)?, "", &patch)?;
    let updated = shared.objects.patch(&call.by, &prefix, &key, &patch).await?;
    show(&shared, &kind, StatusCode::OK, &updated)
}

/// `DELETE /PREFIX/KEY`: answers with what was deleted.
pub(super) async fn delete(
    State(shared): State<Arc<Shared>>,
    call: Call,
    At((prefix, key)): At<(String, String)>,
) -> Reply {
    let kind = find_kind(&shared, &call, &prefix)?;
    call.require(&prefix, "delete", &specific(&shared, &prefix, &key)?)?;
    let deleted = shared.objects.delete(&call.by, &prefix, &key).await?;
    if prefix == JOBS {
        shared.jobs.forget(&deleted.text(kind.key_field)).await;
    }
    show(&shared, &kind, StatusCode::OK, &deleted)
}

/// The type that a path means; who asks for another is told that there is no route.
pub(super) fn find_kind(shared: &Shared, call: &Call, prefix: &str) -> Result<Arc<ObjectType>, Fail> {
    shared.objects.kind(prefix).ok_or_else(|| call.no_route().into())
}

/// What claims on an object have to name: its key as it was written, and for a job its machine's (`api.md` §16.1).
pub(super) fn specific<'a>(shared: &Shared, prefix: &str, key: &'a str) -> Result<Cow<'a, str>, Error> {
    if prefix != JOBS {
        return Ok(Cow::Borrowed(key));
    }
    // Who may do it on no machine at all is not told which jobs there are.
    let job = shared.objects.get(JOBS, key)?;
    Ok(Cow::Owned(job.map(|job| job.text("Machine")).unwrap_or_default()))
}

/// An object that the caller may see; others do not exist for the caller.
pub(super) fn find(shared: &Shared, call: &Call, prefix: &str, key: &str) -> Result<Arc<RawModel>, Error> {
    if !call.by.allows(prefix, "get", &specific(shared, prefix, key)?) {
        return Err(missing(shared, call, prefix, key));
    }
    exists(shared, call, prefix, key)
}

/// An object, whatever the caller may do with it.
pub(super) fn exists(shared: &Shared, call: &Call, prefix: &str, key: &str) -> Result<Arc<RawModel>, Error> {
    shared.objects.get(prefix, key)?.ok_or_else(|| missing(shared, call, prefix, key))
}

/// There is no such object. An address that was meant as a key is named as the key that it is.
fn missing(shared: &Shared, call: &Call, prefix: &str, key: &str) -> Error {
    let kind = shared.objects.kind(prefix);
    call.not_found(prefix, &kind.map_or(Cow::Borrowed(key), |kind| Cow::Owned(kind.key_meant(key).into_owned())))
}

/// Refuses a patch of which the caller may not make every change. `below` is the pointer of what is patched.
pub(super) fn require_patch(call: &Call, prefix: &str, key: &str, below: &str, patch: &Patch) -> Result<(), Error> {
    let mut actions = Vec::new();
    for operation in &patch.0 {
        actions.push(format!("update:{below}{}", operation.path));
        // What is moved is changed at both ends.
        if operation.op == OperationKind::Move {
            actions.push(format!("update:{below}{}", operation.from));
        }
    }
    if actions.is_empty() {
        actions.push("update".to_owned());
    }
    call.require_all(&actions, prefix, key)
}

/// An object whole, as clients see it.
pub(super) fn show(
    shared: &Shared,
    kind: &ObjectType,
    status: StatusCode,
    object: &RawModel,
) -> Result<Response, Fail> {
    let view = View { shared, kind, decode: false, trim: &Trim::default() };
    reply::object(status, &view.of(object)?)
}

/// Refuses a replacement of which the caller may not make every change.
fn require_changes(call: &Call, kind: &ObjectType, key: &str, old: &RawModel, new: &RawModel) -> Result<(), Error> {
    let mut old = old.clone();
    kind.redact(&mut old);
    require_patch(call, &kind.prefix, key, "", &Patch::between(&raw(&old)?, &raw(new)?))
}

/// Whether something is shown of the type's objects that is not stored.
fn has_runtime_state(kind: &ObjectType) -> bool {
    kind.prefix == Plugin::PREFIX
}

/// How much is shown of an object, and how.
struct View<'a> {
    shared: &'a Shared,
    kind: &'a ObjectType,
    /// Sealed params are shown open.
    decode: bool,
    trim: &'a Trim,
}

impl View<'_> {
    /// Whether stored objects are shown as they are.
    fn is_as_stored(&self) -> bool {
        let opens = self.decode && self.kind.has_params;
        self.kind.hidden.is_empty() && !has_runtime_state(self.kind) && !opens && self.trim.is_nothing()
    }

    /// The object as the caller wants it; mostly that is as it is stored.
    fn of<'o>(&self, object: &'o RawModel) -> Result<Cow<'o, RawModel>, Error> {
        let mut shown = Cow::Borrowed(object);
        if !self.kind.hidden.is_empty() {
            self.kind.redact(shown.to_mut());
        }
        // A plugin of a content layer cannot be written, but what is wrong with it can be told.
        if has_runtime_state(self.kind) && object.get("ReadOnly") == Some(true) {
            set(shown.to_mut(), "PluginErrors", &self.shared.plugins.errors(&object.text("Name")))?;
        }
        if self.decode && self.kind.has_params {
            let opened: Params = self.shared.params.opened(&self.kind.prefix, object)?;
            set(shown.to_mut(), "Params", &opened)?;
        }
        if !self.trim.is_nothing() {
            self.trim.apply(shown.to_mut());
        }
        Ok(shown)
    }
}

/// An object that is stored as JSON.
fn read(kind: &ObjectType, stored: &[u8]) -> Result<RawModel, Error> {
    let damaged = |_| Error::new(500, "GET", "the stored object is damaged").about(&kind.prefix, "");
    serde_json::from_slice(stored).map_err(damaged)
}

fn set<T: serde::Serialize>(object: &mut RawModel, key: &str, value: &T) -> Result<(), Error> {
    object.set(key, value).map_err(|error| Error::new(500, "", error.to_string()))
}

fn raw(object: &RawModel) -> Result<Raw, Error> {
    Raw::new(object).map_err(|error| Error::new(500, "", error.to_string()))
}

/// A name of a param, which may hold slashes, in place of prefix and key.
fn param_key(At(name): At<String>) -> At<(String, String)> {
    At((PARAMS.to_owned(), name))
}

/// [`get`] for params.
pub(super) async fn get_param(shared: State<Arc<Shared>>, call: Call, name: At<String>, query: Query) -> Reply {
    get(shared, call, param_key(name), query).await
}

/// [`put`] for params.
pub(super) async fn put_param(shared: State<Arc<Shared>>, call: Call, name: At<String>, body: JsonBody) -> Reply {
    put(shared, call, param_key(name), body).await
}

/// [`patch`] for params.
pub(super) async fn patch_param(shared: State<Arc<Shared>>, call: Call, name: At<String>, body: JsonBody) -> Reply {
    patch(shared, call, param_key(name), body).await
}

/// [`delete`] for params.
pub(super) async fn delete_param(shared: State<Arc<Shared>>, call: Call, name: At<String>) -> Reply {
    delete(shared, call, param_key(name)).await
}
