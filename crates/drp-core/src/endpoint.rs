//! Other servers under a manager, and what is to be on them (`models.md` §17.3, §17.4).

use crate::{
    Access, Bundled, List, Map, Meta, Model, Owned, Params, Plugin, Problem, Raw, Validation, names, problem::Problems,
    wire::wire_object,
};

wire_object! {
    /// A server that is managed by this one.
    pub struct Endpoint {
        mixin validation: Validation,
        mixin access: Access,
        mixin meta: Meta,
        mixin owned: Owned,
        mixin bundled: Bundled,
        /// The key.
        "Id" id: String,
        /// One line for people.
        "Description" description: String [omit],
        /// reStructuredText for people.
        "Documentation" documentation: String [omit],
        /// How to get there; values of secure params are sealed.
        "Params" params: Params [omit],
        /// Whether the manager reaches it.
        "ConnectionStatus" connection_status: String [omit],
        /// Deprecated: see `VersionSets`.
        "VersionSet" version_set: String [omit],
        /// Ids of the version sets that are to be on it.
        "VersionSets" version_sets: List<String> [omit],
        /// What differs is changed, not only told.
        "Apply" apply: bool [omit],
        /// Id of its high-availability group.
        "HaId" ha_id: String [omit],
        /// Architecture.
        "Arch" arch: String [omit],
        /// Operating system.
        "Os" os: String [omit],
        /// Version of the server.
        "DRPVersion" drp_version: String [omit],
        /// Version of its user interface.
        "DRPUXVersion" drpux_version: String [omit],
        /// What is on it.
        "Components" components: List<Element> [omit],
        /// Its plugins.
        "Plugins" plugins: List<Plugin> [omit],
        /// Its preferences.
        "Prefs" prefs: Map<String> [omit],
        /// Param values of its profile `global`.
        "Global" global: Params [omit],
        /// What would have to be done.
        "Actions" actions: List<ElementAction> [omit],
    }
}

impl Model for Endpoint {
    const PREFIX: &'static str = "endpoints";
    fn key(&self) -> String {
        self.id.clone()
    }

    fn validate(&self) -> Vec<Problem> {
        let mut problems = Problems::default();
        problems.require(names::is_endpoint_name, "Invalid Id", "/Id", &self.id);
        problems.require_param_names(&self.params);
        problems.0
    }
}

wire_object! {
    /// What is to be on managed servers.
    pub struct VersionSet {
        mixin validation: Validation,
        mixin access: Access,
        mixin meta: Meta,
        mixin owned: Owned,
        mixin bundled: Bundled,
        /// The key.
        "Id" id: String,
        /// reStructuredText for people.
        "Documentation" documentation: String,
        /// One line for people.
        "Description" description: String,
        /// What differs is changed, not only told.
        "Apply" apply: bool,
        /// Version of the server.
        "DRPVersion" drp_version: String,
        /// Version of its user interface.
        "DRPUXVersion" drpux_version: String,
        /// Providers, content and the like.
        "Components" components: List<Element>,
        /// Plugins.
        "Plugins" plugins: List<Plugin>,
        /// Preferences.
        "Prefs" prefs: Map<String>,
        /// Files.
        "Files" files: List<SourceFile>,
        /// Param values of the profile `global`.
        "Global" global: Params,
    }
}

impl Model for VersionSet {
    const PREFIX: &'static str = "version_sets";
    fn key(&self) -> String {
        self.id.clone()
    }
}

wire_object! {
    /// Something that is on a server in some version.
    pub struct Element {
        /// `DRP`, `DRPUX`, `File`, `Global`, `Plugin`, `Pref`, `PluginProvider` or `ContentPackage`.
        "Type" type_: String,
        /// Version, or a name for one such as `stable`.
        "Version" version: String,
        /// Name.
        "Name" name: String,
        /// The version itself.
        "ActualVersion" actual_version: String,
    }
}

wire_object! {
    /// A change that would have to be made.
    pub struct ElementAction {
        mixin element: Element,
        /// `Set`, `AddOrUpdate` or `Delete`.
        "Action" action: String,
        /// What is set.
        "Value" value: Raw,
    }
}

wire_object! {
    /// A file that is to be on a server.
    pub struct SourceFile {
        /// Where it is to be.
        "Path" path: String,
        /// SHA-256 of it.
        "Sha256Sum" sha256_sum: String,
        /// Where it is to be had.
        "Source" source: String,
        /// It is an archive to be unpacked.
        "Explode" explode: bool,
    }
}
