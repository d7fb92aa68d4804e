//! What the answers and values of a server have to be.

use serde_json::Value;

use crate::{
    answer::Answer,
    transcript::excerpt,
    verdict::{Verdict, ensure},
};

impl Answer {
    /// Holds that it has one status.
    pub(super) fn is(&self, status: u16, what: &str) -> Verdict<&Self> {
        ensure!(self.status == status, "{what}: {status} was expected, {} came", self.shown());
        Ok(self)
    }

    /// Holds that it has one status, and gives its JSON.
    pub(super) fn json_of(&self, status: u16, what: &str) -> Verdict<Value> {
        self.is(status, what)?.json()
    }

    /// Holds that it is the error object of one status.
    pub(super) fn error_of(&self, status: u16, what: &str) -> Verdict<Value> {
        self.is(status, what)?.error_object(what)
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
