//! A reader that gives no more than it is allowed to.
//!
//! Readers of archives keep lists, long names and extension headers in memory, as long as the archive says they are.

use std::{
    cell::Cell,
    io::{self, Read, Seek, SeekFrom},
    rc::Rc,
};

/// How many bytes may still be read; shared with who decides that.
#[derive(Clone, Default)]
pub(super) struct Allowance(Rc<Cell<u64>>);

impl Allowance {
    pub(super) fn set(&self, bytes: u64) {
        self.0.set(bytes);
    }
}

/// More was to be read than was allowed.
#[derive(Debug, thiserror::Error)]
#[error("too many bytes at once")]
struct OverError;

/// Whether reading failed because of an allowance.
pub(super) fn is_over(error: &io::Error) -> bool {
    let mut source = error.get_ref().map(|inner| inner as &(dyn std::error::Error + 'static));
    while let Some(cause) = source {
        let nested = cause.downcast_ref::<io::Error>().is_some_and(is_over);
        if nested || cause.is::<OverError>() {
            return true;
        }
        source = cause.source();
    }
    false
}

pub(super) struct Meter<R> {
    inner: R,
    left: Allowance,
}

impl<R> Meter<R> {
    pub(super) fn new(inner: R, left: Allowance) -> Self {
        Self { inner, left }
    }
}

impl<R: Read> Read for Meter<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.0.get();
        if left == 0 && !buffer.is_empty() {
            return Err(io::Error::other(OverError));
        }
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.inner.read(buffer.get_mut(..most).unwrap_or_default())?;
        self.left.set(left - read as u64);
        Ok(read)
    }
}

impl<R: Seek> Seek for Meter<R> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.inner.seek(position)
    }
}
