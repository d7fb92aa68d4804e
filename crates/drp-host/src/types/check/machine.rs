//! Machines (`models.md` §12).

use drp_core::{Fingerprint, Meta, Raw, RawModel, names};
use serde_json::Value;

use super::{Problems, given, random_secret, require, texts};
use crate::schema::Schemas;
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
    let mut fingerprint: Fingerprint = machine.get("Fingerprint").unwrap_or_default();
    fingerprint.memory_ids.fill();
    machine.set("Fingerprint", &fingerprint).expect("a fingerprint is always JSON");
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

pub(in crate::types) fn check(machine: &RawModel, _: &Schemas, problems: &mut Problems) {
    let arch = machine.text("Arch");
    match canonical_arch(&arch) {
        None => problems.push(format!("Unsupported arch {arch}")),
        Some(canonical) if canonical != arch => {
            problems.push(format!("Please use {canonical} for Arch instead of {arch}"));
        }
        Some(_) => {}
    }
    require(names::is_machine_name, "Invalid Name", [machine.text("Name")], problems);
    require(names::is_name, "Invalid Stage", [machine.text("Stage")], problems);
    require(names::is_name, "Invalid BootEnv", [machine.text("BootEnv")], problems);
    require(names::is_name, "Invalid Workflow", given(machine, "Workflow"), problems);
    let profiles = texts(machine, "Profiles");
    for (later, profile) in profiles.iter().enumerate() {
        if let Some(first) = profiles[..later].iter().position(|other| other == profile) {
            problems.push(format!("Duplicate profile {profile}: at {first} and {later}"));
        }
    }
    require(names::is_name, "Invalid Profile", profiles, problems);
    for entry in texts(machine, "Tasks") {
        check_task(&entry, problems);
    }
    for address in texts(machine, "HardwareAddrs") {
        if !is_hardware_address(&address) {
            problems.push(format!("Invalid Hardware Address `{address}`: address {address}: invalid MAC address"));
        }
    }
}

/// The grammar of task entries, `models.md` §12.2.
fn check_task(entry: &str, problems: &mut Problems) {
    let mut require_name = |what, name: &str| require(names::is_name, what, [name.to_owned()], problems);
    match entry.split_once(':') {
        None => require_name("Invalid Task", entry),
        Some(("stage", stage)) => require_name("Invalid Stage", stage),
        Some(("bootenv", boot_env)) => require_name("Invalid BootEnv", boot_env),
        Some(("action", action)) => match action.split_once(':') {
            None => require_name("Invalid Action", action),
            Some((plugin, command)) => {
                require_name("Invalid Plugin", plugin);
                require_name("Invalid Action", command);
            }
        },
        Some(_) => {}
    }
}

pub(super) fn canonical_arch(arch: &str) -> Option<&'static str> {
    Some(match arch.to_ascii_lowercase().as_str() {
        "amd64" | "x86_64" => "amd64",
        "386" | "486" | "686" | "i386" | "i486" | "i686" => "386",
        "arm" | "armel" | "armhfp" => "arm",
        "arm64" | "aarch64" => "arm64",
        "ppc64" | "power9" => "ppc64",
        "ppc64le" => "ppc64le",
        "mips64" => "mips64",
        "mips64le" | "mips64el" => "mips64le",
        "s390x" => "s390x",
        "mips" => "mips",
        "mipsle" | "mipsel" => "mipsle",
        "rpi4" => "rpi4",
        _ => return None,
    })
}

/// 6, 8 or 20 bytes: pairs of hex digits with `:` or `-`, or groups of four with `.`.
fn is_hardware_address(address: &str) -> bool {
    let groups = |mark, digits, counts: [usize; 3]| {
        let fits = |group: &str| group.len() == digits && group.bytes().all(|byte| byte.is_ascii_hexdigit());
        counts.contains(&address.split(mark).count()) && address.split(mark).all(fits)
    };
    groups(':', 2, [6, 8, 20]) || groups('-', 2, [6, 8, 20]) || groups('.', 4, [3, 4, 10])
}
