//! Whether each object is one that a server takes.

use std::{collections::BTreeMap, mem};

use drp_core::{ModelType, Param, RawModel};
use serde_json::{Map, Value};

use super::{
    finding::{Code, Said, say},
    form::{About, Fitting},
    subject::{Findings, Item, Language, Subject, file_name, pointer},
};
use crate::{Schemas, yaml::marks::Step};

/// The key of objects of custom types.
const CUSTOM_KEY: &str = "Id";

/// Checks every object by itself, and brings it into the form that servers read.
pub(super) fn check(subject: &mut Subject, findings: &mut Findings) {
    let schemas = Schemas::default();
    let mut items = mem::take(&mut subject.items);
    for item in &mut items {
        let model = ModelType::find(&item.section);
        fit(subject, item, model, findings);
        if check_key(subject, item, model, findings) {
            for (path, said) in problems(item, model, &schemas) {
                findings.add(subject.about(item, &path, said));
            }
            check_file_name(subject, item, findings);
        }
    }
    check_duplicates(subject, &items, findings);
    subject.items = items;
}

/// Reads the object as a server does. Tells what does not fit.
fn fit(subject: &Subject, item: &mut Item, model: Option<&ModelType>, findings: &mut Findings) {
    let Some(source) = subject.source(&item.place) else { return };
    let object = mem::take(&mut item.object);
    let mut fitting =
        Fitting { language: source.language, marks: &source.marks, base: &item.place.path, found: Vec::new() };
    let fitted = match model {
        Some(model) => fitting.record(model.keys, object, &mut Vec::new()),
        None => fitting.value(drp_core::Form::Any, Value::Object(object), &mut Vec::new()).unwrap_or_default(),
    };
    let found = fitting.found;
    if let Value::Object(object) = fitted {
        item.object = object;
    }
    item.key = item.text(model.map_or(CUSTOM_KEY, |model| model.key_field)).to_owned();
    for (path, said, about) in found {
        findings.add(match about {
            About::Key => subject.about_key(item, &path, said),
            About::Value => subject.about(item, &path, said),
        });
    }
}

/// Whether the object has a key of its own, so that one can go on.
fn check_key(subject: &Subject, item: &Item, model: Option<&ModelType>, findings: &mut Findings) -> bool {
    let field = model.map_or(CUSTOM_KEY, |model| model.key_field);
    let path = [Step::from(field)];
    if item.key.is_empty() {
        // A value of the wrong type is told already.
        let mut of_item = findings.all.iter().rev().take_while(|finding| finding.object == item.name());
        if !of_item.any(|finding| finding.code == Code::Type && finding.field == pointer(&path)) {
            let said = say(Code::Name, format!("this object of {} has no `{field}`", item.section));
            findings.add(subject.about(item, &path, said.expected(format!("`{field}`, which is its key"))));
        }
        return false;
    }
    if let Some(written) = item.written_key.as_ref().filter(|written| **written != item.key) {
        let said = say(Code::Key, format!("the object under the key `{written}` says its `{field}` is `{}`", item.key));
        let said = said.expected("the same key in both places").help(format!("write `{}` in both", item.key));
        findings.add(subject.about_key(item, &[], said));
    }
    true
}

/// What a server would say of the object.
fn problems(item: &Item, model: Option<&ModelType>, schemas: &Schemas) -> Vec<(Vec<Step>, Said)> {
    let Some(model) = model else { return Vec::new() };
    let problems = RawModel::new(&item.object).and_then(|object| (model.validate)(&object));
    let mut all: Vec<_> = match problems {
        Ok(problems) => problems
            .into_iter()
            .map(|problem| {
                let path = steps(&problem.path, &item.object);
                let code = match path.first() {
                    Some(Step::Key(field)) if field == model.key_field => Code::Name,
                    Some(Step::Key(field)) if field == "Templates" => Code::Template,
                    _ => Code::Invalid,
                };
                (path, with_rule(say(code, problem.text), model.prefix, code))
            })
            .collect(),
        // What has a wrong form is left out by now, so this is a form that only the type itself knows.
        Err(error) => vec![(Vec::new(), say(Code::Type, error.to_string()))],
    };
    if model.prefix == "params" {
        all.extend(schema_problems(&item.object, schemas));
    }
    all
}

