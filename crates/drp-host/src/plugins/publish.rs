//! Events for providers with `HasPublish`: the old way, in which the host posts every event (`host.md` §11.3).

use std::{sync::Arc, time::Duration};

use drp_core::{Level, Line};
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::call::PluginCaller;
use crate::{
    bus::{Bus, Delivery, Subscriber, Subscription},
    log::Log,
};

/// Posts events to one plugin, one at a time and in their order, from a bounded queue. What does not fit is counted.
#[derive(Debug)]
pub(super) struct Publisher {
    leaves: CancellationToken,
    task: AbortOnDropHandle<()>,
}

impl Publisher {
    /// Begins with the next event. `limit` is the time that the plugin has for one.
    pub(super) fn start(bus: &Bus, log: Arc<Log>, plugin: Arc<PluginCaller>, limit: Duration) -> Self {
        let events = bus.open(Subscriber::Publish);
        let leaves = CancellationToken::new();
        let task = tokio::spawn(publish_all(events, log, plugin, limit, leaves.clone()));
        Self { leaves, task: AbortOnDropHandle::new(task) }
    }

    /// Posts no more events, and waits up to `limit` for the answer to the last one.
    pub(super) async fn stop(self, limit: Duration) {
        self.leaves.cancel();
        let _ = timeout(limit, self.task).await;
    }
}

async fn publish_all(
    mut events: Subscription,
    log: Arc<Log>,
    plugin: Arc<PluginCaller>,
    limit: Duration,
    leaves: CancellationToken,
) {
    while let Some(delivery) = leaves.run_until_cancelled(events.next()).await {
        match delivery {
            Delivery::Event(published) => match plugin.publish(&published.event, limit).await {
                Ok(()) => events.count_delivered(),
                Err(error) => {
                    let error = error.into_wire(plugin.plugin(), "an event");
                    let event = format!("{}.{}", published.event.type_, published.event.action);
                    write(&log, Level::Debug, &plugin, format!("Event {event} was not taken: {error}"));
                }
            },
            Delivery::Lagged(lost) => {
                write(&log, Level::Warn, &plugin, format!("{lost} events were lost: the plugin is too slow"));
            }
        }
    }
}

/// Tells the log. No event is made of it: a plugin that follows the log over a websocket as well would be told of each
/// event that it was told of.
fn write(log: &Log, level: Level, plugin: &PluginCaller, message: String) {
    let service = plugin.plugin().to_owned();
    log.add(Line { level, service, message, ignore_publish: true, ..Line::default() });
}
