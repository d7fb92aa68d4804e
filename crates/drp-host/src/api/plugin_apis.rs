//! `/plugin-apis/PLUGIN/…`: what a plugin serves itself, handed through to it (`host.md` §13).

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{OriginalUri, Request, State},
    response::Response,
};
use drp_core::{Error, limits};
use http::{
    HeaderMap, HeaderName, HeaderValue, Uri,
    header::{AUTHORIZATION, CONNECTION, COOKIE, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER},
    header::{TRANSFER_ENCODING, UPGRADE},
    uri::PathAndQuery,
};

use super::{
    reply::Fail,
    request::{At, Call, is_token},
};
use crate::shared::Shared;

const PLUGINS: &str = "plugins";
/// What a caller's claims must allow on the plugin.
const ACTION: &str = "action:plugin-apis";
/// Tells the plugin who asks. Only the host sets it.
const PRINCIPAL: HeaderName = HeaderName::from_static("x-drp-principal");
/// Headers that are between the two ends of one connection.
const HOP_BY_HOP: [HeaderName; 7] =
    [CONNECTION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];
const MORE_HOP_BY_HOP: [&str; 2] = ["keep-alive", "proxy-connection"];

/// Any method under `/plugin-apis/PLUGIN/`.
pub(super) async fn forward(
    State(shared): State<Arc<Shared>>,
    call: Call,
    At(path): At<Vec<String>>,
    OriginalUri(uri): OriginalUri,
    request: Request,
) -> Result<Response, Fail> {
    let plugin = path.first().map(String::as_str).unwrap_or_default();
    call.require(PLUGINS, ACTION, plugin)?;
    let object = shared.objects.get(PLUGINS, plugin)?.ok_or_else(|| call.not_found(PLUGINS, plugin))?;
    let name = object.text("Name");
    let stopped = || call.error(503, format!("Plugin {name} is not running")).about(PLUGINS, &name);
    let caller = shared.plugins.caller(&name).ok_or_else(stopped)?;
    let request = outgoing(request, &uri, &call)?;
    let answered = caller.forward(request, limits::PROXY_TIME).await;
    let mut response = answered.map_err(|error| error.into_wire(&name, "the request").about(PLUGINS, &name))?;
    strip_hop_by_hop(response.headers_mut());
    Ok(response)
}

/// The request as the plugin gets it: the same method, path and body, and who asks instead of what proves it.
fn outgoing(mut request: Request, uri: &Uri, call: &Call) -> Result<Request<Body>, Error> {
    // A path that climbs could mean something that is the host's to ask alone.
    let climbs = |part: &str| matches!(part.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    if uri.path().split('/').any(climbs) {
        return Err(call.error(400, "a path must not hold `.` or `..`"));
    }
    *request.uri_mut() = without_token(uri).map_err(|error| call.error(400, error.to_string()))?;
    let headers = request.headers_mut();
    strip_hop_by_hop(headers);
    for secret in [AUTHORIZATION, COOKIE] {
        headers.remove(secret);
    }
    let by = HeaderValue::try_from(call.by.name.as_str());
    headers.insert(PRINCIPAL, by.map_err(|error| call.error(400, error.to_string()))?);
    headers.entry(HOST).or_insert(HeaderValue::from_static("localhost"));
    Ok(request)
}

/// Path and query as they came, without the token that some clients put there.
fn without_token(uri: &Uri) -> Result<Uri, http::uri::InvalidUri> {
    let Some(query) = uri.query() else { return uri.path().parse() };
    let kept: Vec<&str> = query.split('&').filter(|pair| !is_token(pair)).collect();
    let shown = match kept.as_slice() {
        [] => uri.path().to_owned(),
        kept => format!("{}?{}", uri.path(), kept.join("&")),
    };
    shown.parse::<PathAndQuery>().map(Uri::from)
}

fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named: Vec<HeaderName> =
        named.flat_map(|value| value.split(',')).filter_map(|name| name.trim().parse().ok()).collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
    for name in MORE_HOP_BY_HOP {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::auth::Principal;

    fn sent(uri: &str) -> Result<Request<Body>, Error> {
        let call = Call { by: Principal::superuser("bob"), method: http::Method::POST, url: uri.to_owned() };
        let request = Request::post("/stripped")
            .header("authorization", "Bearer secret")
            .header("connection", "keep-alive, x-hop")
            .header("x-hop", "1")
            .header("upgrade", "websocket")
            .header("x-drp-principal", "forged")
            .header("x-mine", "kept");
        outgoing(request.body(Body::empty()).unwrap(), &uri.parse().unwrap(), &call)
    }

    /// `#32`.
    #[test]
    fn the_plugin_learns_who_asks_and_not_by_what_right() {
        let request = sent("/api/v3/plugin-apis/p1/a%20b?x=1&token=secret&y").unwrap();
        assert_eq!(request.uri(), "/api/v3/plugin-apis/p1/a%20b?x=1&y");
        let mut headers: Vec<_> =
            request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        headers.sort_unstable();
        assert_eq!(headers, [("host", "localhost"), ("x-drp-principal", "bob"), ("x-mine", "kept")]);
        for query in ["token=x", "%74oken=x", "token"] {
            assert_eq!(sent(&format!("/api/v3/plugin-apis/p1?{query}")).unwrap().uri(), "/api/v3/plugin-apis/p1");
        }
    }

    #[test]
    fn a_path_cannot_climb() {
        for path in ["/api/v3/plugin-apis/p1/../../x", "/api/v3/plugin-apis/p1/%2E%2e/x", "/api/v3/plugin-apis/p1/./x"]
        {
            assert_eq!(sent(path).unwrap_err().code, 400, "{path}");
        }
        assert!(sent("/api/v3/plugin-apis/p1/..x").is_ok());
    }
}
