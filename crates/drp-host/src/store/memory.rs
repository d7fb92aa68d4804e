//! A store in memory, for tests and for hosts that need not remember.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use futures_util::future::BoxFuture;

use super::core::Core;
use super::engine::{Draft, Engine, View};
use super::history::Limits;
use super::{Batch, CommitError, Committed, Entry, Snapshot, Status, Store, StoreError, Watch, WatchError};

/// A [`Store`] that forgets all when it is dropped. In all else it is as one on a disk.
pub struct MemoryStore {
    core: Core<MemoryView>,
}

impl MemoryStore {
    /// An empty store.
    ///
    /// # Errors
    /// What the system said if the writer's thread could not be started.
    pub fn new() -> io::Result<Self> {
        let (engine, view) = MemoryEngine::new();
        Ok(Self { core: Core::start(engine, view, Limits::default())? })
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("status", &self.status()).finish_non_exhaustive()
    }
}

impl Store for MemoryStore {
    fn get(&self, section: &str, key: &str) -> Result<Option<Entry>, StoreError> {
        self.core.read(|view| view.get(section, key))
    }

    fn scan(&self, section: &str, after: Option<&str>, limit: usize) -> Result<Vec<(String, Entry)>, StoreError> {
        self.core.read(|view| view.scan(section, after, limit))
    }

    fn count(&self, section: &str) -> Result<u64, StoreError> {
        self.core.read(|view| view.count(section))
    }

    fn sections(&self) -> Result<Vec<String>, StoreError> {
        self.core.read(View::sections)
    }

    fn revision(&self) -> u64 {
        self.core.revision()
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        Ok(self.core.snapshot())
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Committed, CommitError>> {
        Box::pin(self.core.commit(batch))
    }

    fn watch(&self, from: Option<u64>) -> Result<Watch, WatchError> {
        self.core.watch(from)
    }

    fn status(&self) -> Status {
        self.core.status()
    }

    fn failed(&self) -> BoxFuture<'static, Arc<str>> {
        Box::pin(self.core.failed())
    }
}

/// Sections, which are never empty, of keys.
type Sections = BTreeMap<String, BTreeMap<String, Entry>>;

#[derive(Clone, Debug, Default)]
struct State {
    revision: u64,
    sections: Sections,
}

/// All views of a memory store show its one state, which changes under a lock that is held only to move entries in.
#[derive(Clone, Debug, Default)]
pub(super) struct MemoryView {
    state: Arc<RwLock<State>>,
}

impl MemoryView {
    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl View for MemoryView {
    fn hold(self: Arc<Self>) -> Arc<Self> {
        let state = State::clone(&self.state());
        Arc::new(Self { state: Arc::new(RwLock::new(state)) })
    }

    fn revision(&self) -> u64 {
        self.state().revision
    }

    fn get(&self, section: &str, key: &str) -> Result<Option<Entry>, StoreError> {
        Ok(self.state().sections.get(section).and_then(|keys| keys.get(key)).cloned())
    }

    fn scan(&self, section: &str, after: Option<&str>, limit: usize) -> Result<Vec<(String, Entry)>, StoreError> {
        let state = self.state();
        let Some(keys) = state.sections.get(section) else { return Ok(Vec::new()) };
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let page = keys.range::<str, _>((from, Bound::Unbounded)).take(limit);
        Ok(page.map(|(key, entry)| (key.clone(), entry.clone())).collect())
    }

    fn count(&self, section: &str) -> Result<u64, StoreError> {
        Ok(self.state().sections.get(section).map_or(0, |keys| keys.len() as u64))
    }

    fn sections(&self) -> Result<Vec<String>, StoreError> {
        Ok(self.state().sections.keys().cloned().collect())
    }
}

/// The one that changes the state.
pub(super) struct MemoryEngine {
    state: MemoryView,
}

impl MemoryEngine {
    /// An empty engine and its view.
    pub(super) fn new() -> (Self, MemoryView) {
        let view = MemoryView::default();
        (Self { state: view.clone() }, view)
    }
}

/// Changes that are not in the state yet.
struct MemoryDraft<'a> {
    view: &'a MemoryView,
    written: BTreeMap<(String, String), Option<Entry>>,
}

impl Engine for MemoryEngine {
    type View = MemoryView;

    fn transact(
        &mut self,
        work: impl FnOnce(&mut dyn Draft) -> Result<Option<u64>, StoreError>,
    ) -> Result<Option<MemoryView>, StoreError> {
        let mut draft = MemoryDraft { view: &self.state, written: BTreeMap::new() };
        let Some(revision) = work(&mut draft)? else { return Ok(None) };
        let written = draft.written;
        let mut state = self.state.state.write().unwrap_or_else(PoisonError::into_inner);
        state.revision = revision;
        for ((section, key), entry) in written {
            replace(&mut state.sections, section, key, entry);
        }
        drop(state);
        Ok(Some(self.state.clone()))
    }
}

impl Draft for MemoryDraft<'_> {
    fn read(&self, section: &str, key: &str) -> Result<Option<Entry>, StoreError> {
        match self.written.get(&(section.to_owned(), key.to_owned())) {
            Some(entry) => Ok(entry.clone()),
            None => self.view.get(section, key),
        }
    }

    fn write(
        &mut self,
        section: &str,
        key: &str,
        _before: Option<&Entry>,
        after: Option<&Entry>,
    ) -> Result<(), StoreError> {
        self.written.insert((section.to_owned(), key.to_owned()), after.cloned());
        Ok(())
    }
}

fn replace(sections: &mut Sections, section: String, key: String, entry: Option<Entry>) {
    if let Some(entry) = entry {
        sections.entry(section).or_default().insert(key, entry);
        return;
    }
    if let Some(keys) = sections.get_mut(&section) {
        keys.remove(&key);
        if keys.is_empty() {
            sections.remove(&section);
        }
    }
}
