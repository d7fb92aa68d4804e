//! Actions on objects and on the system (`api.md` §6).

use std::sync::Arc;

use axum::extract::State;
use drp_core::{Params, RawModel, contract};
use http::StatusCode;

use super::{
    objects::{exists, find_kind, specific},
    reply::{self, Fail, Reply},
    request::{At, Call, JsonBody, Query},
};
use crate::shared::Shared;

const JOBS: &str = "jobs";
const PROFILES: &str = "profiles";

/// `GET /P/ID/actions`: those that could be run now.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    call: Call,
    At((prefix, key)): At<(String, String)>,
    query: Query,
) -> Reply {
    let target = Target::object(&shared, &call, prefix, key, "actions")?;
    reply::json(StatusCode::OK, &shared.actions.list(&target.prefix, &target.object, query.get("plugin")))
}

/// `GET /P/ID/actions/CMD`.
pub(super) async fn get(
    State(shared): State<Arc<Shared>>,
    call: Call,
    At((prefix, key, command)): At<(String, String, String)>,
    query: Query,
) -> Reply {
    let target = Target::object(&shared, &call, prefix, key, &format!("action:{command}"))?;
    target.show(&shared, &command, &query)
}

/// `POST /P/ID/actions/CMD`: runs it and answers with its result.
pub(super) async fn run(
    State(shared): State<Arc<Shared>>,
    call: Call,
    At((prefix, key, command)): At<(String, String, String)>,
    query: Query,
    JsonBody(body): JsonBody,
) -> Reply {
    let target = Target::object(&shared, &call, prefix, key, &format!("action:{command}"))?;
    target.run(&shared, &call, &command, &query, &body).await
}

/// `GET /system/actions`.
pub(super) async fn list_system(State(shared): State<Arc<Shared>>, call: Call, query: Query) -> Reply {
    let target = Target::system(&shared, &call, "actions")?;
    reply::json(StatusCode::OK, &shared.actions.list(&target.prefix, &target.object, query.get("plugin")))
}

/// `GET /system/actions/CMD`.
pub(super) async fn get_system(
    State(shared): State<Arc<Shared>>,
    call: Call,
    At(command): At<String>,
    query: Query,
) -> Reply {
    Target::system(&shared, &call, &format!("action:{command}"))?.show(&shared, &command, &query)
}

/// `POST /system/actions/CMD`.
pub(super) async fn run_system(
    State(shared): State<Arc<Shared>>,
    call: Call,
    At(command): At<String>,
    query: Query,
    JsonBody(body): JsonBody,
) -> Reply {
    let target = Target::system(&shared, &call, &format!("action:{command}"))?;
    target.run(&shared, &call, &command, &query, &body).await
}

/// What an action is done to.
struct Target {
    prefix: String,
    /// As the caller wrote it.
    key: String,
    object: Arc<RawModel>,
}

impl Target {
    fn object(shared: &Shared, call: &Call, prefix: String, key: String, action: &str) -> Result<Self, Fail> {
        let kind = find_kind(shared, call, &prefix)?;
        // The `actions` of a job are its scripts; what plugins offer on it is called `plugin_actions`.
        let path = call.url.split('?').next().unwrap_or_default();
        if !kind.has_actions || (prefix == JOBS) != path.contains("/plugin_actions") {
            return Err(call.no_route().into());
        }
        call.require(&prefix, action, &specific(shared, &prefix, &key)?)?;
        let object = exists(shared, call, &prefix, &key)?;
        Ok(Self { prefix, key, object })
    }

    /// The system, for which the global profile stands.
    fn system(shared: &Shared, call: &Call, action: &str) -> Result<Self, Fail> {
        let [prefix, key] = [contract::SYSTEM, contract::GLOBAL_PROFILE].map(str::to_owned);
        call.require(&prefix, action, &key)?;
        let object = exists(shared, call, PROFILES, &key)?;
        Ok(Self { prefix, key, object })
    }

    fn show(&self, shared: &Shared, command: &str, query: &Query) -> Reply {
        let found = shared.actions.find(&self.prefix, &self.key, &self.object, command, query.get("plugin"))?;
        reply::json(StatusCode::OK, &found)
    }

    async fn run(self, shared: &Shared, call: &Call, command: &str, query: &Query, body: &[u8]) -> Reply {
        let params: Params = call.parse_or_default(body)?;
        let plugin = query.get("plugin");
        let result =
            shared.actions.run(&call.by, &self.prefix, &self.key, self.object, command, plugin, params).await?;
        reply::json(StatusCode::OK, &result)
    }
}
