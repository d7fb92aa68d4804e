//! Events for providers with `HasPublish`: the old way, in which the host posts every event (`host.md` §11.3).

use std::{sync::Arc, time::Duration};

use drp_core::Level;

use super::call::PluginCaller;
use crate::{
    bus::{Bus, Delivery, Subscriber},
    log::Log,
};

/// Time that a plugin has for one event.
const EVENT_TIME: Duration = Duration::from_secs(10);
/// Lines of the log are events as well. They are not posted: a plugin that logs what it gets would never end.
const LOG_TYPE: &str = "log";

/// Posts events to a plugin for ever, one at a time and in their order. What does not fit the queue is counted.
pub(super) async fn publish_all(bus: Arc<Bus>, log: Arc<Log>, plugin: Arc<PluginCaller>) {
    let mut events = bus.open(Subscriber::Publish);
    loop {
        match events.next().await {
            Delivery::Event(published) if published.event.type_ == LOG_TYPE => {}
            Delivery::Event(published) => match plugin.publish(&published.event, EVENT_TIME).await {
                Ok(()) => events.count_delivered(),
                Err(error) => {
                    let error = error.into_wire(plugin.plugin());
                    let event = format!("{}.{}", published.event.type_, published.event.action);
                    log.write(Level::Debug, plugin.plugin(), format!("Event {event} was not taken: {error}"));
                }
            },
            Delivery::Lagged(lost) => {
                log.write(Level::Warn, plugin.plugin(), format!("{lost} events were lost: the plugin is too slow"));
            }
        }
    }
}
