//! Updates of one object by one process take turns.
//!
//! Compare-and-set alone keeps every update, but many at once spend most of their tries on each other. Taking turns
//! costs nothing and leaves only other processes to lose against.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use drp_core::limits;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// Who is updating which object.
#[derive(Default)]
pub(crate) struct Turns(Mutex<HashMap<String, Weak<AsyncMutex<()>>>>);

impl Turns {
    /// Waits for the turn of an object, to be held for as long as the update takes. Whose turn does not come in time
    /// tries all the same: the comparison keeps every update.
    pub(crate) async fn take(&self, object: &str) -> Option<OwnedMutexGuard<()>> {
        tokio::time::timeout(limits::UPDATE_TIME / 2, self.of(object).lock_owned()).await.ok()
    }

    fn of(&self, object: &str) -> Arc<AsyncMutex<()>> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = turns.get(object).and_then(Weak::upgrade) {
            return turn;
        }
        // Those whose updates have ended, so that the map holds no more than are under way.
        turns.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::default();
        turns.insert(object.to_owned(), Arc::downgrade(&turn));
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_has_one_turn_while_somebody_holds_it() {
        let turns = Turns::default();
        let first = turns.of("machines/1");
        assert!(Arc::ptr_eq(&first, &turns.of("machines/1")));
        assert!(!Arc::ptr_eq(&first, &turns.of("machines/2")));
        drop(first);
        let _other = turns.of("machines/3");
        assert_eq!(turns.0.lock().unwrap().len(), 1);
    }
}
