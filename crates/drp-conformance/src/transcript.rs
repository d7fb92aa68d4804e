//! What went on in a check, for whoever has to understand its finding.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use crate::mask::Mask;

/// What is kept: the end of what went on.
const ENTRIES_MAX: usize = 24;
/// Bytes of one entry.
const ENTRY_BYTES_MAX: usize = 600;

/// Takes down what is said, without secrets; clones write into the same.
#[derive(Clone)]
pub(crate) struct Transcript {
    start: Instant,
    mask: Mask,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    entries: VecDeque<String>,
    dropped: usize,
}

impl Transcript {
    pub(crate) fn new(mask: Mask) -> Self {
        Self { start: Instant::now(), mask, kept: Arc::default() }
    }

    /// Adds a line; the oldest goes where there are too many.
    pub(crate) fn add(&self, who: &str, what: &str) {
        let mut kept = self.kept();
        if kept.entries.len() == ENTRIES_MAX {
            kept.entries.pop_front();
            kept.dropped += 1;
        }
        let elapsed_ms = self.start.elapsed().as_millis();
        let what = excerpt(&self.mask.apply(what), ENTRY_BYTES_MAX);
        kept.entries.push_back(format!("{elapsed_ms:>6} ms {who:<9} {what}"));
    }

    /// All that is kept, in order.
    pub(crate) fn lines(&self) -> Vec<String> {
        let kept = self.kept();
        let before = (kept.dropped > 0).then(|| format!("… {} lines before", kept.dropped));
        before.into_iter().chain(kept.entries.iter().cloned()).collect()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The beginning of a text in one line, with the length of the whole where it is longer.
pub(crate) fn excerpt(text: &str, bytes_max: usize) -> String {
    let text = text.trim_end();
    let cut = text.floor_char_boundary(bytes_max);
    let mut shown = String::with_capacity(cut);
    for c in text.get(..cut).unwrap_or_default().chars() {
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    if cut < text.len() {
        shown.push_str(&format!("… ({} bytes)", text.len()));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept_masked_and_in_one_line_each() {
        let transcript = Transcript::new(Mask::new(["hunter22".to_owned()]));
        (0..30).for_each(|number| transcript.add("log", &format!("line {number}\nhunter22")));
        let lines = transcript.lines();
        assert_eq!((lines.len(), lines[0].as_str()), (ENTRIES_MAX + 1, "… 6 lines before"));
        assert!(lines[24].ends_with(r"log       line 29\n<secret>"), "{}", lines[24]);
        // Cut only after it was masked, or half of a secret would be left.
        assert_eq!(excerpt(&"ä".repeat(400), 7), "äää… (800 bytes)");
    }
}
