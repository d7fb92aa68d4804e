//! Names of things that are nowhere to be found.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    finding::{Code, say},
    go_template,
    near::nearest,
    subject::{Findings, Item, Subject},
};
use crate::{Prerequisite, yaml::marks::Step};

/// What every server has built in, by type.
const BUILT_IN: [(&str, &str); 5] =
    [("bootenvs", "ignore"), ("bootenvs", "local"), ("profiles", "global"), ("stages", "local"), ("stages", "none")];

/// What a bundle has that others may name, by type.
#[derive(Debug)]
pub(super) struct Offer {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) prerequisites: Vec<Prerequisite>,
    keys: BTreeSet<(String, String)>,
}

/// A place that names something.
struct Use<'a> {
    section: &'static str,
    name: String,
    item: &'a Item,
    path: Vec<Step>,
    /// The line of the text at the path.
    line: Option<u32>,
}

impl Offer {
    pub(super) fn of(subject: &Subject) -> Self {
        let mut keys: BTreeSet<_> = subject.items.iter().map(|item| (item.section.clone(), item.key.clone())).collect();
        // Templates may be defined within others.
        for text in texts(subject).into_iter().filter(|text| text.is_contents) {
            let defined = go_template::look(text.text).definitions;
            keys.extend(defined.into_iter().map(|name| ("templates".to_owned(), name)));
        }
        Self {
            name: subject.meta_text("Name").trim().to_owned(),
            version: subject.meta_text("Version").to_owned(),
            prerequisites: Prerequisite::parse_list(subject.meta_text("Prerequisites")).unwrap_or_default(),
            keys,
        }
    }
}

/// Looks for everything that the bundle names in it, in its prerequisites among `others`, and in what is built in.
/// Gives the prerequisites that are not there: as long as there are some, nothing can be said to be nowhere.
pub(super) fn check(subject: &Subject, own: &Offer, others: &[Offer], findings: &mut Findings) -> Vec<String> {
    let (known, missing) = reachable(own, others);
    if !missing.is_empty() {
        return missing.into_iter().map(str::to_owned).collect();
    }
    let is_known = |section: &str, name: &str| {
        BUILT_IN.contains(&(section, name))
            || known.iter().any(|offer| offer.keys.contains(&(section.to_owned(), name.to_owned())))
    };
    let mut unknown: BTreeMap<(&str, String), Vec<Use<'_>>> = BTreeMap::new();
    for used in uses(subject).into_iter().filter(|used| !is_known(used.section, &used.name)) {
        unknown.entry((used.section, used.name.clone())).or_default().push(used);
    }
    for ((section, name), places) in unknown {
        let Some(first) = places.first() else { continue };
        let problem = format!("the {} `{name}` is neither here nor built in, nor in a prerequisite", singular(section));
        let keys =
            known.iter().flat_map(|offer| &offer.keys).filter(|(of, _)| of == section).map(|(_, key)| key.as_str());
        let mut help = match nearest(&name, keys) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "add it, or name the bundle that has it in `Prerequisites`".to_owned(),
        };
        if let more @ 1.. = places.len() - 1 {
            help += &format!(" (named in {more} more {})", if more == 1 { "place" } else { "places" });
        }
        let said = say(Code::Reference, problem).help(help);
        findings.add(match first.line {
            Some(line) => subject.about_line(first.item, &first.path, line, said),
            None => subject.about(first.item, &first.path, said),
        });
    }
    Vec::new()
}

/// The bundle and all that it demands, directly or not, and the names of what is not there of it.
fn reachable<'a>(own: &'a Offer, others: &'a [Offer]) -> (Vec<&'a Offer>, BTreeSet<&'a str>) {
    let (mut known, mut missing) = (vec![own], BTreeSet::new());
    let mut at = 0;
    while let Some(offer) = known.get(at).copied() {
        for wanted in offer.prerequisites.iter().map(|prerequisite| prerequisite.name.as_str()) {
            if known.iter().any(|offer| offer.name == wanted) {
                continue;
            }
            match others.iter().find(|offer| offer.name == wanted) {
                Some(offer) => known.push(offer),
                None => {
                    missing.insert(wanted);
                }
            }
        }
        at += 1;
    }
    (known, missing)
}

