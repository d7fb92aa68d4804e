//! Leases, reservations and subnets (`models.md` §18).

use std::net::IpAddr;

use crate::{Access, Blank, Bundled, List, Meta, Model, Owned, Time, Validation, wire::wire_object};

wire_object! {
    /// An address that a machine has for some time.
    pub struct Lease {
        mixin validation: Validation,
        mixin access: Access,
        mixin meta: Meta,
        mixin owned: Owned,
        mixin bundled: Bundled,
        /// The address. The key is its hexadecimal form.
        "Addr" addr: Blank<IpAddr>,
        /// Server to boot from.
        "NextServer" next_server: Blank<IpAddr>,
        /// Relay that the request came through.
        "Via" via: Blank<IpAddr>,
        /// What the machine is known by, such as its hardware address.
        "Token" token: String,
        /// Seconds that it lasts.
        "Duration" duration: i64,
        /// When it ends.
        "ExpireTime" expire_time: Time,
        /// How the token is made, such as `MAC`.
        "Strategy" strategy: String,
        /// Its state.
        "State" state: String,
        /// Options of the answer.
        "Options" options: List<DhcpOption>,
        /// Options of the request.
        "ProvidedOptions" provided_options: List<DhcpOption>,
        /// The machine is not to boot by it.
        "SkipBoot" skip_boot: bool,
    }
}

impl Model for Lease {
    const PREFIX: &'static str = "leases";
    fn key(&self) -> String {
        hex_key(self.addr)
    }
}

wire_object! {
    /// An address that is kept for a machine.
    pub struct Reservation {
        mixin validation: Validation,
        mixin access: Access,
        mixin meta: Meta,
        mixin owned: Owned,
        mixin bundled: Bundled,
        /// The address. The key is its hexadecimal form.
        "Addr" addr: Blank<IpAddr>,
        /// One line for people.
        "Description" description: String,
        /// reStructuredText for people.
        "Documentation" documentation: String,
        /// What the machine is known by, such as its hardware address.
        "Token" token: String,
        /// Name of the subnet.
        "Subnet" subnet: String,
        /// Server to boot from.
        "NextServer" next_server: Blank<IpAddr>,
        /// Options of the answer.
        "Options" options: List<DhcpOption>,
        /// How the token is made, such as `MAC`.
        "Strategy" strategy: String,
        /// It holds within its subnet only.
        "Scoped" scoped: bool,
        /// Seconds that a lease of it lasts.
        "Duration" duration: i64,
    }
}

impl Model for Reservation {
    const PREFIX: &'static str = "reservations";
    fn key(&self) -> String {
        hex_key(self.addr)
    }
}

/// An IPv4 address as eight hexadecimal digits; other addresses stay as they are.
fn hex_key(address: Blank<IpAddr>) -> String {
    match address.0 {
        Some(IpAddr::V4(address)) => format!("{:08X}", address.to_bits()),
        _ => address.to_string(),
    }
}

wire_object! {
    /// A network whose machines get addresses.
    pub struct Subnet {
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
        /// Addresses are given away.
        "Enabled" enabled: bool,
        /// Another server gives the addresses, and this one the rest.
        "Proxy" proxy: bool,
        /// Nobody manages the addresses.
        "Unmanaged" unmanaged: bool,
        /// Address and length of its prefix, such as `192.168.124.0/24`.
        "Subnet" subnet: String,
        /// Server to boot from.
        "NextServer" next_server: Blank<IpAddr>,
        /// First address that is given away.
        "ActiveStart" active_start: Blank<IpAddr>,
        /// Last address that is given away.
        "ActiveEnd" active_end: Blank<IpAddr>,
        /// Seconds that a lease lasts; at least 60.
        "ActiveLeaseTime" active_lease_time: i64,
        /// Seconds that a lease of a reservation lasts; at least 7200.
        "ReservedLeaseTime" reserved_lease_time: i64,
        /// Only reserved addresses are given away.
        "OnlyReservations" only_reservations: bool,
        /// Options of every answer.
        "Options" options: List<DhcpOption>,
        /// How machines are told apart, such as `MAC`.
        "Strategy" strategy: String,
        /// How an address is picked: `hint`, `nextFree`, `mostExpired`, `none`.
        "Pickers" pickers: List<String>,
    }
}

impl Model for Subnet {
    const PREFIX: &'static str = "subnets";
    fn key(&self) -> String {
        self.name.clone()
    }
}

wire_object! {
    /// An option of DHCP.
    pub struct DhcpOption {
        /// Its number, up to 255.
        "Code" code: i64,
        /// Its value, a template.
        "Value" value: String,
    }
}
