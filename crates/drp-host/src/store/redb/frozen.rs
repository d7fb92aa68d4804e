//! A file that is never written again once a write to it failed.
//!
//! The engine answers a failed write by refusing everything, reads of what is safe on the disk included. A host wants
//! the opposite: no changes, and reads that go on. So the first failure freezes the file, and the engine is told that
//! all went well: what it writes from then on is kept in memory, for itself alone to read, until the store is closed.
//! On the disk is what a crash at that moment would have left. The writer asks [`Freeze::check`] after every
//! transaction, acknowledges nothing that a frozen file took, and begins no further transaction, so what is kept in
//! memory is the rest of one transaction.

use std::io;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use redb::{BackendError, StorageBackend};

/// A backend that [freezes](self).
#[derive(Debug)]
pub(super) struct FreezingFile<F> {
    file: F,
    freeze: Arc<Freeze>,
    kept: Mutex<Kept>,
}

/// Whether a [`FreezingFile`] is frozen.
#[derive(Debug, Default)]
pub(super) struct Freeze {
    failure: OnceLock<Arc<io::Error>>,
}

/// What would be in the file.
#[derive(Debug, Default)]
struct Kept {
    len: u64,
    writes: Vec<(u64, Vec<u8>)>,
}

impl<F: StorageBackend> FreezingFile<F> {
    pub(super) fn over(file: F) -> (Self, Arc<Freeze>) {
        let freeze = Arc::new(Freeze::default());
        (Self { file, freeze: Arc::clone(&freeze), kept: Mutex::default() }, freeze)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the file, or with what is kept if the file is frozen or freezes now.
    fn change(
        &self,
        on_file: impl FnOnce(&F) -> io::Result<()>,
        on_kept: impl FnOnce(&mut Kept),
    ) -> Result<(), io::Error> {
        if self.freeze.is_frozen() {
            on_kept(&mut self.kept());
            return Ok(());
        }
        let Err(error) = on_file(&self.file) else { return Ok(()) };
        let mut kept = self.kept();
        if !self.freeze.is_frozen() {
            tracing::error!(%error, "the file of the store failed and is left as it is");
            // Set before the failure, so that whoever finds the file frozen finds a length.
            kept.len = self.file.len()?;
            let _ = self.freeze.failure.set(Arc::new(error));
        }
        on_kept(&mut kept);
        Ok(())
    }
}

impl Freeze {
    /// Fails with what froze the file.
    pub(super) fn check(&self) -> Result<(), Arc<io::Error>> {
        self.failure.get().map_or(Ok(()), |error| Err(Arc::clone(error)))
    }

    fn is_frozen(&self) -> bool {
        self.failure.get().is_some()
    }
}

impl<F: StorageBackend> StorageBackend for FreezingFile<F> {
    fn len(&self) -> Result<u64, io::Error> {
        if self.freeze.is_frozen() { Ok(self.kept().len) } else { self.file.len() }
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        if !self.freeze.is_frozen() {
            return self.file.read(offset, out);
        }
        let kept = self.kept();
        if offset.saturating_add(out.len() as u64) > kept.len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        out.fill(0);
        let in_file = self.file.len()?.saturating_sub(offset);
        let in_file = usize::try_from(in_file).map_or(out.len(), |in_file| in_file.min(out.len()));
        if let Some(part) = out.get_mut(..in_file).filter(|part| !part.is_empty()) {
            self.file.read(offset, part)?;
        }
        for (at, data) in &kept.writes {
            overlay(offset, out, *at, data);
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<(), io::Error> {
        self.change(|file| file.set_len(len), |kept| kept.len = len)
    }

    fn sync_data(&self) -> Result<(), io::Error> {
        self.change(StorageBackend::sync_data, |_| {})
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        self.change(|file| file.write(offset, data), |kept| kept.writes.push((offset, data.to_vec())))
    }

    fn close(&self) -> Result<(), io::Error> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.query_lock_range(start, end)
    }
}

/// Lays `data`, written at `at`, over the part of it that `out`, read from `offset`, shows.
fn overlay(offset: u64, out: &mut [u8], at: u64, data: &[u8]) {
    let clamp = |from: u64, base: u64, limit: usize| {
        usize::try_from(from.saturating_sub(base)).map_or(limit, |skip| skip.min(limit))
    };
    let (Some(out), Some(data)) =
        (out.get_mut(clamp(at, offset, out.len())..), data.get(clamp(offset, at, data.len())..))
    else {
        return;
    };
    let common = out.len().min(data.len());
    if let (Some(out), Some(data)) = (out.get_mut(..common), data.get(..common)) {
        out.copy_from_slice(data);
    }
}
