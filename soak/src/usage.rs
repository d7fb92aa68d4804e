//! Descriptors, threads and memory over a run, and whether they grow.

use std::collections::BTreeMap;

use crate::process::Held;

/// Descriptors more at the end that are no growth: connections that wait to be used again for up to two minutes. The
/// server has some with each of its plugins.
const DESCRIPTORS_MORE: u64 = 8;
const DESCRIPTORS_MORE_PERCENT: u64 = 10;
/// Threads more at the end that are no growth: those for blocking work go after ten idle seconds.
const THREADS_MORE: u64 = 6;
/// Memory more at the end that is no growth: a part, and what the store's cache and the allocator's arenas, which
/// settle late, come to.
const MEMORY_MORE_PERCENT: u64 = 10;
const MEMORY_MORE_KB: u64 = 16 << 10;

/// What processes held in each quiet moment, by name.
#[derive(Debug, Default)]
pub(crate) struct Usage(BTreeMap<String, Vec<Held>>);

/// The medians of one process after the warm-up and at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) early: Held,
    pub(crate) late: Held,
}

impl Usage {
    pub(crate) fn add(&mut self, name: &str, held: Held) {
        self.0.entry(name.to_owned()).or_default().push(held);
    }

    /// The spans of all, the server's first as its name is shorter.
    pub(crate) fn spans(&self) -> Vec<(&str, Span)> {
        let mut spans: Vec<_> = self.0.iter().filter_map(|(name, held)| Some((name.as_str(), span(held)?))).collect();
        spans.sort_by_key(|(name, _)| name.contains('-'));
        spans
    }
}

/// A fifth of the run is its warm-up; the fifth after that is compared with the last one.
fn span(held: &[Held]) -> Option<Span> {
    let part = (held.len() / 5).max(1);
    let warm = if held.len() > 2 { &held[part..] } else { held };
    let (early, late) = (warm.get(..part)?, warm.get(warm.len().checked_sub(part)?..)?);
    Some(Span { early: median(early)?, late: median(late)? })
}

fn median(held: &[Held]) -> Option<Held> {
    let of = |part: fn(&Held) -> u64| {
        let mut numbers: Vec<u64> = held.iter().map(part).collect();
        numbers.sort_unstable();
        numbers.get(numbers.len() / 2).copied()
    };
    Some(Held {
        descriptors: of(|held| held.descriptors)?,
        threads: of(|held| held.threads)?,
        memory_kb: of(|held| held.memory_kb)?,
    })
}

impl Span {
    /// What has grown.
    pub(crate) fn growth(&self) -> Vec<String> {
        let Self { early, late } = self;
        let descriptors = early.descriptors + early.descriptors * DESCRIPTORS_MORE_PERCENT / 100 + DESCRIPTORS_MORE;
        let memory = early.memory_kb + early.memory_kb * MEMORY_MORE_PERCENT / 100 + MEMORY_MORE_KB;
        let limits = [
            ("descriptors", early.descriptors, late.descriptors, descriptors),
            ("threads", early.threads, late.threads, early.threads + THREADS_MORE),
            ("kB of memory", early.memory_kb, late.memory_kb, memory),
        ];
        let grown = limits.into_iter().filter(|(_, _, late, limit)| late > limit);
        grown.map(|(what, early, late, limit)| format!("{early} {what} became {late}, over {limit}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(descriptors: u64, memory_kb: u64) -> Held {
        Held { descriptors, threads: 4, memory_kb }
    }

    #[test]
    fn the_warm_up_and_what_is_flat_is_no_growth() {
        let flat: Vec<Held> = (0..20).map(|lap| held(if lap < 4 { 10 } else { 60 }, 30_000 + lap % 3)).collect();
        assert!(span(&flat).unwrap().growth().is_empty());
        assert_eq!(span(&[held(1, 1)]).unwrap().growth(), [""; 0]);
        assert_eq!(span(&[]), None);
    }

    #[test]
    fn what_leaks_a_little_in_each_lap_is_found() {
        let leak: Vec<Held> = (0..20).map(|lap| held(10 + lap, 30_000 + 2000 * lap)).collect();
        assert_eq!(
            span(&leak).unwrap().growth(),
            ["16 descriptors became 28, over 25", "42000 kB of memory became 66000, over 62584"]
        );
    }
}
