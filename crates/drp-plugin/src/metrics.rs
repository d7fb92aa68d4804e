//! What a plugin has done, and how fast: counters that cost next to nothing, told on an endpoint and in the log.

use std::{
    fmt::Write,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

/// Work of one kind.
#[derive(Debug, Default)]
pub(crate) struct Work {
    begun: AtomicU64,
    ended: AtomicU64,
    failed: AtomicU64,
    micros: AtomicU64,
}

/// One piece of work that is being done; it ends with this.
pub(crate) struct Doing<'a> {
    work: &'a Work,
    since: Instant,
}

impl Work {
    pub(crate) fn begin(&self) -> Doing<'_> {
        self.begun.fetch_add(1, Relaxed);
        Doing { work: self, since: Instant::now() }
    }

    fn running(&self) -> u64 {
        self.begun.load(Relaxed).saturating_sub(self.ended.load(Relaxed))
    }

    fn time(&self) -> Duration {
        Duration::from_micros(self.micros.load(Relaxed))
    }
}

impl Doing<'_> {
    /// It has ended, well or not.
    pub(crate) fn end(self, well: bool) {
        if !well {
            self.work.failed.fetch_add(1, Relaxed);
        }
    }
}

impl Drop for Doing<'_> {
    fn drop(&mut self) {
        self.work.ended.fetch_add(1, Relaxed);
        let micros = u64::try_from(self.since.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.work.micros.fetch_add(micros, Relaxed);
    }
}

/// All counters of a plugin.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    pub(crate) actions: Work,
    pub(crate) events: Work,
    pub(crate) configs: Work,
    pub(crate) events_dropped: AtomicU64,
    pub(crate) events_coalesced: AtomicU64,
    /// Events that wait now.
    pub(crate) events_waiting: AtomicU64,
    /// How often the event stream came back.
    pub(crate) resyncs: AtomicU64,
}

impl Metrics {
    /// As Prometheus reads it.
    pub(crate) fn exposition(&self) -> String {
        let mut text = String::new();
        for (name, help, work) in [
            ("actions", "Actions", &self.actions),
            ("event_handlers", "Calls of event handlers", &self.events),
            ("configurations", "Configurations", &self.configs),
        ] {
            let ended = work.ended.load(Relaxed);
            metric(&mut text, &format!("{name}_total"), "counter", &format!("{help} that have ended"), ended);
            let failed = work.failed.load(Relaxed);
            metric(&mut text, &format!("{name}_failed_total"), "counter", &format!("{help} that failed"), failed);
            metric(&mut text, &format!("{name}_running"), "gauge", &format!("{help} that run now"), work.running());
            let seconds = work.time().as_secs_f64();
            metric(&mut text, &format!("{name}_seconds_total"), "counter", &format!("Time of all {name}"), seconds);
        }
        let load = |counter: &AtomicU64| counter.load(Relaxed);
        let dropped = load(&self.events_dropped);
        metric(&mut text, "events_dropped_total", "counter", "Events that were lost", dropped);
        let coalesced = load(&self.events_coalesced);
        metric(&mut text, "events_coalesced_total", "counter", "Events that a newer one replaced", coalesced);
        metric(&mut text, "events_waiting", "gauge", "Events that wait for a handler", load(&self.events_waiting));
        metric(
            &mut text,
            "event_stream_resyncs_total",
            "counter",
            "Times the event stream came back",
            load(&self.resyncs),
        );
        text
    }

    /// One line for the log.
    pub(crate) fn summary(&self) -> String {
        let load = |counter: &AtomicU64| counter.load(Relaxed);
        let mean = |work: &Work| work.time().checked_div(u32::try_from(load(&work.ended)).unwrap_or(u32::MAX));
        format!(
            "{} actions ({} failed, {:?} each), {} events handled ({} failed, {:?} each), {} waiting, {} dropped, {} \
             resyncs",
            load(&self.actions.ended),
            load(&self.actions.failed),
            mean(&self.actions).unwrap_or_default(),
            load(&self.events.ended),
            load(&self.events.failed),
            mean(&self.events).unwrap_or_default(),
            load(&self.events_waiting),
            load(&self.events_dropped),
            load(&self.resyncs),
        )
    }
}

fn metric(text: &mut String, name: &str, kind: &str, help: &str, value: impl std::fmt::Display) {
    // Writing into a text cannot fail.
    let _ =
        writeln!(text, "# HELP drp_plugin_{name} {help}\n# TYPE drp_plugin_{name} {kind}\ndrp_plugin_{name} {value}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_counted_from_its_beginning_to_its_end() {
        let metrics = Metrics::default();
        let (first, second) = (metrics.actions.begin(), metrics.actions.begin());
        first.end(false);
        let text = metrics.exposition();
        for line in [
            "drp_plugin_actions_total 1",
            "drp_plugin_actions_failed_total 1",
            "drp_plugin_actions_running 1",
            "# TYPE drp_plugin_events_waiting gauge",
        ] {
            assert!(text.lines().any(|there| there == line), "{line} in {text}");
        }
        // One that is dropped half-way, as by a cancellation, has ended as well.
        drop(second);
        assert!(metrics.summary().starts_with("2 actions (1 failed"), "{}", metrics.summary());
    }
}
