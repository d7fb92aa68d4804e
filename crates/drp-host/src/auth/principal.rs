//! Who asks.

use std::sync::Arc;

use super::claims::{Claim, Role};

/// Who asks for something, and what that one may do. Claims are those of the moment it was made.
#[derive(Clone, Debug)]
pub(crate) struct Principal {
    /// As events and log lines name it: a user's name, `plugin:NAME` or `system`.
    pub(crate) name: String,
    roles: Arc<[Role]>,
}

impl Principal {
    pub(crate) fn new(name: impl Into<String>, roles: impl Into<Arc<[Role]>>) -> Self {
        Self { name: name.into(), roles: roles.into() }
    }

    /// Somebody who may do everything.
    pub(crate) fn superuser(name: impl Into<String>) -> Self {
        Self::new(name, [vec![Claim::new("*", "*", "*")]])
    }

    /// The host itself.
    pub(crate) fn system() -> Self {
        Self::superuser("system")
    }

    /// Whether it may do `action` to the object `specific` of type `scope`; lists and creates have the specific `""`.
    pub(crate) fn allows(&self, scope: &str, action: &str, specific: &str) -> bool {
        self.allows_all(&[action], scope, specific)
    }

    /// Whether one of its roles alone allows all the actions: roles do not add up.
    pub(crate) fn allows_all<A: AsRef<str>>(&self, actions: &[A], scope: &str, specific: &str) -> bool {
        let covers = |role: &Role, action: &str| role.iter().any(|claim| claim.covers(scope, action, specific));
        self.roles.iter().any(|role| actions.iter().all(|action| covers(role, action.as_ref())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_do_not_add_up() {
        let get = vec![Claim::new("machines", "get", "*")];
        let update = vec![Claim::new("machines", "update:/Params", "*"), Claim::new("machines", "update:/Meta", "*")];
        let principal = Principal::new("bob", [get, update]);
        assert!(principal.allows("machines", "get", "a"));
        assert!(principal.allows_all(&["update:/Params/x", "update:/Meta"], "machines", "a"));
        assert!(!principal.allows_all(&["get", "update:/Meta"], "machines", "a"));
        assert!(!Principal::new("nobody", []).allows("", "", ""));
    }
}
