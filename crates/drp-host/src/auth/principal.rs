//! Who asks.

use std::sync::Arc;

use drp_core::RawModel;

use super::{
    claims::{Claim, Role},
    tenants::Tenant,
};
use crate::types::ObjectType;

const JOBS: &str = "jobs";
const MACHINES: &str = "machines";

/// Who asks for something, and what that one may do. Claims are those of the moment it was made.
#[derive(Clone, Debug)]
pub(crate) struct Principal {
    /// As events and log lines name it: a user's name, `plugin:NAME` or `system`.
    pub(crate) name: String,
    roles: Arc<[Role]>,
    /// All of them must show what it sees.
    tenants: Arc<[Arc<Tenant>]>,
    /// When its token ends, in seconds since 1970.
    pub(crate) ends_s: Option<u64>,
}

impl Principal {
    pub(crate) fn new(name: impl Into<String>, roles: impl Into<Arc<[Role]>>) -> Self {
        Self { name: name.into(), roles: roles.into(), tenants: Arc::new([]), ends_s: None }
    }

    /// The same one, who sees only what all of these show.
    pub(super) fn within(self, tenants: impl Into<Arc<[Arc<Tenant>]>>) -> Self {
        Self { tenants: tenants.into(), ..self }
    }

    /// The same one, until its token ends.
    pub(super) fn until(self, ends_s: u64) -> Self {
        Self { ends_s: Some(ends_s), ..self }
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

    /// Whether there may be objects that it does not see.
    pub(crate) fn is_restricted(&self) -> bool {
        !self.tenants.is_empty()
    }

    /// Whether it sees what has this key, whatever it may do with it.
    pub(crate) fn sees(&self, prefix: &str, key: &str) -> bool {
        self.tenants.iter().all(|tenant| tenant.shows(prefix, key))
    }

    /// As [`sees`](Self::sees), of an object: a job is seen by who sees its machine as well.
    pub(crate) fn sees_object(&self, kind: &ObjectType, object: &RawModel) -> bool {
        !self.is_restricted()
            || (self.sees(&kind.prefix, &kind.key_of(object))
                && (kind.prefix != JOBS || self.sees(MACHINES, &object.text("Machine"))))
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
