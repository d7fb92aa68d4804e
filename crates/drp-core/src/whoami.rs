//! How a machine finds out which one it is (`models.md` §12.4).

use crate::{Fingerprint, List, Secret, Uuid, wire::wire_object};

wire_object! {
    /// What a machine knows of itself, and who the server thinks it is: body and answer of `POST /whoami`.
    pub struct Whoami {
        /// Who it is.
        "Result" result: WhoamiResult,
        /// What its hardware is known by.
        "Fingerprint" fingerprint: Fingerprint,
        /// Its hardware addresses.
        "MacAddrs" mac_addrs: List<String>,
        /// Key that was left on its disk.
        "OnDiskUUID" on_disk_uuid: String,
    }
}

wire_object! {
    /// The machine that fits best; empty where none does.
    pub struct WhoamiResult {
        /// How well it fits; below 100 it does not.
        "Score" score: i64 [omit],
        /// Key of the machine.
        "Uuid" uuid: Uuid [omit],
        /// A token for the machine.
        "Token" token: Secret [omit],
    }
}
