//! Calls to a plugin's socket.

use std::{path::Path, time::Duration};

use bytes::Bytes;
use drp_core::limits;
use http::{Request, header::CONTENT_TYPE};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::UnixStream, task::JoinHandle, time::timeout};

use crate::answer::Answer;

/// A request to send.
pub(crate) struct Ask<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) content_type: &'a str,
    pub(crate) body: Bytes,
}

impl<'a> Ask<'a> {
    /// A post of JSON, or of what claims to be.
    pub(crate) fn post(path: &'a str, body: impl Into<Bytes>) -> Self {
        Self { method: "POST", path, content_type: "application/json", body: body.into() }
    }
}

/// Sends a request over a connection of its own; an error is a text that says how far it came.
pub(crate) async fn call(socket: &Path, ask: Ask<'_>, limit: Duration) -> Result<Answer, String> {
    let late = |_| format!("no answer within {} s", limit.as_secs());
    timeout(limit, exchange(socket, ask)).await.map_err(late)?
}

/// Ends the connection with whoever waits for the answer.
struct Connection(JoinHandle<()>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn exchange(socket: &Path, ask: Ask<'_>) -> Result<Answer, String> {
    let stream = UnixStream::connect(socket).await.map_err(|error| format!("cannot connect: {error}"))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    // What ends the connection is told to whoever waits for an answer.
    let _connection = Connection(tokio::spawn(async move { drop(connection.await) }));
    let request = Request::builder().method(ask.method).uri(ask.path).header("Host", "unix");
    let request = if ask.content_type.is_empty() { request } else { request.header(CONTENT_TYPE, ask.content_type) };
    let request = request.body(Full::new(ask.body)).map_err(|error| error.to_string())?;
    let broken = |error: &hyper::Error| format!("the connection broke before there was an answer: {error}");
    let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
    let (head, body) = response.into_parts();
    let body = Limited::new(body, limits::BODY_BYTES_MAX).collect().await;
    let body = body.map_err(|error| format!("its body breaks off or is larger than 64 MiB: {error}"))?.to_bytes();
    Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
}

impl Answer {
    /// Whether the error is the text of another one.
    pub(crate) fn is_encoded_twice(&self) -> bool {
        let error: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let inner = error["Messages"][0].as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
        inner.is_some_and(|inner| inner["Code"].is_number() || inner["Messages"].is_array())
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    #[test]
    fn an_error_in_an_error_is_told_from_one_that_quotes_something() {
        let check = |body: &str, expected: bool| {
            let answer = Answer { status: 400, headers: HeaderMap::new(), body: Bytes::from(body.to_owned()) };
            assert_eq!(answer.is_encoded_twice(), expected, "{body}");
        };
        check(r#"{"Messages":["{\"Code\":400,\"Messages\":[]}"],"Code":400}"#, true);
        check(r#"{"Messages":["{\"a\":1}"],"Code":400}"#, false);
    }
}
