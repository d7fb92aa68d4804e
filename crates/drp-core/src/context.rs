//! Execution contexts (`models.md` §17.2).

use crate::{Access, Bundled, Meta, Model, Owned, Validation, wire::wire_object};

wire_object! {
    /// Where jobs run that do not run on the machine itself.
    pub struct Context {
        mixin validation: Validation,
        mixin access: Access,
        mixin meta: Meta,
        mixin owned: Owned,
        mixin bundled: Bundled,
        /// Its name, which is its key.
        "Name" name: String,
        /// Image that jobs run in.
        "Image" image: String,
        /// Name of the plugin that runs it.
        "Engine" engine: String,
        /// One line for people.
        "Description" description: String,
        /// reStructuredText for people.
        "Documentation" documentation: String,
    }
}

impl Model for Context {
    const PREFIX: &'static str = "contexts";
    fn key(&self) -> String {
        self.name.clone()
    }
}
