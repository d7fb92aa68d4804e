//! What a server says of itself (`models.md` §16).

use std::net::IpAddr;

use crate::{Blank, ClusterState, List, Map, Raw, Time, wire::wire_object};

wire_object! {
    /// The answer to `GET /info`.
    pub struct Info {
        /// Architecture of the server.
        "arch" arch: String,
        /// Operating system of the server.
        "os" os: String,
        /// Version of the server.
        "version" version: String,
        /// Id of the server, or of its group.
        "id" id: String,
        /// Id of this server alone.
        "local_id" local_id: String,
        /// Id of its high-availability group.
        "ha_id" ha_id: String,
        /// Port of the API.
        "api_port" api_port: i64,
        /// Port of static files.
        "file_port" file_port: i64,
        /// Port of static files with TLS.
        "secure_file_port" secure_file_port: i64,
        /// Port of DHCP.
        "dhcp_port" dhcp_port: i64,
        /// Port of BINL.
        "binl_port" binl_port: i64,
        /// Port of TFTP.
        "tftp_port" tftp_port: i64,
        /// TFTP is served.
        "tftp_enabled" tftp_enabled: bool,
        /// DHCP is served.
        "dhcp_enabled" dhcp_enabled: bool,
        /// BINL is served.
        "binl_enabled" binl_enabled: bool,
        /// Static files are served.
        "prov_enabled" prov_enabled: bool,
        /// Static files are served with TLS.
        "secure_prov_enabled" secure_prov_enabled: bool,
        /// Address of the server.
        "address" address: Blank<IpAddr>,
        /// Host name of the server.
        "server_hostname" server_hostname: String,
        /// It manages other servers.
        "manager" manager: bool,
        /// How many objects there are of some types.
        "stats" stats: List<Stat>,
        /// What the server can do.
        "features" features: List<String>,
        /// For each scope of claims, its actions; each action has an empty object for a value.
        "scopes" scopes: Map<Map<Raw>>,
        /// What is licensed.
        "License" license: LicenseBundle,
        /// What is wrong with the server.
        "errors" errors: List<String>,
        /// It has a group.
        "ha_enabled" ha_enabled: bool,
        /// Address that the group shares.
        "ha_virtual_address" ha_virtual_address: String,
        /// It is the active one of its group.
        "ha_is_active" ha_is_active: bool,
        /// Its state in the group.
        "ha_status" ha_status: String,
        /// Id of the active one.
        "ha_active_id" ha_active_id: String,
        /// The others of the group.
        "ha_passive_state" ha_passive_state: List<HaPassiveState>,
        /// The group.
        "ClusterState" cluster_state: ClusterState,
    }
}

wire_object! {
    /// How many objects there are.
    pub struct Stat {
        /// What is counted, such as `machines.count`.
        "name" name: String,
        /// How many.
        "count" count: i64,
    }
}

wire_object! {
    /// A server that would take over.
    pub struct HaPassiveState {
        /// Its id.
        "id" id: String,
        /// Its address.
        "address" address: String,
        /// Its state.
        "state" state: String,
        /// It may become the active one.
        "electable" electable: bool,
    }
}

wire_object! {
    /// All licences, and who they are for.
    pub struct LicenseBundle {
        /// Who to ask.
        "Contact" contact: String,
        /// Mail address of who to ask.
        "ContactEmail" contact_email: String,
        /// Id of who to ask.
        "ContactId" contact_id: String,
        /// Who it is for.
        "Owner" owner: String,
        /// Mail address of who it is for.
        "OwnerEmail" owner_email: String,
        /// Id of who it is for.
        "OwnerId" owner_id: String,
        /// Who gave it.
        "Grantor" grantor: String,
        /// Mail address of who gave it.
        "GrantorEmail" grantor_email: String,
        /// Version.
        "Version" version: String,
        /// Version of what made it.
        "GenerationVersion" generation_version: String,
        /// Ids of the servers it is for.
        "Endpoints" endpoints: List<String> [omit],
        /// Newest version of the server it is for.
        "MaxDrpVersion" max_drp_version: String,
        /// The licences.
        "Licenses" licenses: List<License>,
    }
}

wire_object! {
    /// A licence for one ability.
    pub struct License {
        /// Name of the ability.
        "Name" name: String,
        /// Version.
        "Version" version: String,
        /// What it says beside.
        "Data" data: Raw,
        /// When it was bought.
        "PurchaseDate" purchase_date: Time,
        /// When it begins.
        "StartDate" start_date: Time,
        /// When it has run out.
        "SoftExpireDate" soft_expire_date: Time,
        /// When the ability ends.
        "HardExpireDate" hard_expire_date: Time,
        /// When the contract ends.
        "ContractTerminationDate" contract_termination_date: Time,
        /// In few words.
        "ShortLicense" short_license: String,
        /// In many words.
        "LongLicense" long_license: String,
        /// It holds.
        "Active" active: bool,
        /// It has run out.
        "Expired" expired: bool,
    }
}
