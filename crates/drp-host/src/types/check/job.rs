//! Jobs (`models.md` §13).

use drp_core::{Raw, RawModel, Time, names};
use serde_json::Value;

use super::{Problems, given, require};
use crate::schema::Schemas;
use crate::types::set_text;

const STATES: [&str; 5] = ["created", "running", "failed", "finished", "incomplete"];
const EXIT_STATES: [&str; 6] = ["", "reboot", "poweroff", "stop", "complete", "failed"];
/// What a job is about and may do, which is settled when it is made.
const FIXED: [&str; 9] =
    ["Previous", "Machine", "Task", "Stage", "Workflow", "BootEnv", "CurrentIndex", "NextIndex", "ExtraClaims"];

/// Whether a job in this state is over.
pub(crate) fn is_over(state: &str) -> bool {
    matches!(state, "failed" | "finished" | "incomplete")
}

pub(in crate::types) fn complete(job: &mut RawModel, before: Option<&RawModel>) {
    let now = Raw::from(Time::now().as_str());
    // Tokens are handed to who runs the job and never kept.
    job.fields.remove("Token");
    let Some(before) = before else {
        if job.text("State").is_empty() {
            set_text(job, "State", "created");
        }
        if job.text("Uuid").is_empty() {
            set_text(job, "Uuid", &drp_core::Uuid::random().to_string());
        }
        job.fields.insert("StartTime".to_owned(), now);
        job.fields.insert("Current".to_owned(), Raw::from(Value::Bool(true)));
        return;
    };
    for name in FIXED {
        match before.fields.get(name) {
            Some(kept) => job.fields.insert(name.to_owned(), kept.clone()),
            None => job.fields.remove(name),
        };
    }
    if is_over(&job.text("State")) && !is_over(&before.text("State")) {
        job.fields.insert("EndTime".to_owned(), now);
    }
}

pub(in crate::types) fn check(job: &RawModel, _: &Schemas, problems: &mut Problems) {
    let task = given(job, "Task").into_iter().filter(|task| !task.contains(':'));
    require(names::is_name, "Invalid Task", task, problems);
    require(names::is_name, "Invalid Stage", [job.text("Stage")], problems);
    let state = job.text("State");
    if !STATES.contains(&state.as_str()) {
        problems.push(names::complaint("Invalid State", &state));
    }
    let state = job.text("ExitState");
    if !EXIT_STATES.contains(&state.as_str()) {
        problems.push(names::complaint("Invalid ExitState", &state));
    }
}
