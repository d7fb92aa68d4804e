//! Subnets (`models.md` §18).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use drp_core::{Raw, RawModel};
use serde_json::{Value, json};

use super::Problems;
use crate::schema::Schemas;
use crate::types::set_text;

const ACTIVE_LEASE_SECONDS_MIN: i64 = 60;
const RESERVED_LEASE_SECONDS_MIN: i64 = 7200;

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

pub(in crate::types) fn subnet(subnet: &RawModel, schemas: &Schemas, problems: &mut Problems) {
    super::name(subnet, schemas, problems);
    let text = subnet.text("Subnet");
    let range = network_range(&text);
    if range.is_none() {
        problems.push(format!("Invalid subnet {text}: invalid CIDR address: {text}"));
    }
    if subnet.text("Strategy").is_empty() {
        problems.push("Strategy must have a value".to_owned());
    }
    if is(subnet, "Unmanaged") && is(subnet, "Proxy") {
        problems.push("Unmanaged and Proxy cannot both be true".to_owned());
    }
    if !is(subnet, "OnlyReservations") && !is(subnet, "Proxy") {
        if let Some((low, high)) = range {
            let network = masked(&text, low);
            for field in ["ActiveStart", "ActiveEnd"] {
                match address(subnet, field) {
                    Some(address) if low <= address && address <= high => {}
                    given => {
                        let given = given.map_or_else(|| "<nil>".to_owned(), |address| address.to_string());
                        problems.push(format!("{field} {given} not in subnet range {network}"));
                    }
                }
            }
        }
        if let (Some(start), Some(end)) = (address(subnet, "ActiveStart"), address(subnet, "ActiveEnd"))
            && start > end
        {
            problems.push(format!("ActiveStart {start} must be less than or equal to ActiveEnd {end}"));
        }
        require_time(subnet, "ActiveLeaseTime", ACTIVE_LEASE_SECONDS_MIN, problems);
    }
    require_time(subnet, "ReservedLeaseTime", RESERVED_LEASE_SECONDS_MIN, problems);
}

fn require_time(subnet: &RawModel, field: &str, seconds_min: i64, problems: &mut Problems) {
    let seconds: i64 = subnet.get(field).unwrap_or_default();
    if seconds < seconds_min {
        problems.push(format!("{field} must be greater than or equal to {seconds_min} seconds, not {seconds}"));
    }
}

fn is(subnet: &RawModel, field: &str) -> bool {
    subnet.get(field).unwrap_or_default()
}

fn address(subnet: &RawModel, field: &str) -> Option<IpAddr> {
    subnet.text(field).parse().ok()
}

/// The network with its own address in front, as it is shown.
fn masked(cidr: &str, low: IpAddr) -> String {
    let bits = cidr.split_once('/').map_or("", |(_, bits)| bits);
    format!("{low}/{bits}")
}

/// First and last address of a network such as `192.168.124.1/24`.
pub(crate) fn network_range(cidr: &str) -> Option<(IpAddr, IpAddr)> {
    let (address, bits) = cidr.split_once('/')?;
    let bits = bits.bytes().all(|byte| byte.is_ascii_digit()).then(|| bits.parse::<u32>().ok())??;
    match address.parse().ok()? {
        IpAddr::V4(address) => {
            let host = u32::MAX.checked_shr(bits).unwrap_or(0);
            let low = address.to_bits() & !host;
            (bits <= 32).then(|| (Ipv4Addr::from_bits(low).into(), Ipv4Addr::from_bits(low | host).into()))
        }
        IpAddr::V6(address) => {
            let host = u128::MAX.checked_shr(bits).unwrap_or(0);
            let low = address.to_bits() & !host;
            (bits <= 128).then(|| (Ipv6Addr::from_bits(low).into(), Ipv6Addr::from_bits(low | host).into()))
        }
    }
}

/// The addresses that a subnet gives away.
pub(crate) fn active_range(subnet: &RawModel) -> Option<(IpAddr, IpAddr)> {
    address(subnet, "ActiveStart").zip(address(subnet, "ActiveEnd"))
}
