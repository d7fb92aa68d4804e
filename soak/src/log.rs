//! What the server's log says, line by line.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;

/// The token of all probes. It must not be in the log, whatever their action `secret` does.
pub(crate) const TOKEN: &str = "soak-token-6Yw1cVq8";

/// What of the log is of interest.
#[derive(Debug, Default)]
pub(crate) struct LogWatch(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    /// Lines that the action `log` wrote, and lines that a plugin said were dropped, by plugin.
    lines: BTreeMap<String, u64>,
    dropped: BTreeMap<String, u64>,
    /// Lines that the server itself left out; it does not say whose.
    left_out: u64,
    findings: Vec<String>,
}

impl LogWatch {
    pub(crate) fn read(&self, text: &str) {
        let mut seen = self.seen();
        if text.contains(TOKEN) {
            seen.findings.push("the probes' token is in the log".to_owned());
        }
        let Ok(line) = serde_json::from_str::<Value>(text) else {
            seen.findings.push(format!("the server says what is no line of its log: {text}"));
            return;
        };
        let part = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default();
        let message = part("message");
        let count = || message.split(' ').next().and_then(|word| word.parse::<u64>().ok()).unwrap_or_default();
        let Some(plugin) = part("principal").strip_prefix("plugin:").map(str::to_owned) else {
            if message.contains("lines are missing here") {
                seen.left_out += count();
            } else if message.contains("panicked") {
                seen.findings.push(format!("the server panicked: {message}"));
            }
            return;
        };
        if message.starts_with("probe line ") {
            *seen.lines.entry(plugin).or_default() += 1;
        } else if message.contains("log lines were dropped") {
            *seen.dropped.entry(plugin).or_default() += count();
        }
    }

    /// Lines that the action `log` of a plugin wrote, and that are there or were told to be dropped. Those that the
    /// server left out are counted with all.
    pub(crate) fn accounted(&self, plugin: &str) -> u64 {
        let seen = self.seen();
        let of = |counts: &BTreeMap<String, u64>| counts.get(plugin).copied().unwrap_or_default();
        of(&seen.lines) + of(&seen.dropped) + seen.left_out
    }

    /// Lines that are there, and lines that were told to be dropped or left out.
    pub(crate) fn totals(&self) -> (u64, u64) {
        let seen = self.seen();
        (seen.lines.values().sum(), seen.dropped.values().sum::<u64>() + seen.left_out)
    }

    pub(crate) fn findings(&self) -> Vec<String> {
        self.seen().findings.clone()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_by_plugin_and_so_is_what_was_dropped() {
        let log = LogWatch::default();
        for text in [
            r#"{"service":"probe","message":"probe line 1","principal":"plugin:a"}"#,
            r#"{"service":"probe","message":"7 log lines were dropped: too fast","principal":"plugin:a"}"#,
            r#"{"service":"probe","message":"probe line 1","principal":"plugin:b"}"#,
            r#"{"service":"log","message":"3 lines are missing here: they came too fast"}"#,
        ] {
            log.read(text);
        }
        assert_eq!((log.accounted("a"), log.accounted("b"), log.totals()), (11, 4, (2, 10)));
        assert!(log.findings().is_empty());
    }

    #[test]
    fn secrets_panics_of_the_server_and_stray_output_are_findings() {
        let log = LogWatch::default();
        log.read(&format!(r#"{{"message":"token={TOKEN}"}}"#));
        log.read(r#"{"message":"thread panicked"}"#);
        log.read("note: run with RUST_BACKTRACE=1");
        assert_eq!(log.findings().len(), 3);
    }
}
