//! Watching a stream of events until somebody has seen enough.

use std::time::Duration;

use drp_client::{EventStream, StreamItem};
use drp_core::Event;
use tokio::time::timeout;
use tracing::{Level, Metadata, Subscriber, field::Visit};
use tracing_subscriber::{
    layer::{Context, Layer, SubscriberExt},
    util::SubscriberInitExt,
};

use crate::{
    exit::{Exit, Failure},
    lines::{Lines, ReaderGone},
    show::{self, Said},
    signals::Signals,
};

/// How long the server may take to answer the end of the stream.
const FAREWELL_TIME: Duration = Duration::from_secs(1);

/// Somebody who watches, until Ctrl-C or until they close the pipe.
pub(crate) struct Watch {
    lines: Lines,
    signals: Signals,
}

/// The watching has ended in this way.
pub(crate) struct Over(Exit);

impl From<ReaderGone> for Over {
    /// `| head` has what it wanted.
    fn from(_: ReaderGone) -> Self {
        Self(Exit::Well)
    }
}

impl Watch {
    pub(crate) fn start() -> Result<Self, Failure> {
        // What the client says of its connection is all there is to know while nothing comes. Somebody else may have
        // said already where that goes.
        let _ = tracing_subscriber::registry().with(Warnings).try_init();
        Ok(Self { lines: Lines::start()?, signals: Signals::new()? })
    }

    /// Shows a line.
    pub(crate) async fn show(&mut self, line: Said) -> Result<(), Over> {
        tokio::select! {
            biased;
            exit = self.signals.next() => Err(Over(exit)),
            put = self.lines.put(line) => Ok(put?),
        }
    }

    /// Waits for something else.
    pub(crate) async fn wait<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Over> {
        tokio::select! {
            biased;
            exit = self.signals.next() => Err(Over(exit)),
            () = self.lines.reader_gone() => Err(ReaderGone.into()),
            done = work => Ok(done),
        }
    }

    /// Shows what `row` makes of the events, which it may pass over; `things` is what gets lost.
    pub(crate) async fn follow(
        &mut self,
        mut events: EventStream,
        things: &str,
        mut row: impl FnMut(&Event) -> Option<String>,
    ) -> Over {
        let over = loop {
            let item = match self.wait(events.next()).await {
                Ok(item) => item,
                Err(over) => break over,
            };
            let line = match item {
                Some(StreamItem::Event(event)) => row(&event).map(Said::Result),
                Some(StreamItem::Lagged(count)) => Some(Said::Gap(format!("... {count} {things} lost here"))),
                Some(_) => Some(Said::Gap(format!("... connection lost and back: {things} may be missing here"))),
                None => break Over(Exit::Failed),
            };
            if let Some(line) = line
                && let Err(over) = self.show(line).await
            {
                break over;
            }
        };
        let _ = timeout(FAREWELL_TIME, events.close()).await;
        over
    }

    /// Ends the command when all is written.
    pub(crate) async fn end(self, over: Result<(), Over>) -> Exit {
        let Self { lines, mut signals } = self;
        match over {
            Ok(()) => tokio::select! {
                biased;
                exit = signals.next() => exit,
                () = lines.finish() => Exit::Well,
            },
            Err(Over(exit)) => exit,
        }
    }
}

/// Shows the warnings of the client.
struct Warnings;

impl<S: Subscriber> Layer<S> for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        *metadata.level() <= Level::WARN && metadata.target().starts_with("drp_client")
    }

    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        show::warn(&if text.reason.is_empty() { text.message } else { format!("{}: {}", text.message, text.reason) });
    }
}

#[derive(Default)]
struct Text {
    message: String,
    reason: String,
}

impl Visit for Text {
    fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
        match field.name() {
            "message" => value.clone_into(&mut self.message),
            "reason" => value.clone_into(&mut self.reason),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        }
    }
}
