//! Who waits for a change of one object. It costs a change nothing while nobody does, and whoever waits nothing until
//! it comes.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use drp_core::limits;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Prefix and key of an object.
type Place = (String, String);

/// Tells those who wait that an object has changed.
pub(crate) struct Changes {
    waiting: Mutex<HashMap<Place, watch::Sender<()>>>,
    room: Arc<Semaphore>,
}

impl Default for Changes {
    fn default() -> Self {
        Self { waiting: Mutex::default(), room: Arc::new(Semaphore::new(limits::LONG_POLLS_MAX)) }
    }
}

impl Changes {
    /// Begins to wait for a change of an object, unless too many wait already.
    pub(crate) fn wait_for(self: &Arc<Self>, prefix: &str, key: &str) -> Option<Waiter> {
        let permit = Arc::clone(&self.room).try_acquire_owned().ok()?;
        let place = (prefix.to_owned(), key.to_owned());
        let changed = self.waiting().entry(place.clone()).or_default().subscribe();
        Some(Waiter { changes: Arc::clone(self), place, changed, _permit: permit })
    }

    /// An object has changed, or is gone.
    pub(super) fn tell(&self, prefix: &str, key: &str) {
        let waiting = self.waiting();
        if !waiting.is_empty()
            && let Some(sender) = waiting.get(&(prefix.to_owned(), key.to_owned()))
        {
            sender.send_replace(());
        }
    }

    /// Any object may have changed.
    pub(super) fn tell_all(&self) {
        for sender in self.waiting().values() {
            sender.send_replace(());
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<Place, watch::Sender<()>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for changes of one object, from the moment it was made.
pub(crate) struct Waiter {
    changes: Arc<Changes>,
    place: Place,
    changed: watch::Receiver<()>,
    _permit: OwnedSemaphorePermit,
}

impl Waiter {
    /// Waits for a change that was not waited for yet.
    pub(crate) async fn changed(&mut self) {
        // The sender lives as long as somebody waits.
        let _ = self.changed.changed().await;
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut waiting = self.changes.waiting();
        // This receiver is still one of them.
        if waiting.get(&self.place).is_some_and(|sender| sender.receiver_count() <= 1) {
            waiting.remove(&self.place);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn who_waits_is_told_of_its_own_object_alone() {
        let changes = Arc::new(Changes::default());
        let [mut one, mut same, mut other] = ["m1", "m1", "m2"].map(|key| changes.wait_for("machines", key).unwrap());
        let is_told = |waiter: &mut Waiter| waiter.changed().now_or_never().is_some();
        changes.tell("machines", "m1");
        changes.tell("profiles", "m2");
        assert!(is_told(&mut one) && is_told(&mut same) && !is_told(&mut other));
        assert!(!is_told(&mut one), "told once");
        changes.tell_all();
        assert!(is_told(&mut one) && is_told(&mut other));
        drop((one, other));
        assert_eq!(changes.waiting().len(), 1);
        drop(same);
        assert!(changes.waiting().is_empty());
    }

    #[test]
    fn no_more_may_wait_than_there_is_room_for() {
        let changes = Arc::new(Changes::default());
        let waiters: Vec<_> = (0..limits::LONG_POLLS_MAX).map(|_| changes.wait_for("machines", "m1")).collect();
        assert!(waiters.iter().all(Option::is_some) && changes.wait_for("machines", "m1").is_none());
        drop(waiters);
        assert!(changes.wait_for("machines", "m1").is_some());
    }
}
