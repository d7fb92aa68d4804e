//! Pools of machines (`models.md` §17.1).

use crate::{
    Access, Bundled, List, Meta, Model, Owned, Params, Problem, Validation, names, problem::Problems, wire::wire_object,
};

wire_object! {
    /// Machines that are given away and taken back.
    pub struct Pool {
        mixin validation: Validation,
        mixin access: Access,
        mixin meta: Meta,
        mixin owned: Owned,
        mixin bundled: Bundled,
        /// The key.
        "Id" id: String,
        /// One line for people.
        "Description" description: String [omit],
        /// reStructuredText for people.
        "Documentation" documentation: String [omit],
        /// Id of the pool that machines come from.
        "ParentPool" parent_pool: String [omit],
        /// What happens to a machine that enters.
        "EnterActions" enter_actions: Option<PoolTransition> [omit],
        /// What happens to a machine that leaves.
        "ExitActions" exit_actions: Option<PoolTransition> [omit],
        /// What happens to a machine that is given away.
        "AllocateActions" allocate_actions: Option<PoolTransition> [omit],
        /// What happens to a machine that comes back.
        "ReleaseActions" release_actions: Option<PoolTransition> [omit],
        /// How the pool fills itself.
        "AutoFill" auto_fill: Option<PoolAutoFill> [omit],
    }
}

impl Model for Pool {
    const PREFIX: &'static str = "pools";
    fn key(&self) -> String {
        self.id.clone()
    }

    fn validate(&self) -> Vec<Problem> {
        let mut problems = Problems::default();
        problems.require(names::is_name, "Invalid Id", "/Id", &self.id);
        problems.require_if_given(names::is_name, "Invalid ParentPool", "/ParentPool", &self.parent_pool);
        let transitions = [
            ("EnterActions", &self.enter_actions),
            ("ExitActions", &self.exit_actions),
            ("AllocateActions", &self.allocate_actions),
            ("ReleaseActions", &self.release_actions),
        ];
        for (when, transition) in transitions {
            if let Some(transition) = transition {
                transition.check(when, &mut problems);
            }
        }
        problems.0
    }
}

wire_object! {
    /// What a machine gets and loses.
    pub struct PoolTransition {
        /// Workflow that it starts.
        "Workflow" workflow: String [omit],
        /// Profiles that it gets.
        "AddProfiles" add_profiles: List<String> [omit],
        /// Params that it gets.
        "AddParameters" add_parameters: Params [omit],
        /// Profiles that it loses.
        "RemoveProfiles" remove_profiles: List<String> [omit],
        /// Names of params that it loses.
        "RemoveParameters" remove_parameters: List<String> [omit],
    }
}

impl PoolTransition {
    fn check(&self, when: &str, problems: &mut Problems) {
        let (what, path) = (|what| format!("Invalid {when} {what}"), |key| format!("/{when}/{key}"));
        problems.require_if_given(names::is_name, &what("Workflow"), &path("Workflow"), &self.workflow);
        problems.require_all(names::is_name, &what("Add Profile"), &path("AddProfiles"), &self.add_profiles);
        problems.require_all(names::is_name, &what("Remove Profile"), &path("RemoveProfiles"), &self.remove_profiles);
    }
}

wire_object! {
    /// How a pool fills itself.
    pub struct PoolAutoFill {
        /// It does.
        "UseAutoFill" use_auto_fill: bool [omit],
        /// How many free machines there are at least.
        "MinFree" min_free: i64 [omit],
        /// How many free machines there are at most.
        "MaxFree" max_free: i64 [omit],
        /// Params of machines that are made.
        "CreateParameters" create_parameters: Params [omit],
        /// Pool that machines are taken from.
        "AcquirePool" acquire_pool: String [omit],
        /// Pool that machines are given back to.
        "ReturnPool" return_pool: String [omit],
    }
}

wire_object! {
    /// What became of one machine: an entry in the answers of pool operations.
    pub struct PoolResult {
        /// Name of the machine.
        "Name" name: String,
        /// Key of the machine.
        "Uuid" uuid: String,
        /// It is given away.
        "Allocated" allocated: bool,
        /// Its state in the pool.
        "Status" status: String,
    }
}
