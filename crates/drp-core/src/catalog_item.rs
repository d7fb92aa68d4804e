//! What can be installed (`models.md` §17.5).

use crate::{Access, Map, Meta, Model, Owned, Validation, wire::wire_object};

wire_object! {
    /// Something in a catalog that can be installed on a server.
    pub struct CatalogItem {
        mixin validation: Validation,
        mixin access: Access,
        mixin meta: Meta,
        mixin owned: Owned,
        /// The key.
        "Id" id: String,
        /// Always `catalog_items`.
        "Type" type_: String,
        /// Name of what is installed.
        "Name" name: String,
        /// The version itself.
        "ActualVersion" actual_version: String,
        /// Version, or a name for one such as `stable`.
        "Version" version: String,
        /// `PluginProvider`, `ContentPackage`, `DRP`, `DRPUX` or `DRPCLI`.
        "ContentType" content_type: String,
        /// Where it is to be had.
        "Source" source: String,
        /// SHA-256 by `ARCHITECTURE/SYSTEM`; `any/any` where it is the same for all.
        "Shasum256" shasum256: Map<String>,
        /// Where a build without `jq` is to be had.
        "NOJQSource" nojq_source: String,
        /// It is the newest, maybe unfinished.
        "Tip" tip: bool,
        /// It mends a released version.
        "HotFix" hot_fix: bool,
    }
}

impl Model for CatalogItem {
    const PREFIX: &'static str = "catalog_items";
    fn key(&self) -> String {
        self.id.clone()
    }
}
