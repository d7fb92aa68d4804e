//! How fast a request's head has to come. A connection may be idle for a while, but once a head has begun it has to
//! end soon, and so has the first one.

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

/// A stream that fails when a head takes longer than it may.
pub(super) struct Paced<S> {
    stream: S,
    phase: Phase,
    head_time: Duration,
    deadline: Pin<Box<Sleep>>,
}

impl<S> Paced<S> {
    pub(super) fn new(stream: S, phase: Phase, head_time: Duration) -> Self {
        Self { stream, phase, head_time, deadline: Box::pin(time::sleep(head_time)) }
    }

    fn begin_head(&mut self) {
        let deadline = Instant::now() + self.head_time;
        self.deadline.as_mut().reset(deadline);
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if self.phase.is(IDLE) && buffer.filled().len() > before {
            self.phase.set(HEAD);
            self.begin_head();
        }
        // Also where there is something to read: a head may come byte by byte.
        if self.phase.is(HEAD) && self.deadline.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.wrote(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S> Paced<S> {
    /// A client that sends the next request while it still takes a long answer has its time from the answer's end.
    fn wrote(&mut self, written: &Poll<io::Result<usize>>) {
        if self.phase.is(HEAD) && matches!(written, Poll::Ready(Ok(_))) {
            self.begin_head();
        }
    }
}
