//! `/plugin_providers`: the executables that were found, as they define themselves.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;

use super::{
    reply::{self, Counts, Reply},
    request::{At, Call},
};
use crate::shared::Shared;

const PROVIDERS: &str = "plugin_providers";

/// `GET` and `HEAD /plugin_providers`. The content bundles, which may be large, are left to the single answer.
pub(super) async fn list(State(shared): State<Arc<Shared>>, call: Call) -> Reply {
    let mut providers = Vec::new();
    if call.by.allows(PROVIDERS, "list", "") {
        for imported in shared.providers.list() {
            let mut provider = imported.definition.clone();
            provider.content.clear();
            providers.push(provider);
        }
    }
    providers.sort_by(|a, b| a.name.cmp(&b.name));
    let count = providers.len();
    reply::list(&providers, &Counts { total: count, filtered: count, sent: count })
}

/// `GET` and `HEAD /plugin_providers/NAME`.
pub(super) async fn get(State(shared): State<Arc<Shared>>, call: Call, At(name): At<String>) -> Reply {
    let found = shared.providers.get(&name).filter(|_| call.by.allows(PROVIDERS, "get", &name));
    let provider = found.ok_or_else(|| call.not_found(PROVIDERS, &name))?;
    reply::object(StatusCode::OK, &provider.definition)
}
