//! What the server says on stderr: its log, the warnings of its libraries, and how far it is.
//!
//! One thread writes, from a bounded queue: whoever reads too slowly holds nobody up.

use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use drp_core::{Level, Line, Raw, Time};
use drp_host::LogLines;
use serde::Serialize;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::layer::{Context, Layer};

use super::settings::LogFormat;
use crate::{exit::Failure, show};

/// Lines that wait for the thread that writes.
const QUEUE_LINES_MAX: usize = 1024;
/// How long the end of the command waits for somebody to read the last lines.
const FLUSH_TIME: Duration = Duration::from_secs(2);
/// How long the last lines of a host's log may take to come.
const LAST_LINES_TIME: Duration = Duration::from_secs(1);
/// Who speaks where it is the command itself.
const SERVICE: &str = "drpx";

/// Where everything goes that is said on stderr.
#[derive(Clone)]
pub(super) struct Output {
    queue: mpsc::Sender<Said>,
    lowest: Level,
    /// Lines that found no room.
    dropped: Arc<AtomicU64>,
}

/// Something for stderr.
enum Said {
    Line(Arc<Line>),
    /// How far the command is: what, and the rest.
    Step(&'static str, String),
    /// Somebody waits until all is written that was said before.
    Flush(oneshot::Sender<()>),
}

impl Output {
    /// Starts the thread that writes.
    pub(super) fn start(format: LogFormat, lowest: Level) -> Result<Self, Failure> {
        let (queue, said) = mpsc::channel(QUEUE_LINES_MAX);
        let dropped = Arc::new(AtomicU64::new(0));
        let missing = Arc::clone(&dropped);
        let thread = thread::Builder::new().name("drpx-log".to_owned());
        let started = thread.spawn(move || write_all(format, said, &missing));
        started.map_err(|error| Failure::new(format!("cannot start the log: {error}")))?;
        Ok(Self { queue, lowest, dropped })
    }

    /// Says how far the command is, whatever the level.
    pub(super) fn step(&self, what: &'static str, text: impl Into<String>) {
        self.say(Said::Step(what, text.into()));
    }

    /// Shows the lines of a host until it has stopped.
    pub(super) async fn follow(self, mut lines: LogLines) {
        while let Some(line) = lines.next().await {
            // Waits for room: the host counts what it cannot hand over meanwhile.
            if line.level >= self.lowest && self.queue.send(Said::Line(line)).await.is_err() {
                return;
            }
        }
    }

    /// Waits, for a while, until all is written that was said before. `following` follows a log that has ended.
    pub(super) async fn finish(&self, following: Option<JoinHandle<()>>) {
        if let Some(following) = following {
            let _ = tokio::time::timeout(LAST_LINES_TIME, following).await;
        }
        let (written, done) = oneshot::channel();
        let flushed = async {
            if self.queue.send(Said::Flush(written)).await.is_ok() {
                let _ = done.await;
            }
        };
        let _ = tokio::time::timeout(FLUSH_TIME, flushed).await;
    }

