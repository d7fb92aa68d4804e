//! What the server answers, and what it has to be.

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;

use crate::{
    transcript::excerpt,
    verdict::{Verdict, ensure, failed},
};

/// An answer as it came.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    /// Its body, as text.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).trim().to_owned()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Status and beginning of the body, for a text.
    pub(super) fn shown(&self) -> String {
        format!("{} {}", self.status, excerpt(&self.text(), 200)).trim_end().to_owned()
    }

    /// Holds that it has one status.
    pub(super) fn is(&self, status: u16, what: &str) -> Verdict<&Self> {
        ensure!(self.status == status, "{what}: {status} was expected, {} came", self.shown());
        Ok(self)
    }

    pub(super) fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub(super) fn is_refusal(&self) -> bool {
        (400..500).contains(&self.status)
    }

    pub(super) fn json(&self) -> Verdict<Value> {
        serde_json::from_slice(&self.body)
            .or_else(|error| failed(format!("{} is answered with what is no JSON: {error}", self.status)))
    }

    /// Holds that it has one status, and gives its JSON.
    pub(super) fn json_of(&self, status: u16, what: &str) -> Verdict<Value> {
        self.is(status, what)?.json()
    }

    /// Holds that it is an error object of its status, and gives it.
    pub(super) fn error_object(&self, what: &str) -> Verdict<Value> {
        let shown = self.shown();
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
        Ok(error)
    }

    /// Holds that it is the error object of one status.
    pub(super) fn error_of(&self, status: u16, what: &str) -> Verdict<Value> {
        self.is(status, what)?.error_object(what)
    }

    /// Holds that it refuses what it was asked because of the asker, with an error object.
    pub(super) fn refuses(&self, what: &str) -> Verdict<Value> {
        ensure!(self.is_refusal(), "{what}: a status of 4xx was expected, {} came", self.shown());
        self.error_object(what)
    }
}

/// Holds that two values are the same.
pub(super) fn same(what: &str, came: &Value, wanted: &Value) -> Verdict {
    ensure!(came == wanted, "{what}: {} was expected, {} came", shown(wanted), shown(came));
    Ok(())
}

/// Holds that each text is in one of the messages.
pub(super) fn says(what: &str, error: &Value, wanted: &str) -> Verdict {
    let messages = error["Messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_there = messages.iter().filter_map(Value::as_str).any(|message| message.contains(wanted));
    ensure!(is_there, "{what}: a message with `{wanted}` was expected, {} came", shown(&error["Messages"]));
    Ok(())
}

/// A value for a text.
pub(super) fn shown(value: &Value) -> String {
    excerpt(&value.to_string(), 200)
}
