//! The secrets that are in use in this process, and cutting them out of texts that leave it.
//!
//! This works at the sink: whatever way a secret took into a log line or an error, it is cut out there.

use std::{
    borrow::Cow,
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use drp_core::Raw;
use serde_json::Value;

/// Shorter values are not looked for: cutting them out would make every line unreadable and betray them as well.
const SECRET_CHARS_MIN: usize = 4;
/// Shorter lines of a secret are not looked for by themselves.
const SECRET_LINE_BYTES_MIN: usize = 16;
const MASK: &str = "[secret]";

/// The secrets, and how many hold each: the same token comes with every call.
static IN_USE: RwLock<Vec<(Arc<str>, usize)>> = RwLock::new(Vec::new());

/// Secrets that are cut out for as long as this lives.
#[derive(Debug, Default)]
pub(crate) struct SecretsInUse(Vec<Arc<str>>);

impl SecretsInUse {
    /// Takes all texts and numbers within the values.
    pub(crate) fn of<'a>(values: impl IntoIterator<Item = &'a Raw>) -> Self {
        let mut texts = Vec::new();
        for value in values.into_iter().filter_map(|raw| raw.parse::<Value>().ok()) {
            collect(&value, &mut texts);
        }
        if !texts.is_empty() {
            let mut in_use = IN_USE.write().unwrap_or_else(PoisonError::into_inner);
            for text in &texts {
                match in_use.iter_mut().find(|(known, _)| known == text) {
                    Some((_, holders)) => *holders += 1,
                    None => in_use.push((Arc::clone(text), 1)),
                }
            }
        }
        Self(texts)
    }
}

impl Drop for SecretsInUse {
    fn drop(&mut self) {
        if self.0.is_empty() {
            return;
        }
        let mut in_use = IN_USE.write().unwrap_or_else(PoisonError::into_inner);
        for text in &self.0 {
            if let Some((_, holders)) = in_use.iter_mut().find(|(known, _)| known == text) {
                *holders -= 1;
            }
        }
        in_use.retain(|(_, holders)| *holders > 0);
    }
}

fn collect(value: &Value, texts: &mut Vec<Arc<str>>) {
    let mut take = |text: &str| {
        if text.chars().count() >= SECRET_CHARS_MIN {
            texts.push(text.into());
        }
    };
    match value {
        Value::String(text) => {
            take(text);
            // A key of many lines is often written line by line.
            let lines = text.lines().filter(|line| *line != text && line.len() >= SECRET_LINE_BYTES_MIN);
            lines.for_each(&mut take);
            // The same text as it stands inside JSON and inside Rust's debug output.
            for quoted in [Value::from(text.as_str()).to_string(), format!("{text:?}")] {
                let inner = quoted.trim_matches('"');
                if inner != text {
                    take(inner);
                }
            }
        }
        Value::Number(number) => take(&number.to_string()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Object(members) => members.values().for_each(|member| collect(member, texts)),
        Value::Null | Value::Bool(_) => {}
    }
}

/// Secrets that a call has come by on its way: they are in use until it ends, so that none gets out with its error.
#[derive(Debug, Default)]
pub(crate) struct SecretsFound(Mutex<VecDeque<SecretsInUse>>);

/// Objects whose secrets one call holds at a time; a call that goes through more has long dealt with the first ones.
const FOUND_MAX: usize = 1000;

impl SecretsFound {
    pub(crate) fn hold(&self, secrets: SecretsInUse) {
        if secrets.0.is_empty() {
            return;
        }
        let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        found.push_back(secrets);
        if found.len() > FOUND_MAX {
            found.pop_front();
        }
    }
}

/// The text without the secrets in use. Where they overlap, all of what they cover goes.
pub(crate) fn redact(text: &str) -> Cow<'_, str> {
    let mut found: Vec<(usize, usize)> = {
        let in_use = IN_USE.read().unwrap_or_else(PoisonError::into_inner);
        let places = |secret: &str| text.match_indices(secret).map(|(at, found)| (at, at + found.len())).collect();
        in_use.iter().flat_map(|(secret, _)| -> Vec<_> { places(secret) }).collect()
    };
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    found.sort_unstable();
    let (mut clean, mut end) = (String::with_capacity(text.len()), 0);
    for (from, to) in found {
        if from >= end {
            clean.push_str(&text[end..from]);
            clean.push_str(MASK);
        }
        end = end.max(to);
    }
    clean.push_str(&text[end..]);
    Cow::Owned(clean)
}

/// Whether an argument of a program gives a secret away. A short one stands in many a path by chance, so it counts only
/// as the whole argument, or as the value of an option.
pub(crate) fn tells_secret(arg: &str) -> bool {
    const CHARS_BY_CHANCE: usize = 8;
    let value = arg.split_once('=').map_or(arg, |(_, value)| value);
    let in_use = IN_USE.read().unwrap_or_else(PoisonError::into_inner);
    in_use.iter().any(|(secret, _)| {
        let secret = secret.as_ref();
        arg == secret || value == secret || (secret.chars().count() >= CHARS_BY_CHANCE && arg.contains(secret))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_gives_away_what_does_not_stand_there_by_chance() {
        let secrets = SecretsInUse::of([&Raw::from(serde_json::json!(["ro-ot", "long-enough"]))]);
        for (arg, expected) in [("ro-ot", true), ("--pw=ro-ot", true), ("/ro-ot/x", false), ("xlong-enoughx", true)] {
            assert_eq!(tells_secret(arg), expected, "{arg}");
        }
        drop(secrets);
    }

    #[test]
    fn secrets_are_cut_out_while_they_are_in_use() {
        let value = Raw::from(serde_json::json!({"password": "pa\"ss-word", "pins": [123456, true, "ab"]}));
        let secrets = SecretsInUse::of([&value]);
        let check = |text: &str, expected: &str| assert_eq!(redact(text), expected);
        check("token=pa\"ss-word!", "token=[secret]!");
        check(r#"{"p":"pa\"ss-word"}"#, r#"{"p":"[secret]"}"#);
        check("pin 123456, ab", "pin [secret], ab");
        check("nothing here", "nothing here");
        check("ss-word", "ss-word");
        let others = SecretsInUse::of([&Raw::from(serde_json::json!(["abcdef", "defghi", "secret"]))]);
        check("x abcdefghi, a secret", "x [secret], a [secret]");
        check("abcdefabcdef", "[secret][secret]");
        drop(others);
        let key = SecretsInUse::of([&Raw::from("-----BEGIN KEY-----\nMIIBVgIBADANBgkqhkiG9w0B\nx\n")]);
        check("2: MIIBVgIBADANBgkqhkiG9w0B\r", "2: [secret]\r");
        check("x", "x");
        drop(key);
        drop(SecretsInUse::of([&value]));
        check("token=pa\"ss-word!", "token=[secret]!");
        drop(secrets);
        check("token=pa\"ss-word!", "token=pa\"ss-word!");
    }
}
