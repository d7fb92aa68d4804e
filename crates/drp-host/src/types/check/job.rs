//! Jobs (`models.md` §13).

use drp_core::{Raw, RawModel, Time};
use serde_json::Value;

use crate::types::set_text;

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
