//! `GET /info`: what this host is and can.

use std::{
    collections::{BTreeMap, BTreeSet},
    env::consts,
    sync::Arc,
};

use axum::extract::State;
use drp_core::RawModel;
use http::StatusCode;
use serde_json::{Value, json};

use super::{
    reply::{self, Reply},
    request::Call,
};
use crate::{auth::Principal, shared::Shared};

/// What clients may rely on. They change what they do by these names, so none stands here before it is true.
///
/// Of those that the reference server names these are not: what an agent, a renderer, a workflow or a boot service
/// would have to do (`sane-exit-codes`, `change-stage-map`, `package-repository-handling`, `fsm-runner`, `workflows`,
/// `default-workflow`, `sprig`, `multiarch`, `actions-in-task-list`, `task-prerequisites`,
/// `file-iso-exists-info-render`, `auto-boot-target`), and what several servers do together (`endpoint-refs`,
/// `endpoint-proxy`, `inline-upgrade`).
pub(crate) const FEATURES: [&str; 22] = [
    "api-v3",
    "bundle-objects",
    "common-blob-size",
    "content-prerequisite-version-checking",
    "http-range-header",
    "job-exit-states",
    "log-has-head-method",
    "partial-objects",
    "plugin-v2",
    "plugin-v2-safe-config",
    "profileless-machine",
    "regex-string-filters",
    "roles",
    "secure-param-upgrade",
    "secure-params",
    "secure-params-in-content-packs",
    "selective-job-purge",
    "separate-meta-api",
    "slim-objects",
    "stage-paramer",
    "tenants",
    "threaded-log-levels",
];
/// Types whose number `info` tells.
const COUNTED: [&str; 3] = ["machines.count", "subnets.count", "contexts.count"];

pub(super) async fn get(State(shared): State<Arc<Shared>>, call: Call) -> Reply {
    call.require("info", "get", "")?;
    reply::json(StatusCode::OK, &info(&shared, &call.by))
}

/// The info object, which also comes with each token.
pub(super) fn info(shared: &Shared, by: &Principal) -> Value {
    let count = |name: &&str| {
        let prefix = name.split('.').next().unwrap_or_default();
        json!({ "name": name, "count": count(shared, by, prefix) })
    };
    let static_port = shared.addresses.static_files.map_or(0, |address| address.port());
    let api = shared.addresses.api;
    json!({
        // Go's names of architectures and systems.
        "arch": match consts::ARCH { "x86_64" => "amd64", "aarch64" => "arm64", other => other },
        "os": match consts::OS { "macos" => "darwin", other => other },
        // The first part is that of the server whose API this is; clients parse it.
        "version": concat!("v4.8.0+drpx.", env!("CARGO_PKG_VERSION")),
        "id": shared.id,
        "local_id": shared.id,
        "ha_id": shared.id,
        "api_port": api.port(),
        "file_port": static_port,
        "secure_file_port": api.port(),
        "dhcp_port": 0,
        "binl_port": 0,
        "tftp_port": 0,
        "tftp_enabled": false,
        "dhcp_enabled": false,
        "binl_enabled": false,
        "prov_enabled": static_port != 0,
        "secure_prov_enabled": true,
        "manager": false,
        "address": shared.addresses.reachable().ip(),
        "server_hostname": "",
        "stats": COUNTED.iter().map(count).collect::<Vec<_>>(),
        "features": FEATURES,
        "scopes": scopes(shared),
        "License": {
            "Contact": "", "ContactEmail": "", "ContactId": "", "Owner": "", "OwnerEmail": "", "OwnerId": "",
            "Grantor": "", "GrantorEmail": "", "Version": "", "GenerationVersion": "", "MaxDrpVersion": "",
            "Licenses": [],
        },
        "errors": [],
        "ha_enabled": false,
        "ha_virtual_address": "",
        "ha_is_active": true,
        "ha_status": "Up",
        "ha_active_id": shared.id,
        "ha_passive_state": [],
    })
}

/// How many objects of a type somebody sees.
fn count(shared: &Shared, by: &Principal, prefix: &str) -> u64 {
    let Some(kind) = shared.objects.kind(prefix).filter(|_| by.is_restricted()) else {
        return shared.objects.count(prefix).unwrap_or(0);
    };
    let seen = |all: Vec<Arc<RawModel>>| all.iter().filter(|object| by.sees_object(&kind, object)).count();
    shared.objects.list(prefix).map_or(0, |all| seen(all) as u64)
}

/// Scope by scope the actions that a role may name (`models.md` §15.3).
fn scopes(shared: &Shared) -> BTreeMap<String, BTreeMap<&'static str, Value>> {
    let empty = |actions: BTreeSet<&'static str>| actions.into_iter().map(|action| (action, json!({}))).collect();
    shared.objects.scopes().into_iter().map(|(scope, actions)| (scope, empty(actions))).collect()
}
