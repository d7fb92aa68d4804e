//! Changes that are refused for what they would do to others: of locked machines, and of what is in use.

use drp_core::{Error, RawModel, contract};

use super::{Ask, Objects, refusal};
use crate::store::Note;

const MACHINES: &str = "machines";
const TENANTS: &str = "tenants";
/// Users of one object that a refusal names.
const NAMED_USERS_MAX: usize = 10;

/// A key of a type by which its objects use those of another.
struct Use {
    used: &'static str,
    by: &'static str,
    field: &'static str,
    /// What one of the users is called.
    user: &'static str,
}

const fn used(used: &'static str, by: &'static str, field: &'static str, user: &'static str) -> Use {
    Use { used, by, field, user }
}

const USES: [Use; 10] = [
    used("profiles", MACHINES, "Profiles", "Machine"),
    used("profiles", "profiles", "Profiles", "Profile"),
    used("profiles", "stages", "Profiles", "Stage"),
    used("stages", MACHINES, "Stage", "Machine"),
    used("stages", "workflows", "Stages", "Workflow"),
    used("bootenvs", MACHINES, "BootEnv", "Machine"),
    used("bootenvs", "stages", "BootEnv", "Stage"),
    used("workflows", MACHINES, "Workflow", "Machine"),
    used("tasks", "stages", "Tasks", "Stage"),
    used("roles", "users", "Roles", "User"),
];

/// Refuses every change of a locked machine that leaves it locked. The host's own notes of it pass.
pub(super) fn require_unlocked(ask: Ask<'_>, note: &Note, before: &RawModel, after: &RawModel) -> Result<(), Error> {
    if ask.prefix != MACHINES || !is_locked(before) || before == after || note.action.as_deref() == Some("save") {
        return Ok(());
    }
    if is_locked(after) { Err(refusal::locked(ask)) } else { Ok(()) }
}

/// Refuses to delete a locked machine, and what others use.
pub(super) fn require_deletable(objects: &Objects, ask: Ask<'_>, object: &RawModel) -> Result<(), Error> {
    if ask.prefix == MACHINES && is_locked(object) {
        return Err(refusal::locked(ask));
    }
    if ask.prefix == "profiles" && ask.key == contract::GLOBAL_PROFILE {
        return Err(refusal::in_use(ask, vec!["In use by everything".to_owned()]));
    }
    if ask.prefix == TENANTS {
        return require_no_users(objects, ask, object);
    }
    let mut users = Vec::new();
    for use_ in USES.iter().filter(|use_| use_.used == ask.prefix) {
        let Some(kind) = objects.kind(use_.by) else { continue };
        for user in objects.list(use_.by)? {
            if users.len() < NAMED_USERS_MAX && names(&user, use_.field, ask.key) {
                users.push(format!("In use by {} {}", use_.user, kind.key_of(&user)));
            }
        }
    }
    if users.is_empty() { Ok(()) } else { Err(refusal::in_use(ask, users)) }
}

/// Refuses to delete a tenant that constrains users: they would see everything without it. Who is gone does not count.
fn require_no_users(objects: &Objects, ask: Ask<'_>, tenant: &RawModel) -> Result<(), Error> {
    let mut users: Vec<String> = Vec::new();
    for user in tenant.get::<Vec<String>>("Users").unwrap_or_default() {
        if objects.get("users", &user)?.is_some() {
            users.push(user);
        }
    }
    if users.is_empty() {
        return Ok(());
    }
    users.sort_unstable();
    users.truncate(NAMED_USERS_MAX);
    Err(refusal::in_use(ask, vec![format!("Constraining Users: [{}]", users.join(" "))]))
}

fn is_locked(machine: &RawModel) -> bool {
    machine.get("Locked").unwrap_or_default()
}

/// Whether a text, or one of a list of texts, is the key.
fn names(user: &RawModel, field: &str, key: &str) -> bool {
    match user.get::<Vec<String>>(field) {
        Some(names) => names.iter().any(|name| name == key),
        None => user.text(field) == key,
    }
}
