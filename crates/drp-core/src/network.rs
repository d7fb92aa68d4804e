//! Leases, reservations and subnets (`models.md` §18).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{
    Access, Blank, Bundled, List, Meta, Model, Owned, Problem, Time, Validation, hex_key, names, problem::Problems,
    wire::wire_object,
};

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
        hex_key(&self.addr.to_string()).into_owned()
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
        hex_key(&self.addr.to_string()).into_owned()
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

    fn validate(&self) -> Vec<Problem> {
        let mut problems = Problems::default();
        problems.require(names::is_name, "Invalid Name", "/Name", &self.name);
        let range = self.range();
        if range.is_none() {
            problems.add("/Subnet", format!("Invalid subnet {0}: invalid CIDR address: {0}", self.subnet));
        }
        if self.strategy.is_empty() {
            problems.add("/Strategy", "Strategy must have a value");
        }
        if self.unmanaged && self.proxy {
            problems.add("/Unmanaged", "Unmanaged and Proxy cannot both be true");
        }
        if !self.only_reservations && !self.proxy {
            self.check_active(range, &mut problems);
        }
        let times = ("ReservedLeaseTime", self.reserved_lease_time, RESERVED_LEASE_SECONDS_MIN);
        check_seconds(times, &mut problems);
        problems.0
    }
}

/// What the server puts in for [`Subnet::active_lease_time`], and the least it takes.
pub const ACTIVE_LEASE_SECONDS_MIN: i64 = 60;
/// What the server puts in for [`Subnet::reserved_lease_time`], and the least it takes.
pub const RESERVED_LEASE_SECONDS_MIN: i64 = 7200;

impl Subnet {
    /// First and last address of the network; `None` where `subnet` is none.
    #[must_use]
    pub fn range(&self) -> Option<(IpAddr, IpAddr)> {
        network_range(&self.subnet)
    }

    fn check_active(&self, range: Option<(IpAddr, IpAddr)>, problems: &mut Problems) {
        let (start, end) = (self.active_start, self.active_end);
        if let Some((low, high)) = range {
            let bits = self.subnet.split_once('/').map_or("", |(_, bits)| bits);
            for (key, address) in [("ActiveStart", start), ("ActiveEnd", end)] {
                if address.0.is_some_and(|address| low <= address && address <= high) {
                    continue;
                }
                let given = address.0.map_or_else(|| "<nil>".to_owned(), |address| address.to_string());
                problems.add(format!("/{key}"), format!("{key} {given} not in subnet range {low}/{bits}"));
            }
        }
        if let (Some(start), Some(end)) = (start.0, end.0)
            && start > end
        {
            let text = format!("ActiveStart {start} must be less than or equal to ActiveEnd {end}");
            problems.add("/ActiveStart", text);
        }
        check_seconds(("ActiveLeaseTime", self.active_lease_time, ACTIVE_LEASE_SECONDS_MIN), problems);
    }
}

fn check_seconds((key, seconds, least): (&str, i64, i64), problems: &mut Problems) {
    if seconds < least {
        let text = format!("{key} must be greater than or equal to {least} seconds, not {seconds}");
        problems.add(format!("/{key}"), text);
    }
}

/// First and last address of a network such as `192.168.124.1/24`; `None` where the text is none.
#[must_use]
pub fn network_range(cidr: &str) -> Option<(IpAddr, IpAddr)> {
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

wire_object! {
    /// An option of DHCP.
    pub struct DhcpOption {
        /// Its number, up to 255.
        "Code" code: i64,
        /// Its value, a template.
        "Value" value: String,
    }
}
