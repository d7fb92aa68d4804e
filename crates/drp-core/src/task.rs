//! Tasks (`models.md` §11.3).

use crate::{
    Access, Bundled, Claim, List, Meta, Model, Owned, Problem, TemplateInfo, Validation, names, problem::Problems,
    template, wire::wire_object,
};

wire_object! {
    /// Something that an agent does on a machine, in steps.
    pub struct Task {
        mixin validation: Validation,
        mixin access: Access,
        mixin meta: Meta,
        mixin owned: Owned,
        mixin bundled: Bundled,
        /// Its name, which is its key.
        "Name" name: String,
        /// One line for people.
        "Description" description: String,
        /// reStructuredText for people.
        "Documentation" documentation: String,
        /// The steps, first one first.
        "Templates" templates: List<TemplateInfo>,
        /// Params without which it does not run.
        "RequiredParams" required_params: List<String>,
        /// Params that it takes if they are there.
        "OptionalParams" optional_params: List<String>,
        /// Tasks that must have run before, in the same boot environment.
        "Prerequisites" prerequisites: List<String>,
        /// Roles that its jobs get on top.
        "ExtraRoles" extra_roles: List<String> [omit],
        /// Claims that its jobs get on top.
        "ExtraClaims" extra_claims: List<Claim> [omit],
    }
}

impl Model for Task {
    const PREFIX: &'static str = "tasks";
    fn key(&self) -> String {
        self.name.clone()
    }

    fn validate(&self) -> Vec<Problem> {
        let mut problems = Problems::default();
        problems.require(names::is_name, "Invalid Name", "/Name", &self.name);
        problems.require_all(names::is_param_name, "Invalid Required Param", "/RequiredParams", &self.required_params);
        problems.require_all(names::is_param_name, "Invalid Optional Param", "/OptionalParams", &self.optional_params);
        template::check(&self.templates, template::Path::Optional, &mut problems);
        check_systems(&self.templates, &mut problems);
        problems.0
    }
}

/// What a step may say it is for.
const SYSTEMS: [&str; 9] = ["any", "darwin", "esxi", "freebsd", "linux", "netbsd", "openbsd", "solaris", "windows"];

/// The rules on `Meta.OS` of the steps: known systems, and all steps or none.
fn check_systems(templates: &[TemplateInfo], problems: &mut Problems) {
    let path = |i: usize| format!("/Templates/{i}/Meta/OS");
    let systems: Vec<Option<&String>> = templates.iter().map(|template| template.meta.get("OS")).collect();
    let mut is_any_wrong = false;
    for (i, system) in systems.iter().enumerate() {
        for system in system.iter().flat_map(|systems| systems.split(',')) {
            let system = system.trim().to_ascii_lowercase();
            if !SYSTEMS.contains(&system.as_str()) {
                problems.add(path(i), format!("Template[{i}]: Invalid OS value {system}"));
                is_any_wrong = true;
            }
        }
    }
    if is_any_wrong {
        problems.add("/Templates", format!("Valid values are: {}", SYSTEMS.join(", ")));
    }
    let with = systems.iter().flatten().count();
    if with == 0 || with == systems.len() {
        return;
    }
    problems.add("/Templates", "Cannot mix templates with OS metadata and templates without OS metadata");
    for (i, (template, system)) in templates.iter().zip(systems).enumerate() {
        let name = &template.name;
        let text = match system {
            Some(system) => format!("Template[{i}] {name} has OS metadata {system}"),
            None => format!("Template[{i}] {name} is missing OS metadata"),
        };
        problems.add(path(i), text);
    }
}
