//! Stages and workflows (`models.md` §11.4, §11.5).

use crate::{
    Access, Bundled, List, Meta, Model, Owned, Params, Partialed, Problem, TemplateInfo, Validation, names,
    problem::Problems, template, wire::wire_object,
};

wire_object! {
    /// A step in the life of a machine: a boot environment and tasks to run in it.
    pub struct Stage {
        mixin validation: Validation,
        mixin access: Access,
        mixin meta: Meta,
        mixin owned: Owned,
        mixin bundled: Bundled,
        mixin partialed: Partialed,
        /// Its name, which is its key.
        "Name" name: String,
        /// One line for people.
        "Description" description: String,
        /// reStructuredText for people.
        "Documentation" documentation: String,
        /// Files that are made when a machine enters.
        "Templates" templates: List<TemplateInfo>,
        /// Params without which no machine enters.
        "RequiredParams" required_params: List<String>,
        /// Params that it takes if they are there.
        "OptionalParams" optional_params: List<String>,
        /// Param values of machines while they are in it.
        "Params" params: Params,
        /// Name of the boot environment; empty for any.
        "BootEnv" boot_env: String,
        /// Task entries, in order.
        "Tasks" tasks: List<String>,
        /// Profiles that come after the machine's own.
        "Profiles" profiles: List<String>,
        /// Deprecated.
        "Reboot" reboot: bool,
        /// Deprecated.
        "RunnerWait" runner_wait: bool,
    }
}

impl Model for Stage {
    const PREFIX: &'static str = "stages";
    fn key(&self) -> String {
        self.name.clone()
    }

    fn validate(&self) -> Vec<Problem> {
        let mut problems = Problems::default();
        problems.require(names::is_name, "Invalid Name", "/Name", &self.name);
        problems.require_all(names::is_param_name, "Invalid Required Param", "/RequiredParams", &self.required_params);
        problems.require_all(names::is_param_name, "Invalid Optional Param", "/OptionalParams", &self.optional_params);
        template::check(&self.templates, template::Path::Required, &mut problems);
        problems.require_if_given(names::is_name, "Invalid BootEnv", "/BootEnv", &self.boot_env);
        problems.require_param_names(&self.params);
        problems.require_all(names::is_name, "Invalid Profile", "/Profiles", &self.profiles);
        for (i, entry) in self.tasks.iter().enumerate() {
            check_task(&format!("/Tasks/{i}"), entry, &mut problems);
        }
        problems.0
    }
}

/// The grammar of a stage's task entries, `models.md` §12.2, which is not that of a machine's.
fn check_task(path: &str, entry: &str, problems: &mut Problems) {
    let mut require_name = |what, name: &str| problems.require(names::is_name, what, path, name);
    match entry.split_once(':') {
        None => require_name("Invalid Task", entry),
        Some(("stage" | "bootenv" | "chroot" | "context", _)) => {}
        Some(("action", action)) => match action.split_once(':') {
            None => problems.add(path, format!("Invalid action specifier {action}")),
            Some((plugin, command)) => {
                require_name("Invalid Plugin", plugin);
                require_name("Invalid Action", command);
            }
        },
        Some(_) => problems.add(path, format!("Invalid Task: {entry}")),
    }
}

wire_object! {
    /// A list of stages that a machine goes through.
    pub struct Workflow {
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
        /// Names of the stages, in order.
        "Stages" stages: List<String>,
    }
}

impl Model for Workflow {
    const PREFIX: &'static str = "workflows";
    fn key(&self) -> String {
        self.name.clone()
    }

    fn validate(&self) -> Vec<Problem> {
        let mut problems = Problems::default();
        problems.require(names::is_name, "Invalid Name", "/Name", &self.name);
        problems.require_all(names::is_name, "Invalid Stage Name", "/Stages", &self.stages);
        problems.0
    }
}
