//! What an event is about, in a few words.

use std::collections::BTreeSet;

use drp_core::{Event, Raw, RawModel};

use crate::columns::cut;

/// Characters of one value.
const VALUE_MAX: usize = 40;
/// Changes that are told one by one.
const CHANGES_MAX: usize = 6;
/// Characters of what is told as a whole: a message, or an object of which nobody knows what matters.
const TEXT_MAX: usize = 200;

/// What the object is called, and what changed or is to be done.
pub(super) fn of(event: &Event) -> String {
    let Ok(object) = event.object.parse::<RawModel>() else {
        let text = event.object.as_string().unwrap_or_else(|| event.object.get().to_owned());
        return if event.object.is_null() { String::new() } else { cut(&text, TEXT_MAX) };
    };
    if event.type_ == "log" {
        return cut(object.text("Message").trim_end(), TEXT_MAX);
    }
    let name = Some(object.text("Name")).filter(|name| !name.is_empty() && *name != event.key);
    let what = if let Ok(original) = event.original.parse::<RawModel>() {
        changes(&original, &object)
    } else if object.text("Command") == event.action {
        action(&object)
    } else if name.is_some() || object.fields.contains_key("Validated") {
        cut(&object.text("Description"), TEXT_MAX)
    } else {
        cut(event.object.get(), TEXT_MAX)
    };
    match (name, what.is_empty()) {
        (Some(name), true) => name,
        (Some(name), false) => format!("{name}: {what}"),
        (None, _) => what,
    }
}

/// What is other than before.
fn changes(before: &RawModel, after: &RawModel) -> String {
    let mut changes = Vec::new();
    compare("", before, after, &mut changes);
    let more = changes.len().saturating_sub(CHANGES_MAX);
    changes.truncate(CHANGES_MAX);
    if changes.is_empty() {
        changes.push("nothing changed".to_owned());
    }
    if more > 0 {
        changes.push(format!("and {more} more"));
    }
    changes.join(", ")
}

fn compare(path: &str, before: &RawModel, after: &RawModel, changes: &mut Vec<String>) {
    let keys: BTreeSet<&String> = before.fields.keys().chain(after.fields.keys()).collect();
    for key in keys {
        let (old, new) = (before.fields.get(key), after.fields.get(key));
        if old == new {
            continue;
        }
        if let (Some(old), Some(new)) = (old, new)
            && path.is_empty()
            && let (Ok(old), Ok(new)) = (old.parse(), new.parse())
        {
            // Params and Meta, mostly.
            compare(&format!("{key} "), &old, &new, changes);
            continue;
        }
        changes.push(match (old, new) {
            (_, None) => format!("{path}{key} removed"),
            (None, Some(new)) => format!("{path}{key} = {}", value(new)),
            (Some(old), Some(new)) => format!("{path}{key}: {} → {}", value(old), value(new)),
        });
    }
}

/// Which plugin is to do it, and with what.
fn action(object: &RawModel) -> String {
    let params: RawModel = object.get("Params").unwrap_or_default();
    let params = params.fields.iter().map(|(key, param)| format!("{key}={}", value(param)));
    let plugin = Some(object.text("Plugin")).filter(|plugin| !plugin.is_empty()).map(|plugin| format!("by {plugin}"));
    cut(&plugin.into_iter().chain(params).collect::<Vec<_>>().join(" "), TEXT_MAX)
}

fn value(raw: &Raw) -> String {
    match raw.as_string() {
        Some(text) if !text.is_empty() => cut(&text, VALUE_MAX),
        _ => cut(raw.get(), VALUE_MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_names_the_object_and_says_what_changed() {
        let check = |type_: &str, action: &str, object: &str, original: &str, expected: &str| {
            let mut event = Event::new(type_, action, "k", serde_json::from_str(object).unwrap());
            event.original = serde_json::from_str(original).unwrap();
            assert_eq!(of(&event), expected);
        };
        check("machines", "create", r#"{"Name":"web1"}"#, "null", "web1");
        check("machines", "create", r#"{"Name":"web1","Description":"the first"}"#, "null", "web1: the first");
        check("stages", "delete", r#"{"Name":"k","Description":"","Validated":true}"#, "null", "");
        let before = r#"{"Name":"web1","Stage":"none","Params":{"a":1,"b":2},"Old":true,"Tasks":["x"]}"#;
        let after = r#"{"Name":"web1","Stage":"ready","Params":{"a":1,"b":3,"c":""},"Tasks":["x","y"]}"#;
        let expected =
            r#"web1: Old removed, Params b: 2 → 3, Params c = "", Stage: none → ready, Tasks: ["x"] → ["x","y"]"#;
        check("machines", "update", after, before, expected);
        check("machines", "save", r#"{"Name":"web1"}"#, r#"{"Name":"web1"}"#, "web1: nothing changed");
        check(
            "k",
            "update",
            r#"{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1}"#,
            "{}",
            "a = 1, b = 1, c = 1, d = 1, e = 1, f = 1, and 2 more",
        );
        check("machines", "boot", r#"{"Command":"boot","Plugin":"ipmi","Params":{"n":5}}"#, "null", "by ipmi n=5");
        check("log", "info", r#"{"Message":"hello\n"}"#, "null", "hello");
        check("free", "word", r#""text""#, "null", "text");
        check("free", "word", "[1,2]", "null", "[1,2]");
        check("free", "word", r#"{"a":1}"#, "null", r#"{"a":1}"#);
        check("free", "word", "null", "null", "");
    }
}
