//! The one publishing queue: every event of the host goes through here, is numbered and serialised once, and reaches
//! all subscribers in the same order.
//!
//! Nobody can hold a publisher up: each subscriber has a queue of bounded length and size, which loses its oldest
//! events when it is full and tells the subscriber how many.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use axum::extract::ws::Utf8Bytes;
use drp_core::{Event, limits};
use tokio::sync::Notify;

/// Type of the events that lines of the log become.
pub(crate) const LOG_TYPE: &str = "log";

/// Hands events to everybody who subscribed.
#[derive(Debug)]
pub(crate) struct Bus {
    hub: Mutex<Hub>,
    room: Room,
    traffic: Arc<[Traffic; Subscriber::ALL.len()]>,
}

/// How much may wait for one subscriber.
#[derive(Clone, Copy, Debug)]
struct Room {
    events: usize,
    bytes: usize,
}

/// Who subscribes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subscriber {
    /// A client, or a plugin as one.
    Websocket,
    /// A plugin that has its events the old way.
    Publish,
}

impl Subscriber {
    pub(crate) const ALL: [Self; 2] = [Self::Websocket, Self::Publish];

    /// The name in metrics.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Websocket => "websocket",
            Self::Publish => "plugin",
        }
    }

    /// Whether events of this type come here. Lines of the log are not posted to plugins: one that logs what it gets
    /// would never end, and what others log must not take the places of the events that it is there for.
    fn takes(self, event_type: &str) -> bool {
        match self {
            Self::Websocket => true,
            Self::Publish => event_type != LOG_TYPE,
        }
    }
}

/// What went to subscribers of one kind so far.
#[derive(Debug, Default)]
struct Traffic {
    delivered: AtomicU64,
    dropped: AtomicU64,
}

/// Events of subscribers of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EventCounts {
    /// Those that reached a subscriber who wanted them.
    pub(crate) delivered: u64,
    /// Those that a queue lost because it was full.
    pub(crate) dropped: u64,
    /// Those that wait in queues now.
    pub(crate) waiting: usize,
}

#[derive(Debug, Default)]
struct Hub {
    /// Number of the event that was published last.
    seq: u64,
    queues: Vec<Weak<Queue>>,
}

/// An event as it was published.
#[derive(Debug)]
pub(crate) struct Published {
    /// Its number: one more than that of the event before.
    pub(crate) seq: u64,
    /// The event itself.
    pub(crate) event: Event,
    /// The event as JSON, ready to be sent.
    pub(crate) json: Utf8Bytes,
}

/// What a subscriber gets.
#[derive(Clone, Debug)]
pub(crate) enum Delivery {
    /// The next event.
    Event(Arc<Published>),
    /// So many events were dropped here because the subscriber was too slow.
    Lagged(u64),
}

impl Bus {
    /// A bus without subscribers.
    pub(crate) fn new() -> Self {
        Self::with_room(limits::SUBSCRIBER_EVENTS_MAX, limits::SUBSCRIBER_EVENT_BYTES_MAX)
    }

    /// A bus on which so many events (at least one) and bytes may wait for one subscriber.
    pub(crate) fn with_room(events: usize, bytes: usize) -> Self {
        Self { hub: Mutex::default(), room: Room { events: events.max(1), bytes }, traffic: Arc::default() }
    }

    /// Hands an event to all subscribers and returns its number. Never waits for any of them.
    pub(crate) fn publish(&self, event: Event) -> u64 {
        {
            let mut hub = lock(&self.hub);
            if hub.queues.is_empty() {
                hub.seq += 1;
                return hub.seq;
            }
        }
        // Serialised while the lock is not held: only numbering and queueing must be one step.
        let json = Utf8Bytes::from(serde_json::to_string(&event).expect("an event is always JSON"));
        let mut hub = lock(&self.hub);
        hub.seq += 1;
        let published = Arc::new(Published { seq: hub.seq, event, json });
        hub.queues.retain(|queue| match queue.upgrade() {
            Some(queue) => {
                queue.push(Arc::clone(&published));
                true
            }
            None => false,
        });
        published.seq
    }

