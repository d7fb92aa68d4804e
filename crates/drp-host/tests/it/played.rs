//! A provider that the test plays itself: its process only hands over its sockets, and the requests of the host arrive
//! here as they are.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode, request::Parts};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{
    net::{UnixListener, UnixStream},
    sync::mpsc,
    time,
};

use crate::peer::within;

/// What the provider answers to a path and a body.
type Answer = dyn Fn(&str, &Value) -> (StatusCode, Value) + Send + Sync;

/// The process: it says where its sockets are, and ends when it is told.
const SCRIPT: &str = r#"#!/bin/sh
here='HERE'
case "$1" in
define) cat "$here/define" ;;
listen)
    printf '%s\n%s\n' "$2" "$3" > "$here/sockets.part" && mv "$here/sockets.part" "$here/sockets"
    until [ -e "$here/ready" ]; do sleep 0.02; done
    echo 'READY!'
    until [ -e "$here/stopped" ]; do sleep 0.02; done ;;
esac
"#;

/// A provider with one instance.
pub(crate) struct Played {
    here: PathBuf,
    requests: mpsc::UnboundedReceiver<(Parts, Bytes)>,
}

impl Played {
    /// Writes the executable into a directory of providers. It must be the first thing there: the instance is waited for
    /// once a host runs it.
    pub(crate) fn write(
        providers: &Path,
        definition: &Value,
        answer: impl Fn(&str, &Value) -> (StatusCode, Value) + Send + Sync + 'static,
    ) -> Self {
        let name = definition["Name"].as_str().unwrap();
        let here = providers.parent().unwrap().join(format!("{name}.played"));
        for dir in [providers, &here] {
            fs::create_dir_all(dir).unwrap();
        }
        fs::write(here.join("define"), definition.to_string()).unwrap();
        let path = providers.join(name);
        fs::write(&path, SCRIPT.replace("HERE", here.to_str().unwrap())).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        let (seen, requests) = mpsc::unbounded_channel();
        tokio::spawn(serve(here.clone(), seen, Arc::new(answer)));
        Self { here, requests }
    }

    /// The next request of the host.
    pub(crate) async fn request(&mut self) -> (Parts, Bytes) {
        within(self.requests.recv()).await.unwrap()
    }

    /// The next request of the host but those of a path.
    pub(crate) async fn request_to(&mut self, path: &str) -> Value {
        loop {
            let (parts, body) = self.request().await;
            if parts.uri.path() == path {
                return serde_json::from_slice(&body).unwrap();
            }
        }
    }

    /// Sends the host a request as the provider does.
    pub(crate) async fn call_back(&self, path: &str, body: String) -> StatusCode {
        let stream = UnixStream::connect(sockets(&self.here).await.1).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        let connection = tokio::spawn(connection);
        let request = Request::post(path).header("host", "unix").header("content-type", "application/json");
        let response = within(sender.send_request(request.body(Full::<Bytes>::from(body)).unwrap())).await.unwrap();
        connection.abort();
        response.status()
    }
}

/// The paths of the sockets to the provider and from it.
async fn sockets(here: &Path) -> (PathBuf, PathBuf) {
    let written = async {
        loop {
            if let Ok(text) = fs::read_to_string(here.join("sockets")) {
                break text;
            }
            time::sleep(Duration::from_millis(10)).await;
        }
    };
    let text = within(written).await;
    let mut lines = text.lines().map(PathBuf::from);
    (lines.next().unwrap(), lines.next().unwrap())
}

async fn serve(here: PathBuf, seen: mpsc::UnboundedSender<(Parts, Bytes)>, answer: Arc<Answer>) {
    let listener = UnixListener::bind(sockets(&here).await.0).unwrap();
    fs::write(here.join("ready"), "").unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (here, seen, answer) = (here.clone(), seen.clone(), Arc::clone(&answer));
        let service = service_fn(move |request: Request<Incoming>| {
            let (here, seen, answer) = (here.clone(), seen.clone(), Arc::clone(&answer));
            async move {
                let (parts, body) = request.into_parts();
                let body = body.collect().await?.to_bytes();
                let value = serde_json::from_slice(&body).unwrap_or_default();
                let path = parts.uri.path().to_owned();
                // A test that is over looks no more.
                let _ = seen.send((parts, body));
                let (status, value) = answer(&path, &value);
                if path.ends_with("/stop") {
                    fs::write(here.join("stopped"), "").unwrap();
                }
                let response = Response::builder().status(status).header("content-type", "application/json");
                Ok::<_, hyper::Error>(response.body(Full::<Bytes>::from(value.to_string())).unwrap())
            }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}
