//! What was asked for and what came of it.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// Findings that are told; more of them tell nothing new.
const FINDINGS_MAX: usize = 50;

/// Counts of one run.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Actions that were answered as they should be.
    pub(crate) answered: AtomicU64,
    /// Actions on plugins that a fault had met, answered with an error that says why.
    pub(crate) refused: AtomicU64,
    /// Events that the server took.
    pub(crate) events: AtomicU64,
    /// Writes that the server took.
    pub(crate) writes: AtomicU64,
    /// Faults that came, by what they are called.
    faults: Mutex<BTreeMap<&'static str, u64>>,
    /// Lines that the action `log` was asked for, by plugin.
    lines: Mutex<BTreeMap<String, u64>>,
    findings: Mutex<Vec<String>>,
}

impl Ledger {
    pub(crate) fn add(count: &AtomicU64, more: u64) {
        count.fetch_add(more, Relaxed);
    }

    /// Something that must not be.
    pub(crate) fn find(&self, finding: impl Into<String>) {
        let mut findings = self.findings.lock().unwrap_or_else(PoisonError::into_inner);
        if findings.len() < FINDINGS_MAX {
            findings.push(finding.into());
        }
    }

    pub(crate) fn findings(&self) -> Vec<String> {
        self.findings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn count_fault(&self, name: &'static str) {
        *self.faults.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default() += 1;
    }

    pub(crate) fn faults(&self) -> BTreeMap<&'static str, u64> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn ask_for_lines(&self, plugin: &str, count: u64) {
        *self.lines.lock().unwrap_or_else(PoisonError::into_inner).entry(plugin.to_owned()).or_default() += count;
    }

    pub(crate) fn lines_of(&self, plugin: &str) -> u64 {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).get(plugin).copied().unwrap_or_default()
    }
}
