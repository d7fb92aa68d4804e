//! Tenants: which objects somebody sees at all, before any role is asked (`models.md` §15).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use drp_core::{Error, RawModel};

use crate::objects::Objects;

const TENANTS: &str = "tenants";

/// The objects that the users of a tenant see. Types that it does not name are not restricted.
#[derive(Debug)]
pub(crate) struct Tenant {
    members: BTreeMap<String, BTreeSet<String>>,
}

impl Tenant {
    /// The tenants of a user: none or one, or all that name it if there are more.
    pub(super) fn all_of(objects: &Objects, user: &str) -> Result<Vec<Arc<Self>>, Error> {
        if objects.count(TENANTS)? == 0 {
            return Ok(Vec::new());
        }
        let names_user = |tenant: &Arc<RawModel>| {
            tenant.get::<Vec<String>>("Users").is_some_and(|users| users.iter().any(|name| name == user))
        };
        let tenants = objects.list(TENANTS)?.into_iter().filter(names_user);
        Ok(tenants.map(|tenant| Arc::new(Self::read(&tenant))).collect())
    }

    fn read(tenant: &RawModel) -> Self {
        let members: BTreeMap<String, Option<BTreeSet<String>>> = tenant.get("Members").unwrap_or_default();
        Self { members: members.into_iter().map(|(prefix, keys)| (prefix, keys.unwrap_or_default())).collect() }
    }

    pub(super) fn shows(&self, prefix: &str, key: &str) -> bool {
        self.members.get(prefix).is_none_or(|keys| keys.contains(key))
    }
}
