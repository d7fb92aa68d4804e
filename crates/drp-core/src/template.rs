//! Templates, and how others use them (`models.md` §11.1, §11.2).

use std::collections::BTreeMap;

use crate::{Access, Bundled, Meta, Model, Owned, Problem, Validation, names, problem::Problems, wire::wire_object};

wire_object! {
    /// A text that is rendered for machines. It is kept as it is here: nothing of this project renders one.
    pub struct Template {
        mixin validation: Validation,
        mixin access: Access,
        mixin meta: Meta,
        mixin owned: Owned,
        mixin bundled: Bundled,
        /// The key; often a file name with its extension.
        "ID" id: String,
        /// One line for people.
        "Description" description: String,
        /// The text, for Go's `text/template`.
        "Contents" contents: String,
    }
}

impl Model for Template {
    const PREFIX: &'static str = "templates";
    fn key(&self) -> String {
        self.id.clone()
    }

    fn validate(&self) -> Vec<Problem> {
        let mut problems = Problems::default();
        problems.require(names::is_machine_name, "Invalid ID", "/ID", &self.id);
        problems.0
    }
}

wire_object! {
    /// A use of a template: an entry in the `Templates` of a task, a stage or a boot environment. It has an id, a link
    /// or contents, and never both an id and contents.
    pub struct TemplateInfo {
        /// Name within the list.
        "Name" name: String,
        /// Where it is written, itself a template; empty for a script, which only tasks have.
        "Path" path: String,
        /// Another file to be found at the path, itself a template.
        "Link" link: String,
        /// Id of a [`Template`].
        "ID" id: String,
        /// The template itself.
        "Contents" contents: String,
        /// What it is for: in tasks, `OS` names operating systems.
        "Meta" meta: Meta,
    }
}

/// Whether an entry of `Templates` must say where it is written to; without a path it is a script.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Path {
    Required,
    Optional,
}

/// What is wrong with an object's `Templates`.
pub(crate) fn check(templates: &[TemplateInfo], path: Path, problems: &mut Problems) {
    let mut seen = BTreeMap::new();
    for (i, template) in templates.iter().enumerate() {
        let mut complain =
            |key: &str, what: &str| problems.add(format!("/Templates/{i}{key}"), format!("Template[{i}] {what}"));
        if template.name.is_empty() {
            complain("/Name", "is missing a Name");
        }
        if path == Path::Required {
            if template.path.is_empty() {
                complain("/Path", "is missing a Path");
            } else if !closes_its_actions(&template.path) {
                complain("/Path", "Path is not a valid text/template: unclosed action");
            }
        }
        match (template.id.is_empty(), template.contents.is_empty()) {
            (false, false) => complain("", "has both an ID and Contents"),
            (true, true) if template.link.is_empty() => {
                complain("", "must have either an ID, a Link, or Contents set");
            }
            _ => {}
        }
        let name = template.name.as_str();
        let first = *seen.entry(name).or_insert(i);
        if first != i {
            let text = format!("Template {i} and {first} have the same name {name}");
            problems.add(format!("/Templates/{i}/Name"), text);
        }
    }
}

/// Whether every `{{` of a template has its `}}`. More is only known when it is rendered, which is never done here.
fn closes_its_actions(template: &str) -> bool {
    template.split("{{").skip(1).all(|action| action.contains("}}"))
}
