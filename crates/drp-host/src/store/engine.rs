//! What a store is built over: an engine that keeps bytes, knowing nothing of queues, conflicts or watches.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::{Entry, Snapshot, StoreError};

/// Keeps entries. One writer calls it, one transaction at a time.
pub(super) trait Engine: Send + 'static {
    /// How the entries are read.
    type View: View;

    /// Lets `work` read and change a draft of the next state.
    ///
    /// If it gives a revision, the draft becomes durable as that revision and a view of it is answered; if it gives
    /// none, nothing is kept. After an error it is unknown what is on the disk, views made before stay as they were,
    /// and the engine is not called again.
    fn transact(
        &mut self,
        work: impl FnOnce(&mut dyn Draft) -> Result<Option<u64>, StoreError>,
    ) -> Result<Option<Self::View>, StoreError>;
}

/// The next state, while it is made.
pub(super) trait Draft {
    /// Reads an entry, changes of this draft included.
    fn read(&self, section: &str, key: &str) -> Result<Option<Entry>, StoreError>;

    /// Replaces what [`read`](Self::read) gave, `before`, with `after`.
    fn write(
        &mut self,
        section: &str,
        key: &str,
        before: Option<&Entry>,
        after: Option<&Entry>,
    ) -> Result<(), StoreError>;
}

/// A state that is durable. Reading it waits for nobody.
pub(super) trait View: Send + Sync + Sized + 'static {
    /// The view that goes on showing what this one shows now, where this one may come to show what is written later.
    fn hold(self: Arc<Self>) -> Arc<Self> {
        self
    }

    fn revision(&self) -> u64;
    fn get(&self, section: &str, key: &str) -> Result<Option<Entry>, StoreError>;
    fn scan(&self, section: &str, after: Option<&str>, limit: usize) -> Result<Vec<(String, Entry)>, StoreError>;
    fn count(&self, section: &str) -> Result<u64, StoreError>;
    fn sections(&self) -> Result<Vec<String>, StoreError>;
}

/// Makes an error of a panic: engines have some for files that are damaged. What panicked may be of no use any more, but
/// nothing else depends on it.
pub(super) fn contained<T>(doing: &'static str, work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    let done = catch_unwind(AssertUnwindSafe(work));
    done.unwrap_or_else(|panic| Err(StoreError::Engine { doing, source: damage_of(&*panic).into() }))
}

fn damage_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    format!("the file is damaged: {}", text.unwrap_or("the engine gave up"))
}

impl<V: View> Snapshot for Arc<V> {
    fn revision(&self) -> u64 {
        V::revision(self)
    }

    fn get(&self, section: &str, key: &str) -> Result<Option<Entry>, StoreError> {
        contained("read", || V::get(self, section, key))
    }

    fn count(&self, section: &str) -> Result<u64, StoreError> {
        contained("read", || V::count(self, section))
    }

    fn sections(&self) -> Result<Vec<String>, StoreError> {
        contained("read", || V::sections(self))
    }

    fn scan(&self, section: &str, after: Option<&str>, limit: usize) -> Result<Vec<(String, Entry)>, StoreError> {
        contained("read", || V::scan(self, section, after, limit))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_panic_of_an_engine_is_an_error_with_its_text() {
        let check = |work: fn() -> Result<u8, StoreError>, expected: &str| {
            let error = contained("read", work).unwrap_err();
            assert_eq!(drp_core::chain(&error), format!("cannot read the store: the file is damaged: {expected}"));
        };
        check(|| panic!("page {}", 7), "page 7");
        check(|| panic!("a page"), "a page");
        check(|| std::panic::panic_any(7), "the engine gave up");
        assert_eq!(contained("read", || Ok(7)).unwrap(), 7);
    }
}
