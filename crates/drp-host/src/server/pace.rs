//! How fast a request's head has to come, and how long an answer may wait to be taken. A connection may be idle for a
//! while, but once a head has begun it has to end soon, and so has the first one.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{self, Instant, Sleep},
};

/// Nothing of the next head has come.
const IDLE: u8 = 0;
/// A head is on its way.
const HEAD: u8 = 1;
/// A request is being answered, or the connection is no longer one of requests.
const BUSY: u8 = 2;

/// What a connection is doing; shared between its two ends, the bytes and the requests.
#[derive(Clone, Debug)]
pub(super) struct Phase(Arc<AtomicU8>);

impl Phase {
    /// A new connection, whose first head is on its way.
    pub(super) fn new() -> Self {
        Self(Arc::new(AtomicU8::new(HEAD)))
    }

    /// A head is there as a whole.
    pub(super) fn request_began(&self) {
        self.set(BUSY);
    }

    /// The request is answered, and another may come.
    pub(super) fn request_ended(&self) {
        self.set(IDLE);
    }

    fn set(&self, phase: u8) {
        self.0.store(phase, Ordering::Relaxed);
    }

    fn is(&self, phase: u8) -> bool {
        self.0.load(Ordering::Relaxed) == phase
    }
}

/// A stream that fails when a head takes longer than it may, or the peer takes nothing for too long.
pub(super) struct Paced<S> {
    stream: S,
    phase: Phase,
    head: Timer,
    stall: Timer,
}

impl<S> Paced<S> {
    pub(super) fn new(stream: S, phase: Phase, head_time: Duration, stall_time: Duration) -> Self {
        let mut head = Timer::new(head_time);
        head.begin();
        Self { stream, phase, head, stall: Timer::new(stall_time) }
    }

    /// Looks at what came of an attempt to write.
    fn wrote<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_pending() {
            self.stall.begin_once();
            return if self.stall.is_over(cx) { timed_out() } else { Poll::Pending };
        }
        self.stall.stop();
        // A client that sends the next request while it still takes a long answer has its time from the answer's end.
        if self.phase.is(HEAD) && matches!(written, Poll::Ready(Ok(_))) {
            self.head.begin();
        }
        written
    }
}

fn timed_out<T>() -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
}

/// How long something may take.
struct Timer {
    limit: Duration,
    /// Made when it is first needed: most connections are never stalled.
    sleep: Option<Pin<Box<Sleep>>>,
    runs: bool,
}

impl Timer {
    fn new(limit: Duration) -> Self {
        Self { limit, sleep: None, runs: false }
    }

    fn begin(&mut self) {
        self.runs = true;
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().reset(Instant::now() + self.limit),
            None => self.sleep = Some(Box::pin(time::sleep(self.limit))),
        }
    }

    fn begin_once(&mut self) {
        if !self.runs {
            self.begin();
        }
    }

    fn stop(&mut self) {
        self.runs = false;
    }

    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        self.runs && self.sleep.as_mut().is_some_and(|sleep| sleep.as_mut().poll(cx).is_ready())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if self.phase.is(IDLE) && buffer.filled().len() > before {
            self.phase.set(HEAD);
            self.head.begin();
        }
        // Also where there is something to read: a head may come byte by byte.
        if self.phase.is(HEAD) && self.head.is_over(cx) {
            return timed_out();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.wrote(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.wrote(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
