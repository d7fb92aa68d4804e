//! Tasks (`models.md` §11.3).

use crate::{Access, Bundled, Claim, List, Meta, Model, Owned, TemplateInfo, Validation, wire::wire_object};

wire_object! {
    /// Something that an agent does on a machine, in steps.
    pub struct Task {
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
        /// The steps, first one first.
        "Templates" templates: List<TemplateInfo>,
        /// Params without which it does not run.
        "RequiredParams" required_params: List<String>,
        /// Params that it takes if they are there.
        "OptionalParams" optional_params: List<String>,
        /// Tasks that must have run before, in the same boot environment.
        "Prerequisites" prerequisites: List<String>,
        /// Roles that its jobs get on top.
        "ExtraRoles" extra_roles: List<String> [omit],
        /// Claims that its jobs get on top.
        "ExtraClaims" extra_claims: List<Claim> [omit],
    }
}

impl Model for Task {
    const PREFIX: &'static str = "tasks";
    fn key(&self) -> String {
        self.name.clone()
    }
}
