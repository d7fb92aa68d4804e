//! Calls to a plugin's socket, and what it answers.

use std::{path::Path, time::Duration};

use bytes::Bytes;
use drp_core::limits;
use http::{Request, header::CONTENT_TYPE};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::UnixStream, task::JoinHandle, time::timeout};

use crate::{
    transcript::excerpt,
    verdict::{Verdict, ensure, failed},
};

/// An answer as it came.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) body: Bytes,
}

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
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let (status, content_type) = (response.status().as_u16(), content_type.unwrap_or_default().to_owned());
    let body = Limited::new(response.into_body(), limits::BODY_BYTES_MAX).collect().await;
    let body = body.map_err(|error| format!("its body breaks off or is larger than 64 MiB: {error}"))?.to_bytes();
    Ok(Answer { status, content_type, body })
}

impl Answer {
    pub(crate) fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Its body, as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).trim().to_owned()
    }

    pub(crate) fn json(&self) -> Verdict<Value> {
        serde_json::from_slice(&self.body)
            .or_else(|error| failed(format!("{} is answered with what is no JSON: {error}", self.status)))
    }

    /// Status and beginning of the body, for a text.
    pub(crate) fn shown(&self) -> String {
        format!("{} {}", self.status, excerpt(&self.text(), 200))
    }

    /// Holds that it is an error object and nothing else, without a stack trace.
    pub(crate) fn is_error_object(&self, what: &str) -> Verdict<()> {
        let shown = self.shown();
        ensure!((400..600).contains(&self.status), "{what}: a status of 4xx or 5xx was expected, {shown} came");
        let error: Value = match serde_json::from_slice(&self.body) {
            Ok(error @ Value::Object(_)) => error,
            _ => return failed(format!("{what}: a JSON error object was expected, {shown} came")),
        };
        let code = &error["Code"];
        ensure!(*code == self.status, "{what}: Code {} was expected, as the status says, {code} came", self.status);
        ensure!(
            error["Messages"].is_null() || error["Messages"].is_array(),
            "{what}: Messages were expected to be a list of texts, {shown} came"
        );
        ensure!(!has_trace(&self.text()), "{what}: the error holds a stack trace: {shown}");
        Ok(())
    }

    /// Holds that it refuses what it was asked because of the asker.
    pub(crate) fn refuses(&self, what: &str) -> Verdict<()> {
        let shown = self.shown();
        ensure!((400..500).contains(&self.status), "{what}: a status of 4xx was expected, {shown} came");
        self.is_error_object(what)
    }

    /// Whether the error is the text of another one.
    pub(crate) fn is_encoded_twice(&self) -> bool {
        let error: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let inner = error["Messages"][0].as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
        inner.is_some_and(|inner| inner["Code"].is_number() || inner["Messages"].is_array())
    }
}

/// Whether a text shows where a program broke.
pub(crate) fn has_trace(text: &str) -> bool {
    const SIGNS: [&str; 6] =
        ["goroutine ", "Stack trace:", "stack backtrace:", "panicked at ", "Traceback (most recent", "runtime error:"];
    SIGNS.iter().any(|sign| text.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, content_type: String::new(), body: Bytes::from(body.to_owned()) }
    }

    #[test]
    fn error_objects_are_told_from_what_looks_like_them() {
        let check = |status, body: &str, is_good: bool| {
            assert_eq!(answer(status, body).is_error_object("it").is_ok(), is_good, "{body}");
        };
        check(404, r#"{"Messages":null,"Code":404}"#, true);
        check(404, r#"{"Messages":["no"],"Code":400}"#, false);
        check(500, r#"{"Messages":["bad cable"],"Code":0}"#, false);
        check(500, r#"{"Messages":["Stack trace:"],"Code":500}"#, false);
        check(200, r#"{"Messages":[],"Code":200}"#, false);
        check(404, "404 page not found", false);
        check(404, r#"["no"]"#, false);
        assert!(answer(400, r#"{"Messages":["{\"Code\":400,\"Messages\":[]}"],"Code":400}"#).is_encoded_twice());
        assert!(!answer(400, r#"{"Messages":["{\"a\":1}"],"Code":400}"#).is_encoded_twice());
    }
}
