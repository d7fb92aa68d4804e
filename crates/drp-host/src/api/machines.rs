//! Tokens of machines, and who a machine is that does not know it (`api.md` §2.2, `models.md` §12.4).

use std::sync::Arc;

use axum::extract::State;
use drp_core::{Fingerprint, RawModel, Whoami, WhoamiResult};
use http::StatusCode;
use serde_json::json;

use super::{
    info, objects,
    reply::{self, Reply},
    request::{At, Call, JsonBody, Query},
    users,
};
use crate::shared::Shared;

const MACHINES: &str = "machines";
/// Life of the token that a machine gets with its name: that of its agent.
const AGENT_TTL_S: u64 = 3 * 365 * 24 * 3600;
/// Points from which on a machine is the one that asks.
const SCORE_MIN: usize = 100;
/// Addresses, or memory modules, that one system has.
const PARTS_MAX: usize = 1024;

/// `GET /machines/UUID/token?ttl=`.
pub(super) async fn token(State(shared): State<Arc<Shared>>, call: Call, At(key): At<String>, query: Query) -> Reply {
    call.require(MACHINES, "token", &key)?;
    let ttl_s = users::ttl_s(&query).map_err(|problem| call.error(400, problem).about(MACHINES, &key))?;
    let machine = objects::exists(&shared, &call, MACHINES, &key)?;
    let token = shared.auth.issue_machine_token(&machine, ttl_s);
    reply::json(StatusCode::OK, &json!({ "Token": token, "Info": info::info(&shared, &call.by) }))
}

/// `POST /whoami`: the body with the machine that fits best, if one fits well enough. Its token comes along for who
/// may have it.
pub(super) async fn whoami(State(shared): State<Arc<Shared>>, call: Call, JsonBody(body): JsonBody) -> Reply {
    call.require(MACHINES, "whoami", "")?;
    let mut asked: Whoami = call.parse_or_default(&body)?;
    let parts = asked.mac_addrs.len().max(asked.fingerprint.memory_ids.len());
    if parts > PARTS_MAX {
        let text = format!("whoami takes up to {PARTS_MAX} MacAddrs and MemoryIds, not {parts}");
        return Err(call.error(400, text).about(MACHINES, "").into());
    }
    let kind = objects::find_kind(&shared, &call, MACHINES)?;
    let machines = shared.objects.list(MACHINES)?.into_iter().filter(|machine| call.by.sees_object(&kind, machine));
    let scored = machines.map(|machine| (score(&asked, &machine), machine));
    // Of two that fit alike it is the first one.
    let best = scored.reduce(|best, next| if next.0 > best.0 { next } else { best });
    asked.result = WhoamiResult::default();
    if let Some((score, machine)) = best.filter(|(score, _)| *score >= SCORE_MIN) {
        let uuid = machine.text("Uuid");
        let is_allowed = call.by.allows(MACHINES, "token", &uuid);
        let token = if is_allowed { shared.auth.issue_machine_token(&machine, AGENT_TTL_S) } else { String::new() };
        asked.result = WhoamiResult {
            score: i64::try_from(score).unwrap_or(i64::MAX),
            uuid: uuid.parse().unwrap_or_default(),
            token: token.into(),
            ..WhoamiResult::default()
        };
    }
    asked.mac_addrs.fill();
    reply::json(StatusCode::OK, &asked)
}

/// How well a machine fits what a system says of itself. What the machine does not know scores nothing.
fn score(asked: &Whoami, machine: &RawModel) -> usize {
    let known: Fingerprint = machine.get("Fingerprint").unwrap_or_default();
    let texts = [
        (json!(known.ssn_hash), json!(asked.fingerprint.ssn_hash), 25),
        (json!(known.csn_hash), json!(asked.fingerprint.csn_hash), 25),
        (json!(known.system_uuid), json!(asked.fingerprint.system_uuid), 50),
        (json!(known.cloud_instance_id), json!(asked.fingerprint.cloud_instance_id), 500),
        (json!(machine.text("Uuid")), json!(asked.on_disk_uuid), 1000),
    ];
    let same = |known: &serde_json::Value, said| known.as_str().is_some_and(|text| !text.is_empty()) && known == said;
    let points: usize = texts.iter().filter(|(known, said, _)| same(known, said)).map(|(.., points)| points).sum();
    let addresses: Vec<String> = machine.get("HardwareAddrs").unwrap_or_default();
    points + share(&known.memory_ids, &asked.fingerprint.memory_ids) + share(&addresses, &asked.mac_addrs)
}

/// Hundredths of what is known that were said too.
fn share(known: &[String], said: &[String]) -> usize {
    let matched = known.iter().filter(|one| said.contains(one)).count();
    (100 * matched).checked_div(known.len()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_machine_is_known_by_what_it_has() {
        let machine = RawModel::new(&json!({
            "Uuid": "u1", "HardwareAddrs": ["00:00:00:00:00:01", "00:00:00:00:00:02", "00:00:00:00:00:03"],
            "Fingerprint": { "SSNHash": "AA==", "CSNHash": "", "SystemUUID": "s1", "CloudInstanceID": "aws:i-1",
                "MemoryIds": ["AQ==", "Ag=="] },
        }))
        .unwrap();
        let check = |asked: serde_json::Value, expected| {
            assert_eq!(score(&serde_json::from_value(asked.clone()).unwrap(), &machine), expected, "{asked}");
        };
        check(json!({}), 0);
        check(json!({ "OnDiskUUID": "u1" }), 1000);
        check(json!({ "Fingerprint": { "SSNHash": "AA==", "CSNHash": "", "SystemUUID": "s1" } }), 75);
        check(json!({ "Fingerprint": { "CloudInstanceID": "aws:i-1", "MemoryIds": ["Ag=="] } }), 550);
        check(json!({ "MacAddrs": ["00:00:00:00:00:01", "00:00:00:00:00:02", "ff"] }), 66);
        check(json!({ "MacAddrs": null, "Fingerprint": { "SSNHash": null } }), 0);
    }
}
