//! Every route of the API. The router and the OpenAPI document are both made from this.

use super::{
    actions, backup, binary, contents, events, files, indexes, info, interfaces, isos, jobs, machines, objects, params,
    plugin_apis, plugin_providers, prefs,
    route::{
        Content::{Is, Json, ListOf, MapOf, Nothing, Object, Objects, Stream},
        Kinds, Route, delete, every, get, patch, post, put, route,
    },
    users, ws,
};

/// What narrows a list, beside its indexes.
const LIST: &[&str] = &["offset", "limit", "sort", "reverse", "slim", "params", "decode"];
const ONE: &[&str] = &["slim", "params", "decode"];
const PLUGIN: &[&str] = &["plugin"];

pub(super) fn routes() -> Vec<Route> {
    let mut all = host();
    all.extend(blobs());
    all.extend(bundles());
    all.extend(special_objects());
    all.extend(object_types());
    all
}

/// The host itself.
#[rustfmt::skip]
fn host() -> Vec<Route> {
    vec![
        route("/info", "host", [get(info::get, "What this host is, and what it can").gives(Is("Info"))]),
        route("/objects", "host", [get(objects::types, "The object types that can be stored").gives(ListOf("Text"))]),
        route("/indexes", "host", [get(indexes::all, "What the objects of every type can be found by").gives(MapOf("Indexes"))]),
        route("/indexes/{prefix}", "host", [get(indexes::of_prefix, "What the objects of a type can be found by").gives(Is("Indexes"))]),
        route("/indexes/{prefix}/{*name}", "host", [get(indexes::one, "One index").gives(Is("Index"))]),
        route("/interfaces", "host", [get(interfaces::list, "The network interfaces of the host").gives(ListOf("Interface"))]),
        route("/interfaces/{name}", "host", [get(interfaces::get, "One network interface").gives(Is("Interface"))]),
        route("/prefs", "host", [
            get(prefs::list, "All preferences").gives(MapOf("Text")),
            post(prefs::post, "Sets some preferences").takes(MapOf("Text")).gives(MapOf("Text")).status(201),
        ]),
        route("/logs", "host", [get(events::logs, "The lines of the log that are kept").gives(ListOf("LogLine"))]),
        route("/events", "host", [post(events::post, "Publishes an event as it is").takes(Is("Event")).gives_nothing()]),
        route("/ws", "host", [get(ws::open, "Events as they happen, over a websocket: register and deregister TYPE.ACTION.KEY").gives(Nothing).status(101)]),
        route("/system/backup", "host", [get(backup::get, "A backup of the whole host").gives(Stream)]),
        route("/system/actions", "host", [get(actions::list_system, "The actions on the system that can be run now").query(PLUGIN).gives(ListOf("AvailableAction"))]),
        route("/system/actions/{command}", "host", [
            get(actions::get_system, "One action on the system").query(PLUGIN).gives(Is("AvailableAction")),
            post(actions::run_system, "Runs an action on the system").query(PLUGIN).takes(MapOf("Any")).gives(Json),
        ]),
    ]
}

/// What comes and goes as a stream of bytes.
#[rustfmt::skip]
fn blobs() -> Vec<Route> {
    vec![
        route("/files", "files", [get(files::list, "The names in a folder").query(&["path", "all"]).gives(ListOf("Text"))]),
        route("/files/{*path}", "files", [
            get(files::get, "A file, or a range of it").gives(Stream),
            post(files::post, "Writes a file, and may unpack it beside itself").query(&["explode"]).takes(Stream).gives(Is("Uploaded")).status(201),
            delete(files::delete, "Removes a file or an empty folder").gives_nothing(),
        ]),
        route("/isos", "isos", [get(isos::list, "The names of all disk images").gives(ListOf("Text"))]),
        route("/isos/{*path}", "isos", [
            get(isos::get, "A disk image, or a range of it").gives(Stream),
            post(isos::post, "Writes a disk image").takes(Stream).gives(Is("Uploaded")).status(201),
            delete(isos::delete, "Removes a disk image").gives_nothing(),
        ]),
        route("/jobs/{key}/log", "jobs", [
            get(jobs::log, "The log of a job").gives(Stream),
            put(jobs::append, "Adds to the log of a job").takes(Stream).gives_nothing(),
        ]),
    ]
}

/// Providers and content, and what plugins serve themselves.
#[rustfmt::skip]
fn bundles() -> Vec<Route> {
    vec![
        route("/contents", "contents", [
            get(contents::list, "Summaries of all layers of content, from top to bottom").gives(ListOf("ContentSummary")),
            post(contents::create, "Brings a content bundle").query(&["replaceWritable"]).takes(Is("Content")).gives(Is("ContentSummary")).status(201),
        ]),
        route("/contents/{name}", "contents", [
            get(contents::get, "A layer with its objects").gives(Is("Content")),
            put(contents::replace, "Brings a content bundle in place of another").query(&["replaceWritable"]).takes(Is("Content")).gives(Is("ContentSummary")),
            delete(contents::delete, "Takes a content bundle away, and its objects with it").gives_nothing(),
        ]),
        route("/plugin_providers", "plugin_providers", [get(plugin_providers::list, "All plugin providers").gives(ListOf("PluginProvider"))]),
        route("/plugin_providers/{name}", "plugin_providers", [
            get(plugin_providers::get, "One plugin provider").gives(Is("PluginProvider")),
            post(plugin_providers::upload, "Takes the executable of a plugin provider in").query(&["replaceWritable"]).takes(Stream).gives(Is("ProviderUploaded")).status(201),
            delete(plugin_providers::delete, "Removes a plugin provider").gives_nothing(),
        ]).unlimited(),
        route("/plugin_providers/{name}/binary", "plugin_providers", [get(binary::get, "The executable of a plugin provider, or a range of it").gives(Stream)]),
        route("/plugin-apis/{plugin}", "plugin-apis", [every(plugin_apis::forward, "Handed through to the plugin")]),
        route("/plugin-apis/{plugin}/{*rest}", "plugin-apis", [every(plugin_apis::forward, "Handed through to the plugin")]),
    ]
}

