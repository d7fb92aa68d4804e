//! What a bundle says of itself.

use serde_json::Value;

use super::{
    finding::{Code, Said, say},
    form::kind_of,
    subject::{Findings, Language, Meta, Place, Subject},
};
use crate::{Metadata, Prerequisite, Version, yaml};

/// What a bundle is called that says no name.
const UNSPECIFIED: &str = "Unspecified";

/// Checks the metadata, and brings it into the form that servers read.
pub(super) fn check(subject: &mut Subject, findings: &mut Findings) {
    for field in Metadata::FIELDS {
        let Some(meta) = subject.meta.get(field) else { continue };
        let (value, said) = text(subject, meta);
        let place = meta.place.clone();
        findings.all.extend(said.map(|said| subject.finding(&place, said)));
        subject.meta.insert(field.to_owned(), Meta { value, place });
    }
    let mut add = |place: &Place, said| findings.add(subject.finding(place, said));
    check_name(subject, &mut add);
    if let Err(error) = subject.meta_text("Version").parse::<Version>() {
        let problem = format!("invalid version `{}`: {error}", subject.meta_text("Version").trim());
        let said = say(Code::Meta, problem).expected("three numbers, such as v1.2.3");
        add(&subject.meta_place("Version"), said);
    }
    if let Err(error) = Prerequisite::parse_list(subject.meta_text("Prerequisites")) {
        let said = say(Code::Meta, error.to_string()).expected("`name` or `name: constraint`, joined by commas");
        let help = "versions in constraints have three numbers and no `v`: `tools: >=1.2.0 <2.0.0`";
        add(&subject.meta_place("Prerequisites"), said.help(help));
    }
    for (field, what) in [("Description", "one line for lists"), ("Documentation", "what the bundle is for")] {
        if subject.meta_text(field).trim().is_empty() {
            let said = say(Code::Undescribed, format!("the bundle has no {field}"));
            add(&subject.meta_place(field), said.expected(what).help(how_to_set(subject, field)));
        }
    }
}

fn check_name(subject: &Subject, add: &mut impl FnMut(&Place, Said)) {
    let place = subject.meta_place("Name");
    let is_missing = !subject.meta.contains_key("Name");
    match subject.meta_text("Name").trim() {
        // The bundler puts a name in, and a provider's bundle gets that of the provider.
        "" if is_missing && subject.root.is_dir() => {
            let said = say(Code::Unnamed, format!("the bundle has no name, and will be called `{UNSPECIFIED}`"));
            let help =
                format!("{}, unless the bundle is a provider's, which gives it its name", how_to_set(subject, "Name"));
            add(&place, said.help(help));
        }
        "" => {
            let said = say(Code::Meta, "the bundle has no Name, and is refused without one");
            add(&place, said.help(how_to_set(subject, "Name")));
        }
        UNSPECIFIED => {
            let said = say(Code::Unnamed, format!("the bundle is called `{UNSPECIFIED}`, as one that has no name"));
            let help =
                format!("{}, unless the bundle is a provider's, which gives it its name", how_to_set(subject, "Name"));
            add(&place, said.help(help));
        }
        _ => {}
    }
}

fn how_to_set(subject: &Subject, field: &str) -> String {
    if subject.root.is_dir() { format!("write it into `._{field}.meta`") } else { format!("set `{field}` in `meta`") }
}

/// The text that a server reads, and what is doubtful about it.
fn text(subject: &Subject, meta: &Meta) -> (Value, Option<Said>) {
    let source = subject.source(&meta.place);
    let is_yaml = source.is_some_and(|source| source.language == Language::Yaml);
    match &meta.value {
        Value::String(_) => (meta.value.clone(), None),
        Value::Null => (Value::from(""), None),
        value @ (Value::Number(_) | Value::Bool(_)) if is_yaml => {
            let read = yaml::text(value);
            let written = source.and_then(|source| source.marks.node(&meta.place.path)?.plain.as_deref());
            let doubt = written.filter(|written| *written != read).map(|written| {
                let said = say(Code::Scalar, format!("`{written}` is read as `{read}`")).expected("a text");
                said.help(format!("put it in quotes: \"{written}\""))
            });
            (Value::from(read), doubt)
        }
        other => {
            let said = say(Code::Type, format!("this is {}", kind_of(other))).expected("a text");
            (Value::from(""), Some(said))
        }
    }
}
