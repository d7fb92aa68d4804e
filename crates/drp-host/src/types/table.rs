//! The object types that are built in, one entry each (`models.md` §4).

use super::{
    HIDDEN_OF_USERS, KeyForm, ObjectType, check,
    check::{job, machine, network, rendered},
    indexes::Derived,
    models as m,
};

/// The types this host has built in.
pub(super) fn built_in() -> Vec<ObjectType> {
    let mut types = Vec::from(provisioning());
    types.extend(access());
    types.extend(rendering());
    types.extend(network());
    types.extend(fleet());
    types
}

/// A type without anything of its own.
fn base(prefix: &str) -> ObjectType {
    ObjectType {
        prefix: prefix.to_owned(),
        key_field: "Name",
        key_form: KeyForm::Text,
        unique: &[],
        hidden: &[],
        has_params: false,
        has_actions: false,
        groups: &[],
        indexes: &[],
        complete: |_, _| {},
        check: |_, _, _| {},
        custom: None,
    }
}

/// What providers and their operators work with.
fn provisioning() -> [ObjectType; 6] {
    [
        ObjectType {
            key_field: "Uuid",
            unique: &["Name"],
            has_params: true,
            has_actions: true,
            groups: &[m::UNBUNDLED, m::BUNDLED, m::PARTIALED, m::MACHINE],
            indexes: &[("HardwareAddr", Derived::Alias("HardwareAddrs"))],
            complete: machine::complete,
            check: machine::check,
            ..base("machines")
        },
        ObjectType { groups: &[m::UNBUNDLED, m::BUNDLED, m::NAMED, m::PARAM], check: check::param, ..base("params") },
        ObjectType {
            has_params: true,
            has_actions: true,
            groups: &[m::UNBUNDLED, m::BUNDLED, m::PARTIALED, m::NAMED, m::PLUGIN],
            check: check::plugin,
            ..base("plugins")
        },
        ObjectType {
            has_params: true,
            has_actions: true,
            groups: &[m::UNBUNDLED, m::BUNDLED, m::PARTIALED, m::NAMED, m::PROFILE],
            check: check::profile,
            ..base("profiles")
        },
        ObjectType {
            key_field: "Uuid",
            has_actions: true,
            groups: &[m::UNBUNDLED, m::BUNDLED, m::JOB],
            complete: job::complete,
            check: job::check,
            ..base("jobs")
        },
        ObjectType { groups: &[m::UNBUNDLED, m::BUNDLED, m::NAMED, m::CONTEXT], ..base("contexts") },
    ]
}

/// Who may do what.
fn access() -> [ObjectType; 3] {
    [
        ObjectType { groups: &[m::UNBUNDLED, m::BUNDLED, m::NAMED, m::ROLE], check: check::name, ..base("roles") },
        ObjectType {
            groups: &[m::UNBUNDLED, m::BUNDLED, m::NAMED, m::TENANT],
            check: check::tenant,
            ..base("tenants")
        },
        ObjectType {
            hidden: HIDDEN_OF_USERS,
            has_actions: true,
            groups: &[m::UNBUNDLED, m::BUNDLED, m::USER],
            complete: check::complete_user,
            check: check::user,
            ..base("users")
        },
    ]
}

/// What machines run, and what it is made of.
fn rendering() -> [ObjectType; 5] {
    [
        ObjectType {
            has_actions: true,
            groups: &[m::UNBUNDLED, m::BUNDLED, m::NAMED, m::RENDERED, m::BOOT_ENV],
            indexes: &[("OsName", Derived::Within("OS", "Name"))],
            check: rendered::boot_env,
            ..base("bootenvs")
        },
        ObjectType {
            has_params: true,
            has_actions: true,
            groups: &[m::UNBUNDLED, m::BUNDLED, m::PARTIALED, m::NAMED, m::RENDERED, m::STAGE],
            check: rendered::stage,
            ..base("stages")
        },
        ObjectType {
            has_actions: true,
            groups: &[m::UNBUNDLED, m::BUNDLED, m::NAMED, m::RENDERED, m::TASK],
            check: rendered::task,
            ..base("tasks")
        },
        ObjectType {
            key_field: "ID",
            has_actions: true,
            groups: &[m::UNBUNDLED, m::BUNDLED, m::TEMPLATE],
            check: rendered::template,
            ..base("templates")
        },
        ObjectType {
            has_actions: true,
            groups: &[m::UNBUNDLED, m::BUNDLED, m::NAMED, m::WORKFLOW],
            check: rendered::workflow,
            ..base("workflows")
        },
    ]
}

/// What a network service would use. This host serves none; providers keep such objects here.
fn network() -> [ObjectType; 3] {
    [
        ObjectType {
            key_field: "Addr",
            key_form: KeyForm::HexAddress,
            has_actions: true,
            groups: &[m::UNBUNDLED, m::BUNDLED, m::LEASE],
            ..base("leases")
        },
        ObjectType {
            key_field: "Addr",
            key_form: KeyForm::HexAddress,
            has_actions: true,
            groups: &[m::UNBUNDLED, m::BUNDLED, m::RESERVATION],
            ..base("reservations")
        },
        ObjectType {
            unique: &["Subnet"],
            has_actions: true,
            groups: &[m::UNBUNDLED, m::BUNDLED, m::NAMED, m::SUBNET],
            indexes: &[("ActiveAddress", Derived::ActiveRange), ("Address", Derived::Network)],
            complete: network::complete_subnet,
            check: network::subnet,
            ..base("subnets")
        },
    ]
}

/// Many machines, and many hosts.
fn fleet() -> [ObjectType; 4] {
    [
        ObjectType {
            key_field: "Id",
            groups: &[m::UNBUNDLED, m::CATALOG_ITEM],
            complete: check::complete_catalog_item,
            ..base("catalog_items")
        },
        ObjectType {
            key_field: "Id",
            has_params: true,
            has_actions: true,
            groups: &[m::UNBUNDLED, m::BUNDLED, m::ENDPOINT],
            check: check::endpoint,
            ..base("endpoints")
        },
        ObjectType {
            key_field: "Id",
            has_actions: true,
            groups: &[m::UNBUNDLED, m::BUNDLED, m::POOL],
            check: check::pool,
            ..base("pools")
        },
        ObjectType {
            key_field: "Id",
            has_actions: true,
            groups: &[m::UNBUNDLED, m::BUNDLED, m::VERSION_SET],
            ..base("version_sets")
        },
    ]
}
