//! Which call a log line belongs to.

use std::sync::atomic::{AtomicI64, Ordering};

use drp_core::Level;
use tracing::{
    Span,
    field::{Field, Visit},
};

/// Target of the spans that are scopes.
pub(crate) const SCOPE_TARGET: &str = "drp_plugin::scope";

/// Whether the host may make events of the lines of a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Republish {
    Yes,
    /// The lines are made on behalf of an event: an event each would come back for ever.
    Never,
}

/// What the lines of one call have in common; attached to the call's span.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scope {
    pub(crate) group: i64,
    pub(crate) ignore_publish: bool,
    /// The level that this call is logged at, where the request asked for one.
    pub(crate) level: Option<Level>,
}

/// Opens the span of one call.
pub(crate) fn open_scope(republish: Republish, level: Option<Level>) -> Span {
    static GROUPS: AtomicI64 = AtomicI64::new(0);
    let group = GROUPS.fetch_add(1, Ordering::Relaxed) + 1;
    let ignore_publish = republish == Republish::Never;
    let level = level.map_or(-1, |level| level as i64);
    tracing::error_span!(target: SCOPE_TARGET, "call", group, ignore_publish, level)
}

impl Visit for Scope {
    fn record_i64(&mut self, field: &Field, value: i64) {
        match field.name() {
            "group" => self.group = value,
            "level" => self.level = level_of(value),
            _ => {}
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        if field.name() == "ignore_publish" {
            self.ignore_publish = value;
        }
    }

    fn record_debug(&mut self, _field: &Field, _value: &dyn std::fmt::Debug) {}
}

fn level_of(number: i64) -> Option<Level> {
    let levels =
        [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error, Level::Fatal, Level::Panic, Level::Audit];
    levels.into_iter().find(|level| *level as i64 == number)
}
