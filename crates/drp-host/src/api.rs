//! The REST API: from HTTP to the rooms of the host and back, one file a path prefix (`api.md`).
//!
//! Every route under [`contract::API_BASE`] stands behind [`authenticate`]; every handler asks for the claims it
//! needs. What nobody serves is a 404 `No route`, whatever the method.

mod actions;
mod backup;
mod binary;
mod blob;
mod compression;
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
pub(crate) mod openapi;
mod params;
mod plugin_apis;
mod plugin_providers;
mod prefs;
pub(crate) mod reply;
mod request;
mod route;
mod table;
mod tenants;
mod trace;
mod users;
mod ws;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header::WWW_AUTHENTICATE},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use drp_core::{Error, contract};

pub(crate) use self::info::FEATURES;
use self::{
    reply::Fail,
    request::{Query, not_served},
    trace::Trace,
};
use crate::{Recorder, auth::Denied, files::Files, metrics::measure, shared::Shared, trace::Dir};

const REALM: HeaderValue = HeaderValue::from_static("dr-provision");

/// All that the host serves over TLS: the API, and static files beside it.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let (files, metrics) = (static_files(Arc::clone(&shared.files)), Arc::clone(&shared.metrics));
    let waiting = Arc::clone(&shared);
    let api = route::router(table::routes())
        .layer(middleware::from_fn(compression::refuse_encoded))
        .method_not_allowed_fallback(not_served)
        .route_layer(middleware::from_fn_with_state(Arc::clone(&shared), authenticate))
        .with_state(shared);
    let conditional = middleware::from_fn_with_state(waiting, conditional::answer_or_wait);
    let api = Router::new().nest(contract::API_BASE, api).layer(conditional).layer(compression::layer());
    let document = Router::new().route(openapi::PATH, get(openapi::get)).route(openapi::OLD_PATH, get(openapi::moved));
    let document = document.layer(middleware::from_fn(conditional::answer)).layer(compression::layer());
    let all = api.merge(files).merge(document.method_not_allowed_fallback(not_served)).fallback(not_served);
    all.layer(middleware::from_fn_with_state(metrics, measure))
}

/// The static files alone, which need no authentication.
pub(crate) fn static_files(files: Arc<Files>) -> Router {
    let router = Router::new().route("/files/{*path}", get(files::get_public));
    let router = router.layer(middleware::from_fn(conditional::answer));
    router.method_not_allowed_fallback(not_served).fallback(not_served).with_state(files)
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
            let recorded = shared.objects.recorder().zip(plugin_of(&principal.name).map(str::to_owned));
            request.extensions_mut().insert(principal);
            let response = match recorded {
                Some((recorder, plugin)) => run_recorded(recorder, &plugin, request, next).await,
                None => next.run(request).await,
            };
            if let Some(trace) = trace {
                trace.end(&shared.log, response.status());
            }
            response
        }
        Err(denied) => deny(denied),
    }
}

/// The plugin that has this name among those who ask.
pub(crate) fn plugin_of(principal: &str) -> Option<&str> {
    principal.strip_prefix("plugin:")
}

/// Answers a request of a plugin, and copies both ways into the recording.
async fn run_recorded(recorder: &Recorder, plugin: &str, request: Request, next: Next) -> Response {
    let exchange = recorder.begin(Dir::ToApi, plugin, request.method().as_str(), &request::url_of(&request));
    let response = next.run(request.map(|body| exchange.copy_sent(body))).await;
    let status = response.status().as_u16();
    response.map(|body| exchange.copy_answer(status, body))
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
