//! Who listens to events, and whether all that were sent are handled, or told to be lost.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Result;
use drp_client::{Client, StreamItem};
use drp_core::Params;
use serde::Deserialize;
use tokio_util::task::AbortOnDropHandle;

use crate::plugins::{Plugin, Role};

/// Time without a change after which nothing is taken to be on its way any more.
const QUIET_TIME: Duration = Duration::from_secs(1);

/// What a listener has seen, as the probe's action `seen` tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Tally {
    pub(crate) handled: u64,
    pub(crate) lagged: u64,
    pub(crate) resyncs: u64,
    pub(crate) out_of_order: u64,
}

impl Tally {
    fn events(&self) -> u64 {
        self.handled + self.lagged
    }
}

/// What a listener had to bear in a lap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Undisturbed,
    Cut,
    /// Its process is another one, which counts from zero.
    Replaced,
}

/// Whether all events of a lap are accounted for.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// They are. So many were lost, which a listener was told.
    Complete(u64),
    /// Not yet, and what is missing.
    Waiting(String),
    /// It cannot become right any more.
    Wrong(String),
}

/// A stream of events of this process.
struct Stream {
    tally: Arc<Mutex<Tally>>,
    _reading: AbortOnDropHandle<()>,
}

/// Who listens.
enum Source {
    /// The plugin with this place among all.
    Plugin(usize),
    Stream(Stream),
}

/// One who listens, with what is known of the laps before.
pub(crate) struct Listener {
    name: String,
    source: Source,
    before: Tally,
    sent_before: u64,
    now: Tally,
    changed: Instant,
    done: Option<u64>,
}

impl Listener {
    /// A plugin with the action `seen`.
    pub(crate) fn plugin(index: usize, plugin: &Plugin) -> Self {
        Self::new(plugin.name.clone(), Source::Plugin(index))
    }

    /// A stream of this process by way of `client`.
    pub(crate) async fn stream(name: &str, client: &Client) -> Result<Self> {
        let mut events = client.events(vec!["probe.*.*".parse()?]).await?;
        let tally = Arc::new(Mutex::new(Tally::default()));
        let counts = Arc::clone(&tally);
        let reading = tokio::spawn(async move {
            while let Some(item) = events.next().await {
                let mut tally = counts.lock().unwrap_or_else(PoisonError::into_inner);
                match item {
                    StreamItem::Event(_) => tally.handled += 1,
                    StreamItem::Lagged(count) => tally.lagged += count,
                    StreamItem::Resynced => tally.resyncs += 1,
                    _ => {}
                }
            }
        });
        let stream = Stream { tally, _reading: AbortOnDropHandle::new(reading) };
        Ok(Self::new(name.to_owned(), Source::Stream(stream)))
    }

    fn new(name: String, source: Source) -> Self {
        let (before, now) = Default::default();
        Self { name, source, before, sent_before: 0, now, changed: Instant::now(), done: None }
    }

    /// Begins to count anew, with what is seen by now.
    pub(crate) fn begin(&mut self, sent: u64) {
        (self.before, self.sent_before, self.done) = (self.now, sent, None);
    }

    /// Reads what it has seen.
    pub(crate) async fn look(&mut self, client: &Client, plugins: &[Plugin]) {
        let now = match &self.source {
            Source::Stream(stream) => *stream.tally.lock().unwrap_or_else(PoisonError::into_inner),
            Source::Plugin(index) => {
                let answer = plugins[*index].actions(client).run("seen", &Params::default()).await;
                // One that does not answer is found by others.
                let Some(tally) = answer.ok().and_then(|answer| answer.parse().ok()) else { return };
                tally
            }
        };
        if now != self.now {
            (self.now, self.changed) = (now, Instant::now());
        }
    }

    /// Whether a process that counts from zero has not seen anything yet: it may not listen yet.
    pub(crate) fn needs_event(&self, plugins: &[Plugin], cut: bool) -> bool {
        self.fate(plugins, cut) == Fate::Replaced && self.now.events() == 0
    }

    /// What is missing of the events of this lap: nothing once all are accounted for.
    ///
    /// # Errors
    /// What cannot become right any more.
    pub(crate) fn missing(&mut self, sent: u64, plugins: &[Plugin], cut: bool) -> Result<Option<String>, String> {
        let fate = self.fate(plugins, cut);
        let quiet = self.changed.elapsed() >= QUIET_TIME;
        match verdict(fate, self.before, self.now, sent - self.sent_before, quiet) {
            Verdict::Complete(lost) => self.done = Some(lost),
            Verdict::Waiting(what) => return Ok(Some(format!("{}: {what}", self.name))),
            Verdict::Wrong(what) => return Err(format!("{}: {what}", self.name)),
        }
        Ok(None)
    }

