//! What the token of a machine may do: what its agent needs, and nothing to other machines.

use drp_core::{RawModel, hex_key};

use super::claims::{Claim, ClaimText, Role};

/// What a machine does to itself. It does not delete itself.
const ON_ITSELF: &str = "get,update,actions,action,getSecure,updateSecure,updateTaskList,token";

/// The claims of a machine, which count together, and those that one of its jobs has on top.
pub(super) fn role(machine: &RawModel, job: Option<&RawModel>) -> Role {
    let uuid = machine.text("Uuid");
    let mut role = vec![
        Claim::new("machines", ON_ITSELF, &uuid),
        // Claims on jobs speak of their machine.
        Claim::new("jobs", "*", &uuid),
        Claim::new("stages,tasks", "get", "*"),
        Claim::new("info", "get", "*"),
        Claim::new("events", "post", "*"),
        Claim::new("reservations", "create", "*"),
    ];
    let address = machine.text("Address");
    if !address.is_empty() {
        let keys = format!("{},{address}", hex_key(&address));
        role.push(Claim::new("reservations", "get,update", &keys));
    }
    let extra = job.and_then(|job| job.get::<Vec<ClaimText>>("ExtraClaims"));
    role.extend(extra.unwrap_or_default().iter().map(Claim::from));
    role
}
