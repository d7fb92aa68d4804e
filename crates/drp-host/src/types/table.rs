//! The object types that are built in: those of [`drp_core::MODELS`], and what this host does with some of them.

use drp_core::{MODELS, ModelType};

use super::{
    HIDDEN_OF_USERS, KeyForm, ObjectType, check,
    check::{job, machine, network},
    indexes::Derived,
};

/// Models that are no objects of the store here: what they tell of comes from elsewhere.
const NOT_STORED: [&str; 3] = ["interfaces", "plugin_providers", "preferences"];

/// The types this host has built in.
pub(super) fn built_in() -> Vec<ObjectType> {
    MODELS.iter().filter(|model| !NOT_STORED.contains(&model.prefix)).map(object_type).collect()
}

fn object_type(model: &ModelType) -> ObjectType {
    let plain = plain(model);
    match model.prefix {
        "bootenvs" => ObjectType { indexes: &[("OsName", Derived::Within("OS", "Name"))], ..plain },
        "catalog_items" => ObjectType { complete: check::complete_catalog_item, ..plain },
        "jobs" => ObjectType { complete: job::complete, ..plain },
        "machines" => ObjectType {
            indexes: &[("HardwareAddr", Derived::Alias("HardwareAddrs"))],
            complete: machine::complete,
            ..plain
        },
        "params" => ObjectType { check: check::param, ..plain },
        "subnets" => ObjectType {
            indexes: &[("ActiveAddress", Derived::ActiveRange), ("Address", Derived::Network)],
            complete: network::complete_subnet,
            ..plain
        },
        "users" => ObjectType { hidden: HIDDEN_OF_USERS, complete: check::complete_user, ..plain },
        _ => plain,
    }
}

/// A type without anything that the host adds.
fn plain(model: &ModelType) -> ObjectType {
    ObjectType {
        prefix: model.prefix.to_owned(),
        key_field: model.key_field,
        key_form: if model.is_keyed_by_address() { KeyForm::HexAddress } else { KeyForm::Text },
        unique: model.unique,
        hidden: &[],
        has_params: model.has_params,
        has_actions: model.has_actions,
        keys: model.keys,
        indexes: &[],
        complete: |_, _| {},
        validate: model.validate,
        check: |_, _, _| {},
        custom: None,
    }
}
