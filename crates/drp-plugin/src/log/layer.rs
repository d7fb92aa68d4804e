//! From `tracing` events to log lines.

use std::{
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use drp_core::{Level, Line, Time, limits};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id},
    subscriber::Interest,
};
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

use crate::{
    log::{
        LogQueue,
        scope::{SCOPE_TARGET, Scope},
    },
    redact::redact,
};

/// Crates that carry our own lines: what they log about that would never end.
const TRANSPORT_TARGETS: [&str; 8] =
    ["hyper", "hyper_util", "reqwest", "rustls", "tokio", "tokio_util", "tungstenite", "mio"];

/// The framework itself.
const OWN_TARGETS: [&str; 2] = ["drp_plugin", "drp_client"];

/// Makes a [`Line`] of every event that matters and queues it.
pub(crate) struct LogLayer {
    service: String,
    level: Level,
    /// The provider handles events: then a line of which nobody knows where it comes from must not become one.
    handles_events: bool,
    queue: Arc<LogQueue>,
    seq: AtomicI64,
}

impl LogLayer {
    pub(crate) fn new(service: &str, level: Level, handles_events: bool, queue: Arc<LogQueue>) -> Self {
        Self { service: service.to_owned(), level, handles_events, queue, seq: AtomicI64::new(0) }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for LogLayer {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if TRANSPORT_TARGETS.contains(&crate_of(metadata)) {
            return Interest::never();
        }
        // A call may ask for a level of its own, so the answer differs from time to time.
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>, context: Context<'_, S>) -> bool {
        if metadata.is_span() {
            return metadata.target() == SCOPE_TARGET;
        }
        let scope = context.lookup_current().and_then(|span| scope_of(span.scope()));
        level_of(metadata) >= scope.and_then(|scope| scope.level).unwrap_or(self.level)
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if attributes.metadata().target() == SCOPE_TARGET
            && let Some(span) = context.span(id)
        {
            let mut scope = Scope::default();
            attributes.record(&mut scope);
            span.extensions_mut().insert(scope);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let scope = context.event_scope(event).and_then(scope_of);
        // What the framework itself says is for the log, not for subscribers.
        let own = OWN_TARGETS.contains(&crate_of(metadata));
        let mut text = Text::default();
        event.record(&mut text);
        let line = Line {
            group: scope.map_or(0, |scope| scope.group),
            seq: self.seq.fetch_add(1, Ordering::Relaxed) + 1,
            time: Time::now(),
            service: self.service.clone(),
            level: level_of(metadata),
            file: metadata.file().unwrap_or_default().to_owned(),
            line: metadata.line().unwrap_or_default().into(),
            message: cut(redact(&text.finish()).into_owned()),
            data: Vec::new().into(),
            ignore_publish: own || scope.map_or(self.handles_events, |scope| scope.ignore_publish),
            ..Line::default()
        };
        self.queue.push(line);
    }
}

fn scope_of<'a, S: LookupSpan<'a>>(spans: tracing_subscriber::registry::Scope<'a, S>) -> Option<Scope> {
    spans.into_iter().find_map(|span| span.extensions().get::<Scope>().copied())
}

fn crate_of(metadata: &Metadata<'static>) -> &'static str {
    metadata.target().split("::").next().unwrap_or_default()
}

fn level_of(metadata: &Metadata<'_>) -> Level {
    match *metadata.level() {
        tracing::Level::TRACE => Level::Trace,
        tracing::Level::DEBUG => Level::Debug,
        tracing::Level::INFO => Level::Info,
        tracing::Level::WARN => Level::Warn,
        tracing::Level::ERROR => Level::Error,
    }
}

fn cut(mut message: String) -> String {
    if message.len() > limits::LOG_LINE_BYTES_MAX {
        let full = message.len();
        message.truncate(message.floor_char_boundary(limits::LOG_LINE_BYTES_MAX));
        let _ = write!(message, " … (cut, {full} bytes in all)");
    }
    message
}

/// The message of an event, and its other fields behind it as `key=value`.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Text {
    fn finish(mut self) -> String {
        self.message.push_str(&self.fields);
        self.message
    }
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        // Writing to a string cannot fail; a failing `Debug` leaves what it wrote.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message.push_str(value),
            name => {
                let _ = write!(self.fields, " {name}={value}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use drp_core::Raw;
    use tracing::Instrument;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;
    use crate::{
        log::{Republish, open_scope},
        redact::SecretsInUse,
    };

    fn lines_of(handles_events: bool, work: impl FnOnce()) -> Vec<Line> {
        let queue = Arc::new(LogQueue::default());
        let layer = LogLayer::new("probe", Level::Info, handles_events, Arc::clone(&queue));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
        std::iter::from_fn(|| queue.pop()).collect()
    }

    #[test]
    fn a_line_carries_message_fields_level_and_place() {
        let lines = lines_of(false, || tracing::warn!(outlet = 3, name = "a", "switched {}", "off"));
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!((line.message.as_str(), line.level), ("switched off outlet=3 name=a", Level::Warn));
        assert_eq!((line.service.as_str(), line.seq), ("probe", 1));
        assert!(line.file.ends_with("layer.rs") && line.line > 0);
    }

    #[test]
    fn levels_below_the_providers_pass_only_where_the_call_asks_for_them() {
        let lines = lines_of(false, || {
            tracing::debug!("hidden");
            open_scope(Republish::Yes, Some(Level::Trace)).in_scope(|| tracing::trace!("shown"));
            open_scope(Republish::Yes, Some(Level::Error)).in_scope(|| tracing::info!("hidden"));
        });
        let messages: Vec<&str> = lines.iter().map(|line| line.message.as_str()).collect();
        assert_eq!(messages, ["shown"]);
    }

    #[test]
    fn secrets_are_cut_out_and_long_lines_cut() {
        let secrets = SecretsInUse::of([&Raw::from("opensesame")]);
        let lines = lines_of(false, || {
            tracing::info!("token=opensesame");
            tracing::info!(token = "opensesame", "x");
            tracing::info!("{}", "y".repeat(limits::LOG_LINE_BYTES_MAX + 1));
        });
        drop(secrets);
        assert!(lines.iter().all(|line| !line.message.contains("opensesame")));
        assert!(lines[2].message.ends_with("(cut, 32769 bytes in all)"));
    }

    #[tokio::test]
    async fn lines_made_for_an_event_are_never_republished_in_whatever_task() {
        let queue = Arc::new(LogQueue::default());
        let layer = LogLayer::new("probe", Level::Info, true, Arc::clone(&queue));
        let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
        async {
            tracing::info!(target: "author", "in the handler");
            tokio::spawn(async { tracing::info!(target: "author", "in a task of its own") }).await.unwrap();
        }
        .instrument(open_scope(Republish::Never, None))
        .await;
        open_scope(Republish::Yes, None).in_scope(|| tracing::info!(target: "author", "in an action"));
        drop(guard);
        let flags: Vec<(String, bool)> =
            std::iter::from_fn(|| queue.pop()).map(|line| (line.message, line.ignore_publish)).collect();
        let expected = [("in the handler", true), ("in a task of its own", true), ("in an action", false)];
        assert_eq!(flags, expected.map(|(message, flag)| (message.to_owned(), flag)));
    }
}
