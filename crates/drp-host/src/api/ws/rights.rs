//! What the client of a websocket may see, for as long as it is open (`api.md` §13.3).
//!
//! Events come in the order of the changes, also those about users, roles and tenants. So it is enough to ask again
//! when one of these passes: what comes behind it is judged by what was true then.

use std::sync::Arc;

use drp_core::{Event, RawModel};
use http::{HeaderMap, header::AUTHORIZATION};

use crate::{
    auth::{Auth, Denied, Principal, now_s},
    shared::Shared,
};

/// The types whose changes may change what somebody may do; content and providers bring roles and tenants along.
const DECISIVE: [&str; 6] = ["users", "roles", "tenants", "preferences", "contents", "plugin_providers"];
const JOBS: &str = "jobs";
const MACHINES: &str = "machines";

/// What a client may see, and how to ask again.
pub(super) struct Rights {
    pub(super) by: Principal,
    auth: Arc<Auth>,
    /// Who the client said it is when it came.
    authorization: HeaderMap,
    token: Option<String>,
    /// How many tokens of this process were revoked when it was asked last.
    revoked: u64,
}

impl Rights {
    pub(super) fn new(shared: &Shared, by: Principal, headers: &HeaderMap, token: Option<&str>) -> Self {
        let mut authorization = HeaderMap::new();
        if let Some(header) = headers.get(AUTHORIZATION) {
            authorization.insert(AUTHORIZATION, header.clone());
        }
        // What was revoked between the request and now is noticed at the first event.
        Self { by, auth: Arc::clone(&shared.auth), authorization, token: token.map(str::to_owned), revoked: 0 }
    }

    /// Whether what was found out last is still true when this event comes.
    pub(super) fn are_fresh(&self, event: &Event) -> bool {
        let is_own = || self.by.name.strip_prefix("runner:").is_some_and(|uuid| machine_of(event) == uuid);
        self.revoked == self.auth.revoked()
            && self.by.ends_s.is_none_or(|ends_s| now_s() < ends_s)
            && !DECISIVE.contains(&event.type_.as_str())
            && !(matches!(event.type_.as_str(), MACHINES | JOBS) && is_own())
    }

    /// Asks again, and says whether the client would be let in now. While that cannot be found out nothing changes.
    pub(super) async fn renew(&mut self) -> bool {
        let revoked = self.auth.revoked();
        match self.auth.authenticate(&self.authorization, self.token.as_deref()).await {
            Ok(by) => {
                self.by = by;
                self.revoked = revoked;
                true
            }
            Err(Denied::Failed(_)) => true,
            Err(_) => false,
        }
    }

    /// Whether the client may see an event.
    pub(super) fn allow(&self, event: &Event) -> bool {
        let Event { type_, action, key, .. } = event;
        if type_ != JOBS {
            return self.by.allows(type_, action, key) && self.by.sees(type_, key);
        }
        // Claims on jobs speak of their machines.
        let machine = machine_of(event);
        self.by.allows(JOBS, action, &machine) && self.by.sees(JOBS, key) && self.by.sees(MACHINES, &machine)
    }
}

/// The machine that an event about a machine or a job is about.
fn machine_of(event: &Event) -> String {
    if event.type_ == MACHINES {
        return event.key.clone();
    }
    event.object.parse::<RawModel>().map(|job| job.text("Machine")).unwrap_or_default()
}
