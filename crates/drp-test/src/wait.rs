//! Waiting for what the provider says and causes.

use std::{fmt::Write, future::Future, panic::Location, sync::Arc};

use drp_core::{Event, Line, Selector};

use crate::TestHost;

/// How much of what was seen instead is shown.
const SHOWN_MAX: usize = 20;

impl TestHost {
    /// Waits for a line of the host's log that contains the text, and gives it. Each line is given once, so that the
    /// same text can be waited for again.
    ///
    /// # Panics
    /// It does not come within the [patience](Self::with_patience); the text shows the last lines.
    #[track_caller]
    pub fn wait_for_log(&self, text: &str) -> impl Future<Output = Arc<Line>> {
        let caller = Location::caller();
        async move {
            let found = self.logs.take(self.patience, |line| line.message.contains(text)).await;
            found.unwrap_or_else(|| {
                let seen = self.logs.all();
                let lines = seen.iter().map(|line| format!("{} {}: {}", line.level, line.service, line.message));
                panic!("{}", self.in_vain(caller, &format!("a log line with `{text}`"), "log lines", lines))
            })
        }
    }

    /// Waits for an event that the selector selects, such as `machines.update.*`, and gives it. Each event is given
    /// once. Log lines are no events here; see [`wait_for_log`](Self::wait_for_log).
    ///
    /// # Panics
    /// The selector is none, or no such event comes within the [patience](Self::with_patience); the text shows the last
    /// ones.
    #[track_caller]
    pub fn wait_for_event(&self, selector: &str) -> impl Future<Output = Event> {
        let caller = Location::caller();
        let wanted: Selector = selector.parse().unwrap_or_else(|error| panic!("{caller}: {error}"));
        async move {
            let found = self.events.take(self.patience, |event| wanted.matches(event)).await;
            found.unwrap_or_else(|| {
                let seen = self.events.all();
                let events = seen.iter().map(|event| format!("{}.{}.{}", event.type_, event.action, event.key));
                let what = match self.events.lost() {
                    0 => format!("an event `{wanted}`"),
                    lost => format!("an event `{wanted}`, while {lost} were lost"),
                };
                panic!("{}", self.in_vain(caller, &what, "events", events))
            })
        }
    }

    /// What the plugin has logged so far, oldest first.
    #[must_use]
    pub fn logged(&self) -> Vec<Arc<Line>> {
        let principal = format!("plugin:{}", self.plugin_name());
        self.logs.all().into_iter().filter(|line| line.principal == principal).collect()
    }

    /// The events so far, oldest first, without those of log lines.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.events.all()
    }

    fn in_vain(
        &self,
        caller: &Location<'_>,
        what: &str,
        kind: &str,
        seen: impl DoubleEndedIterator<Item = String> + ExactSizeIterator,
    ) -> String {
        let mut text = format!("{caller}: waited {:?} in vain for {what}; ", self.patience);
        let all = seen.len();
        // Writing to a string cannot fail.
        let _ = match all {
            0 => write!(text, "there were no {kind}"),
            1..=SHOWN_MAX => write!(text, "these {kind} came:"),
            _ => write!(text, "the last {SHOWN_MAX} of {all} {kind} are:"),
        };
        for line in seen.skip(all.saturating_sub(SHOWN_MAX)) {
            let _ = write!(text, "\n  {line}");
        }
        text
    }
}
