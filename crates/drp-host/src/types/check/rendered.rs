//! Templates, tasks, stages, workflows and boot environments (`models.md` §11, §14).

use std::collections::BTreeMap;

use drp_core::{Raw, RawModel, names};

use super::{Problems, given, param_names, require, texts};
use crate::schema::Schemas;

const LOADERS: [&str; 3] = ["386-pcbios", "amd64-uefi", "arm64-uefi"];
/// What a task's template may say it is for.
const SYSTEMS: [&str; 9] = ["any", "darwin", "esxi", "freebsd", "linux", "netbsd", "openbsd", "solaris", "windows"];

/// Whether an entry of `Templates` must say where it is written to; without a path it is a script.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Path {
    Required,
    Optional,
}

pub(in crate::types) fn template(object: &RawModel, _: &Schemas, problems: &mut Problems) {
    require(names::is_machine_name, "Invalid ID", [object.text("ID")], problems);
}

pub(in crate::types) fn workflow(object: &RawModel, _: &Schemas, problems: &mut Problems) {
    require(names::is_name, "Invalid Name", [object.text("Name")], problems);
    require(names::is_name, "Invalid Stage Name", texts(object, "Stages"), problems);
}

pub(in crate::types) fn task(object: &RawModel, _: &Schemas, problems: &mut Problems) {
    rendered(object, Path::Optional, problems);
    check_systems(&templates(object), problems);
}

pub(in crate::types) fn stage(object: &RawModel, _: &Schemas, problems: &mut Problems) {
    rendered(object, Path::Required, problems);
    require(names::is_name, "Invalid BootEnv", given(object, "BootEnv"), problems);
    require(names::is_param_name, "Invalid Param Name", param_names(object), problems);
    require(names::is_name, "Invalid Profile", texts(object, "Profiles"), problems);
    for entry in texts(object, "Tasks") {
        check_task(&entry, problems);
    }
}

pub(in crate::types) fn boot_env(object: &RawModel, _: &Schemas, problems: &mut Problems) {
    rendered(object, Path::Required, problems);
    let keys = |map: BTreeMap<String, Raw>| map.into_keys();
    for loader in keys(object.get("Loaders").unwrap_or_default()) {
        if !LOADERS.contains(&loader.as_str()) {
            problems.push(format!("{loader} is not a supported loader type"));
        }
    }
    let os: RawModel = object.get("OS").unwrap_or_default();
    for arch in keys(os.get("SupportedArchitectures").unwrap_or_default()) {
        if super::machine::canonical_arch(&arch).is_none() {
            problems.push(format!("{arch} is not a supported architecture"));
        }
    }
}

/// What tasks, stages and boot environments have in common.
fn rendered(object: &RawModel, path: Path, problems: &mut Problems) {
    require(names::is_name, "Invalid Name", [object.text("Name")], problems);
    require(names::is_param_name, "Invalid Required Param", texts(object, "RequiredParams"), problems);
    require(names::is_param_name, "Invalid Optional Param", texts(object, "OptionalParams"), problems);
    check_templates(&templates(object), path, problems);
}

fn templates(object: &RawModel) -> Vec<RawModel> {
    object.get("Templates").unwrap_or_default()
}

fn check_templates(templates: &[RawModel], path: Path, problems: &mut Problems) {
    let mut seen = BTreeMap::new();
    for (i, template) in templates.iter().enumerate() {
        let has = |field: &str| !template.text(field).is_empty();
        let mut complain = |what: &str| problems.push(format!("Template[{i}] {what}"));
        if !has("Name") {
            complain("is missing a Name");
        }
        if path == Path::Required {
            if !has("Path") {
                complain("is missing a Path");
            } else if !closes_its_actions(&template.text("Path")) {
                complain("Path is not a valid text/template: unclosed action");
            }
        }
        match (has("ID"), has("Contents")) {
            (true, true) => complain("has both an ID and Contents"),
            (false, false) if !has("Link") => complain("must have either an ID, a Link, or Contents set"),
            _ => {}
        }
        let name = template.text("Name");
        match seen.get(&name) {
            Some(first) => problems.push(format!("Template {i} and {first} have the same name {name}")),
            None => drop(seen.insert(name, i)),
        }
    }
}

/// Whether every `{{` of a template has its `}}`. More is only known when it is rendered, which this host never does.
fn closes_its_actions(template: &str) -> bool {
    template.split("{{").skip(1).all(|action| action.contains("}}"))
}

/// The rules on `Meta.OS` of a task's templates: known systems, and all templates or none.
fn check_systems(templates: &[RawModel], problems: &mut Problems) {
    let os = |template: &RawModel| {
        let meta: BTreeMap<String, String> = template.get("Meta").unwrap_or_default();
        meta.get("OS").cloned()
    };
    let mut is_any_wrong = false;
    for (i, template) in templates.iter().enumerate() {
        for system in os(template).iter().flat_map(|os| os.split(',')) {
            let system = system.trim().to_ascii_lowercase();
            if !SYSTEMS.contains(&system.as_str()) {
                problems.push(format!("Template[{i}]: Invalid OS value {system}"));
                is_any_wrong = true;
            }
        }
    }
    if is_any_wrong {
        problems.push(format!("Valid values are: {}", SYSTEMS.join(", ")));
    }
    let with = templates.iter().filter(|template| os(template).is_some()).count();
    if with == 0 || with == templates.len() {
        return;
    }
    problems.push("Cannot mix templates with OS metadata and templates without OS metadata".to_owned());
    for (i, template) in templates.iter().enumerate() {
        let name = template.text("Name");
        problems.push(match os(template) {
            Some(os) => format!("Template[{i}] {name} has OS metadata {os}"),
            None => format!("Template[{i}] {name} is missing OS metadata"),
        });
    }
}

/// The grammar of a stage's task entries, `models.md` §12.2, which is not that of a machine's.
fn check_task(entry: &str, problems: &mut Problems) {
    let mut require_name = |what, name: &str| require(names::is_name, what, [name.to_owned()], problems);
    match entry.split_once(':') {
        None => require_name("Invalid Task", entry),
        Some(("stage" | "bootenv" | "chroot" | "context", _)) => {}
        Some(("action", action)) => match action.split_once(':') {
            None => problems.push(format!("Invalid action specifier {action}")),
            Some((plugin, command)) => {
                require_name("Invalid Plugin", plugin);
                require_name("Invalid Action", command);
            }
        },
        Some(_) => problems.push(format!("Invalid Task: {entry}")),
    }
}
