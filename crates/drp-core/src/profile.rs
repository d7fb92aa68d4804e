//! Profiles (`models.md` §10.3).

use crate::{
    Access, Bundled, List, Meta, Model, Owned, Params, Partialed, Problem, Validation, names, problem::Problems,
    wire::wire_object,
};

wire_object! {
    /// A named set of param values. The profile `global` applies everywhere, below all others.
    pub struct Profile {
        mixin validation: Validation,
        mixin access: Access,
        mixin meta: Meta,
        mixin owned: Owned,
        mixin bundled: Bundled,
        mixin partialed: Partialed,
        /// Name of the profile.
        "Name" name: String,
        /// One line for people.
        "Description" description: String,
        /// reStructuredText for people.
        "Documentation" documentation: String,
        /// Param values.
        "Params" params: Params,
        /// Further profiles to look into.
        "Profiles" profiles: List<String>,
    }
}

impl Model for Profile {
    const PREFIX: &'static str = "profiles";
    fn key(&self) -> String {
        self.name.clone()
    }

    fn validate(&self) -> Vec<Problem> {
        let mut problems = Problems::default();
        problems.require(names::is_name, "Invalid Name", "/Name", &self.name);
        problems.require_param_names(&self.params);
        problems.require_all(names::is_name, "Invalid Profile Name", "/Profiles", &self.profiles);
        problems.0
    }
}
