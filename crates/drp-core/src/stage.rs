//! Stages and workflows (`models.md` §11.4, §11.5).

use crate::{
    Access, Bundled, List, Meta, Model, Owned, Params, Partialed, TemplateInfo, Validation, wire::wire_object,
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
}