/// Where an object type differs from the others.
#[rustfmt::skip]
fn special_objects() -> Vec<Route> {
    vec![
        route("/whoami", "machines", [post(machines::whoami, "The machine that fits what a system knows of itself").takes(Is("Whoami")).gives(Is("Whoami"))]),
        route("/machines/{key}/token", "machines", [get(machines::token, "A token of a machine").query(&["ttl"]).gives(Is("Token"))]),
        route("/users/{name}/token", "users", [get(users::token, "A token of a user").query(&["ttl", "roles"]).gives(Is("Token"))]),
        route("/users/{name}/password", "users", [put(users::password, "Sets the password of a user").takes(Is("Password")).gives(Is("users"))]),
        route("/meta/{prefix}/{*key}", "meta", [
            get(params::meta, "The Meta of an object").gives(MapOf("Text")),
            patch(params::patch_meta, "Changes the Meta of an object").gives(MapOf("Text")),
        ]),
        route("/jobs", "jobs", [
            get(jobs::list, "All jobs").query(LIST).gives(ListOf("jobs")),
            post(jobs::create, "The next job of a machine: 201 a new one, 202 the present one again, 204 none").takes(Is("jobs")).gives(Is("jobs")).status(201),
            delete(jobs::purge, "Removes the jobs that are more than shall be kept, and answers with their keys").query(&["dryrun", "machine", "jobsToKeep", "failedJobsPurgedAfter", "completeJobsPurgedAfter"]).gives(ListOf("Text")),
        ]),
        route("/jobs/{key}/actions", "jobs", [get(jobs::actions, "The scripts of a job").query(&["os"]).gives(ListOf("Any"))]),
        // Names of params may hold slashes.
        route("/params/{*key}", "params", [
            get(objects::get_param, "One param").query(ONE).gives(Is("params")),
            put(objects::put_param, "Replaces a param").takes(Is("params")).gives(Is("params")),
            patch(objects::patch_param, "Changes a param").gives(Is("params")),
            delete(objects::delete_param, "Deletes a param").gives(Is("params")),
        ]),
    ]
}

/// What all object types have in common.
#[rustfmt::skip]
fn object_types() -> Vec<Route> {
    vec![
        route("/{prefix}", "objects", [
            get(objects::list, "Objects of the type, filtered by its indexes").query(LIST).gives(Objects),
            post(objects::create, "Creates an object").query(&["force"]).takes(Object).gives(Object).status(201),
        ]).of(Kinds::All),
        route("/{prefix}/{key}", "objects", [
            get(objects::get, "One object").query(ONE).gives(Object),
            put(objects::put, "Replaces an object").takes(Object).gives(Object),
            patch(objects::patch, "Changes an object").query(&["force"]).gives(Object),
            delete(objects::delete, "Deletes an object, and answers with it").gives(Object),
        ]).of(Kinds::All),
        route("/{prefix}/{key}/pubkey", "objects", [get(params::public_key, "The public key that secure params of the object are sealed with").gives(Is("Text"))]).of(Kinds::WithParams),
        route("/{prefix}/{key}/params", "objects", [
            get(params::all, "The params of an object").query(&["aggregate", "compose", "decode", "params"]).gives(MapOf("Any")),
            post(params::replace, "Replaces all params of an object").takes(MapOf("Any")).gives(MapOf("Any")),
            patch(params::patch, "Changes the params of an object").gives(MapOf("Any")),
        ]).of(Kinds::WithParams),
        route("/{prefix}/{key}/params/{*name}", "objects", [
            get(params::one, "One param of an object; null where it is not set").query(&["aggregate", "compose", "decode"]).gives(Json),
            post(params::set, "Sets one param of an object").gives(Json),
            delete(params::remove, "Removes one param of an object, and answers with its value").gives(Json),
        ]).of(Kinds::WithParams),
        route("/{prefix}/{key}/actions", "objects", [get(actions::list, "The actions on an object that can be run now").query(PLUGIN).gives(ListOf("AvailableAction"))]).of(Kinds::WithActions),
        route("/{prefix}/{key}/actions/{command}", "objects", [
            get(actions::get, "One action on an object").query(PLUGIN).gives(Is("AvailableAction")),
            post(actions::run, "Runs an action on an object").query(PLUGIN).takes(MapOf("Any")).gives(Json),
        ]).of(Kinds::WithActions),
        route("/{prefix}/{key}/plugin_actions", "objects", [get(actions::list, "The plugins' actions on a job that can be run now").query(PLUGIN).gives(ListOf("AvailableAction"))]).of(Kinds::Jobs),
        route("/{prefix}/{key}/plugin_actions/{command}", "objects", [
            get(actions::get, "One plugin's action on a job").query(PLUGIN).gives(Is("AvailableAction")),
            post(actions::run, "Runs an action on a job").query(PLUGIN).takes(MapOf("Any")).gives(Json),
        ]).of(Kinds::Jobs),
    ]
}
