//! What a plugin or a server answers, and what any answer has to be.

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;

use crate::{
    transcript::excerpt,
    verdict::{Verdict, ensure, failed},
};

/// An answer as it came.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub(crate) fn is_refusal(&self) -> bool {
        (400..500).contains(&self.status)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Its body, as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).trim().to_owned()
    }

    /// Status and beginning of the body, for a text.
    pub(crate) fn shown(&self) -> String {
        format!("{} {}", self.status, excerpt(&self.text(), 200)).trim_end().to_owned()
    }

    pub(crate) fn json(&self) -> Verdict<Value> {
        serde_json::from_slice(&self.body)
            .or_else(|error| failed(format!("{} is answered with what is no JSON: {error}", self.status)))
    }

    /// Holds that it is an error object of its status and nothing else, without a stack trace, and gives it.
    pub(crate) fn error_object(&self, what: &str) -> Verdict<Value> {
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
        Ok(error)
    }

    /// Holds that it refuses what it was asked because of the asker, with an error object.
    pub(crate) fn refuses(&self, what: &str) -> Verdict<Value> {
        ensure!(self.is_refusal(), "{what}: a status of 4xx was expected, {} came", self.shown());
        self.error_object(what)
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

    #[test]
    fn error_objects_are_told_from_what_looks_like_them() {
        let check = |status, body: &str, is_good: bool| {
            let answer = Answer { status, headers: HeaderMap::new(), body: Bytes::from(body.to_owned()) };
            assert_eq!(answer.error_object("it").is_ok(), is_good, "{body}");
        };
        check(404, r#"{"Messages":null,"Code":404}"#, true);
        check(404, r#"{"Messages":["no"],"Code":400}"#, false);
        check(500, r#"{"Messages":["bad cable"],"Code":0}"#, false);
        check(500, r#"{"Messages":["Stack trace:"],"Code":500}"#, false);
        check(200, r#"{"Messages":[],"Code":200}"#, false);
        check(404, "404 page not found", false);
        check(404, r#"["no"]"#, false);
    }
}
