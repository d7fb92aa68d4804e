//! Machines (`models.md` §12).

use drp_core::{Meta, Raw, RawModel};
use serde_json::Value;

use super::random_secret;
use crate::types::set_text;

/// The stage and the boot environment of a machine that names none.
pub(crate) const DEFAULT_STAGE: &str = "none";
pub(crate) const DEFAULT_BOOT_ENV: &str = "local";
/// The feature flag that every new machine gets.
const FEATURE_FLAGS: (&str, &str) = ("feature-flags", "change-stage-v2");

pub(in crate::types) fn complete(machine: &mut RawModel, before: Option<&RawModel>) {
    let defaults = [
        ("Stage", DEFAULT_STAGE),
        ("BootEnv", DEFAULT_BOOT_ENV),
        ("Arch", "amd64"),
        ("Pool", "default"),
        ("PoolStatus", "Free"),
    ];
    for (field, default) in defaults {
        if machine.text(field).is_empty() {
            set_text(machine, field, default);
        }
    }
    if machine.text("Secret").is_empty() {
        let kept = before.map(|before| before.text("Secret")).filter(|secret| !secret.is_empty());
        set_text(machine, "Secret", &kept.unwrap_or_else(random_secret));
    }
    if before.is_none() {
        complete_new(machine);
    }
}

fn complete_new(machine: &mut RawModel) {
    if machine.text("Uuid").is_empty() {
        set_text(machine, "Uuid", &drp_core::Uuid::random().to_string());
    }
    let mut meta: Meta = machine.get("Meta").unwrap_or_default();
    let (flag, value) = FEATURE_FLAGS;
    meta.entry(flag.to_owned()).or_insert_with(|| value.to_owned());
    machine.set("Meta", &meta).expect("texts are always JSON");
    let set = |machine: &mut RawModel, field: &str, value: bool| {
        machine.fields.insert(field.to_owned(), Raw::from(Value::Bool(value)));
    };
    set(machine, "Runnable", true);
    let has_workflow = !machine.text("Workflow").is_empty();
    set(machine, "WorkflowComplete", !has_workflow);
}
