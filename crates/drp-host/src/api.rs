//! The REST API: from HTTP to the rooms of the host and back, one file a path prefix (`api.md`).
//!
//! Every route under [`contract::API_BASE`] stands behind [`authenticate`]; every handler asks for the claims it
//! needs. What nobody serves is a 404 `No route`, whatever the method.

mod actions;
mod binary;
mod conditional;
mod contents;
mod events;
mod files;
mod indexes;
mod info;
mod interfaces;
mod isos;
mod jobs;
mod machines;
mod objects;
mod params;
mod plugin_apis;
mod plugin_providers;
mod prefs;
pub(crate) mod reply;
mod request;
mod tenants;
mod trace;
mod users;
mod ws;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderValue, StatusCode, header::WWW_AUTHENTICATE},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{any, get, post, put},
};
use drp_core::{Error, contract};

pub(crate) use self::info::FEATURES;
use self::{
    reply::Fail,
    request::{Query, not_served},
    trace::Trace,
};
use crate::{auth::Denied, files::Files, metrics::measure, shared::Shared};

const REALM: HeaderValue = HeaderValue::from_static("dr-provision");

/// All that the host serves over TLS: the API, and static files beside it.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let (files, metrics) = (static_files(Arc::clone(&shared.files)), Arc::clone(&shared.metrics));
    let api = routes()
        .method_not_allowed_fallback(not_served)
        .route_layer(middleware::from_fn_with_state(Arc::clone(&shared), authenticate))
        .with_state(shared);
    let api = Router::new().nest(contract::API_BASE, api).layer(middleware::from_fn(conditional::answer));
    api.merge(files).fallback(not_served).layer(middleware::from_fn_with_state(metrics, measure))
}

/// The static files alone, which need no authentication.
pub(crate) fn static_files(files: Arc<Files>) -> Router {
    let router = Router::new().route("/files/{*path}", get(files::get_public));
    let router = router.layer(middleware::from_fn(conditional::answer));
    router.method_not_allowed_fallback(not_served).fallback(not_served).with_state(files)
}

#[rustfmt::skip]
fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/info", get(info::get))
        .route("/objects", get(objects::types))
        .route("/indexes", get(indexes::all))
        .route("/indexes/{prefix}", get(indexes::of_prefix))
        .route("/indexes/{prefix}/{*name}", get(indexes::one))
        .route("/interfaces", get(interfaces::list))
        .route("/interfaces/{name}", get(interfaces::get))
        .route("/prefs", get(prefs::list).post(prefs::post))
        .route("/logs", get(events::logs))
        .route("/events", post(events::post))
        .route("/ws", get(ws::open))
        .route("/files", get(files::list))
        .route("/files/{*path}", get(files::get).post(files::post).delete(files::delete))
        .route("/isos", get(isos::list))
        .route("/isos/{*path}", get(isos::get).post(isos::post).delete(isos::delete))
        .route("/contents", get(contents::list).post(contents::create))
        .route("/contents/{name}", get(contents::get).put(contents::replace).delete(contents::delete))
        .route("/plugin-apis/{plugin}", any(plugin_apis::forward))
        .route("/plugin-apis/{plugin}/{*rest}", any(plugin_apis::forward))
        .route("/plugin_providers", get(plugin_providers::list))
        .route("/plugin_providers/{name}", get(plugin_providers::get).post(plugin_providers::upload).delete(plugin_providers::delete).layer(DefaultBodyLimit::disable()))
        .route("/plugin_providers/{name}/binary", get(binary::get))
        .route("/system/actions", get(actions::list_system))
        .route("/system/actions/{command}", get(actions::get_system).post(actions::run_system))
        .route("/whoami", post(machines::whoami))
        .route("/machines/{key}/token", get(machines::token))
        .route("/users/{name}/token", get(users::token))
        .route("/users/{name}/password", put(users::password))
        .route("/meta/{prefix}/{*key}", get(params::meta).patch(params::patch_meta))
        .route("/jobs", get(jobs::list).post(jobs::create).delete(jobs::purge))
        .route("/jobs/{key}/actions", get(jobs::actions))
        .route("/jobs/{key}/log", get(jobs::log).put(jobs::append))
        // Names of params may hold slashes.
        .route("/params/{*key}", get(objects::get_param).put(objects::put_param).patch(objects::patch_param).delete(objects::delete_param))
        .route("/{prefix}", get(objects::list).post(objects::create))
        .route("/{prefix}/{key}", get(objects::get).put(objects::put).patch(objects::patch).delete(objects::delete))
        .route("/{prefix}/{key}/pubkey", get(params::public_key))
        .route("/{prefix}/{key}/params", get(params::all).post(params::replace).patch(params::patch))
        .route("/{prefix}/{key}/params/{*name}", get(params::one).post(params::set).delete(params::remove))
        .route("/{prefix}/{key}/actions", get(actions::list))
        .route("/{prefix}/{key}/actions/{command}", get(actions::get).post(actions::run))
        .route("/{prefix}/{key}/plugin_actions", get(actions::list))
        .route("/{prefix}/{key}/plugin_actions/{command}", get(actions::get).post(actions::run))
}

/// Lets a request in that says who sent it.
async fn authenticate(State(shared): State<Arc<Shared>>, mut request: Request, next: Next) -> Response {
    let query = Query::of(request.uri());
    match shared.auth.authenticate(request.headers(), query.get("token")).await {
        Ok(principal) => {
            let what = || format!("{} {}", request.method(), request::url_of(&request));
            let trace = Trace::begin(&shared.log, request.headers(), &principal.name, what);
            if let Err(error) = tenants::hides(&shared, &principal, &request) {
                return Fail(error).into_response();
            }
            request.extensions_mut().insert(principal);
            let response = next.run(request).await;
            if let Some(trace) = trace {
                trace.end(&shared.log, response.status());
            }
            response
        }
        Err(denied) => deny(denied),
    }
}

/// Says no as the reference server does: without a body where nobody was named, else with an error object.
fn deny(denied: Denied) -> Response {
    let forbidden = |error: Error| Fail(error).into_response();
    let (mut response, challenge) = match denied {
        Denied::Anonymous => (StatusCode::UNAUTHORIZED.into_response(), true),
        Denied::Password => (forbidden(Error::new(403, "", "Access Denied").about("users", "")), false),
        Denied::Token(why) => {
            (forbidden(Error::new(403, "", format!("Invalid token: {why}")).about("system", "")), true)
        }
        Denied::Revoked => (forbidden(Error::new(403, "AUTH", "Validation failed")), false),
        Denied::Failed(error) => (forbidden(error), false),
    };
    if challenge {
        response.headers_mut().insert(WWW_AUTHENTICATE, REALM);
    }
    response
}
