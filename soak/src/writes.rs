//! What the server has acknowledged to have written, and whether it is there.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use anyhow::Result;
use drp_client::{Client, ClientError, Query};
use drp_core::{Machine, Profile};
use serde_json::json;

use crate::ledger::Ledger;

/// Machines that are added to.
pub(crate) const MACHINES: [&str; 4] = ["soak-1", "soak-2", "soak-3", "soak-4"];
/// Profiles that are there at the same time; older ones are deleted, so that the store stays as large as it is.
const PROFILES_MAX: u64 = 50;
/// Begins the names of the profiles.
const PROFILE: &str = "soak-";

/// Writes that were acknowledged.
#[derive(Debug, Default)]
pub(crate) struct Writes {
    /// By machine and param.
    added: Mutex<BTreeMap<(&'static str, &'static str), Added>>,
    /// Profiles that are there, with their descriptions.
    profiles: Mutex<BTreeMap<String, String>>,
}

/// How often something was added to a param.
#[derive(Clone, Copy, Debug, Default)]
struct Added {
    acknowledged: i64,
    /// Answered with an error, so it may have happened.
    unknown: i64,
}

impl Writes {
    /// Counts what came of adding 1.
    pub(crate) fn added(&self, machine: &'static str, param: &'static str, acknowledged: bool) {
        let mut added = self.added.lock().unwrap_or_else(PoisonError::into_inner);
        let added = added.entry((machine, param)).or_default();
        if acknowledged { added.acknowledged += 1 } else { added.unknown += 1 }
    }

    pub(crate) fn acknowledged(&self) -> i64 {
        let added = self.added.lock().unwrap_or_else(PoisonError::into_inner);
        added.values().map(|added| added.acknowledged).sum()
    }

    /// Makes the profile of this number, changes it, and deletes one that is old.
    ///
    /// # Errors
    /// The server refuses a write, for which it never has a reason here.
    pub(crate) async fn write(&self, client: &Client, number: u64, ledger: &Ledger) -> Result<(), ClientError> {
        let profiles = client.objects::<Profile>();
        let name = format!("{PROFILE}{number:08}");
        profiles.create(&json!({ "Name": name, "Description": "new" })).await?;
        self.profiles().insert(name.clone(), "new".to_owned());
        let description = format!("number {number}");
        profiles.update(&name, |profile| profile.description.clone_from(&description)).await?;
        self.profiles().insert(name, description);
        Ledger::add(&ledger.writes, 2);
        if let Some(old) = number.checked_sub(PROFILES_MAX) {
            let old = format!("{PROFILE}{old:08}");
            profiles.delete(&old).await?;
            self.profiles().remove(&old);
            Ledger::add(&ledger.writes, 1);
        }
        Ok(())
    }

    /// The number of the next profile.
    pub(crate) fn next_number(&self) -> u64 {
        let last = self.profiles().last_key_value().and_then(|(name, _)| name.strip_prefix(PROFILE)?.parse().ok());
        last.map_or(0, |last: u64| last + 1)
    }

    /// Compares with what the server has.
    ///
    /// # Errors
    /// The server does not answer.
    pub(crate) async fn check(&self, client: &Client, ledger: &Ledger) -> Result<()> {
        let added = self.added.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for ((machine, param), added) in added {
            let params = client.objects::<Machine>().params(&format!("Name:{machine}"));
            let value = params.get::<i64>(param).await?.unwrap_or(0);
            if !(added.acknowledged..=added.acknowledged + added.unknown).contains(&value) {
                ledger.find(format!(
                    "{param} of {machine} is {value}: {} times it was acknowledged to be added to, and {} times an error came",
                    added.acknowledged, added.unknown
                ));
            }
        }
        let there = client.objects::<Profile>().list(&Query::new()).await?.into_iter();
        let there = there.filter(|profile| profile.name.starts_with(PROFILE));
        let there: BTreeMap<String, String> =
            there.map(|profile| (profile.name.clone(), profile.description.clone())).collect();
        let wanted = self.profiles().clone();
        for (name, description) in &wanted {
            if there.get(name) != Some(description) {
                ledger.find(format!("profile {name} is {:?} and not {description:?}", there.get(name)));
            }
        }
        for name in there.keys().filter(|name| !wanted.contains_key(*name)) {
            ledger.find(format!("profile {name} is there again: its deletion was acknowledged"));
        }
        Ok(())
    }

    fn profiles(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.profiles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