    /// Subscribes to all events from now on. Dropping the subscription ends it.
    pub(crate) fn open(&self, subscriber: Subscriber) -> Subscription {
        self.open_with(subscriber, self.room)
    }

    /// A subscription with a queue of `capacity` events.
    #[cfg(test)]
    pub(crate) fn subscribe(&self, capacity: usize) -> Subscription {
        self.open_with(Subscriber::Websocket, Room { events: capacity.max(1), ..self.room })
    }

    fn open_with(&self, subscriber: Subscriber, room: Room) -> Subscription {
        let traffic = Arc::clone(&self.traffic);
        let queue = Arc::new(Queue { subscriber, traffic, room, waiting: Mutex::default(), ready: Notify::new() });
        lock(&self.hub).queues.push(Arc::downgrade(&queue));
        Subscription { queue }
    }

    /// The number of the event that was published last.
    pub(crate) fn published(&self) -> u64 {
        lock(&self.hub).seq
    }

    /// What became of the events for subscribers of one kind.
    pub(crate) fn counts(&self, subscriber: Subscriber) -> EventCounts {
        let queues: Vec<_> = lock(&self.hub).queues.iter().filter_map(Weak::upgrade).collect();
        let of_kind = queues.iter().filter(|queue| queue.subscriber == subscriber);
        let waiting = of_kind.map(|queue| lock(&queue.waiting).events.len()).sum();
        let traffic = subscriber.traffic(&self.traffic);
        EventCounts {
            delivered: traffic.delivered.load(Ordering::Relaxed),
            dropped: traffic.dropped.load(Ordering::Relaxed),
            waiting,
        }
    }
}

impl Default for Bus {
    fn default() -> Self {
        Self::new()
    }
}

impl Subscriber {
    fn traffic(self, all: &[Traffic; Self::ALL.len()]) -> &Traffic {
        let [websocket, publish] = all;
        match self {
            Self::Websocket => websocket,
            Self::Publish => publish,
        }
    }
}

/// The receiving end of a subscriber's queue.
#[derive(Debug)]
pub(crate) struct Subscription {
    queue: Arc<Queue>,
}

impl Subscription {
    /// Waits for the next event, or for the news that some were lost. May be dropped while it waits, without loss.
    pub(crate) async fn next(&mut self) -> Delivery {
        loop {
            if let Some(delivery) = self.try_next() {
                return delivery;
            }
            // A push between the look and this wait has left a permit, so it is not missed.
            self.queue.ready.notified().await;
        }
    }

    /// What waits already, if anything does.
    pub(crate) fn try_next(&mut self) -> Option<Delivery> {
        lock(&self.queue.waiting).take()
    }

