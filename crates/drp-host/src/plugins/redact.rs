//! Keeps the values of secure params out of what a plugin writes.
//!
//! The Go library logs every config request with all its params, and every action as well, so what the host opened
//! for a plugin comes back as a log line a moment later.

use std::{
    cmp::Reverse,
    collections::VecDeque,
    fmt,
    sync::{PoisonError, RwLock},
};

use drp_core::Raw;
use serde_json::Value;

/// What stands for a secret.
pub(crate) const MASK: &str = "<secret>";
/// Shorter values are left alone: they would mask half of every log, and protect nothing.
pub(crate) const SECRET_BYTES_MIN: usize = 4;
/// Secrets of past actions that are remembered; an action's own lines come before its answer.
const PASSING_SECRETS_MAX: usize = 1024;

/// The secrets that one run of a plugin was given.
#[derive(Default)]
pub(crate) struct Redactor {
    secrets: RwLock<Secrets>,
}

#[derive(Default)]
struct Secrets {
    /// Those of the config.
    lasting: Vec<String>,
    /// Those of actions, the oldest first.
    passing: VecDeque<String>,
}

impl Redactor {
    /// Masks this value from now on, the strings in it each for itself.
    pub(crate) fn add(&self, value: &Raw) {
        let mut secrets = self.secrets.write().unwrap_or_else(PoisonError::into_inner);
        secrets.lasting.extend(texts(value));
    }

    /// Masks a value that is the plugin's for one action, until many others have come after it.
    pub(crate) fn add_passing(&self, value: &Raw) {
        let mut secrets = self.secrets.write().unwrap_or_else(PoisonError::into_inner);
        for text in texts(value) {
            secrets.passing.retain(|known| *known != text);
            secrets.passing.push_back(text);
        }
        let surplus = secrets.passing.len().saturating_sub(PASSING_SECRETS_MAX);
        secrets.passing.drain(..surplus);
    }

    /// The text without secrets.
    pub(crate) fn clean(&self, text: &str) -> String {
        let secrets = self.secrets.read().unwrap_or_else(PoisonError::into_inner);
        let all = secrets.lasting.iter().chain(&secrets.passing);
        let mut found: Vec<&String> = all.filter(|secret| text.contains(*secret)).collect();
        // A secret that contains another one goes first, or its rest would stay readable.
        found.sort_by_key(|secret| Reverse(secret.len()));
        found.into_iter().fold(text.to_owned(), |text, secret| text.replace(secret, MASK))
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor")
    }
}

/// The texts by which a value can be recognised.
fn texts(value: &Raw) -> Vec<String> {
    let mut found = texts_of_any_length(value);
    found.retain(|text| text.len() >= SECRET_BYTES_MIN);
    found
}

/// All texts in a value, those included that are too short to be looked for in other texts.
pub(crate) fn texts_of_any_length(value: &Raw) -> Vec<String> {
    let mut found = Vec::new();
    if let Ok(value) = value.parse() {
        collect(&value, &mut found);
    }
    found.sort();
    found.dedup();
    found
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            found.push(text.clone());
            // As it stands in a text that quotes it as JSON.
            let quoted = value.to_string();
            let inner = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
            found.extend(inner.map(str::to_owned));
        }
        Value::Number(number) => found.push(number.to_string()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| collect(field, found)),
        Value::Null | Value::Bool(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_wherever_they_stand() {
        let redactor = Redactor::default();
        let check = |text: &str, expected: &str| assert_eq!(redactor.clean(text), expected);
        check("nothing to hide", "nothing to hide");
        redactor.add(&Raw::from("hunter"));
        redactor.add_passing(&Raw::from("hunter22"));
        redactor.add(&Raw::from(serde_json::json!({"a": ["s3cr3t"], "b": 123_456, "c": "no"})));
        redactor.add(&Raw::from("say \"hi\""));
        check("Config: map[p:hunter22 q:hunter no]", "Config: map[p:<secret> q:<secret> no]");
        check("s3cr3t 123456", "<secret> <secret>");
        check(r#"{"x":"say \"hi\""}"#, r#"{"x":"<secret>"}"#);
    }

    #[test]
    fn the_secrets_of_long_past_actions_are_forgotten() {
        let redactor = Redactor::default();
        let secret = |number: usize| Raw::from(format!("passing-{number:05}").as_str());
        (0..=PASSING_SECRETS_MAX).for_each(|number| redactor.add_passing(&secret(number)));
        assert_eq!(redactor.clean("passing-00000 passing-00001"), "passing-00000 <secret>");
    }
}
