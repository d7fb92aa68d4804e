//! A server of bare TLS that asks another one, and answers something else where a test says so.

use std::sync::Arc;

use raw_peer::Api;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::{memory::trusting, process::Server};

/// Asks a server as its administrator.
pub(super) struct Administrator {
    runtime: Runtime,
    client: Client,
    endpoint: String,
}

impl Administrator {
    pub(super) fn new(server: &Server) -> Self {
        let client = Client::builder().tls_backend_preconfigured(trusting(&server.ca_file)).build().unwrap();
        Self { runtime: Runtime::new().unwrap(), client, endpoint: server.endpoint.clone() }
    }

    /// The status and the JSON of an answer.
    pub(super) fn call(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let method: Method = method.parse().unwrap();
        let content_type = if path.contains("/plugin_providers/") || path.contains("/files/") {
            "application/octet-stream"
        } else {
            "application/json"
        };
        let request = self.client.request(method, format!("{}{path}", self.endpoint)).body(body.to_owned());
        let request = request.basic_auth(super::NAME, Some(super::PASSWORD)).header("content-type", content_type);
        self.runtime.block_on(async {
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            let text = answer.text().await.unwrap_or_default();
            (status, serde_json::from_str(&text).unwrap_or(Value::Null))
        })
    }
}

/// A request, as those see it who answer something else.
pub(super) struct Asked<'a> {
    pub(super) method: &'a str,
    /// Behind `/api/v3/`.
    pub(super) path: &'a str,
}

impl Asked<'_> {
    pub(super) fn is(&self, method: &str, prefix: &str) -> bool {
        self.method == method && self.path.starts_with(prefix)
    }
}

/// Changes an answer.
pub(super) type Change = fn(&Asked<'_>, &mut u16, &mut Value);

/// A server that answers as the other does, but for the changes. It asks nobody for credentials, has no headers but the
/// content type, and no events.
pub(super) fn serve(administrator: &Arc<Administrator>, change: Change) -> String {
    let administrator = Arc::clone(administrator);
    let api = Api::serve(move |method, path, body| {
        let (mut status, mut answer) = administrator.call(method, path, body);
        let path = path.strip_prefix("/api/v3/").unwrap_or(path);
        change(&Asked { method, path }, &mut status, &mut answer);
        if method == "HEAD" {
            answer = json!(null);
        }
        (status, answer)
    });
    api.endpoint().to_owned()
}
