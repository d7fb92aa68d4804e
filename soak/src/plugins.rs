//! The plugins, and what each of them has to bear.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use anyhow::{Context, Result};
use drp_client::{Client, ObjectActions};
use drp_core::Params;
use serde_json::json;

use crate::{log::TOKEN, process};

/// What a plugin has to bear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Nothing but load: everything it is asked for has to go well.
    Steady,
    /// Its way to the API is cut.
    Cut,
    /// It is killed.
    Killed,
    /// Its params change, for which its server starts it anew.
    Reconfigured,
    /// It is stopped for a while, so that it takes nothing.
    Stalled,
    /// It ends by itself all the time, and is asked for nothing.
    Crashing,
}

/// How many plugins there are of each kind: 20.
const KINDS: [(&str, Role, usize); 9] = [
    ("probe", Role::Steady, 6),
    ("probe", Role::Cut, 3),
    ("probe", Role::Killed, 3),
    ("probe", Role::Reconfigured, 2),
    ("probe", Role::Stalled, 2),
    ("incrementer", Role::Steady, 1),
    ("incrementer", Role::Cut, 1),
    ("incrementer", Role::Killed, 1),
    ("rude-serve-crash", Role::Crashing, 1),
];

/// One plugin.
#[derive(Debug)]
pub(crate) struct Plugin {
    pub(crate) name: String,
    pub(crate) provider: &'static str,
    pub(crate) role: Role,
    /// Whether a fault has met it in this lap: only then may it fail.
    disturbed: AtomicBool,
}

impl Plugin {
    pub(crate) fn is_probe(&self) -> bool {
        self.provider == "probe"
    }

    pub(crate) fn disturb(&self) {
        self.disturbed.store(true, Relaxed);
    }

    pub(crate) fn calm(&self) {
        self.disturbed.store(false, Relaxed);
    }

    pub(crate) fn is_disturbed(&self) -> bool {
        self.disturbed.load(Relaxed)
    }

    /// Whether this lap's fault ends its process, with all that it counted and was about to do.
    pub(crate) fn is_replaced(&self) -> bool {
        self.is_disturbed() && matches!(self.role, Role::Killed | Role::Reconfigured)
    }

    /// Its process, unless it is just being started.
    pub(crate) fn process(&self, server: u32) -> Option<u32> {
        let children = process::children(server).ok()?;
        let name = Path::new(&self.name).file_name();
        let is_its = |child: &process::Child| child.directory.as_deref().is_some_and(|at| at.file_name() == name);
        children.into_iter().find(is_its).map(|child| child.id)
    }

    pub(crate) fn actions(&self, client: &Client) -> ObjectActions {
        client.system_actions().plugin(&self.name)
    }

    /// Whether it is in service: it answers the simplest action that it has.
    pub(crate) async fn is_in_service(&self, client: &Client) -> bool {
        let action = if self.is_probe() { "seen" } else { "incrstatus" };
        self.actions(client).run(action, &Params::default()).await.is_ok()
    }
}

/// All plugins, not yet on the server.
pub(crate) fn all() -> Vec<Plugin> {
    let mut plugins = Vec::new();
    for (provider, role, count) in KINDS {
        let role_name = format!("{role:?}").to_lowercase();
        for number in 1..=count {
            let name = format!("{role_name}-{provider}-{number}");
            plugins.push(Plugin { name, provider, role, disturbed: AtomicBool::new(false) });
        }
    }
    plugins
}

/// Makes the plugins' objects, whereupon the server starts them.
pub(crate) async fn create(client: &Client, plugins: &[Plugin]) -> Result<()> {
    for plugin in plugins {
        let params = if plugin.is_probe() { json!({ "probe/token": TOKEN }) } else { json!({}) };
        let object = json!({ "Name": plugin.name, "Provider": plugin.provider, "Params": params });
        let made = client.raw_objects("plugins").create(&object).await;
        made.with_context(|| format!("plugin {} was not made", plugin.name))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn there_are_20_plugins_of_20_names() {
        let names: BTreeSet<String> = all().into_iter().map(|plugin| plugin.name).collect();
        assert_eq!(names.len(), 20);
        assert!(names.contains("cut-incrementer-1"), "{names:?}");
    }
}
