//! The host's end of a plugin's log: answers every line at once, and counts.

use std::{
    convert::Infallible,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use anyhow::Result;
use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::UnixListener;

#[derive(Clone, Default)]
pub(crate) struct LogSink(Arc<AtomicU64>);

impl LogSink {
    pub(crate) fn serve(socket: &Path) -> Result<Self> {
        let (sink, listener) = (Self::default(), UnixListener::bind(socket)?);
        tokio::spawn(sink.clone().accept(listener));
        Ok(sink)
    }

    async fn accept(self, listener: UnixListener) {
        while let Ok((stream, _)) = listener.accept().await {
            let sink = self.clone();
            let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                let sink = sink.clone();
                async move {
                    let _ = request.into_body().collect().await;
                    sink.0.fetch_add(1, Relaxed);
                    let mut response = Response::new(Full::<Bytes>::default());
                    *response.status_mut() = StatusCode::NO_CONTENT;
                    Ok::<_, Infallible>(response)
                }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    }

    /// Lines so far.
    pub(crate) fn lines(&self) -> u64 {
        self.0.load(Relaxed)
    }

    /// Lines when no more have come for a while.
    pub(crate) async fn lines_in_the_end(&self) -> u64 {
        loop {
            let before = self.lines();
            tokio::time::sleep(Duration::from_millis(200)).await;
            if self.lines() == before {
                return before;
            }
        }
    }
}
