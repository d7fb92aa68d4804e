//! The host's log: the last lines in memory, each of them also an event unless it says that it must not be.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use drp_core::{Event, Level, Line, Raw, Time, limits};
use tokio::sync::broadcast::{self, error::RecvError};

use crate::bus::{Bus, LOG_TYPE};

/// Lines that wait for one who watches the log.
const WATCHED_LINES_MAX: usize = 4096;
/// Stands where a text was cut.
const CUT_MARK: &str = " [cut]";

/// The log. Lines of all levels are kept: who makes them decides what is worth a line.
#[derive(Debug)]
pub(crate) struct Log {
    bus: Arc<Bus>,
    lines_max: usize,
    ring: Mutex<Ring>,
    /// Lines that somebody who watches has missed.
    missed: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
struct Ring {
    lines: VecDeque<Arc<Line>>,
    seq: i64,
    /// Those who watch; `None` once the log has ended.
    watchers: Option<broadcast::Sender<Arc<Line>>>,
}

/// The lines of a host's log from now on, whether or not they become events.
#[derive(Debug)]
pub struct LogLines {
    lines: Option<broadcast::Receiver<Arc<Line>>>,
    missed: Arc<AtomicU64>,
}

impl LogLines {
    /// The next line; `None` when the host has stopped.
    ///
    /// Who reads too slowly misses lines and finds one in their place that says how many.
    pub async fn next(&mut self) -> Option<Arc<Line>> {
        match self.lines.as_mut()?.recv().await {
            Ok(line) => Some(line),
            Err(RecvError::Lagged(n)) => {
                self.missed.fetch_add(n, Ordering::Relaxed);
                Some(Arc::new(Line {
                    time: Time::now(),
                    level: Level::Warn,
                    service: "log".to_owned(),
                    message: format!("{n} lines are missing here: they came too fast"),
                    ..Line::default()
                }))
            }
            Err(RecvError::Closed) => None,
        }
    }
}

impl Log {
    /// An empty log that publishes its lines on `bus`.
    pub(crate) fn new(bus: Arc<Bus>) -> Self {
        let watchers = Some(broadcast::Sender::new(WATCHED_LINES_MAX));
        let ring = Mutex::new(Ring { watchers, ..Ring::default() });
        Self { bus, lines_max: limits::LOG_LINES_KEPT_MAX, ring, missed: Arc::default() }
    }

    /// The log with room for another number of lines.
    pub(crate) fn with_lines_max(self, lines_max: usize) -> Self {
        Self { lines_max, ..self }
    }

    /// Adds a line that somebody else made, such as a plugin.
    ///
    /// It gets the host's time and number. `fatal` and `panic` are lowered to `error`, because it is not the host that
    /// ends; what is too long is cut.
    pub(crate) fn add(&self, mut line: Line) {
        if matches!(line.level, Level::Fatal | Level::Panic) {
            line.level = Level::Error;
        }
        bound(&mut line);
        line.time = Time::now();
        // Published under the lock, so that lines and their events have one order; publishing never waits.
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.seq += 1;
        line.seq = ring.seq;
        if !line.ignore_publish {
            self.publish(&line);
        }
        let line = Arc::new(line);
        if let Some(watchers) = &ring.watchers {
            // Nobody may be watching.
            let _ = watchers.send(Arc::clone(&line));
        }
        ring.lines.push_back(line);
        if ring.lines.len() > self.lines_max {
            ring.lines.pop_front();
        }
    }

    /// Adds a line of the host's own.
    pub(crate) fn write(&self, level: Level, service: &str, message: impl Into<String>) {
        self.add(Line { level, service: service.to_owned(), message: message.into(), ..Line::default() });
    }

    /// The lines that are kept, oldest first.
    pub(crate) fn lines(&self) -> Vec<Arc<Line>> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner).lines.iter().cloned().collect()
    }

    /// Follows the log from now on.
    pub(crate) fn watch(&self) -> LogLines {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = ring.watchers.as_ref().map(broadcast::Sender::subscribe);
        LogLines { lines, missed: Arc::clone(&self.missed) }
    }

    /// Lines that those who watch have missed because they were too slow.
    pub(crate) fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }

    /// Tells those who watch that no more lines come.
    pub(crate) fn end(&self) {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner).watchers = None;
    }

    fn publish(&self, line: &Line) {
        let object = Raw::new(line).expect("a log line is always JSON");
        let mut event = Event::new(LOG_TYPE, line.level.as_str(), &line.service, object);
        event.principal.clone_from(&line.principal);
        self.bus.publish(event);
    }
}

