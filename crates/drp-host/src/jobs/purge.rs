//! Which jobs are more than somebody wants to keep (`api.md` §16.4).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use drp_core::{RawModel, Time};

use crate::types::is_over;

/// What is to go: a job that any of these says so of.
#[derive(Debug, Default)]
pub(crate) struct Purge {
    /// Jobs that each machine keeps, the newest ones.
    pub(crate) keep: Option<usize>,
    /// Age, in seconds since its end, from which on a failed job goes.
    pub(crate) failed_after_s: Option<u64>,
    /// As `failed_after_s`, of a job that was finished.
    pub(crate) complete_after_s: Option<u64>,
    /// Whose jobs alone are looked at.
    pub(crate) of: Owner,
}

/// Whose jobs a purge is about.
#[derive(Debug, Default)]
pub(crate) enum Owner {
    /// All machines.
    #[default]
    All,
    /// The machine with this key.
    Machine(String),
    /// Machines that are not there any more. All their jobs go.
    Missing,
}

impl Purge {
    /// The keys of the jobs that go, the oldest ones first. A machine's current job stays, and so does every job that
    /// is not over, unless its machine is gone.
    pub(super) fn select(&self, jobs: &[Arc<RawModel>], machines: &BTreeSet<String>, now_s: i64) -> Vec<String> {
        let mut by_machine: BTreeMap<String, Vec<&Arc<RawModel>>> = BTreeMap::new();
        for job in jobs {
            by_machine.entry(job.text("Machine")).or_default().push(job);
        }
        let mut going = Vec::new();
        for (machine, mut jobs) in by_machine {
            let is_missing = !machines.contains(&machine);
            let is_meant = match &self.of {
                Owner::All => true,
                Owner::Machine(wanted) => *wanted == machine,
                Owner::Missing => is_missing,
            };
            if !is_meant {
                continue;
            }
            jobs.sort_by_cached_key(|job| std::cmp::Reverse(time_ns(job, "StartTime")));
            for (newer, job) in jobs.into_iter().enumerate() {
                let goes = match self.of {
                    Owner::Missing => true,
                    _ => may_go(job, is_missing) && self.is_surplus(job, newer, now_s),
                };
                if goes {
                    going.push((time_ns(job, "StartTime"), job.text("Uuid")));
                }
            }
        }
        going.sort();
        going.into_iter().map(|(_, key)| key).collect()
    }

    fn is_surplus(&self, job: &RawModel, newer: usize, now_s: i64) -> bool {
        let limit_s = match job.text("State").as_str() {
            "failed" => self.failed_after_s,
            "finished" => self.complete_after_s,
            _ => None,
        };
        let age_s = i128::from(now_s) - time_ns(job, "EndTime") / 1_000_000_000;
        self.keep.is_some_and(|keep| newer >= keep) || limit_s.is_some_and(|limit_s| age_s >= i128::from(limit_s))
    }
}

fn may_go(job: &RawModel, is_missing: bool) -> bool {
    is_missing || (is_over(&job.text("State")) && job.get("Current") != Some(true))
}

fn time_ns(job: &RawModel, field: &str) -> i128 {
    let time: Option<Time> = job.get(field);
    time.and_then(|time| time.timestamp().ok()).map_or(0, |time| time.as_nanosecond())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    /// A job's key, machine, state, the second it began and ended, and whether it is its machine's current one.
    type Told<'a> = (&'a str, &'a str, &'a str, i64, bool);

    fn check(purge: &Purge, jobs: &[Told<'_>], expected: &[&str]) {
        let time = |second: i64| format!("1970-01-01T00:00:{second:02}Z");
        let jobs: Vec<_> = jobs
            .iter()
            .map(|(key, machine, state, second, current)| {
                let job = json!({ "Uuid": key, "Machine": machine, "State": state, "Current": current,
                    "StartTime": time(*second), "EndTime": time(*second) });
                Arc::new(RawModel::new(&job).unwrap())
            })
            .collect();
        assert_eq!(purge.select(&jobs, &BTreeSet::from(["m1".to_owned(), "m2".to_owned()]), 50), expected, "{purge:?}");
    }

    #[test]
    fn what_is_over_goes_by_number_and_age_and_nothing_else_does() {
        let jobs = [
            ("a", "m1", "finished", 10, false),
            ("b", "m1", "failed", 20, false),
            ("c", "m1", "incomplete", 30, false),
            ("d", "m1", "finished", 40, true),
            ("e", "m2", "running", 5, true),
            ("f", "m2", "failed", 1, false),
            ("g", "gone", "running", 3, true),
        ];
        let keep = |count| Purge { keep: Some(count), ..Purge::default() };
        check(&Purge::default(), &jobs, &[]);
        check(&keep(2), &jobs, &["a", "b"]);
        check(&keep(1), &jobs, &["f", "a", "b", "c"]);
        check(&keep(0), &jobs, &["f", "g", "a", "b", "c"]);
        check(&Purge { failed_after_s: Some(30), ..Purge::default() }, &jobs, &["f", "b"]);
        check(&Purge { complete_after_s: Some(40), ..Purge::default() }, &jobs, &["a"]);
        check(&Purge { of: Owner::Machine("m2".to_owned()), ..keep(0) }, &jobs, &["f"]);
        check(&Purge { of: Owner::Missing, ..Purge::default() }, &jobs, &["g"]);
    }
}
