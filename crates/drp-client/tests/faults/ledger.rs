//! What was published, and whether all of it was seen once, in order, or announced as missing.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use drp_client::{EventStream, StreamItem};
use tokio::{sync::Notify, time::timeout};

use crate::{EVENTS, PATIENCE};

/// The event after all others of its key.
pub(crate) const LAST: u64 = u64::MAX;

#[derive(Default)]
pub(crate) struct Ledger {
    /// By key, the numbers of events that were surely published; those of which nobody knows are not in it.
    published: Mutex<HashMap<String, Vec<u64>>>,
    tried: AtomicU64,
    more: Notify,
}

impl Ledger {
    /// Another event was published, or perhaps was.
    pub(crate) fn note(&self, key: &str, number: u64, surely: bool) {
        if surely {
            self.published.lock().unwrap().entry(key.to_owned()).or_default().push(number);
        }
        self.tried.fetch_add(1, Ordering::Relaxed);
        self.more.notify_waiters();
    }

    pub(crate) fn tried(&self) -> u64 {
        self.tried.load(Ordering::Relaxed)
    }

    /// Waits until so many were tried, or all of them.
    pub(crate) async fn wait_until_tried(&self, count: u64) {
        loop {
            let more = self.more.notified();
            if self.tried() >= count.min(EVENTS) {
                return;
            }
            timeout(PATIENCE, more).await.expect("events are published");
        }
    }

    fn surely_between(&self, key: &str, after: Option<u64>, before: u64) -> Option<u64> {
        let published = self.published.lock().unwrap();
        let numbers = published.get(key)?;
        numbers.iter().copied().find(|&number| after.is_none_or(|after| number > after) && number < before)
    }
}

/// What a reader saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) events: u64,
    pub(crate) gaps: u64,
    pub(crate) lagged: u64,
}

/// Reads the stream until the last event of each key, and checks each against the ledger. From time to time it takes a
/// rest, so that events are lost to its own slowness as well.
pub(crate) async fn read_and_check(stream: &mut EventStream, ledger: &Ledger, keys: u64) -> Seen {
    let mut seen = Seen::default();
    // By key, the last number and how many gaps had been announced by then.
    let mut last: HashMap<String, (u64, u64)> = HashMap::new();
    let mut announced = 0;
    let mut ended = 0;
    while ended < keys {
        let item = timeout(PATIENCE, stream.next()).await.expect("an item comes").expect("the stream goes on");
        let event = match item {
            StreamItem::Event(event) => event,
            StreamItem::Resynced => {
                announced += 1;
                seen.gaps += 1;
                continue;
            }
            StreamItem::Lagged(count) => {
                announced += 1;
                seen.lagged += count;
                continue;
            }
            _ => panic!("{item:?}"),
        };
        seen.events += 1;
        let number: u64 = event.object.parse().expect("the event came whole");
        let before = last.insert(event.key.clone(), (number, announced));
        let (previous, announced_then) = before.map_or((None, 0), |(number, then)| (Some(number), then));
        assert!(
            previous.is_none_or(|previous| previous < number || number == LAST),
            "{} after {previous:?}",
            event.key
        );
        if announced == announced_then {
            let missing = ledger.surely_between(&event.key, previous, number);
            assert_eq!(missing, None, "lost without a word: {} between {previous:?} and {number}", event.key);
        }
        if number == LAST && previous != Some(LAST) {
            ended += 1;
        }
        if seen.events % 2500 == 0 {
            ledger.wait_until_tried(ledger.tried() + 1500).await;
        }
    }
    seen
}
