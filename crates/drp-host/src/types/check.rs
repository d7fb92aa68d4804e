//! What the server puts into objects of each type, and what of their rules only a server can check.
//!
//! The rest of the rules is in the models themselves ([`drp_core::Model::validate`]); what an object says about others
//! is looked up where it is written (`objects/references.rs`).

pub(in crate::types) mod job;
pub(in crate::types) mod machine;
pub(in crate::types) mod network;

use drp_content::Schemas;
use drp_core::{Param, RawModel};

use super::set_text;

/// The schema of a param compiles, and takes its own default.
pub(in crate::types) fn param(object: &RawModel, schemas: &Schemas, problems: &mut Vec<String>) {
    // What is no param at all is told by its model.
    problems.extend(object.typed::<Param>().iter().flat_map(|param| schemas.check_declaration(param)));
}

pub(in crate::types) fn complete_catalog_item(item: &mut RawModel, _: Option<&RawModel>) {
    set_text(item, "Type", "catalog_items");
}

pub(in crate::types) fn complete_user(user: &mut RawModel, _: Option<&RawModel>) {
    if user.text("Secret").is_empty() {
        set_text(user, "Secret", &random_secret());
    }
}

/// Two random UUIDs hold 244 random bits, from the system's source.
fn random_secret() -> String {
    format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple())
}
