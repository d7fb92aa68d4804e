//! What the rooms of a host know about themselves, looked at when somebody asks.

use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::{
    metrics::{
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::{ConstGauge, Gauge},
        info::Info,
    },
    registry::{Registry, Unit},
};

use super::{Label, PREFIX};
use crate::{bus::Subscriber, plugins::State, shared::Shared};

/// The metrics of this moment.
pub(super) fn sample(shared: &Shared) -> Registry {
    let mut registry = Registry::with_prefix(PREFIX);
    let of = &mut registry;
    process(of, shared);
    store(of, shared);
    events(of, shared);
    plugins(of, shared);
    gauge(of, "http_connections", "Open connections, websockets included", shared.connections.count());
    let websockets = shared.websockets_max.saturating_sub(shared.websockets.available_permits());
    gauge(of, "websockets", "Open websockets", websockets);
    counter(of, "log_lines_dropped", "Log lines that were not shown because they came too fast", shared.log.missed());
    registry
}

fn process(registry: &mut Registry, shared: &Shared) {
    registry.register("build", "The version", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
    let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
    let started = ConstGauge::new(seconds(shared.started));
    registry.register_with_unit("start_time", "When the host started, since 1970", Unit::Seconds, started);
    let ends = ConstGauge::new(shared.identity.info().not_after_seconds);
    registry.register_with_unit("certificate_end", "When the certificate ends, since 1970", Unit::Seconds, ends);
}

fn store(registry: &mut Registry, shared: &Shared) {
    let status = shared.store.status();
    counter(registry, "store_batches", "Changes that are durable", status.batches);
    counter(
        registry,
        "store_transactions",
        "Transactions on the disk, each of one or more batches",
        status.transactions,
    );
    gauge(registry, "store_revision", "Number of the last change, of earlier runs included", status.revision);
    gauge(
        registry,
        "store_read_only",
        "1 where the store takes no changes any more",
        u64::from(status.read_only.is_some()),
    );
}

fn events(registry: &mut Registry, shared: &Shared) {
    counter(registry, "events_published", "Events, each counted once", shared.bus.published());
    let (delivered, dropped) = (Family::<Label, Counter>::default(), Family::<Label, Counter>::default());
    let waiting = Family::<Label, Gauge>::default();
    for subscriber in Subscriber::ALL {
        let label = [("subscriber", subscriber.as_str())];
        let counts = shared.bus.counts(subscriber);
        delivered.get_or_create(&label).inc_by(counts.delivered);
        dropped.get_or_create(&label).inc_by(counts.dropped);
        waiting.get_or_create(&label).set(i64::try_from(counts.waiting).unwrap_or(i64::MAX));
    }
    registry.register("events_delivered", "Events that reached a subscriber who wanted them", delivered);
    registry.register("events_dropped", "Events that a subscriber lost because it was too slow", dropped);
    registry.register("events_waiting", "Events in the queues of subscribers", waiting);
}

fn plugins(registry: &mut Registry, shared: &Shared) {
    let states = Family::<Label, Gauge>::default();
    let now = shared.plugins.states();
    for state in State::ALL {
        let count = now.iter().filter(|found| **found == state).count();
        states.get_or_create(&[("state", state.as_str())]).set(i64::try_from(count).unwrap_or(i64::MAX));
    }
    registry.register("plugins", "Plugins by state", states);
    counter(registry, "plugin_restarts", "Starts of plugins that had ended by themselves", shared.plugins.restarts());
    gauge(registry, "plugin_providers", "Providers that are loaded", shared.providers.list().len());
    let runs = Family::<Label, Counter>::default();
    for (result, count) in shared.actions.runs() {
        runs.get_or_create(&[("result", result)]).inc_by(count);
    }
    registry.register("action_runs", "Runs of actions that have ended", runs);
}

fn counter(registry: &mut Registry, name: &str, help: &str, value: u64) {
    registry.register(name, help, ConstCounter::new(value));
}

fn gauge(registry: &mut Registry, name: &str, help: &str, value: impl TryInto<i64>) {
    registry.register(name, help, ConstGauge::new(value.try_into().unwrap_or(i64::MAX)));
}
