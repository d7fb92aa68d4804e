//! How far something long is, for whoever watches it on a terminal.

use std::{
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

/// Counts bytes on the standard error if that is a terminal, and nowhere else. Clones count together.
#[derive(Clone)]
pub(crate) struct Progress {
    bar: ProgressBar,
    interrupted: Arc<AtomicBool>,
}

impl Progress {
    pub(crate) fn new(what: &'static str) -> Self {
        let bar = ProgressBar::no_length().with_message(what);
        // A template that is wrong would be a bug, and the plain one does too.
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {binary_bytes} ({binary_bytes_per_sec})") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { bar, interrupted: Arc::default() }
    }

    /// Goes on to something else.
    pub(crate) fn next(&self, what: &'static str) {
        self.bar.set_message(what);
        self.bar.reset();
    }

    pub(crate) fn add(&self, bytes: usize) {
        self.bar.inc(bytes as u64);
    }

    /// Takes it off the screen.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }

    /// Takes it off the screen, and lets every further reading fail.
    pub(crate) fn interrupt(&self) {
        self.interrupted.store(true, Ordering::Relaxed);
        self.end();
    }

    /// An error once it was interrupted.
    pub(crate) fn check(&self) -> io::Result<()> {
        if self.interrupted.load(Ordering::Relaxed) { Err(io::Error::other("interrupted")) } else { Ok(()) }
    }

    /// Counts what is read.
    pub(crate) fn reading<R: Read>(&self, reader: R) -> impl Read + use<R> {
        Reading { reader, progress: self.clone() }
    }
}

struct Reading<R> {
    reader: R,
    progress: Progress,
}

impl<R: Read> Read for Reading<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.progress.check()?;
        let read = self.reader.read(buffer)?;
        self.progress.add(read);
        Ok(read)
    }
}
