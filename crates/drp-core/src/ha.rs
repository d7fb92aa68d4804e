//! The state of a group of servers that stand in for each other (`models.md` §16).

use crate::{List, OrNull, Secret, Uuid, wire::wire_object};

wire_object! {
    /// What all servers of a group share.
    pub struct GlobalHaState {
        /// Something else spreads requests.
        "LoadBalanced" load_balanced: bool,
        /// There is a group.
        "Enabled" enabled: bool,
        /// The servers find the active one by themselves.
        "ConsensusEnabled" consensus_enabled: bool,
        /// Where to join.
        "ConsensusJoin" consensus_join: String,
        /// Address that the group shares.
        "VirtAddr" virt_addr: String,
        /// Host name that the group shares.
        "ServerHostname" server_hostname: String,
        /// URL of the active server.
        "ActiveUri" active_uri: String,
        /// Token between the servers.
        "Token" token: Secret,
        /// Id of the group.
        "HaID" ha_id: String,
        /// The state is complete.
        "Valid" valid: bool,
        /// Certificates that the servers trust.
        "Roots" roots: List<HaRoot>,
    }
}

wire_object! {
    /// A certificate, and its key.
    pub struct HaRoot {
        /// The chain, each base64 of DER.
        "Data" data: List<String>,
        /// Base64 of the private key.
        "Key" key: OrNull<Secret>,
    }
}

wire_object! {
    /// What one server of a group has for itself.
    pub struct NodeHaState {
        /// Its id in the group.
        "ConsensusID" consensus_id: Uuid,
        /// Network interface for the shared address.
        "VirtInterface" virt_interface: String,
        /// Script that brings the shared address up and down.
        "VirtInterfaceScript" virt_interface_script: String,
        /// Address that the servers talk on.
        "ConsensusAddr" consensus_addr: String,
        /// URL of its API.
        "ApiUrl" api_url: String,
        /// It is not the active one.
        "Passive" passive: bool,
        /// It never becomes the active one.
        "Observer" observer: bool,
    }
}

wire_object! {
    /// A server of a group.
    pub struct NodeInfo {
        mixin node: NodeHaState,
        /// It is not reached.
        "Offline" offline: bool,
        /// The last change of files that it has followed.
        "LastArtifactCommitHandled" last_artifact_commit_handled: u64,
    }
}

wire_object! {
    /// A whole group.
    pub struct ClusterState {
        mixin global: GlobalHaState,
        /// Its servers.
        "Nodes" nodes: List<NodeInfo>,
    }
}

wire_object! {
    /// A group as one of its servers sees it: the answer to `GET /system/consensus/state` and the like.
    pub struct CurrentHaState {
        mixin global: GlobalHaState,
        mixin node: NodeHaState,
    }
}
