//! Boot environments (`models.md` §14).

use crate::{
    Access, Bundled, List, Map, Meta, Model, Owned, Problem, TemplateInfo, Validation, machine::canonical_arch, names,
    patch::pointer, problem::Problems, template, wire::wire_object,
};

/// What first loaders are for.
const LOADERS: [&str; 3] = ["386-pcbios", "amd64-uefi", "arm64-uefi"];

wire_object! {
    /// What a machine boots.
    pub struct BootEnv {
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
        /// The operating system.
        "OS" os: OsInfo,
        /// Files that are made for each machine.
        "Templates" templates: List<TemplateInfo>,
        /// Path of the kernel.
        "Kernel" kernel: String,
        /// Paths of the initial file systems.
        "Initrds" initrds: List<String>,
        /// Arguments of the kernel, a template.
        "BootParams" boot_params: String,
        /// Params without which no machine boots it.
        "RequiredParams" required_params: List<String>,
        /// Params that it takes if they are there.
        "OptionalParams" optional_params: List<String>,
        /// It is for machines that are not known yet.
        "OnlyUnknown" only_unknown: bool,
        /// First loader by architecture and firmware, such as `amd64-uefi`.
        "Loaders" loaders: Map<String>,
    }
}

impl Model for BootEnv {
    const PREFIX: &'static str = "bootenvs";
    fn key(&self) -> String {
        self.name.clone()
    }

    fn validate(&self) -> Vec<Problem> {
        let mut problems = Problems::default();
        problems.require(names::is_name, "Invalid Name", "/Name", &self.name);
        problems.require_all(names::is_param_name, "Invalid Required Param", "/RequiredParams", &self.required_params);
        problems.require_all(names::is_param_name, "Invalid Optional Param", "/OptionalParams", &self.optional_params);
        template::check(&self.templates, template::Path::Required, &mut problems);
        for loader in self.loaders.keys().filter(|loader| !LOADERS.contains(&loader.as_str())) {
            problems.add(pointer(["Loaders", loader]), format!("{loader} is not a supported loader type"));
        }
        for arch in self.os.supported_architectures.keys().filter(|arch| canonical_arch(arch).is_none()) {
            let path = pointer(["OS", "SupportedArchitectures", arch]);
            problems.add(path, format!("{arch} is not a supported architecture"));
        }
        problems.0
    }
}

wire_object! {
    /// An operating system. What it says of an ISO is about `amd64`.
    pub struct OsInfo {
        /// Name, such as `debian-12`.
        "Name" name: String,
        /// Family; empty for the name up to its first `-`.
        "Family" family: String,
        /// Code name.
        "Codename" codename: String,
        /// Version; empty for the second part of the name.
        "Version" version: String,
        /// File name of the ISO.
        "IsoFile" iso_file: String,
        /// SHA-256 of the ISO.
        "IsoSha256" iso_sha256: String,
        /// Where the ISO is to be had.
        "IsoUrl" iso_url: String,
        /// What differs by architecture.
        "SupportedArchitectures" supported_architectures: Map<ArchInfo>,
    }
}

wire_object! {
    /// What an operating system has for one architecture.
    pub struct ArchInfo {
        /// File name of the ISO.
        "IsoFile" iso_file: String,
        /// SHA-256 of the ISO.
        "Sha256" sha256: String,
        /// Where the ISO is to be had.
        "IsoUrl" iso_url: String,
        /// Path of the kernel.
        "Kernel" kernel: String,
        /// Paths of the initial file systems.
        "Initrds" initrds: List<String>,
        /// Arguments of the kernel, a template.
        "BootParams" boot_params: String,
        /// First loader.
        "Loader" loader: String,
    }
}
