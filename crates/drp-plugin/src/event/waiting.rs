//! Events that wait for their handler.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use drp_core::Event;

use super::{EventLimits, Overflow};

/// The key of the object that an event is about. Events of one key stay in order, whatever type they have: an action's
/// own event and the object's update are about the same thing.
pub(super) type Subject = String;

/// An event and the number of the rule that it is for.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) rule: usize,
    pub(super) event: Event,
}

/// What taking an event in has cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    /// Events that had to go for it.
    pub(super) dropped: u64,
    /// Events that it has replaced.
    pub(super) coalesced: u64,
}

/// Events by age, bounded, and which of them may be handled now: of each object the oldest, and none while another one
/// of that object is being handled.
pub(super) struct Waiting {
    limits: EventLimits,
    items: BTreeMap<u64, Item>,
    /// The numbers of the waiting events of each object.
    of_subject: HashMap<Subject, VecDeque<u64>>,
    /// The oldest event of each object that is not being handled.
    ready: BTreeMap<u64, Subject>,
    busy: HashSet<Subject>,
    bytes: usize,
    next: u64,
}

impl Waiting {
    pub(super) fn new(limits: EventLimits) -> Self {
        Self {
            limits,
            items: BTreeMap::new(),
            of_subject: HashMap::new(),
            ready: BTreeMap::new(),
            busy: HashSet::new(),
            bytes: 0,
            next: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether another event may come. Only where events wait outside for room does this ever say no.
    pub(super) fn has_room(&self) -> bool {
        self.limits.overflow != Overflow::Block
            || (self.items.len() < self.limits.waiting && self.bytes < self.limits.waiting_bytes)
    }

    /// Takes an event in; where there is no room for it, the oldest ones go.
    pub(super) fn push(&mut self, item: Item) -> Cost {
        let subject = subject_of(&item.event);
        if self.limits.overflow == Overflow::CoalesceLatest
            && let Some(newest) = self.of_subject.get(&subject).and_then(VecDeque::back)
            && let Some(known) = self.items.get_mut(newest).filter(|known| known.event.type_ == item.event.type_)
        {
            self.bytes -= size_of(&known.event);
            let original = std::mem::take(&mut known.event.original);
            *known = item;
            known.event.original = original;
            self.bytes += size_of(&known.event);
            return Cost { coalesced: 1, ..Cost::default() };
        }
        let number = self.next;
        self.next += 1;
        self.bytes += size_of(&item.event);
        self.items.insert(number, item);
        let numbers = self.of_subject.entry(subject.clone()).or_default();
        numbers.push_back(number);
        let too_many_of_it = numbers.len() > self.limits.waiting_per_object && self.limits.overflow != Overflow::Block;
        let oldest_of_it = numbers.front().copied();
        if numbers.len() == 1 && !self.busy.contains(&subject) {
            self.ready.insert(number, subject);
        }
        let mut dropped = 0;
        if let Some(oldest) = oldest_of_it.filter(|_| too_many_of_it) {
            dropped += self.drop_one(oldest);
        }
        while self.items.len() > self.limits.waiting || self.bytes > self.limits.waiting_bytes {
            let Some((&oldest, _)) = self.items.first_key_value() else { break };
            dropped += self.drop_one(oldest);
        }
        Cost { dropped, coalesced: 0 }
    }

    /// Lets the oldest event of its object go.
    fn drop_one(&mut self, oldest: u64) -> u64 {
        let Some(item) = self.items.get(&oldest) else { return 0 };
        let subject = subject_of(&item.event);
        self.take(oldest, &subject);
        // Where it was the next of its object, its successor is so now.
        if self.ready.remove(&oldest).is_some() {
            self.make_ready(subject);
        }
        1
    }

    /// The oldest event that may be handled now. Its object is busy until [`end`](Self::end).
    pub(super) fn start(&mut self) -> Option<(Subject, Item)> {
        let (number, subject) = self.ready.pop_first()?;
        let item = self.take(number, &subject)?;
        self.busy.insert(subject.clone());
        Some((subject, item))
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
    fn take(&mut self, number: u64, subject: &Subject) -> Option<Item> {
        let item = self.items.remove(&number)?;
        self.bytes -= size_of(&item.event);
        if let Some(numbers) = self.of_subject.get_mut(subject) {
            numbers.pop_front();
            if numbers.is_empty() {
                self.of_subject.remove(subject);
            }
        }
        Some(item)
    }
}

fn subject_of(event: &Event) -> Subject {
    event.key.clone()
}

fn size_of(event: &Event) -> usize {
    std::mem::size_of::<Event>() + event.key.len() + event.object.get().len() + event.original.get().len()
}

#[cfg(test)]
mod tests {
    use drp_core::{Raw, limits};

    use super::*;

    fn event(key: &str, n: u64) -> Item {
        let event = Event::new("machines", "update", key, Raw::from(serde_json::json!(n)));
        Item { rule: 0, event: Event { original: Raw::from(serde_json::json!(n)), ..event } }
    }

    fn number((_, item): (Subject, Item)) -> u64 {
        item.event.object.parse().unwrap()
    }

    fn waiting(limits: EventLimits) -> Waiting {
        Waiting::new(limits)
    }

    #[test]
    fn events_of_one_object_wait_for_each_other_and_others_pass() {
        let mut waiting = waiting(EventLimits::default());
        for (key, n) in [("a", 1), ("a", 2), ("b", 3)] {
            assert_eq!(waiting.push(event(key, n)), Cost::default());
        }
        assert_eq!(waiting.start().map(number), Some(1));
        assert_eq!(waiting.start().map(number), Some(3));
        assert_eq!(waiting.start().map(number), None);
        assert_eq!(waiting.push(event("a", 4)), Cost::default());
        waiting.end(subject_of(&event("a", 0).event));
        assert_eq!(waiting.start().map(number), Some(2));
        waiting.end(subject_of(&event("a", 0).event));
        assert_eq!(waiting.start().map(number), Some(4));
        waiting.end(subject_of(&event("a", 0).event));
        waiting.end(subject_of(&event("b", 0).event));
        assert_eq!((waiting.bytes, waiting.of_subject.len(), waiting.ready.len(), waiting.busy.len()), (0, 0, 0, 0));
    }

    #[test]
    fn the_oldest_events_make_room_and_are_counted() {
        let mut waiting = waiting(EventLimits::default());
        let dropped: u64 = (0..10_005).map(|n| waiting.push(event(&format!("{}", n % 7), n)).dropped).sum();
        assert_eq!((dropped, waiting.len()), (5, limits::HANDLER_EVENTS_MAX));
        // The oldest of every object may start, whether or not one before it was dropped.
        let first: Vec<u64> = std::iter::from_fn(|| waiting.start()).map(number).collect();
        assert_eq!(first, [5, 6, 7, 8, 9, 10, 11]);
    }

    #[test]
    fn what_is_dropped_of_a_busy_object_leaves_it_busy() {
        let mut waiting = waiting(EventLimits::default());
        waiting.push(event("a", 0));
        waiting.start();
        let dropped: u64 = (1..=10_001).map(|n| waiting.push(event("a", n)).dropped).sum();
        assert_eq!((dropped, waiting.start().map(number)), (1, None));
        waiting.end(subject_of(&event("a", 0).event));
        assert_eq!(waiting.start().map(number), Some(2));
    }

    #[test]
    fn one_object_cannot_take_all_the_room() {
        let mut waiting = waiting(EventLimits::default().waiting_per_object(2));
        let dropped: Vec<u64> = (0..4).map(|n| waiting.push(event("a", n)).dropped).collect();
        waiting.push(event("b", 9));
        assert_eq!(dropped, [0, 0, 1, 1]);
        assert_eq!((waiting.start().map(number), waiting.start().map(number)), (Some(2), Some(9)));
    }

    #[test]
    fn coalesced_events_keep_the_newest_object_and_the_first_original() {
        let mut waiting = waiting(EventLimits::default().overflow(Overflow::CoalesceLatest));
        let coalesced: u64 = (0..5).map(|n| waiting.push(event("a", n)).coalesced).sum();
        let (subject, item) = waiting.start().unwrap();
        assert_eq!((coalesced, item.event.object.get(), item.event.original.get()), (4, "4", "0"));
        assert_eq!(waiting.bytes, 0);
        // While it is handled, the next ones gather behind it.
        assert_eq!((5..8).map(|n| waiting.push(event("a", n)).coalesced).sum::<u64>(), 2);
        waiting.end(subject);
        assert_eq!(waiting.start().map(number), Some(7));
    }

    #[test]
    fn events_of_one_key_wait_for_each_other_whatever_their_type_and_are_never_taken_for_each_other() {
        let of_type = |type_: &str, n| {
            let Item { rule, event } = event("a", n);
            Item { rule, event: Event { type_: type_.to_owned(), ..event } }
        };
        let mut waiting = waiting(EventLimits::default().overflow(Overflow::CoalesceLatest));
        let coalesced =
            [("machines", 0), ("jobs", 1), ("jobs", 2)].map(|(type_, n)| waiting.push(of_type(type_, n)).coalesced);
        assert_eq!(coalesced, [0, 0, 1]);
        assert_eq!(waiting.start().map(number), Some(0));
        assert_eq!(waiting.start().map(number), None);
        waiting.end("a".to_owned());
        assert_eq!(waiting.start().map(number), Some(2));
    }

    #[test]
    fn where_events_wait_outside_none_is_dropped() {
        let mut waiting = waiting(EventLimits::default().waiting(2).overflow(Overflow::Block));
        assert_eq!((waiting.push(event("a", 0)), waiting.has_room()), (Cost::default(), true));
        assert_eq!((waiting.push(event("a", 1)), waiting.has_room()), (Cost::default(), false));
        waiting.start();
        assert!(waiting.has_room());
    }
}
