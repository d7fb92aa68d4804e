//! Items that wait for the stream's reader.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use drp_core::limits;
use tokio::sync::Notify;

use super::StreamItem;

/// Items for one reader. Putting never waits: what is too much pushes the oldest out.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Notify,
    malformed: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    items: Items,
    ended: bool,
}

impl Queue {
    /// Adds an item that came as so many bytes.
    pub(super) fn put(&self, item: StreamItem, bytes: usize) {
        self.lock().items.put(item, bytes);
        self.changed.notify_one();
    }

    /// Adds what came while a connection was being made, behind the mark of the gap before it if there was one.
    pub(super) fn put_first_items(&self, items: Items, after_gap: bool) {
        self.lock().items.append(items, after_gap);
        self.changed.notify_one();
    }

    /// Lets the reader see the end once it has read the rest.
    pub(super) fn end(&self) {
        self.lock().ended = true;
        self.changed.notify_one();
    }

    /// Counts a frame that was no event, and says how many there were before it.
    pub(super) fn count_malformed(&self) -> u64 {
        self.malformed.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn malformed(&self) -> u64 {
        self.malformed.load(Ordering::Relaxed)
    }

    /// The next item. There is one reader.
    pub(super) async fn next(&self) -> Option<StreamItem> {
        loop {
            {
                let mut state = self.lock();
                let item = state.items.take();
                if item.is_some() || state.ended {
                    return item;
                }
            }
            self.changed.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Items in order, bounded in number and bytes. What is pushed out is counted and told in its place.
#[derive(Debug)]
pub(super) struct Items {
    /// Items with the bytes they came as.
    waiting: VecDeque<(StreamItem, usize)>,
    bytes: usize,
    /// Events that were pushed out of the front and not yet told of.
    lost: u64,
    /// A [`StreamItem::Resynced`] was pushed out of the front.
    resynced: bool,
    items_max: usize,
    bytes_max: usize,
}

impl Default for Items {
    fn default() -> Self {
        Self::bounded(limits::SUBSCRIBER_EVENTS_MAX, limits::SUBSCRIBER_EVENT_BYTES_MAX)
    }
}

impl Items {
    fn bounded(items_max: usize, bytes_max: usize) -> Self {
        Self { waiting: VecDeque::new(), bytes: 0, lost: 0, resynced: false, items_max, bytes_max }
    }

    pub(super) fn put(&mut self, item: StreamItem, bytes: usize) {
        match (self.waiting.back_mut(), &item) {
            // A reader need not do twice what it has to do for either of them.
            (Some((StreamItem::Resynced, _)), StreamItem::Resynced) => return,
            (Some((StreamItem::Lagged(count), _)), StreamItem::Lagged(more)) => {
                *count = count.saturating_add(*more);
                return;
            }
            _ => {}
        }
        self.waiting.push_back((item, bytes));
        self.bytes += bytes;
        // The newest stays, however large it is.
        while self.waiting.len() > 1 && (self.waiting.len() > self.items_max || self.bytes > self.bytes_max) {
            let Some((oldest, bytes)) = self.waiting.pop_front() else { break };
            self.bytes -= bytes;
            match oldest {
                StreamItem::Event(_) => self.lost = self.lost.saturating_add(1),
                StreamItem::Lagged(count) => self.lost = self.lost.saturating_add(count),
                StreamItem::Resynced => self.resynced = true,
            }
        }
    }

    fn append(&mut self, others: Self, after_gap: bool) {
        if after_gap {
            self.put(StreamItem::Resynced, 0);
        }
        if others.lost > 0 {
            self.put(StreamItem::Lagged(others.lost), 0);
        }
        for (item, bytes) in others.waiting {
            self.put(item, bytes);
        }
    }

    fn take(&mut self) -> Option<StreamItem> {
        match std::mem::take(&mut self.lost) {
            0 if std::mem::take(&mut self.resynced) => Some(StreamItem::Resynced),
            0 => {
                let (item, bytes) = self.waiting.pop_front()?;
                self.bytes -= bytes;
                Some(item)
            }
            lost => Some(StreamItem::Lagged(lost)),
        }
    }
}

#[cfg(test)]
mod tests {
    use drp_core::{Event, Raw};

    use super::*;

    fn event(key: &str) -> StreamItem {
        StreamItem::Event(Event::new("machines", "update", key, Raw::null()))
    }

    fn texts(mut items: Items) -> Vec<String> {
        let seen = std::iter::from_fn(|| items.take())
            .map(|item| match item {
                StreamItem::Event(event) => event.key,
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(items.bytes, 0);
        seen
    }

    fn filled(items: Vec<StreamItem>, items_max: usize, bytes_max: usize) -> Items {
        let mut waiting = Items::bounded(items_max, bytes_max);
        for item in items {
            waiting.put(item, 1);
        }
        waiting
    }

    #[test]
    fn what_is_pushed_out_is_told_where_it_was() {
        // What a reader sees of these items when so many may wait, each of one byte.
        let check = |items: Vec<StreamItem>, items_max: usize, bytes_max: usize, expected: &[&str]| {
            assert_eq!(texts(filled(items, items_max, bytes_max)), expected);
        };
        let abc = || vec![event("a"), event("b"), event("c")];
        check(abc(), 3, 9, &["a", "b", "c"]);
        check(abc(), 2, 9, &["Lagged(1)", "b", "c"]);
        check(abc(), 9, 1, &["Lagged(2)", "c"]);
        check(abc(), 9, 0, &["Lagged(2)", "c"]);
        check(
            vec![StreamItem::Resynced, StreamItem::Lagged(5), event("a"), event("b")],
            1,
            9,
            &["Lagged(6)", "Resynced", "b"],
        );
        check(vec![event("a"), StreamItem::Resynced, event("b")], 2, 9, &["Lagged(1)", "Resynced", "b"]);
        let all = u64::MAX;
        check(vec![StreamItem::Lagged(all), event("a"), event("b")], 1, 9, &[&format!("Lagged({all})"), "b"]);
    }

    #[test]
    fn the_same_notice_twice_is_told_once() {
        let twice = vec![StreamItem::Resynced, StreamItem::Resynced, StreamItem::Lagged(1), StreamItem::Lagged(2)];
        assert_eq!(texts(filled(twice, 9, 9)), ["Resynced", "Lagged(3)"]);
    }

    #[test]
    fn what_came_with_a_new_connection_stands_behind_the_gap_before_it() {
        let check = |after_gap: bool, expected: &[&str]| {
            let mut items = filled(vec![event("old")], 9, 9);
            items.append(filled(vec![event("a"), event("b"), event("c")], 2, 9), after_gap);
            assert_eq!(texts(items), expected);
        };
        check(true, &["old", "Resynced", "Lagged(1)", "b", "c"]);
        check(false, &["old", "Lagged(1)", "b", "c"]);
    }

    #[tokio::test]
    async fn the_end_comes_after_the_rest() {
        let queue = Queue::default();
        queue.put(StreamItem::Resynced, 0);
        queue.end();
        assert_eq!(queue.next().await, Some(StreamItem::Resynced));
        assert_eq!(queue.next().await, None);
        assert_eq!(queue.next().await, None);
    }
}
