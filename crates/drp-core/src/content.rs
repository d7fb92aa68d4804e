//! What a server tells of content bundles (`models.md` §19.1).

use crate::{List, Map, wire::wire_object};

wire_object! {
    /// What a bundle says of itself, with what the server adds.
    pub struct ContentMeta {
        /// Unique name.
        "Name" name: String,
        /// Version, much like a semantic one.
        "Version" version: String,
        /// One line for people.
        "Description" description: String,
        /// Deprecated: where it came from.
        "Source" source: String,
        /// reStructuredText for people.
        "Documentation" documentation: String,
        /// Features that the server must have, with commas.
        "RequiredFeatures" required_features: String,
        /// Bundles that must be there, with commas and constraints.
        "Prerequisites" prerequisites: String,
        /// Color of its icon.
        "Color" color: String,
        /// Name of its icon.
        "Icon" icon: String,
        /// Who wrote it.
        "Author" author: String,
        /// Name for people.
        "DisplayName" display_name: String,
        /// Name of its licence.
        "License" license: String,
        /// Who has the rights.
        "Copyright" copyright: String,
        /// Where its sources are.
        "CodeSource" code_source: String,
        /// Where it stands in lists.
        "Order" order: String,
        /// Words to find it by, with commas.
        "Tags" tags: String,
        /// Where more is written about it.
        "DocUrl" doc_url: String,
        /// What layer it is: `dynamic`, `plugin`, `writable` and so on. The server sets it.
        "Type" type_: String,
        /// Clients write into it. The server sets it.
        "Writable" writable: bool,
        /// Other layers may have objects with the same keys. The server sets it.
        "Overwritable" overwritable: bool,
    }
}

wire_object! {
    /// A bundle in lists, and the answer to an upload.
    pub struct ContentSummary {
        /// What it says of itself.
        "meta" meta: ContentMeta,
        /// How many objects it has by section.
        "Counts" counts: Map<i64>,
        /// What is doubtful about it.
        "Warnings" warnings: List<String>,
    }
}
