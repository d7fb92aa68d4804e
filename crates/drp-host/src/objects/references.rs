//! What objects say of others. Where a machine names what is not there or not for it, that is refused; what stages,
//! workflows and boot environments lack only makes them unavailable, because it may come later.
//!
//! Objects of content layers are not looked at: their bundles may come in any order.

use std::sync::Arc;

use drp_core::{Error, RawModel};

use super::{Ask, Objects, place::Place};
use crate::auth::Principal;
use crate::types::{DEFAULT_BOOT_ENV, DEFAULT_STAGE};

const MACHINES: &str = "machines";
const STAGES: &str = "stages";
const BOOT_ENVS: &str = "bootenvs";
const WORKFLOWS: &str = "workflows";
/// Templates of which a boot environment with a kernel needs one.
const BOOT_TEMPLATES: [&str; 3] = ["elilo", "pxelinux", "ipxe"];

/// What forbids a machine to name what it names. Only what a change adds is looked up, so that a machine can still be
/// changed after what it names is gone.
pub(super) fn misses(
    objects: &Objects,
    ask: Ask<'_>,
    before: Option<&RawModel>,
    object: &RawModel,
) -> Result<Vec<String>, Error> {
    if ask.prefix != MACHINES {
        return Ok(Vec::new());
    }
    let mut problems = Vec::new();
    for (section, field, what) in [("profiles", "Profiles", "Profile"), ("tasks", "Tasks", "Task")] {
        let known: Vec<String> = before.and_then(|before| before.get(field)).unwrap_or_default();
        let names: Vec<String> = object.get(field).unwrap_or_default();
        for (at, name) in names.iter().enumerate() {
            // Entries such as `action:reboot` are no tasks; what they name is looked up when their turn comes.
            let is_name = !name.contains(':');
            if is_name && !known.contains(name) && objects.named(ask, section, name)?.is_none() {
                problems.push(format!("{}: {what} {name} (at {at}) does not exist", ask.key));
            }
        }
    }
    // These texts have no key before them, unlike all others of v4.8.
    for (field, check) in PLACES {
        let name = object.text(field);
        let is_new = before.is_none_or(|before| before.text(field) != name);
        if is_new && !name.is_empty() {
            problems.extend(check(objects, ask, &name)?);
        }
    }
    Ok(problems)
}

type CheckPlace = fn(&Objects, Ask<'_>, &str) -> Result<Option<String>, Error>;

/// Where a machine can be, in the order in which the server complains.
const PLACES: [(&str, CheckPlace); 3] =
    [("Stage", miss_stage), ("BootEnv", miss_boot_env), ("Workflow", miss_workflow)];

fn miss_stage(objects: &Objects, ask: Ask<'_>, name: &str) -> Result<Option<String>, Error> {
    // The server's own defaults are taken even where its built-in content could not be loaded.
    let is_there = name == DEFAULT_STAGE || objects.named(ask, STAGES, name)?.is_some();
    Ok((!is_there).then(|| format!("Stage {name} does not exist")))
}

fn miss_boot_env(objects: &Objects, ask: Ask<'_>, name: &str) -> Result<Option<String>, Error> {
    if name == DEFAULT_BOOT_ENV {
        return Ok(None);
    }
    Ok(match objects.named(ask, BOOT_ENVS, name)? {
        None => Some(format!("Bootenv {name} does not exist")),
        Some(env) if env.get("OnlyUnknown") == Some(true) => {
            Some(format!("BootEnv {name} does not allow Machine assignments, it has the OnlyUnknown flag."))
        }
        Some(env) if !is_available(&env) => Some(format!("BootEnv {name} is not available")),
        Some(_) => None,
    })
}

fn miss_workflow(objects: &Objects, ask: Ask<'_>, name: &str) -> Result<Option<String>, Error> {
    Ok(match objects.named(ask, WORKFLOWS, name)? {
        None => Some(format!("Workflow {name} does not exist")),
        Some(workflow) if !is_available(&workflow) => {
            Some(format!("Machine {} wants Workflow {name}, which is not available", ask.key))
        }
        Some(_) => None,
    })
}

/// What a valid object lacks to be available.
pub(super) fn shortcomings(objects: &Objects, ask: Ask<'_>, object: &RawModel) -> Result<Vec<String>, Error> {
    let found = match ask.prefix {
        BOOT_ENVS => boot_env_lacks(object).map(str::to_owned).into_iter().collect(),
        STAGES => {
            let boot_env = object.text("BootEnv");
            let is_there = boot_env.is_empty() || objects.named(ask, BOOT_ENVS, &boot_env)?.is_some();
            if is_there { Vec::new() } else { vec![format!("BootEnv {boot_env} does not exist")] }
        }
        WORKFLOWS => {
            let mut missing = Vec::new();
            for stage in object.get::<Vec<String>>("Stages").unwrap_or_default() {
                if objects.named(ask, STAGES, &stage)?.is_none() {
                    missing.push(format!("Stage {stage} does not exist"));
                }
            }
            missing
        }
        _ => Vec::new(),
    };
    Ok(found.into_iter().map(|what| format!("{}: {what}", ask.key)).collect())
}

/// What a boot environment with a kernel cannot do without.
fn boot_env_lacks(env: &RawModel) -> Option<&'static str> {
    if env.text("Kernel").is_empty() {
        return None;
    }
    if env.get::<RawModel>("OS").unwrap_or_default().text("Name").is_empty() {
        return Some("bootenv: Missing OS.Name");
    }
    let templates: Vec<RawModel> = env.get("Templates").unwrap_or_default();
    let boots = templates.iter().any(|template| BOOT_TEMPLATES.contains(&template.text("Name").as_str()));
    (!boots).then_some("bootenv: Missing elilo or pxelinux template")
}

fn is_available(object: &RawModel) -> bool {
    object.get("Available").unwrap_or_default()
}

impl Objects {
    /// Makes stages and workflows available that lacked what has come with an object of this type. What has come is
    /// written already, so one that cannot be read, or that is not valid any more, just stays as it is.
    pub(super) async fn complete_users_of(&self, prefix: &str) {
        match prefix {
            BOOT_ENVS => drop(self.judge_again(STAGES).await),
            STAGES => drop(self.judge_again(WORKFLOWS).await),
            _ => {}
        }
    }

    async fn judge_again(&self, users: &str) -> Result<(), Error> {
        let Some(kind) = self.kind(users) else { return Ok(()) };
        for user in self.list(users)?.iter().filter(|user| !is_available(user)) {
            let key = kind.key_of(user);
            let lacks = shortcomings(self, Ask { method: "GET", prefix: users, key: &key }, user)?;
            if user.get::<Vec<String>>("Errors").unwrap_or_default() != lacks {
                // Nothing is changed, but everything is judged anew.
                let _ = self.save(&Principal::system(), users, &key, |_| Ok(())).await;
            }
        }
        Ok(())
    }

    /// The object of this very key.
    fn named(&self, ask: Ask<'_>, section: &str, name: &str) -> Result<Option<Arc<RawModel>>, Error> {
        let ask = Ask { prefix: section, key: name, ..ask };
        Ok(match self.held(ask)? {
            Some(Place::Stored(entry)) => Some(Arc::new(super::read(ask, &entry.value)?)),
            Some(Place::Layered(object)) => Some(object),
            None => None,
        })
    }
}
