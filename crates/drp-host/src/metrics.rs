//! What the host counts, for Prometheus, and whether it is well.
//!
//! What rooms count for themselves is looked at when somebody asks ([`sample`]); only what nobody else knows is counted
//! here, by atomics. No label has a value that a client could make up: routes are templates, methods and results are of
//! fixed lists.

mod requests;
mod sample;
mod serve;
#[cfg(test)]
mod tests;

use prometheus_client::{
    encoding::text,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

use self::requests::Requests;
pub(crate) use self::{requests::measure, serve::router};
use crate::shared::Shared;

/// What stands before every name.
const PREFIX: &str = "drpx";

/// One label and its value.
type Label = [(&'static str, &'static str); 1];

/// The counters that belong to no other room.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Requests,
    lagging_websockets: Counter,
    reloads: Family<Label, Counter>,
}

impl Metrics {
    /// All at zero.
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let requests = Requests::register(&mut registry);
        let (lagging_websockets, reloads) = (Counter::default(), Family::default());
        registry.register(
            "websockets_closed_lagging",
            "Websockets closed because their client was too slow for the events",
            lagging_websockets.clone(),
        );
        registry.register("reloads", "Reloads of certificate and content", reloads.clone());
        Self { registry, requests, lagging_websockets, reloads }
    }

    /// A websocket is closed because its client is too slow.
    pub(crate) fn count_lagging_websocket(&self) {
        self.lagging_websockets.inc();
    }

    /// Certificate and content were read again, and all or not all of it is in force.
    pub(crate) fn count_reload(&self, is_refused: bool) {
        self.reloads.get_or_create(&[("result", if is_refused { "refused" } else { "ok" })]).inc();
    }
}

/// All metrics of a host in the text format of OpenMetrics.
pub(crate) fn text_of(shared: &Shared) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    text::encode_registry(&mut text, &shared.metrics.registry)?;
    text::encode_registry(&mut text, &sample::sample(shared))?;
    text::encode_eof(&mut text)?;
    Ok(text)
}
