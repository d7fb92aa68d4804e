//! What roles may speak of: scopes, and the actions of each (`models.md` §15.3).

use std::collections::{BTreeMap, BTreeSet};

use drp_core::{Claim, MODELS, RawModel};

use super::Types;

/// What may be done to every object.
const BASE: [&str; 7] = ["list", "get", "create", "update", "delete", "actions", "action"];
const SECURE: [&str; 2] = ["getSecure", "updateSecure"];

impl Types {
    /// Scope by scope the actions that a role may name.
    pub(crate) fn scopes(&self) -> BTreeMap<String, BTreeSet<&'static str>> {
        let mut scopes: BTreeMap<String, BTreeSet<&'static str>> = BTreeMap::new();
        // Also those that are not stored as objects here.
        let prefixes = MODELS.iter().map(|model| model.prefix).chain(self.all().map(|kind| kind.prefix.as_str()));
        for prefix in prefixes {
            let actions = scopes.entry(prefix.to_owned()).or_insert_with(|| BASE.into());
            // Endpoints have params, but no secrets in them that are anybody's to see.
            if prefix != "endpoints" && self.find(prefix).is_some_and(|kind| kind.has_params) {
                actions.extend(SECURE);
            }
            let more: &[&str] = match prefix {
                "machines" => &["updateTaskList", "token", "whoami"],
                "users" => &["token", "password"],
                "jobs" => &["log"],
                _ => &[],
            };
            actions.extend(more);
        }
        let special: [(&str, &[&str]); 7] = [
            ("preferences", &["list", "post"]),
            ("contents", &["list", "get", "create", "update", "delete"]),
            ("files", &["list", "get", "post", "delete"]),
            ("isos", &["list", "get", "post", "delete"]),
            ("info", &["get"]),
            ("objects", &["list"]),
            ("system", &["upgrade", "replicate", "active", "passive", "actions", "action", "backup"]),
        ];
        scopes.extend(special.map(|(scope, actions)| (scope.to_owned(), actions.iter().copied().collect())));
        scopes
    }

    /// What is wrong with the claims of a filled role. Custom types are scopes while their provider is there.
    pub(crate) fn claim_problems(&self, role: &RawModel) -> Vec<String> {
        let claims: Vec<Claim> = role.get("Claims").unwrap_or_default();
        let scopes = self.scopes();
        let mut problems = Vec::new();
        for claim in claims {
            let mut known: BTreeSet<&str> = BTreeSet::new();
            for scope in items(&claim.scope) {
                match scopes.get(scope) {
                    _ if scope == "*" => known.extend(scopes.values().flatten()),
                    Some(actions) => known.extend(actions),
                    None => problems.push(format!("No such scope '{scope}'")),
                }
            }
            // Where no scope is known, nothing can be said of its actions.
            let unknown = |action: &&str| {
                let verb = action.split_once(':').map_or(*action, |(verb, _)| verb);
                verb != "*" && !known.is_empty() && !known.contains(verb)
            };
            problems.extend(items(&claim.action).filter(unknown).map(|action| format!("No such action '{action}'")));
        }
        problems
    }
}

fn items(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim)
}
