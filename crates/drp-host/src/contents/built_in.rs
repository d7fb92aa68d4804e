//! What every server has from the start, so that the names in new machines, preferences and users mean something.

use drp_content::{Bundle, Metadata};
use drp_core::json;

use super::BASIC;

/// The version of what is built in: that of the server whose API this is.
const VERSION: &str = "v4.8.0";
/// The boot environments that mean no installation, the stages that do nothing, and the role that may do everything.
const SECTIONS: &str = r#"{
    "bootenvs": {
        "ignore": { "Name": "ignore", "OnlyUnknown": true, "OS": { "Name": "ignore" },
            "Description": "Unknown machines boot from their own disk", "Meta": { "feature-flags": "change-stage-v2" } },
        "local": { "Name": "local", "OS": { "Name": "local" },
            "Description": "Machines boot from their own disk", "Meta": { "feature-flags": "change-stage-v2" } }
    },
    "stages": {
        "local": { "Name": "local", "BootEnv": "local", "Description": "Boots from the machine's own disk" },
        "none": { "Name": "none", "Description": "Does nothing" }
    },
    "roles": {
        "superuser": { "Name": "superuser", "Claims": [{ "scope": "*", "action": "*", "specific": "*" }] }
    }
}"#;

/// The bundle that is built in.
pub(super) fn bundle() -> Bundle {
    let mut meta = Metadata::default();
    for (field, text) in [("Name", BASIC), ("Description", "What the server has built in"), ("Version", VERSION)] {
        meta.set(field, text);
    }
    let sections = json::parse(SECTIONS.as_bytes()).expect("what is built in is JSON");
    Bundle { meta, sections }
}