    /// Says something if there is room for it, and else counts it.
    fn say(&self, said: Said) {
        if self.queue.try_send(said).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Writes what is said until nobody says anything any more.
fn write_all(format: LogFormat, mut said: mpsc::Receiver<Said>, dropped: &AtomicU64) {
    while let Some(said) = said.blocking_recv() {
        match said {
            Said::Line(line) => write(format, &line),
            Said::Step(what, text) if format == LogFormat::Text => show::progress(what, &text),
            Said::Step(what, text) => write(format, &line(Level::Info, SERVICE, format!("{what}: {text}"))),
            // Nobody may be waiting any more.
            Said::Flush(written) => drop(written.send(())),
        }
        let missing = dropped.swap(0, Ordering::Relaxed);
        if missing > 0 {
            let text = format!("{missing} lines are missing here: they came too fast");
            write(format, &line(Level::Warn, SERVICE, text));
        }
    }
}

/// Writes why the command failed.
pub(super) fn write_failure(failure: &Failure) {
    show::raw_line(&json(&line(Level::Error, SERVICE, failure.to_string())));
}

fn line(level: Level, service: &str, message: String) -> Line {
    Line { time: Time::now(), level, service: service.to_owned(), message, ..Line::default() }
}

fn write(format: LogFormat, line: &Line) {
    match format {
        LogFormat::Text => show::log_line(line),
        LogFormat::Json => show::raw_line(&json(line)),
    }
}

/// A line as one JSON object.
fn json(line: &Line) -> String {
    #[derive(Serialize)]
    struct Shown<'a> {
        time: &'a Time,
        level: Level,
        service: String,
        message: String,
        #[serde(skip_serializing_if = "String::is_empty")]
        principal: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        seq: Option<i64>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        data: Vec<Raw>,
    }
    let masked = |text: &str| show::masked(text);
    // A value with a secret in it is shown as a text without it.
    let value = |value: &Raw| {
        let shown = masked(value.get());
        if shown == value.get() { value.clone() } else { Raw::from(shown.as_str()) }
    };
    let shown = Shown {
        time: &line.time,
        level: line.level,
        service: masked(&line.service),
        message: masked(line.message.trim_end()),
        principal: masked(&line.principal),
        seq: Some(line.seq).filter(|seq| *seq != 0),
        data: line.data.iter().map(value).collect(),
    };
    // Texts and numbers are always JSON.
    serde_json::to_string(&shown).unwrap_or_default()
}

/// Brings what libraries trace into the log: all of ours, of others only warnings and errors.
pub(super) struct Traces(pub(super) Output);

impl<S: Subscriber> Layer<S> for Traces {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        let level = level_of(metadata.level());
        let is_ours = metadata.target().starts_with("drp");
        level >= if is_ours { self.0.lowest } else { self.0.lowest.max(Level::Warn) }
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        let line = line(level_of(event.metadata().level()), event.metadata().target(), text.0);
        self.0.say(Said::Line(Arc::new(line)));
    }
}

fn level_of(level: &tracing::Level) -> Level {
    match *level {
        tracing::Level::ERROR => Level::Error,
        tracing::Level::WARN => Level::Warn,
        tracing::Level::INFO => Level::Info,
        tracing::Level::DEBUG => Level::Debug,
        tracing::Level::TRACE => Level::Trace,
    }
}

/// The message of an event, and its fields behind it.
#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = match field.name() {
            "message" => {
                let rest = std::mem::take(&mut self.0);
                write!(self.0, "{value:?}{rest}")
            }
            name => write!(self.0, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_line_is_one_json_object_whatever_is_in_it() {
        let raw = r#"{"Seq":7,"Service":"in\ncr","Level":"warn","Principal":"plugin:incr","Message":"a \"b\"\u0007\n",
            "Time":"2026-11-22T07:38:35Z","Data":[{"n":12345678901234567890},"x"]}"#;
        let text = json(&serde_json::from_str(raw).unwrap());
        assert_eq!(
            text,
            r#"{"time":"2026-11-22T07:38:35Z","level":"warn","service":"in\ncr","message":"a \"b\"\u0007","principal":"plugin:incr","seq":7,"data":[{"n":12345678901234567890},"x"]}"#
        );
        assert_eq!(text.lines().count(), 1);
    }

    #[tokio::test]
    async fn traces_of_ours_are_lines_with_their_fields() {
        use tracing_subscriber::layer::SubscriberExt;
        let (queue, mut said) = mpsc::channel(8);
        let output = Output { queue, lowest: Level::Info, dropped: Arc::default() };
        let subscriber = tracing_subscriber::registry().with(Traces(output));
        tracing::subscriber::with_default(subscriber, || {
            tracing::error!(target: "drp_host::server", path = "/x", "a handler failed");
            tracing::debug!(target: "drp_host::server", "not shown");
            tracing::info!(target: "hyper", "not shown");
            tracing::warn!(target: "hyper", "shown");
        });
        let mut lines = Vec::new();
        while let Ok(Said::Line(line)) = said.try_recv() {
            lines.push(format!("{} {} {}", line.level, line.service, line.message));
        }
        assert_eq!(lines, [r#"error drp_host::server a handler failed path="/x""#, "warn hyper shown"]);
    }
}
