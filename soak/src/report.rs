//! What a run has shown.

use std::{fmt, sync::atomic::Ordering::Relaxed, time::Duration};

use crate::{run::World, usage::Usage};

/// What a run has shown: its table, and everything that must not be.
#[derive(Debug)]
pub struct Report {
    pub(crate) time: Duration,
    pub(crate) laps: u64,
    pub(crate) seed: u64,
    pub(crate) counts: Vec<(String, u64)>,
    pub(crate) usage: Usage,
    /// What must not be, in words; empty after a good run.
    pub findings: Vec<String>,
}

/// Events as all listeners together know them, but those of processes that were replaced.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Heard {
    pub(crate) handled: u64,
    pub(crate) lagged: u64,
    pub(crate) cut: u64,
}

impl Report {
    /// The counts of a run, in the order of the table.
    pub(crate) fn counts(world: &World, heard: Heard) -> Vec<(String, u64)> {
        let ledger = &world.ledger;
        let (lines, dropped) = world.log.totals();
        let increments = u64::try_from(world.writes.acknowledged()).unwrap_or_default();
        let mut counts = vec![
            ("actions answered as asked".to_owned(), ledger.answered.load(Relaxed)),
            ("actions refused with a reason".to_owned(), ledger.refused.load(Relaxed)),
            ("increments acknowledged and there".to_owned(), increments),
            ("other writes acknowledged and there".to_owned(), ledger.writes.load(Relaxed)),
            ("events sent".to_owned(), ledger.events.load(Relaxed)),
            ("events handled by all".to_owned(), heard.handled),
            ("events lost and counted".to_owned(), heard.lagged),
            ("events lost with a connection, and told".to_owned(), heard.cut),
            ("log lines there".to_owned(), lines),
            ("log lines told to be dropped".to_owned(), dropped),
        ];
        counts.extend(ledger.faults().into_iter().map(|(name, count)| (format!("plugins {name}"), count)));
        counts
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} laps in {} s, seed {}", self.laps, self.time.as_secs(), self.seed)?;
        for (name, count) in &self.counts {
            writeln!(f, "{name:<44} {count:>10}")?;
        }
        writeln!(
            f,
            "\n{:<28} {:>15} {:>13} {:>19}",
            "after warm-up -> at the end", "descriptors", "threads", "memory kB"
        )?;
        for (name, span) in self.usage.spans() {
            let (early, late) = (span.early, span.late);
            writeln!(
                f,
                "{name:<28} {:>6} -> {:>5} {:>5} -> {:>4} {:>8} -> {:>7}",
                early.descriptors, late.descriptors, early.threads, late.threads, early.memory_kb, late.memory_kb
            )?;
        }
        writeln!(f, "\n{} findings", self.findings.len())?;
        self.findings.iter().try_for_each(|finding| writeln!(f, "- {finding}"))
    }
}
