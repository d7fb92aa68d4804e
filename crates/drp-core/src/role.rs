//! Roles and tenants (`models.md` §15).

use crate::{
    Access, Bundled, List, Map, Meta, Model, ModelType, Owned, Problem, Validation, names, patch::pointer,
    problem::Problems, wire::wire_object,
};

wire_object! {
    /// A named set of rights.
    pub struct Role {
        mixin validation: Validation,
        mixin access: Access,
        mixin meta: Meta,
        mixin owned: Owned,
        mixin bundled: Bundled,
        /// Its name, which is its key.
        "Name" name: String,
        /// The rights.
        "Claims" claims: List<Claim>,
        /// One line for people.
        "Description" description: String,
        /// reStructuredText for people.
        "Documentation" documentation: String,
    }
}

impl Model for Role {
    const PREFIX: &'static str = "roles";
    fn key(&self) -> String {
        self.name.clone()
    }

    fn validate(&self) -> Vec<Problem> {
        let mut problems = Problems::default();
        problems.require(names::is_name, "Invalid Name", "/Name", &self.name);
        problems.0
    }
}

wire_object! {
    /// A right. Each part is `*` or a list with commas.
    pub struct Claim {
        /// Object types, or other things one may have rights on.
        "scope" scope: String,
        /// What may be done to them.
        "action" action: String,
        /// Keys of the objects.
        "specific" specific: String,
    }
}

wire_object! {
    /// Users who see some objects only.
    pub struct Tenant {
        mixin validation: Validation,
        mixin access: Access,
        mixin meta: Meta,
        mixin owned: Owned,
        mixin bundled: Bundled,
        /// Its name, which is its key.
        "Name" name: String,
        /// One line for people.
        "Description" description: String,
        /// reStructuredText for people.
        "Documentation" documentation: String,
        /// For each object type that is limited, the keys that are seen.
        "Members" members: Map<List<String>>,
        /// Names of the users.
        "Users" users: List<String>,
    }
}

impl Model for Tenant {
    const PREFIX: &'static str = "tenants";
    fn key(&self) -> String {
        self.name.clone()
    }

    fn validate(&self) -> Vec<Problem> {
        let mut problems = Problems::default();
        problems.require(names::is_name, "Invalid Name", "/Name", &self.name);
        for prefix in self.members.keys().filter(|prefix| ModelType::find(prefix).is_none()) {
            problems.add(pointer(["Members", prefix]), names::complaint("Invalid Members", prefix));
        }
        problems.0
    }
}