    /// Counts an event that has reached whom it was for; not everything that is taken here is.
    pub(crate) fn count_delivered(&self) {
        self.queue.traffic().delivered.fetch_add(1, Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct Queue {
    subscriber: Subscriber,
    traffic: Arc<[Traffic; Subscriber::ALL.len()]>,
    room: Room,
    waiting: Mutex<Waiting>,
    ready: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    events: VecDeque<Arc<Published>>,
    bytes: usize,
    /// Events lost before the oldest one that still waits.
    lost: u64,
}

impl Queue {
    fn push(&self, event: Arc<Published>) {
        if !self.subscriber.takes(&event.event.type_) {
            return;
        }
        let dropped = lock(&self.waiting).add(event, self.room);
        if dropped > 0 {
            self.traffic().dropped.fetch_add(dropped, Ordering::Relaxed);
        }
        self.ready.notify_one();
    }

    fn traffic(&self) -> &Traffic {
        self.subscriber.traffic(&self.traffic)
    }
}

impl Waiting {
    /// Adds an event; the oldest ones go when there are too many or too much, but the newest always stays. Answers how
    /// many went.
    fn add(&mut self, event: Arc<Published>, room: Room) -> u64 {
        let lost_before = self.lost;
        self.bytes += event.json.len();
        self.events.push_back(event);
        while self.events.len() > 1
            && (self.events.len() > room.events || self.bytes > room.bytes)
            && let Some(dropped) = self.events.pop_front()
        {
            self.bytes -= dropped.json.len();
            self.lost += 1;
        }
        self.lost - lost_before
    }

    fn take(&mut self) -> Option<Delivery> {
        if self.lost > 0 {
            return Some(Delivery::Lagged(std::mem::take(&mut self.lost)));
        }
        let event = self.events.pop_front()?;
        self.bytes -= event.json.len();
        Some(Delivery::Event(event))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use drp_core::Raw;

    fn event(key: &str) -> Event {
        Event::new("test", "create", key, Raw::null())
    }

    fn drain(subscription: &mut Subscription) -> Vec<u64> {
        let seq = |delivery| match delivery {
            Delivery::Event(event) => event.seq,
            Delivery::Lagged(lost) => panic!("lost {lost}"),
        };
        std::iter::from_fn(|| subscription.try_next()).map(seq).collect()
    }

    /// `#38`.
    #[test]
    fn all_subscribers_see_one_order_whoever_publishes() {
        let bus = Bus::new();
        let mut subscriptions: Vec<_> = (0..3).map(|_| bus.subscribe(1000)).collect();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let bus = &bus;
                scope.spawn(move || {
                    for n in 0..50 {
                        bus.publish(event(&format!("{thread}.{n}")));
                    }
                });
            }
        });
        for subscription in &mut subscriptions {
            assert_eq!(drain(subscription), (1..=200).collect::<Vec<_>>());
        }
    }

    #[tokio::test]
    async fn a_slow_subscriber_loses_the_oldest_and_is_told_how_many() {
        let bus = Bus::new();
        let mut slow = bus.subscribe(2);
        let mut fast = bus.subscribe(10);
        for n in 0..5 {
            bus.publish(event(&n.to_string()));
        }
        assert!(matches!(slow.next().await, Delivery::Lagged(3)));
        assert_eq!(drain(&mut slow), [4, 5]);
        assert_eq!(drain(&mut fast), [1, 2, 3, 4, 5]);
        assert!(slow.try_next().is_none());
        assert_eq!(bus.counts(Subscriber::Websocket), EventCounts { delivered: 0, dropped: 3, waiting: 0 });
    }

    #[test]
    fn subscribers_of_each_kind_are_counted_and_have_the_room_that_the_operator_gives() {
        let bus = Bus::with_room(2, 1 << 20);
        let [websocket, plugin] = Subscriber::ALL.map(|kind| bus.open(kind));
        for n in 0..3 {
            bus.publish(event(&n.to_string()));
        }
        websocket.count_delivered();
        plugin.count_delivered();
        let expected = EventCounts { delivered: 1, dropped: 1, waiting: 2 };
        assert_eq!(Subscriber::ALL.map(|kind| bus.counts(kind)), [expected; 2]);
        assert_eq!(bus.published(), 3);
    }

    /// `#5`.
    #[tokio::test]
    async fn lines_of_the_log_take_no_places_of_a_plugin_that_has_events_the_old_way() {
        let bus = Bus::with_room(2, 1 << 20);
        let [mut websocket, mut plugin] = Subscriber::ALL.map(|kind| bus.open(kind));
        bus.publish(event("x"));
        for _ in 0..3 {
            bus.publish(Event::new(LOG_TYPE, "info", "chatty", Raw::null()));
        }
        assert_eq!(drain(&mut plugin), [1]);
        assert!(matches!(websocket.next().await, Delivery::Lagged(2)));
    }

    #[tokio::test]
    async fn a_waiting_subscriber_wakes_up() {
        let bus = Arc::new(Bus::new());
        let mut subscription = bus.subscribe(1);
        let waiting = tokio::spawn(async move { subscription.next().await });
        tokio::task::yield_now().await;
        bus.publish(event("x"));
        let Delivery::Event(published) = waiting.await.unwrap() else { panic!("nothing was lost") };
        let json: serde_json::Value = serde_json::from_str(&published.json).unwrap();
        assert_eq!((json["Key"].as_str(), published.event.key.as_str()), (Some("x"), "x"));
    }

    #[test]
    fn an_ended_subscription_is_forgotten() {
        let bus = Bus::new();
        drop(bus.subscribe(1));
        bus.publish(event("x"));
        assert!(lock(&bus.hub).queues.is_empty());
    }
}
