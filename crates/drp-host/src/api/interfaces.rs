//! `/interfaces`: the network interfaces of this machine that are up.

use std::{collections::BTreeMap, net::IpAddr};

use drp_core::{Access, Error, Interface, Model};
use http::StatusCode;
use nix::{
    ifaddrs::getifaddrs,
    net::if_::{InterfaceFlags, if_nametoindex},
    sys::socket::SockaddrStorage,
};

use super::{
    reply::{self, Counts, Reply},
    request::{At, Call},
};

const INTERFACES: &str = Interface::PREFIX;

/// `GET` and `HEAD /interfaces`.
pub(super) async fn list(call: Call) -> Reply {
    let found = if call.by.allows(INTERFACES, "list", "") { interfaces()? } else { BTreeMap::new() };
    let all: Vec<_> = found.into_values().filter(|found| call.by.sees(INTERFACES, &found.name)).collect();
    reply::list(&all, &Counts { total: all.len(), filtered: all.len(), sent: all.len() })
}

/// `GET` and `HEAD /interfaces/NAME`.
pub(super) async fn get(call: Call, At(name): At<String>) -> Reply {
    let found = if call.by.allows(INTERFACES, "get", &name) { interfaces()?.remove(&name) } else { None };
    let missing = || call.error(404, "No interface").about(INTERFACES, &name);
    reply::object(StatusCode::OK, &found.ok_or_else(missing)?)
}

/// The interfaces that are up and lead somewhere, by name.
fn interfaces() -> Result<BTreeMap<String, Interface>, Error> {
    let unreadable = |errno| Error::new(500, "GET", format!("cannot read the interfaces: {errno}"));
    let mut found = BTreeMap::<String, Interface>::new();
    for entry in getifaddrs().map_err(unreadable)? {
        if !entry.flags.contains(InterfaceFlags::IFF_UP) || entry.flags.contains(InterfaceFlags::IFF_LOOPBACK) {
            continue;
        }
        let interface = found.entry(entry.interface_name).or_insert_with_key(|name| new(name));
        if let (Some(address), Some(mask)) = (ip(entry.address.as_ref()), ip(entry.netmask.as_ref())) {
            interface.addresses.push(format!("{address}/{}", prefix_bits(mask)));
        }
        interface.active_address = interface.addresses.first().cloned().unwrap_or_default();
    }
    Ok(found)
}

fn new(name: &str) -> Interface {
    let mut interface = Interface {
        name: name.to_owned(),
        // One that is gone again has none.
        index: if_nametoindex(name).unwrap_or_default().into(),
        access: Access { read_only: true },
        ..Interface::default()
    };
    interface.meta.fill();
    interface.addresses.fill();
    interface.dns_servers.fill();
    interface
}

fn ip(address: Option<&SockaddrStorage>) -> Option<IpAddr> {
    let address = address?;
    let v4 = address.as_sockaddr_in().map(|address| IpAddr::from(address.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|address| IpAddr::from(address.ip())))
}

fn prefix_bits(mask: IpAddr) -> u32 {
    match mask {
        IpAddr::V4(mask) => mask.to_bits().count_ones(),
        IpAddr::V6(mask) => mask.to_bits().count_ones(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn masks_are_told_as_the_length_of_the_prefix() {
        let check = |mask: &str, expected: u32| assert_eq!(prefix_bits(mask.parse().unwrap()), expected, "{mask}");
        check("255.255.240.0", 20);
        check("0.0.0.0", 0);
        check("ffff:ffff:ffff:ffff::", 64);
    }
}
