//! Claims: what somebody may do to what (`models.md` §15).

use std::collections::BTreeSet;

/// A claim as a role holds it: each part is `*` or a comma list.
pub(crate) use drp_core::Claim as ClaimText;

/// A claim, ready to be asked.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    scopes: Set,
    actions: Set,
    specifics: Set,
}

/// The claims of one role.
pub(crate) type Role = Vec<Claim>;

#[derive(Clone, Debug)]
enum Set {
    Any,
    Of(BTreeSet<String>),
}

impl Claim {
    pub(crate) fn new(scope: &str, action: &str, specific: &str) -> Self {
        Self { scopes: Set::new(scope), actions: Set::new(action), specifics: Set::new(specific) }
    }

    /// Whether this claim allows `action` on the object `specific` of type `scope`.
    ///
    /// A scope or action that nobody knows is granted by `*` only. (The reference server grants it to everybody.)
    pub(crate) fn covers(&self, scope: &str, action: &str, specific: &str) -> bool {
        self.scopes.has(scope) && self.actions.has_action(action) && self.specifics.has(specific)
    }

    /// Whether this claim allows all that `other` allows.
    pub(crate) fn contains(&self, other: &Self) -> bool {
        self.scopes.has_all(&other.scopes, Set::has)
            && self.actions.has_all(&other.actions, Set::has_action)
            && self.specifics.has_all(&other.specifics, Set::has)
    }
}

impl From<&ClaimText> for Claim {
    fn from(text: &ClaimText) -> Self {
        Self::new(&text.scope, &text.action, &text.specific)
    }
}

/// Whether `role` allows all that `other` allows: each claim of the one in a single claim of the other.
pub(crate) fn role_contains(role: &Role, other: &Role) -> bool {
    other.iter().all(|wanted| role.iter().any(|claim| claim.contains(wanted)))
}

impl Set {
    fn new(text: &str) -> Self {
        if text.trim() == "*" {
            return Self::Any;
        }
        Self::Of(text.split(',').map(|item| item.trim().to_owned()).collect())
    }

    fn has(&self, item: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Of(items) => items.contains(item),
        }
    }

    /// `action:x` is also had by `action`, and `update:/a/b` by `update:/a`, `update:` and `update`.
    fn has_action(&self, action: &str) -> bool {
        let mut wanted = action;
        loop {
            if self.has(wanted) {
                return true;
            }
            let Some((verb, detail)) = wanted.split_once(':') else { return false };
            wanted = match detail.rfind('/') {
                Some(slash) if verb == "update" => wanted.get(..verb.len() + 1 + slash).unwrap_or(verb),
                _ => verb,
            };
        }
    }

    fn has_all(&self, other: &Self, has: fn(&Self, &str) -> bool) -> bool {
        match (self, other) {
            (Self::Any, _) => true,
            (Self::Of(_), Self::Any) => false,
            (Self::Of(_), Self::Of(items)) => items.iter().all(|item| has(self, item)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_covers_what_its_lists_name() {
        let check = |claim: [&str; 3], wanted: [&str; 3], expected: bool| {
            let [scope, action, specific] = claim;
            let claim = Claim::new(scope, action, specific);
            let [scope, action, specific] = wanted;
            assert_eq!(claim.covers(scope, action, specific), expected, "{claim:?} {wanted:?}");
        };
        check(["*", "*", "*"], ["machines", "list", ""], true);
        check(["*", "*", "*"], ["events", "post", "x"], true);
        check(["machines, jobs", "list", "*"], ["jobs", "list", ""], true);
        check(["machines", "list", "foo"], ["machines", "list", ""], false);
        check(["machines", "list", ""], ["machines", "list", ""], true);
        check(["machines", "get", "a,b"], ["machines", "get", "b"], true);
        check(["machines", "get", "a,b"], ["machines", "get", "c"], false);
        check(["machines", "action", "*"], ["machines", "action:reboot", "a"], true);
        check(["machines", "action:reboot", "*"], ["machines", "action:reboot", "a"], true);
        check(["machines", "action:reboot", "*"], ["machines", "action:halt", "a"], false);
        check(["machines", "action:reboot", "*"], ["machines", "action", "a"], false);
        check(["machines", "update:/Params", "*"], ["machines", "update:/Params/a~1b", "a"], true);
        check(["machines", "update:/Params", "*"], ["machines", "update:/ParamsX", "a"], false);
        check(["machines", "update:/Params", "*"], ["machines", "update:", "a"], false);
        check(["machines", "update", "*"], ["machines", "update:", "a"], true);
        check(["machines", "update:", "*"], ["machines", "update:/", "a"], true);
        check(["machines", "update:/", "*"], ["machines", "update:/a", "a"], false);
        check(["machines", "get", "*"], ["unknown", "get", "a"], false);
        check(["machines", "get", "*"], ["machines", "unknown", "a"], false);
    }

    #[test]
    fn a_role_contains_another_claim_by_claim() {
        let role = |claims: &[[&str; 3]]| -> Role { claims.iter().map(|[s, a, k]| Claim::new(s, a, k)).collect() };
        let all = role(&[["*", "*", "*"]]);
        let some = role(&[["machines", "get,list", "*"], ["jobs", "action", "a,b"]]);
        assert!(role_contains(&all, &some));
        assert!(!role_contains(&some, &all));
        assert!(role_contains(&some, &role(&[["jobs", "action:x", "b"], ["machines", "list", ""]])));
        // No unions: the two claims together would do, but neither alone does.
        assert!(!role_contains(&some, &role(&[["machines,jobs", "get", "a"]])));
    }
}