fn with_rule(said: Said, prefix: &str, code: Code) -> Said {
    let rule = match (code, prefix) {
        (Code::Name, "params") => "a letter first, then at least one more letter, number, blank, `-`, `_`, `.` or `/`",
        (Code::Name, "templates" | "machines") => {
            "a letter or number first, then at least one more letter, number, blank, `-`, `_` or `.`"
        }
        (Code::Name, "users" | "endpoints") | (Code::Invalid | Code::Template, _) => return said,
        _ => "a letter first, then at least one more letter, number, blank, `-`, `_` or `.`",
    };
    said.expected(rule)
}

fn schema_problems(object: &Map<String, Value>, schemas: &Schemas) -> Vec<(Vec<Step>, Said)> {
    let param = RawModel::new(object).and_then(|object| object.typed::<Param>());
    let problems = param.map(|param| schemas.check_declaration(&param)).unwrap_or_default();
    let finding = |problem: String| {
        if problem.starts_with("Error in default value") {
            let path = vec![Step::from("Schema"), Step::from("default")];
            return (path, say(Code::Default, problem).expected("a default that satisfies the schema"));
        }
        (vec![Step::from("Schema")], say(Code::Schema, problem).expected("a JSON Schema of draft 4"))
    };
    problems.into_iter().map(finding).collect()
}

/// A JSON Pointer as the way to something in an object.
fn steps(pointer: &str, object: &Map<String, Value>) -> Vec<Step> {
    let (mut path, mut at) = (Vec::new(), None);
    for step in pointer.split('/').skip(1) {
        let key = step.replace("~1", "/").replace("~0", "~");
        let list = match &at {
            Some(Value::Array(list)) => key.parse::<usize>().ok().map(|item| (item, list.get(item))),
            _ => None,
        };
        at = match list {
            Some((item, value)) => {
                path.push(Step::Item(item));
                value.cloned()
            }
            None => {
                let value = match &at {
                    None => object.get(&key),
                    Some(value) => value.get(&key),
                };
                path.push(Step::Key(key));
                Some(value.cloned().unwrap_or_default())
            }
        };
    }
    path
}

fn check_duplicates(subject: &Subject, items: &[Item], findings: &mut Findings) {
    let mut first: BTreeMap<(&str, &str), &Item> = BTreeMap::new();
    for item in items.iter().filter(|item| !item.key.is_empty()) {
        match first.get(&(item.section.as_str(), item.key.as_str())) {
            None => {
                first.insert((&item.section, &item.key), item);
            }
            // In one file two such keys differ, and that is told.
            Some(other) if item.place.source != other.place.source => {
                let file = subject.source(&other.place).map(|source| source.path.display().to_string());
                let said = say(Code::Duplicate, format!("`{}` is in {} too", item.key, file.unwrap_or_default()));
                let said = said.expected("each key in one file").help("rename one of them, or remove it");
                let key = ModelType::find(&item.section).map_or(CUSTOM_KEY, |model| model.key_field);
                findings.add(subject.about(item, &[Step::from(key)], said));
            }
            Some(_) => {}
        }
    }
}

/// In a directory a file's name should tell what is in it.
fn check_file_name(subject: &Subject, item: &Item, findings: &mut Findings) {
    let Some(source) = subject.source(&item.place).filter(|_| item.written_key.is_none()) else { return };
    let name = file_name(&source.path);
    let Some((stem, extension)) = name.rsplit_once('.').filter(|_| source.language != Language::Text) else { return };
    if !tells(stem, &item.key) {
        let said = say(Code::FileName, format!("the file `{name}` holds `{}`", item.key));
        let help = format!("call it `{}.{extension}`", item.key.replace('/', "-"));
        findings.add(subject.about(item, &[], said.help(help)));
    }
}

/// Whether a file's name is the key or its end, whatever stands between its words.
fn tells(stem: &str, key: &str) -> bool {
    let words =
        |text: &str| -> String { text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect() };
    let stem = words(stem);
    let ends = key.match_indices(|c: char| !c.is_alphanumeric()).filter_map(|(at, _)| key.get(at..));
    words(key) == stem || ends.map(words).any(|end| end == stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_may_leave_out_the_front_of_a_key_and_what_files_cannot_be_called() {
        let check = |stem: &str, key: &str, expected: bool| assert_eq!(tells(stem, key), expected, "{stem} {key}");
        check("a-b", "a/b", true);
        check("a.b", "a/b", true);
        check("b", "a/b", true);
        check("A_b", "a/b", true);
        check("cpu-cores", "inventory/CPUCores", true);
        check("b", "ab", false);
        check("c", "a/b", false);
    }
}
