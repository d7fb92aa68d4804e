//! Jobs (`models.md` §13).

use crate::{
    Access, Bundled, Claim, List, Meta, Model, Owned, Problem, Secret, Time, Uuid, Validation, names,
    problem::Problems, wire::wire_object,
};

const STATES: [&str; 5] = ["created", "running", "failed", "finished", "incomplete"];
const EXIT_STATES: [&str; 6] = ["", "reboot", "poweroff", "stop", "complete", "failed"];

wire_object! {
    /// One run of one task on one machine.
    pub struct Job {
        mixin validation: Validation,
        mixin access: Access,
        mixin meta: Meta,
        mixin owned: Owned,
        mixin bundled: Bundled,
        /// The key.
        "Uuid" uuid: Uuid,
        /// The machine's job before this one.
        "Previous" previous: Uuid,
        /// Key of the machine.
        "Machine" machine: Uuid,
        /// Task entry that it runs: a task's name, or one such as `action:…`.
        "Task" task: String,
        /// The machine's stage when it was made.
        "Stage" stage: String,
        /// Execution context.
        "Context" context: String,
        /// `created`, `running`, `failed`, `finished` or `incomplete`.
        "State" state: String,
        /// What it asks for at its end: nothing, `reboot`, `poweroff`, `stop`, `complete` or `failed`.
        "ExitState" exit_state: String,
        /// When it was made.
        "StartTime" start_time: Time,
        /// When it was over.
        "EndTime" end_time: Time,
        /// Its log is gone.
        "Archived" archived: bool,
        /// It is the newest of its machine.
        "Current" current: bool,
        /// Where the machine stood in its tasks when it was made.
        "CurrentIndex" current_index: i64,
        /// Where the machine stands next.
        "NextIndex" next_index: i64,
        /// The machine's workflow when it was made.
        "Workflow" workflow: String,
        /// The machine's boot environment when it was made.
        "BootEnv" boot_env: String,
        /// What it may do on top of what machines may.
        "ExtraClaims" extra_claims: List<Claim> [omit],
        /// Token to be used for this job alone; only in the answer to whoever made it.
        "Token" token: Secret [omit],
    }
}

impl Model for Job {
    const PREFIX: &'static str = "jobs";
    fn key(&self) -> String {
        self.uuid.to_string()
    }

    fn validate(&self) -> Vec<Problem> {
        let mut problems = Problems::default();
        if !self.task.contains(':') {
            problems.require_if_given(names::is_name, "Invalid Task", "/Task", &self.task);
        }
        problems.require(names::is_name, "Invalid Stage", "/Stage", &self.stage);
        problems.require(|state| STATES.contains(&state), "Invalid State", "/State", &self.state);
        problems.require(|state| EXIT_STATES.contains(&state), "Invalid ExitState", "/ExitState", &self.exit_state);
        problems.0
    }
}

wire_object! {
    /// A rendered step of a job.
    pub struct JobAction {
        /// Name of the template it was made of.
        "Name" name: String,
        /// Where it is written; relative to the job's folder, or empty where the content is a script to run.
        "Path" path: String,
        /// The file or script.
        "Content" content: String,
        /// What it is for: `OS` names operating systems.
        "Meta" meta: Meta,
    }
}
