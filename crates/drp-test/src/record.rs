//! What has come so far, and waiting for what comes.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::watch, time::timeout};

/// Items that are kept; older ones go and are counted.
const KEPT_MAX: usize = 10_000;

/// A bounded record of items that come one after the other.
#[derive(Debug)]
pub(crate) struct Record<T> {
    kept: Mutex<Kept<T>>,
    /// How many have come.
    come: watch::Sender<u64>,
}

#[derive(Debug)]
struct Kept<T> {
    items: VecDeque<Item<T>>,
    /// How many went before the first of them.
    gone: u64,
    /// How many have never come here.
    lost: u64,
}

#[derive(Debug)]
struct Item<T> {
    value: T,
    taken: bool,
}

impl<T> Default for Record<T> {
    fn default() -> Self {
        Self { kept: Mutex::new(Kept { items: VecDeque::new(), gone: 0, lost: 0 }), come: watch::Sender::default() }
    }
}

impl<T: Clone> Record<T> {
    pub(crate) fn push(&self, value: T) {
        let mut kept = self.kept();
        if kept.items.len() == KEPT_MAX {
            kept.items.pop_front();
            kept.gone += 1;
        }
        kept.items.push_back(Item { value, taken: false });
        self.come.send_modify(|come| *come += 1);
    }

    /// So many have happened that will not come.
    pub(crate) fn lose(&self, count: u64) {
        self.kept().lost += count;
    }

    /// How many have never come.
    pub(crate) fn lost(&self) -> u64 {
        self.kept().lost
    }

    /// All that are kept, oldest first.
    pub(crate) fn all(&self) -> Vec<T> {
        self.kept().items.iter().map(|item| item.value.clone()).collect()
    }

    /// A place in the record: behind what has come so far.
    pub(crate) fn end(&self) -> u64 {
        *self.come.borrow()
    }

    /// Waits for the first item that is wanted and was not given out yet. Each is given out once.
    pub(crate) async fn take(&self, limit: Duration, wanted: impl Fn(&T) -> bool) -> Option<T> {
        let look = || {
            let mut kept = self.kept();
            let found = kept.items.iter_mut().find(|item| !item.taken && wanted(&item.value))?;
            found.taken = true;
            Some(found.value.clone())
        };
        self.wait(limit, look).await
    }

    /// Waits for the first item behind a place of which something is wanted.
    pub(crate) async fn find<U>(&self, limit: Duration, start: u64, wanted: impl Fn(&T) -> Option<U>) -> Option<U> {
        let look = || {
            let kept = self.kept();
            let skipped = usize::try_from(start.saturating_sub(kept.gone)).unwrap_or(usize::MAX);
            kept.items.iter().skip(skipped).find_map(|item| wanted(&item.value))
        };
        self.wait(limit, look).await
    }

    async fn wait<U>(&self, limit: Duration, look: impl Fn() -> Option<U>) -> Option<U> {
        let mut come = self.come.subscribe();
        let search = async {
            loop {
                come.mark_unchanged();
                if let Some(found) = look() {
                    return Some(found);
                }
                come.changed().await.ok()?;
            }
        };
        timeout(limit, search).await.ok().flatten()
    }

    fn kept(&self) -> MutexGuard<'_, Kept<T>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_item_is_given_out_once_and_in_its_order() {
        let record = Record::default();
        let take = |wanted: u32| record.take(Duration::from_millis(20), move |item: &(u32, u32)| item.0 == wanted);
        for item in [(1, 0), (2, 1), (1, 2)] {
            record.push(item);
        }
        assert_eq!([take(1).await, take(1).await, take(1).await], [Some((1, 0)), Some((1, 2)), None]);
        assert_eq!(record.all().len(), 3);
    }

    #[tokio::test]
    async fn a_place_holds_though_the_oldest_items_go() {
        let record = Record::default();
        (0..KEPT_MAX + 5).for_each(|n| record.push(n));
        let start = record.end();
        assert_eq!(record.find(Duration::ZERO, start, |&n| Some(n)).await, None);
        record.push(7);
        assert_eq!(record.find(Duration::from_secs(1), start, |&n| Some(n)).await, Some(7));
        assert_eq!(record.all().len(), KEPT_MAX);
    }
}
