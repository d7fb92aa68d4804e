//! Params that are secrets, that nobody uses, and that nobody explains.

use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;
use serde_json::Value;

use super::{
    finding::{Code, say},
    subject::{Findings, Item, Subject},
};
use crate::yaml::marks::Step;

/// Sections whose objects can use a param: without any, the params of a bundle are for others.
const USERS: [&str; 5] = ["bootenvs", "profiles", "stages", "tasks", "templates"];
/// Words in the name of a param that holds a secret.
const SECRETS: [&str; 6] = ["passphrase", "passwd", "password", "secret", "token", "credentials"];
/// Words before or behind `key` that make it a secret one.
const SECRET_KEYS: [&str; 5] = ["access", "api", "auth", "private", "secret"];
/// Words that tell that a param is about a secret and holds none.
const ABOUT: [&str; 18] = [
    "count",
    "enabled",
    "expiration",
    "expiry",
    "file",
    "hash",
    "hashed",
    "id",
    "keys",
    "length",
    "lifetime",
    "name",
    "path",
    "policy",
    "public",
    "ttl",
    "type",
    "url",
];

pub(super) fn check(subject: &Subject, findings: &mut Findings) {
    let params: Vec<&Item> =
        subject.items.iter().filter(|item| item.section == "params" && !item.key.is_empty()).collect();
    for param in &params {
        check_secret(subject, param, findings);
    }
    check_documented(subject, &params, findings);
    check_used(subject, &params, findings);
}

fn check_secret(subject: &Subject, param: &Item, findings: &mut Findings) {
    let schema = param.object.get("Schema");
    let default = schema.and_then(|schema| schema.get("default"));
    let has_default = default.is_some_and(|default| !matches!(default, Value::Null) && default.as_str() != Some(""));
    if param.object.get("Secure") == Some(&Value::Bool(true)) {
        if has_default {
            let said =
                say(Code::OpenSecret, format!("the secure param `{}` has a default, which all can read", param.key));
            let said = said.expected("no default").help("set the value on an object or in a profile of yours");
            findings.add(subject.about(param, &[Step::from("Schema"), Step::from("default")], said));
        }
        return;
    }
    let type_ = schema.and_then(|schema| schema.get("type"));
    let can_be_text = type_.is_none_or(|type_| match type_ {
        Value::Array(types) => types.iter().any(|type_| type_ == "string"),
        type_ => type_ == "string",
    });
    let why = if is_shown_as_password(param) {
        "is shown as a password"
    } else if can_be_text && sounds_secret(&param.key) {
        "sounds like a secret"
    } else {
        return;
    };
    let said = say(Code::PlainSecret, format!("the param `{}` {why}, and is kept in plain", param.key));
    findings.add(subject.about(param, &[Step::from("Name")], said.expected("`Secure: true`").help("make it secure")));
}

fn is_shown_as_password(param: &Item) -> bool {
    let password = param.object.get("Meta").and_then(|meta| meta.get("password")).and_then(Value::as_str);
    password.is_some_and(|password| !matches!(password, "" | "false" | "no"))
}

/// Whether a name has a word for a secret, and none that tells it is something about one.
fn sounds_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    let words: Vec<&str> = name.split(|c: char| !c.is_alphanumeric()).collect();
    let is_secret_key = words.contains(&"key") && words.iter().any(|word| SECRET_KEYS.contains(word));
    (is_secret_key || words.iter().any(|word| SECRETS.contains(word))) && !words.iter().any(|word| ABOUT.contains(word))
}

fn check_documented(subject: &Subject, params: &[&Item], findings: &mut Findings) {
    let required: BTreeSet<&str> =
        subject.items.iter().flat_map(|item| item.texts("RequiredParams").map(|(_, name)| name)).collect();
    for param in params.iter().filter(|param| required.contains(param.key.as_str())) {
        if param.text("Documentation").trim().is_empty() {
            let said = say(
                Code::UndocumentedParam,
                format!("the param `{}` is required here, and has no Documentation", param.key),
            );
            findings.add(subject.about(param, &[Step::from("Documentation")], said.help("say what to set it to")));
        }
    }
}

fn check_used(subject: &Subject, params: &[&Item], findings: &mut Findings) {
    if !subject.items.iter().any(|item| USERS.contains(&item.section.as_str())) {
        return;
    }
    let names: BTreeSet<&str> = params.iter().map(|param| param.key.as_str()).collect();
    let names: Vec<&str> = names.into_iter().collect();
    // Too many names for one search are no bundle that anybody wrote; nothing is said then.
    let Ok(search) = AhoCorasick::new(&names) else { return };
    let (mut used, mut prefixes) = (BTreeSet::new(), BTreeSet::new());
    for item in &subject.items {
        let own = (item.section == "params").then_some(item.key.as_str());
        let mut look = |text: &str| {
            let found = search.find_overlapping_iter(text).filter_map(|found| names.get(found.pattern().as_usize()));
            used.extend(found.copied().filter(|name| Some(*name) != own));
            prefixes.extend(made_up(text).map(str::to_owned));
        };
        item.object.iter().for_each(|(key, value)| {
            look(key);
            each_text(value, &mut look);
        });
    }
    let is_made_up =
        |name: &str| name.char_indices().any(|(at, _)| prefixes.contains(name.get(..at).unwrap_or_default()));
    let is_used = |name: &str| used.contains(name) || is_made_up(name);
    for param in params.iter().filter(|param| !is_used(&param.key)) {
        let said = say(Code::UnusedParam, format!("nothing in this bundle names the param `{}`", param.key));
        let help = "remove it, or name it in `RequiredParams` or `OptionalParams` of what uses it";
        findings.add(subject.about(param, &[Step::from("Name")], said.help(help)));
    }
}

/// What names that are put together begin with: `disks/` in `disks/{{ .Name }}` and `disks/$name`.
fn made_up(text: &str) -> impl Iterator<Item = &str> {
    let ends = ["{{", "$", "%s", "%v"].into_iter().flat_map(|mark| text.match_indices(mark)).map(|(at, _)| at);
    ends.filter_map(|end| {
        let before = text.get(..end)?;
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
        let prefix = before.get(before.trim_end_matches(is_name).len()..)?;
        let has_part = prefix.ends_with(['/', '-', '_', '.']) && prefix.starts_with(char::is_alphabetic);
        has_part.then_some(prefix)
    })
}

/// Every text and key in a value.
fn each_text(value: &Value, look: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => look(text),
        Value::Array(items) => items.iter().for_each(|item| each_text(item, look)),
        Value::Object(members) => members.iter().for_each(|(key, value)| {
            look(key);
            each_text(value, look);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_put_together_have_a_beginning() {
        let text = "set \"disks/{{ .Name }}\" to $x; echo nics-$n ${y} /$z {{ printf \"a/b.%s\" .C }}";
        assert_eq!(made_up(text).collect::<Vec<_>>(), ["disks/", "nics-", "a/b."]);
    }

    #[test]
    fn secrets_are_told_from_what_is_about_them() {
        for secret in
            ["ipmi/password", "api-token", "x/client_secret", "rsa/key-private", "cloud/secret-key", "api/key"]
        {
            assert!(sounds_secret(secret), "{secret}");
        }
        for other in [
            "rsa/key-public",
            "access-keys",
            "password-length",
            "token-ttl",
            "keyboard",
            "monkey",
            "key",
            "x/password-hash",
        ] {
            assert!(!sounds_secret(other), "{other}");
        }
    }
}
