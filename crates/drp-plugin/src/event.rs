//! From the event stream to the handlers: ordered by object, at the same time across objects.

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    sync::Arc,
};

use drp_client::{EventStream, StreamItem};
use drp_core::{Event, limits};
use tokio::task::JoinSet;
use tracing::Instrument;

use crate::{
    Context,
    handler::EventHandler,
    log::{Republish, open_scope},
    serve::{Service, contain_panic, end_in_time},
};

/// Events of different objects that are handled at the same time.
const HANDLERS_MAX: usize = 64;

/// Which object an event is about; events of one object stay in order.
type Subject = (String, String);

/// Events that wait for their handler, oldest first, no two of one subject out of order.
#[derive(Default)]
struct Waiting {
    events: BTreeMap<u64, Event>,
    /// The numbers of the waiting events of each subject.
    of_subject: HashMap<Subject, VecDeque<u64>>,
    bytes: usize,
    next: u64,
}

impl Waiting {
    /// Takes an event in and returns how many had to go for it.
    fn push(&mut self, event: Event) -> u64 {
        self.bytes += size_of(&event);
        self.of_subject.entry(subject_of(&event)).or_default().push_back(self.next);
        self.events.insert(self.next, event);
        self.next += 1;
        let mut dropped = 0;
        while self.events.len() > limits::HANDLER_EVENTS_MAX || self.bytes > limits::HANDLER_EVENT_BYTES_MAX {
            let Some((&oldest, _)) = self.events.first_key_value() else { break };
            self.take(oldest);
            dropped += 1;
        }
        dropped
    }

    /// The oldest event whose subject is not being handled.
    fn pop(&mut self, busy: &HashSet<Subject>) -> Option<Event> {
        let ready = |(subject, numbers): (&Subject, &VecDeque<u64>)| {
            if busy.contains(subject) { None } else { numbers.front().copied() }
        };
        let number = self.of_subject.iter().filter_map(ready).min()?;
        self.take(number)
    }

    fn take(&mut self, number: u64) -> Option<Event> {
        let event = self.events.remove(&number)?;
        self.bytes -= size_of(&event);
        let subject = subject_of(&event);
        if let Some(numbers) = self.of_subject.get_mut(&subject) {
            numbers.retain(|&other| other != number);
            if numbers.is_empty() {
                self.of_subject.remove(&subject);
            }
        }
        Some(event)
    }
}

fn subject_of(event: &Event) -> Subject {
    (event.type_.clone(), event.key.clone())
}

fn size_of(event: &Event) -> usize {
    std::mem::size_of::<Event>() + event.key.len() + event.object.get().len() + event.original.get().len()
}

/// Hands the events of the stream to the handlers until the plugin stops.
pub(crate) async fn dispatch<S: Send + Sync + 'static>(service: Arc<Service<S>>, mut stream: EventStream) {
    let mut waiting = Waiting::default();
    let mut busy: HashSet<Subject> = HashSet::new();
    let mut running: JoinSet<Subject> = JoinSet::new();
    loop {
        while running.len() < HANDLERS_MAX
            && let Some(event) = waiting.pop(&busy)
        {
            let subject = subject_of(&event);
            busy.insert(subject.clone());
            running.spawn(handle(Arc::clone(&service), event, subject));
        }
        tokio::select! {
            () = service.stop_asked.cancelled() => break,
            Some(ended) = running.join_next() => {
                // `handle` contains panics, so a task always ends with its subject.
                if let Ok(subject) = ended {
                    busy.remove(&subject);
                }
            }
            item = stream.next() => match item {
                Some(StreamItem::Event(event)) => {
                    let dropped = waiting.push(event);
                    if dropped > 0 {
                        tracing::warn!("{dropped} events were dropped: the handlers are too slow for them");
                    }
                }
                Some(StreamItem::Lagged(n)) => tracing::warn!("{n} events were lost on their way"),
                Some(StreamItem::Resynced) => tracing::warn!("the event stream was interrupted and is back"),
                _ => break,
            },
        }
    }
    stream.close().await;
    if !waiting.events.is_empty() {
        tracing::warn!("{} events were dropped: the plugin stops", waiting.events.len());
    }
    while running.join_next().await.is_some() {}
}

async fn handle<S: Send + Sync + 'static>(service: Arc<Service<S>>, event: Event, subject: Subject) -> Subject {
    let Some(handler) = find_handler(&service.provider.events, &event) else { return subject };
    let Ok(configured) = service.configured() else { return subject };
    let log = open_scope(Republish::Never, None);
    let Ok(call) = service.call(&configured.plugin, log.clone()) else { return subject };
    let name: Arc<str> = format!("the handler of event `{}.{}.{}`", event.type_, event.action, event.key).into();
    let context = Context::of_call(Arc::clone(&configured.state), call);
    // The call itself belongs inside as well: it may panic before there is a future.
    let work = async { end_in_time(handler(context, event), &service.cancelled, None).await };
    let report = async {
        if let Err(error) = contain_panic(Arc::clone(&name), work).await {
            tracing::error!("{name} failed: {error}");
        }
    };
    report.instrument(log).await;
    subject
}

fn find_handler<'a, S>(
    handlers: &'a [(drp_core::Selector, EventHandler<S>)],
    event: &Event,
) -> Option<&'a EventHandler<S>> {
    handlers.iter().find(|(selector, _)| selector.matches(event)).map(|(_, handler)| handler)
}

#[cfg(test)]
mod tests {
    use drp_core::Raw;

    use super::*;

    fn event(key: &str, n: u64) -> Event {
        Event::new("machines", "update", key, Raw::from(serde_json::json!(n)))
    }

    #[test]
    fn events_of_one_object_wait_for_each_other_and_others_pass() {
        let mut waiting = Waiting::default();
        for (key, n) in [("a", 1), ("a", 2), ("b", 3)] {
            assert_eq!(waiting.push(event(key, n)), 0);
        }
        let number = |event: Option<Event>| event.map(|event| event.object.parse::<u64>().unwrap());
        let mut busy = HashSet::new();
        assert_eq!(number(waiting.pop(&busy)), Some(1));
        busy.insert(subject_of(&event("a", 0)));
        assert_eq!(number(waiting.pop(&busy)), Some(3));
        assert_eq!(number(waiting.pop(&busy)), None);
        busy.clear();
        assert_eq!(number(waiting.pop(&busy)), Some(2));
        assert_eq!((waiting.bytes, waiting.of_subject.len()), (0, 0));
    }

    #[test]
    fn the_oldest_events_make_room_and_are_counted() {
        let mut waiting = Waiting::default();
        let dropped: u64 = (0..10_005).map(|n| waiting.push(event(&format!("{}", n % 7), n))).sum();
        assert_eq!((dropped, waiting.events.len()), (5, limits::HANDLER_EVENTS_MAX));
        assert_eq!(waiting.pop(&HashSet::new()).unwrap().object.parse::<u64>().unwrap(), 5);
    }
}
