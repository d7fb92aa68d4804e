//! Subnets (`models.md` §18).

use std::net::IpAddr;

use drp_core::{ACTIVE_LEASE_SECONDS_MIN, RESERVED_LEASE_SECONDS_MIN, Raw, RawModel};
use serde_json::{Value, json};

use crate::types::set_text;

pub(in crate::types) fn complete_subnet(subnet: &mut RawModel, _: Option<&RawModel>) {
    let times = [("ActiveLeaseTime", ACTIVE_LEASE_SECONDS_MIN), ("ReservedLeaseTime", RESERVED_LEASE_SECONDS_MIN)];
    for (field, default) in times {
        if subnet.get(field) == Some(0) {
            subnet.fields.insert(field.to_owned(), Raw::from(Value::from(default)));
        }
    }
    if subnet.text("Strategy").is_empty() {
        set_text(subnet, "Strategy", "MAC");
    }
    if subnet.get::<Vec<String>>("Pickers").unwrap_or_default().is_empty() {
        let pickers =
            if is(subnet, "OnlyReservations") { json!(["none"]) } else { json!(["hint", "nextFree", "mostExpired"]) };
        subnet.fields.insert("Pickers".to_owned(), Raw::from(pickers));
    }
}

fn is(subnet: &RawModel, field: &str) -> bool {
    subnet.get(field).unwrap_or_default()
}

fn address(subnet: &RawModel, field: &str) -> Option<IpAddr> {
    subnet.text(field).parse().ok()
}

/// The addresses that a subnet gives away.
pub(crate) fn active_range(subnet: &RawModel) -> Option<(IpAddr, IpAddr)> {
    address(subnet, "ActiveStart").zip(address(subnet, "ActiveEnd"))
}
