//! Params (`models.md` §10.1).

use crate::{
    Access, Bundled, Meta, Model, Owned, Problem, Raw, Validation, names, problem::Problems, wire::wire_object,
};

wire_object! {
    /// The declaration of a param: its schema, whether it is secret, and what it is for.
    pub struct Param {
        mixin validation: Validation,
        mixin access: Access,
        mixin meta: Meta,
        mixin owned: Owned,
        mixin bundled: Bundled,
        /// Name of the param; may hold `/`.
        "Name" name: String,
        /// One line for people.
        "Description" description: String,
        /// reStructuredText for people.
        "Documentation" documentation: String,
        /// Values of this param are sealed at rest and on the API.
        "Secure" secure: bool,
        /// JSON Schema, draft 4; `null` where any value goes.
        "Schema" schema: Raw,
    }
}

impl Param {
    /// The default that the schema names. A `null` default is one: `Some(null)`.
    #[must_use]
    pub fn default_value(&self) -> Option<Raw> {
        self.schema.parse::<std::collections::BTreeMap<String, Raw>>().ok()?.remove("default")
    }
}

impl Model for Param {
    const PREFIX: &'static str = "params";
    fn key(&self) -> String {
        self.name.clone()
    }

    fn validate(&self) -> Vec<Problem> {
        let mut problems = Problems::default();
        problems.require(names::is_param_name, "Invalid Name", "/Name", &self.name);
        problems.0
    }
}
