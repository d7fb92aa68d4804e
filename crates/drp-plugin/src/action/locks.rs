//! One action at a time on an object.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// The objects on which an action runs that wants to be alone.
#[derive(Debug, Default)]
pub(crate) struct TargetLocks(Mutex<HashMap<Target, Weak<AsyncMutex<()>>>>);

/// Type and key of an object.
type Target = (String, String);

impl TargetLocks {
    /// Waits until no other one holds the object; first come, first served.
    pub(crate) async fn lock(&self, model: &str, key: &str) -> OwnedMutexGuard<()> {
        let lock = {
            let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // Whoever comes sweeps up after those who have gone, so the map is as large as what is in use.
            locks.retain(|_, lock| lock.strong_count() > 0);
            let entry = locks.entry((model.to_owned(), key.to_owned())).or_default();
            entry.upgrade().unwrap_or_else(|| {
                let lock = Arc::new(AsyncMutex::new(()));
                *entry = Arc::downgrade(&lock);
                lock
            })
        };
        lock.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_object_is_held_by_one_and_others_are_free() {
        let locks = TargetLocks::default();
        let first = locks.lock("machines", "a").await;
        let other = locks.lock("machines", "b").await;
        let mut second = Box::pin(locks.lock("machines", "a"));
        assert!(futures_util::poll!(&mut second).is_pending());
        drop(first);
        drop((second.await, other));
        let third = locks.lock("machines", "c").await;
        assert_eq!(locks.0.lock().unwrap().len(), 1, "nothing is kept of those that have gone");
        drop(third);
    }
}
