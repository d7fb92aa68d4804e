//! Events that wait for their handler.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use drp_core::{Event, limits};

/// Which object an event is about; events of one object stay in order.
pub(super) type Subject = (String, String);

/// Events by age, bounded, and which of them may be handled now: of each object the oldest, and none while another one
/// of that object is being handled.
#[derive(Default)]
pub(super) struct Waiting {
    events: BTreeMap<u64, Event>,
    /// The numbers of the waiting events of each object.
    of_subject: HashMap<Subject, VecDeque<u64>>,
    /// The oldest event of each object that is not being handled.
    ready: BTreeMap<u64, Subject>,
    busy: HashSet<Subject>,
    bytes: usize,
    next: u64,
}

impl Waiting {
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// Takes an event in and returns how many had to go for it, oldest first.
    pub(super) fn push(&mut self, event: Event) -> u64 {
        let (number, subject) = (self.next, subject_of(&event));
        self.next += 1;
        self.bytes += size_of(&event);
        self.events.insert(number, event);
        let numbers = self.of_subject.entry(subject.clone()).or_default();
        numbers.push_back(number);
        if numbers.len() == 1 && !self.busy.contains(&subject) {
            self.ready.insert(number, subject);
        }
        let mut dropped = 0;
        while self.events.len() > limits::HANDLER_EVENTS_MAX || self.bytes > limits::HANDLER_EVENT_BYTES_MAX {
            let Some((&oldest, event)) = self.events.first_key_value() else { break };
            let subject = subject_of(event);
            self.take(oldest, &subject);
            // Where it was the next of its object, its successor is so now.
            if self.ready.remove(&oldest).is_some() {
                self.make_ready(subject);
            }
            dropped += 1;
        }
        dropped
    }

    /// The oldest event that may be handled now. Its object is busy until [`end`](Self::end).
    pub(super) fn start(&mut self) -> Option<(Subject, Event)> {
        let (number, subject) = self.ready.pop_first()?;
        let event = self.take(number, &subject)?;
        self.busy.insert(subject.clone());
        Some((subject, event))
    }

    /// The event of this object has been handled.
    pub(super) fn end(&mut self, subject: Subject) {
        self.busy.remove(&subject);
        self.make_ready(subject);
    }

    fn make_ready(&mut self, subject: Subject) {
        if let Some(&oldest) = self.of_subject.get(&subject).and_then(VecDeque::front) {
            self.ready.insert(oldest, subject);
        }
    }

    /// Takes out the oldest event of its object.
    fn take(&mut self, number: u64, subject: &Subject) -> Option<Event> {
        let event = self.events.remove(&number)?;
        self.bytes -= size_of(&event);
        if let Some(numbers) = self.of_subject.get_mut(subject) {
            numbers.pop_front();
            if numbers.is_empty() {
                self.of_subject.remove(subject);
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

#[cfg(test)]
mod tests {
    use drp_core::Raw;

    use super::*;

    fn event(key: &str, n: u64) -> Event {
        Event::new("machines", "update", key, Raw::from(serde_json::json!(n)))
    }

    fn number((_, event): (Subject, Event)) -> u64 {
        event.object.parse().unwrap()
    }

    #[test]
    fn events_of_one_object_wait_for_each_other_and_others_pass() {
        let mut waiting = Waiting::default();
        for (key, n) in [("a", 1), ("a", 2), ("b", 3)] {
            assert_eq!(waiting.push(event(key, n)), 0);
        }
        assert_eq!(waiting.start().map(number), Some(1));
        assert_eq!(waiting.start().map(number), Some(3));
        assert_eq!(waiting.start().map(number), None);
        assert_eq!(waiting.push(event("a", 4)), 0);
        waiting.end(subject_of(&event("a", 0)));
        assert_eq!(waiting.start().map(number), Some(2));
        waiting.end(subject_of(&event("a", 0)));
        assert_eq!(waiting.start().map(number), Some(4));
        waiting.end(subject_of(&event("a", 0)));
        waiting.end(subject_of(&event("b", 0)));
        assert_eq!((waiting.bytes, waiting.of_subject.len(), waiting.ready.len(), waiting.busy.len()), (0, 0, 0, 0));
    }

    #[test]
    fn the_oldest_events_make_room_and_are_counted() {
        let mut waiting = Waiting::default();
        let dropped: u64 = (0..10_005).map(|n| waiting.push(event(&format!("{}", n % 7), n))).sum();
        assert_eq!((dropped, waiting.len()), (5, limits::HANDLER_EVENTS_MAX));
        // The oldest of every object may start, whether or not one before it was dropped.
        let first: Vec<u64> = std::iter::from_fn(|| waiting.start()).map(number).collect();
        assert_eq!(first, [5, 6, 7, 8, 9, 10, 11]);
    }

    #[test]
    fn what_is_dropped_of_a_busy_object_leaves_it_busy() {
        let mut waiting = Waiting::default();
        waiting.push(event("a", 0));
        waiting.start();
        let dropped: u64 = (1..=10_001).map(|n| waiting.push(event("a", n))).sum();
        assert_eq!((dropped, waiting.start().map(number)), (1, None));
        waiting.end(subject_of(&event("a", 0)));
        assert_eq!(waiting.start().map(number), Some(2));
    }
}
