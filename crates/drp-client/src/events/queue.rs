//! Items that wait for the stream's reader.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use drp_core::{Event, limits};
use tokio::sync::Notify;

use super::StreamItem;

/// Items in order, bounded in number and bytes. Putting never waits: what is too much pushes the oldest out, which are
/// counted and told in their place.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Notify,
    malformed: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    /// Items with the bytes of their events.
    items: VecDeque<(StreamItem, usize)>,
    bytes: usize,
    /// Events that were pushed out of the front and not yet told of.
    lost: u64,
    /// A [`StreamItem::Resynced`] was pushed out of the front.
    resynced: bool,
    ended: bool,
}

impl Queue {
    /// Adds an event that came as so many bytes.
    pub(super) fn put_event(&self, event: Event, bytes: usize) {
        self.put(StreamItem::Event(event), bytes);
    }

    /// Adds an item that is no event.
    pub(super) fn put_notice(&self, notice: StreamItem) {
        self.put(notice, 0);
    }

    /// Lets the reader see the end once it has read the rest.
    pub(super) fn end(&self) {
        self.lock().ended = true;
        self.changed.notify_one();
    }

    pub(super) fn count_malformed(&self) {
        self.malformed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn malformed(&self) -> u64 {
        self.malformed.load(Ordering::Relaxed)
    }

    /// The next item. There is one reader.
    pub(super) async fn next(&self) -> Option<StreamItem> {
        loop {
            {
                let mut state = self.lock();
                let item = state.take();
                if item.is_some() || state.ended {
                    return item;
                }
            }
            self.changed.notified().await;
        }
    }

    fn put(&self, item: StreamItem, bytes: usize) {
        self.lock().put(item, bytes, limits::SUBSCRIBER_EVENTS_MAX, limits::SUBSCRIBER_EVENT_BYTES_MAX);
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn put(&mut self, item: StreamItem, bytes: usize, items_max: usize, bytes_max: usize) {
        self.items.push_back((item, bytes));
        self.bytes += bytes;
        // The newest stays, however large it is.
        while self.items.len() > 1 && (self.items.len() > items_max || self.bytes > bytes_max) {
            let Some((oldest, bytes)) = self.items.pop_front() else { break };
            self.bytes -= bytes;
            match oldest {
                StreamItem::Event(_) => self.lost += 1,
                StreamItem::Lagged(count) => self.lost += count,
                StreamItem::Resynced => self.resynced = true,
            }
        }
    }

    fn take(&mut self) -> Option<StreamItem> {
        match std::mem::take(&mut self.lost) {
            0 if std::mem::take(&mut self.resynced) => Some(StreamItem::Resynced),
            0 => {
                let (item, bytes) = self.items.pop_front()?;
                self.bytes -= bytes;
                Some(item)
            }
            lost => Some(StreamItem::Lagged(lost)),
        }
    }
}

#[cfg(test)]
mod tests {
    use drp_core::Raw;

    use super::*;

    fn event(key: &str) -> StreamItem {
        StreamItem::Event(Event::new("machines", "update", key, Raw::null()))
    }

    /// What a reader sees of these items when `items_max` may wait, each of one byte.
    fn check(items: Vec<StreamItem>, items_max: usize, bytes_max: usize, expected: &[&str]) {
        let mut state = State::default();
        for item in items {
            state.put(item, 1, items_max, bytes_max);
        }
        let seen: Vec<String> = std::iter::from_fn(|| state.take())
            .map(|item| match item {
                StreamItem::Event(event) => event.key,
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(seen, expected);
        assert_eq!(state.bytes, 0);
    }

    #[test]
    fn what_is_pushed_out_is_told_where_it_was() {
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
    }

    #[tokio::test]
    async fn the_end_comes_after_the_rest() {
        let queue = Queue::default();
        queue.put_notice(StreamItem::Resynced);
        queue.end();
        assert_eq!(queue.next().await, Some(StreamItem::Resynced));
        assert_eq!(queue.next().await, None);
        assert_eq!(queue.next().await, None);
    }
}
