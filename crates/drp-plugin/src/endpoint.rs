//! What a plugin serves itself below `/plugin-apis/PLUGIN` of the server's API.

use std::sync::Arc;

use bytes::Bytes;
use drp_core::contract;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use serde_json::json;
use tracing::Instrument;

use crate::{
    Context, Error, Result,
    exchange::{discard, read_body, respond, respond_with_error},
    handler::BoxFuture,
    log::{Republish, open_scope},
    serve::{Service, end_in_time},
};

/// A request as the plugin's own endpoint gets it, with its whole body.
///
/// The server has checked who asks: it wants a claim `action:plugin-apis` on the plugin. Its path is what stands
/// behind the plugin's name.
pub type EndpointRequest = Request<Bytes>;

/// The answer of a plugin's own endpoint. It is `application/json` unless it says otherwise.
pub type EndpointResponse = Response<Bytes>;

pub(crate) type EndpointHandler<S> =
    Box<dyn Fn(Context<S>, EndpointRequest) -> BoxFuture<Result<EndpointResponse>> + Send + Sync>;

/// The part of a path below the plugin's own, if it is one of those: `/REST` of `/api/v3/plugin-apis/PLUGIN/REST`.
pub(crate) fn own_path(path: &str) -> Option<&str> {
    let below = path.strip_prefix(contract::API_BASE)?.strip_prefix("/plugin-apis/")?;
    Some(below.find('/').map_or("/", |slash| &below[slash..]))
}

impl<S: Send + Sync + 'static> Service<S> {
    /// `/health` and `/metrics` are there in every plugin; the rest is the author's.
    pub(crate) async fn serve_own(self: Arc<Self>, request: Request<Incoming>, path: String) -> Response<Full<Bytes>> {
        let answer = match (request.method(), path.as_str()) {
            (&Method::GET, "/health") => return self.health(),
            (&Method::GET, "/metrics") => return self.exposition(),
            _ => Arc::clone(&self).ask_author(request, path).await,
        };
        match answer {
            Ok(mut response) => {
                // Clients of the API refuse an answer without one.
                let json = header::HeaderValue::from_static("application/json");
                response.headers_mut().entry(header::CONTENT_TYPE).or_insert(json);
                response.map(Full::new)
            }
            Err(error) => respond_with_error(&error.into_wire(&self.provider.name)),
        }
    }

    fn health(&self) -> Response<Full<Bytes>> {
        let configured = self.configured();
        let plugin = configured.as_ref().map(|configured| configured.plugin.to_string()).unwrap_or_default();
        let body = json!({
            "Plugin": plugin,
            "Provider": self.provider.name,
            "Version": self.provider.version,
            "Configured": configured.is_ok(),
            "Stopping": self.stop_asked.is_cancelled(),
        });
        let status = if configured.is_ok() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        respond(status, body.to_string().into())
    }

    fn exposition(&self) -> Response<Full<Bytes>> {
        let mut response = respond(StatusCode::OK, self.metrics.exposition().into());
        let plain = header::HeaderValue::from_static("text/plain; version=0.0.4");
        response.headers_mut().insert(header::CONTENT_TYPE, plain);
        response
    }

    async fn ask_author(self: Arc<Self>, request: Request<Incoming>, path: String) -> Result<EndpointResponse> {
        let method = request.method().clone();
        if self.provider.endpoint.is_none() {
            discard(request.into_body());
            return Err(Error::new(404, format!("no such path of this plugin: {method} {path}")));
        }
        let (mut head, body) = request.into_parts();
        let body = read_body(body).await.map_err(|error| Error::new(error.status(), error.messages.join("; ")))?;
        let query = head.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        head.uri = format!("{path}{query}").parse().map_err(|error| Error::from(error).with_code(400))?;
        let request = Request::from_parts(head, body);
        let log = open_scope(Republish::Yes, None);
        let (service, scope) = (Arc::clone(&self), log.clone());
        let work = async move {
            service.check_running()?;
            let configured = service.configured()?;
            let endpoint = service.provider.endpoint.as_ref().ok_or_else(|| Error::new(404, "no endpoint"))?;
            let call = service.call(&configured.plugin, scope)?;
            let _found = Arc::clone(&call.secrets);
            let context = Context::of_call(Arc::clone(&configured.state), call);
            end_in_time(endpoint(context, request), &service.cancelled, None).await.map_err(Error::redacted)
        };
        self.contain(&format!("{method} {path}"), work.instrument(log)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_below_plugin_apis_are_the_plugins_own() {
        let check = |path: &str, expected: Option<&str>| assert_eq!(own_path(path), expected, "{path}");
        check("/api/v3/plugin-apis/p1/a/b", Some("/a/b"));
        check("/api/v3/plugin-apis/p1", Some("/"));
        check("/api/v3/plugin-apis/p1/", Some("/"));
        check("/api/v3/plugins/p1", None);
        check("/api-plugin/v4/action", None);
    }
}