    /// Events of this lap: handled, told with their number to be lost, and told to be lost with a connection. Nothing is
    /// known of what a process that was replaced has handled.
    pub(crate) fn counts(&self, plugins: &[Plugin], cut: bool) -> Option<[u64; 3]> {
        let known = self.fate(plugins, cut) != Fate::Replaced;
        let done = self.done.filter(|_| known)?;
        Some([self.now.handled - self.before.handled, self.now.lagged - self.before.lagged, done])
    }

    fn fate(&self, plugins: &[Plugin], cut: bool) -> Fate {
        match &self.source {
            Source::Plugin(index) if plugins[*index].is_replaced() => Fate::Replaced,
            Source::Plugin(index) if plugins[*index].is_disturbed() && plugins[*index].role == Role::Cut => Fate::Cut,
            Source::Stream(_) if cut && self.name.contains("cut") => Fate::Cut,
            _ => Fate::Undisturbed,
        }
    }
}

fn verdict(fate: Fate, before: Tally, now: Tally, sent: u64, quiet: bool) -> Verdict {
    let before = if fate == Fate::Replaced { Tally::default() } else { before };
    if now.out_of_order > before.out_of_order {
        return Verdict::Wrong(format!("{} events came out of order", now.out_of_order - before.out_of_order));
    }
    let Some(events) = now.events().checked_sub(before.events()) else {
        return Verdict::Wrong(format!("it counts anew without a reason: {now:?} after {before:?}"));
    };
    if fate == Fate::Replaced {
        return match (events, quiet) {
            (0, _) => Verdict::Waiting("it handles no event since it was started anew".to_owned()),
            (_, true) => Verdict::Complete(0),
            (_, false) => Verdict::Waiting("it is still busy".to_owned()),
        };
    }
    let Some(missing) = sent.checked_sub(events) else {
        return Verdict::Wrong(format!("{events} events were handled or lost of {sent} that were sent"));
    };
    let told = now.resyncs > before.resyncs;
    match fate {
        Fate::Undisturbed if missing == 0 => Verdict::Complete(0),
        _ if told && quiet => Verdict::Complete(missing),
        Fate::Cut if !told => Verdict::Waiting("it was not told that its connection was lost".to_owned()),
        _ if told => Verdict::Waiting("it is still busy".to_owned()),
        _ => Verdict::Waiting(format!("{missing} of {sent} events are lost, and nobody was told")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(handled: u64, lagged: u64, resyncs: u64) -> Tally {
        Tally { handled, lagged, resyncs, out_of_order: 0 }
    }

    #[test]
    fn an_event_is_handled_or_told_to_be_lost() {
        let before = tally(10, 0, 1);
        let check = |fate, now, quiet, expected| assert_eq!(verdict(fate, before, now, 5, quiet), expected, "{now:?}");
        check(Fate::Undisturbed, tally(13, 2, 1), false, Verdict::Complete(0));
        check(Fate::Undisturbed, tally(12, 0, 2), true, Verdict::Complete(3));
        check(Fate::Cut, tally(12, 0, 2), true, Verdict::Complete(3));
        check(Fate::Replaced, tally(1, 0, 0), true, Verdict::Complete(0));
        let silent = "3 of 5 events are lost, and nobody was told".to_owned();
        check(Fate::Undisturbed, tally(12, 0, 1), true, Verdict::Waiting(silent));
        let untold = "it was not told that its connection was lost".to_owned();
        check(Fate::Cut, tally(15, 0, 1), true, Verdict::Waiting(untold));
    }

    #[test]
    fn what_is_handled_twice_or_out_of_order_cannot_become_right() {
        let is_wrong = |now| matches!(verdict(Fate::Undisturbed, tally(10, 0, 0), now, 5, true), Verdict::Wrong(_));
        assert!(is_wrong(tally(16, 0, 0)));
        assert!(is_wrong(tally(3, 0, 0)));
        assert!(is_wrong(Tally { out_of_order: 1, ..tally(15, 0, 0) }));
        assert!(!is_wrong(tally(15, 0, 0)));
    }
}
