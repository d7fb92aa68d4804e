//! What stands in a recording for secrets, and for what differs between two hosts.

use std::{borrow::Cow, collections::VecDeque};

use drp_core::{Raw, limits};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use regex::{Captures, Regex};
use serde_json::{Map, Value};

use crate::plugins::redact::{MASK, SECRET_BYTES_MIN, texts_of_any_length};

/// Values of these fields are secrets, whatever they are.
const SECRET_FIELDS: [&str; 6] = ["password", "passwordhash", "newpassword", "oldpassword", "secret", "token"];

/// A private key, whoever made it: providers make some and keep them in params that are not secure.
const PRIVATE_KEY: &str = "(?s:-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----)";

/// The texts that are masked.
#[derive(Clone, Debug, Default)]
pub(super) struct Mask {
    /// What differs between hosts, and its name.
    places: Vec<(String, &'static str)>,
    secrets: VecDeque<String>,
}

impl Mask {
    /// Has `name` stand for `text`.
    pub(super) fn place(&mut self, text: &str, name: &'static str) {
        if !text.is_empty() && !self.places.iter().any(|(known, _)| known == text) {
            self.places.push((text.to_owned(), name));
        }
    }

    /// Masks a value, the strings and numbers in it each for itself.
    pub(super) fn hide(&mut self, value: &Raw) {
        for text in texts_of_any_length(value) {
            if text.is_empty() || self.secrets.contains(&text) || text == MASK {
                continue;
            }
            self.secrets.push_back(text);
            if self.secrets.len() > limits::TRACE_SECRETS_MAX {
                self.secrets.pop_front();
            }
        }
    }

    /// What masks from now on, with all that is known now.
    pub(super) fn made(&self) -> Masker {
        let mut long: Vec<Cow<'_, str>> = Vec::new();
        for text in self.secrets.iter().filter(|text| text.len() >= SECRET_BYTES_MIN) {
            long.push(Cow::Borrowed(text));
            let encoded = utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
            long.push(Cow::Owned(encoded));
        }
        long.extend(self.places.iter().map(|(text, _)| Cow::Borrowed(text.as_str())));
        // Of two texts that begin at the same place the longer one is masked, or its rest would stay readable.
        long.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        long.dedup();
        let texts = long.iter().map(|text| regex::escape(text));
        let pattern: Vec<String> = texts.chain([PRIVATE_KEY.to_owned()]).collect();
        // Texts that are escaped are a pattern always; one that is too large masks everything.
        let all = Regex::new(&pattern.join("|")).ok();
        let short = self.secrets.iter().filter(|text| text.len() < SECRET_BYTES_MIN).cloned().collect();
        Masker { all, places: self.places.clone(), short }
    }
}

/// Masks texts and values.
#[derive(Debug)]
pub(super) struct Masker {
    /// None where there is too much to mask.
    all: Option<Regex>,
    places: Vec<(String, &'static str)>,
    /// Secrets that are masked only where they are a whole value.
    short: Vec<String>,
}

impl Masker {
    pub(super) fn text(&self, text: &str) -> String {
        match &self.all {
            None => MASK.to_owned(),
            Some(all) => all.replace_all(text, |found: &Captures<'_>| self.stand_in(&found[0])).into_owned(),
        }
    }

    fn stand_in(&self, text: &str) -> &'static str {
        self.places.iter().find(|(place, _)| place == text).map_or(MASK, |(_, name)| name)
    }

    pub(super) fn value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) if self.short.contains(text) => Value::String(MASK.to_owned()),
            Value::String(text) => Value::String(self.text(text)),
            Value::Number(number) => {
                let text = number.to_string();
                if self.text(&text) == MASK { Value::String(MASK.to_owned()) } else { value.clone() }
            }
            Value::Array(items) => Value::Array(items.iter().map(|item| self.value(item)).collect()),
            Value::Object(fields) => Value::Object(fields.iter().map(|field| self.field(field)).collect::<Map<_, _>>()),
            Value::Null | Value::Bool(_) => value.clone(),
        }
    }

    fn field(&self, (name, value): (&String, &Value)) -> (String, Value) {
        let is_secret = SECRET_FIELDS.contains(&name.to_ascii_lowercase().as_str());
        let masked = match value {
            Value::String(text) if is_secret && !text.is_empty() => Value::String(MASK.to_owned()),
            value => self.value(value),
        };
        (self.text(name), masked)
    }

    /// The value with the places of this host where their names stand.
    pub(super) fn expand(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.expand_text(text)),
            Value::Array(items) => Value::Array(items.iter().map(|item| self.expand(item)).collect()),
            Value::Object(fields) => {
                Value::Object(fields.iter().map(|(name, value)| (name.clone(), self.expand(value))).collect())
            }
            other => other.clone(),
        }
    }

    pub(super) fn expand_text(&self, text: &str) -> String {
        self.places.iter().fold(text.to_owned(), |text, (place, name)| text.replace(name, place))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_masked_in_values_names_and_texts_and_places_are_named() {
        let mut mask = Mask::default();
        mask.hide(&Raw::from(json!({"a": "hunter22", "b": 123_456, "c": "x/y z", "d": "1"})));
        mask.hide(&Raw::from("hunter"));
        mask.place("https://127.0.0.1:77", "<endpoint>");
        let masker = mask.made();
        let check = |value: Value, expected: Value| assert_eq!(masker.value(&value), expected);
        check(json!("a hunter22 b hunter"), json!("a <secret> b <secret>"));
        check(json!({"hunter22": [123_456, 12, "1", "12"]}), json!({"<secret>": ["<secret>", 12, "<secret>", "12"]}));
        check(json!("https://127.0.0.1:77/x?q=x%2Fy%20z"), json!("<endpoint>/x?q=<secret>"));
        check(json!({"Password": "pw", "Token": ""}), json!({"Password": "<secret>", "Token": ""}));
        assert_eq!(masker.expand(&json!(["<endpoint>/x"])), json!(["https://127.0.0.1:77/x"]));
        let key = "a\n-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\nb";
        let none = Mask::default().made();
        assert_eq!([none.text("plain"), none.text(key)], ["plain", "a\n<secret>\nb"]);
    }
}