fn uses(subject: &Subject) -> Vec<Use<'_>> {
    let mut uses = Vec::new();
    for item in &subject.items {
        let mut name = |section, name: &str, path: &[Step]| {
            uses.push(Use { section, name: name.to_owned(), item, path: path.to_vec(), line: None });
        };
        for (field, section) in lists_of(&item.section) {
            for (at, entry) in item.texts(field) {
                if let Some((section, entry)) = target(section, entry) {
                    name(section, entry, &[Step::from(*field), Step::Item(at)]);
                }
            }
        }
        if item.section == "stages" && !item.text("BootEnv").is_empty() {
            name("bootenvs", item.text("BootEnv"), &[Step::from("BootEnv")]);
        }
        if matches!(item.section.as_str(), "stages" | "profiles") {
            for param in
                item.object.get("Params").and_then(Value::as_object).into_iter().flat_map(|params| params.keys())
            {
                name("params", param, &[Step::from("Params"), Step::from(param.as_str())]);
            }
        }
        for (at, entry) in item.templates() {
            if let Some(id) = entry.get("ID").and_then(Value::as_str).filter(|id| !id.is_empty()) {
                name("templates", id, &[Step::from("Templates"), Step::Item(at), Step::from("ID")]);
            }
        }
    }
    for text in texts(subject) {
        let seen = go_template::look(text.text);
        let sections = [("params", seen.params), ("templates", seen.templates)];
        for (section, names) in sections {
            uses.extend(names.into_iter().map(|(line, name)| Use {
                section,
                name,
                item: text.item,
                path: text.path.clone(),
                line: Some(line),
            }));
        }
    }
    uses
}

/// The lists of an object's type that name others, and of which type those are.
fn lists_of(section: &str) -> &'static [(&'static str, &'static str)] {
    match section {
        "bootenvs" => &[("RequiredParams", "params"), ("OptionalParams", "params")],
        "profiles" => &[("Profiles", "profiles")],
        "stages" => {
            &[("RequiredParams", "params"), ("OptionalParams", "params"), ("Profiles", "profiles"), ("Tasks", "tasks")]
        }
        "tasks" => &[("RequiredParams", "params"), ("OptionalParams", "params"), ("Prerequisites", "tasks")],
        "workflows" => &[("Stages", "stages")],
        _ => &[],
    }
}

/// What an entry of a list names: lists of tasks have other things in them too.
fn target<'e>(section: &'static str, entry: &'e str) -> Option<(&'static str, &'e str)> {
    match entry.split_once(':') {
        Some(("stage", stage)) if section == "tasks" => Some(("stages", stage)),
        Some(("bootenv", bootenv)) if section == "tasks" => Some(("bootenvs", bootenv)),
        Some(_) if section == "tasks" => None,
        _ => Some((section, entry)),
    }
}

/// A text of the bundle that is rendered as a template.
pub(super) struct Text<'a> {
    pub(super) item: &'a Item,
    pub(super) path: Vec<Step>,
    pub(super) text: &'a str,
    /// It is the contents of a template, which others can use by name.
    is_contents: bool,
}

/// All texts of the bundle that are rendered as templates.
pub(super) fn texts(subject: &Subject) -> Vec<Text<'_>> {
    let mut all = Vec::new();
    for item in &subject.items {
        if item.section == "templates" {
            let path = vec![Step::from("Contents")];
            all.push(Text { item, path, text: item.text("Contents"), is_contents: true });
        }
        if !matches!(item.section.as_str(), "bootenvs" | "stages" | "tasks") {
            continue;
        }
        for (at, entry) in item.templates() {
            for field in ["Contents", "Link", "Path"] {
                if let Some(text) = entry.get(field).and_then(Value::as_str) {
                    let path = vec![Step::from("Templates"), Step::Item(at), Step::from(field)];
                    all.push(Text { item, path, text, is_contents: field == "Contents" });
                }
            }
        }
    }
    all
}

fn singular(section: &str) -> &str {
    match section {
        "bootenvs" => "boot environment",
        other => other.strip_suffix('s').unwrap_or(other),
    }
}
