//! Bodies of requests that are answered before they were read: an upload that the disk has no room for, or that nobody
//! may make.
//!
//! Closing the connection at once would reset it, and the client, which is still sending, would see that instead of the
//! answer. So the rest is read and thrown away for a while.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use drp_core::limits;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time;

/// A request's body whose rest is read when it is dropped.
pub(super) struct Lingering {
    body: Option<Incoming>,
}

impl Lingering {
    pub(super) fn new(body: Incoming) -> Self {
        Self { body: Some(body) }
    }
}

impl Body for Lingering {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.body.as_mut().map_or(Poll::Ready(None), |body| Pin::new(body).poll_frame(cx))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        let Some(mut body) = self.body.take().filter(|body| !body.is_end_stream()) else { return };
        // Outside of a runtime nobody waits for an answer any more.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(time::timeout(
            limits::UNREAD_BODY_TIME,
            async move { while let Some(Ok(_)) = body.frame().await {} },
        ));
    }
}