/// Cuts what is too long, and makes the lists that Go clients expect.
fn bound(line: &mut Line) {
    cut(&mut line.message, limits::LOG_LINE_BYTES_MAX);
    for short in [&mut line.service, &mut line.principal, &mut line.file] {
        cut(short, limits::LOG_NAME_BYTES_MAX);
    }
    if line.service.is_empty() {
        "default".clone_into(&mut line.service);
    }
    line.data.fill();
    let extra = line.extra.iter().map(|(key, value)| key.len() + value.get().len()).sum::<usize>();
    let data = line.data.iter().map(|value| value.get().len()).sum::<usize>();
    if data + extra > limits::LOG_LINE_BYTES_MAX {
        line.data = vec![Raw::from(CUT_MARK.trim())].into();
        line.extra.clear();
    }
}

pub(crate) fn cut(text: &mut String, bytes_max: usize) {
    if text.len() > bytes_max {
        text.truncate(text.floor_char_boundary(bytes_max - CUT_MARK.len()));
        text.push_str(CUT_MARK);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::bus::{Delivery, Subscription};

    fn log() -> (Log, Subscription) {
        let bus = Arc::new(Bus::new());
        let subscription = bus.subscribe(10_000);
        (Log::new(bus), subscription)
    }

    #[test]
    fn a_line_becomes_an_event_with_the_hosts_number_and_time() {
        let (log, mut events) = log();
        let posted: Line = serde_json::from_str(
            r#"{"Group":2,"Seq":77,"Time":"2026-11-22T07:38:35Z","Service":"incr","Level":"panic","Message":"m",
                "Data":null,"IgnorePublish":false}"#,
        )
        .unwrap();
        log.add(posted);
        let Some(Delivery::Event(published)) = events.try_next() else { panic!("no event") };
        let event = &published.event;
        assert_eq!((&*event.type_, &*event.action, &*event.key), ("log", "error", "incr"));
        let line: Line = event.object.parse().unwrap();
        assert_eq!((line.group, line.seq, line.level, line.message.as_str()), (2, 1, Level::Error, "m"));
        assert_ne!(line.time.as_str(), "2026-11-22T07:38:35Z");
        assert_eq!(log.lines(), [Arc::new(line)]);
    }

    #[test]
    fn a_line_that_must_not_be_published_is_only_kept() {
        let (log, mut events) = log();
        log.add(Line { message: "quiet".into(), ignore_publish: true, ..Line::default() });
        assert!(events.try_next().is_none());
        assert_eq!(log.lines()[0].message, "quiet");
    }

    #[tokio::test]
    async fn as_many_lines_are_kept_as_the_operator_wants_and_those_that_were_missed_are_counted() {
        let (log, _events) = log();
        let log = log.with_lines_max(2);
        let mut watching = log.watch();
        for n in 0..WATCHED_LINES_MAX + 7 {
            log.write(Level::Info, "test", n.to_string());
        }
        assert_eq!(log.lines().len(), 2);
        let told = watching.next().await.unwrap();
        assert!(told.message.starts_with("7 lines are missing"), "{}", told.message);
        assert_eq!(log.missed(), 7);
    }

    #[test]
    fn the_last_thousand_lines_are_kept_and_long_ones_are_cut() {
        let (log, _events) = log();
        for n in 0..1005 {
            log.write(Level::Info, "test", n.to_string());
        }
        let lines = log.lines();
        assert_eq!((lines.len(), lines[0].message.as_str(), lines[999].seq), (1000, "5", 1005));
        log.write(Level::Info, "test", "ü".repeat(limits::LOG_LINE_BYTES_MAX));
        let last = log.lines().pop().unwrap();
        assert!(last.message.len() <= limits::LOG_LINE_BYTES_MAX && last.message.ends_with(CUT_MARK));
    }
}
