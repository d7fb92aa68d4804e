//! What the event handler has seen since the process began.

use std::{
    collections::HashMap,
    sync::{
        LazyLock, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use drp_plugin::{Event, Missed, RawModel};
use serde::Serialize;

pub(crate) static SEEN: LazyLock<Seen> = LazyLock::new(Seen::default);

#[derive(Default, Serialize)]
pub(crate) struct Seen {
    handled: AtomicU64,
    out_of_order: AtomicU64,
    lagged: AtomicU64,
    resyncs: AtomicU64,
    #[serde(skip)]
    keys: Mutex<HashMap<String, Key>>,
}

/// What is known of the events of one key.
#[derive(Default)]
struct Key {
    running: u32,
    last: Option<i64>,
}

/// An event that is being handled.
pub(crate) struct Running(String);

impl Seen {
    /// An event's handling begins, and ends with what this returns.
    pub(crate) fn start(&self, event: &Event) -> Running {
        let number = event.object_as().ok().and_then(|object: RawModel| object.get::<i64>("Seq"));
        let mut keys = self.keys();
        let key = keys.entry(event.key.clone()).or_default();
        if let Some(number) = number {
            if key.running > 0 || key.last.is_some_and(|last| number <= last) {
                self.out_of_order.fetch_add(1, Relaxed);
            }
            key.last = Some(number);
        }
        key.running += 1;
        Running(event.key.clone())
    }

    pub(crate) fn handled(&self) {
        self.handled.fetch_add(1, Relaxed);
    }

    pub(crate) fn missed(&self, missed: Missed) {
        self.lagged.fetch_add(missed.lagged, Relaxed);
        self.resyncs.fetch_add(missed.resyncs, Relaxed);
    }

    fn keys(&self) -> MutexGuard<'_, HashMap<String, Key>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(key) = SEEN.keys().get_mut(&self.0) {
            key.running -= 1;
        }
    }
}
