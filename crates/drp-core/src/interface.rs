//! The server's network interfaces and preferences (`models.md` §17.6, §17.7).

use crate::{Access, List, Meta, Model, wire::wire_object};

wire_object! {
    /// A network interface of the server. It can only be read.
    pub struct Interface {
        mixin access: Access,
        mixin meta: Meta,
        /// Its name, which is its key.
        "Name" name: String,
        /// The operating system's number of it.
        "Index" index: i64,
        /// Addresses with their networks.
        "Addresses" addresses: List<String>,
        /// Address that machines would be served from.
        "ActiveAddress" active_address: String,
        /// Gateway.
        "Gateway" gateway: String,
        /// Name servers.
        "DnsServers" dns_servers: List<String>,
        /// Domain.
        "DnsDomain" dns_domain: String,
    }
}

impl Model for Interface {
    const PREFIX: &'static str = "interfaces";
    fn key(&self) -> String {
        self.name.clone()
    }
}

wire_object! {
    /// A preference of the server as an object. `GET /prefs` tells them as one map instead.
    pub struct Pref {
        mixin meta: Meta,
        /// Its name, which is its key.
        "Name" name: String,
        /// Its value, a text even where it is a number.
        "Val" val: String,
    }
}

impl Model for Pref {
    const PREFIX: &'static str = "preferences";
    fn key(&self) -> String {
        self.name.clone()
    }
}
