//! Templates, and how others use them (`models.md` §11.1, §11.2).

use crate::{Access, Bundled, Meta, Model, Owned, Validation, wire::wire_object};

wire_object! {
    /// A text that is rendered for machines. It is kept as it is here: nothing of this project renders one.
    pub struct Template {
        mixin validation: Validation,
        mixin access: Access,
        mixin meta: Meta,
        mixin owned: Owned,
        mixin bundled: Bundled,
        /// The key; often a file name with its extension.
        "ID" id: String,
        /// One line for people.
        "Description" description: String,
        /// The text, for Go's `text/template`.
        "Contents" contents: String,
    }
}

impl Model for Template {
    const PREFIX: &'static str = "templates";
    fn key(&self) -> String {
        self.id.clone()
    }
}

wire_object! {
    /// A use of a template: an entry in the `Templates` of a task, a stage or a boot environment. It has an id, a link
    /// or contents, and never both an id and contents.
    pub struct TemplateInfo {
        /// Name within the list.
        "Name" name: String,
        /// Where it is written, itself a template; empty for a script, which only tasks have.
        "Path" path: String,
        /// Another file to be found at the path, itself a template.
        "Link" link: String,
        /// Id of a [`Template`].
        "ID" id: String,
        /// The template itself.
        "Contents" contents: String,
        /// What it is for: in tasks, `OS` names operating systems.
        "Meta" meta: Meta,
    }
}
