//! Requests of clients that a plugin answers itself, handed through to its socket as they are.

use std::{sync::Arc, time::Duration};

use axum::body::Body;
use bytes::Bytes;
use drp_core::{chain, limits};
use futures_util::stream;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::{body::Body as HttpBody, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{net::UnixStream, time::timeout};
use tokio_util::task::AbortOnDropHandle;

use super::call::{CallError, PluginCaller};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl PluginCaller {
    /// Sends a request to the plugin as it is, and hands its answer back as it comes. Counts as in flight until the
    /// answer is through; `limit` is the time until it begins, and the longest silence within it.
    ///
    /// # Errors
    /// The plugin is about to stop, or does not answer.
    pub(crate) async fn forward(
        self: &Arc<Self>,
        request: Request<Body>,
        limit: Duration,
    ) -> Result<Response<Body>, CallError> {
        let reservation = self.reserve().ok_or(CallError::Ended)?;
        let failed = |error: &(dyn std::error::Error + 'static)| CallError::Failed(chain(error));
        let exchange = async {
            let connected = timeout(limits::CONNECT_TIME, UnixStream::connect(self.socket())).await;
            let stream =
                connected.map_err(|_| CallError::Slow(limits::CONNECT_TIME))?.map_err(|error| failed(&error))?;
            let (mut sender, connection) =
                http1::handshake(TokioIo::new(stream)).await.map_err(|error| failed(&error))?;
            let connection = AbortOnDropHandle::new(tokio::spawn(connection));
            let request = request.map(|body| bounded(body, limit, ()));
            let response = sender.send_request(request).await.map_err(|error| failed(&error))?;
            Ok((response, connection))
        };
        let (response, connection) = tokio::select! {
            answered = timeout(limit, exchange) => answered.map_err(|_| CallError::Slow(limit))??,
            () = self.ended().cancelled() => return Err(CallError::Ended),
        };
        Ok(response.map(|body| {
            let body = bounded(body, limit, (reservation, connection));
            let ended = self.ended().clone();
            Body::from_stream(stream::unfold((body.into_data_stream(), ended), |(mut body, ended)| async move {
                let chunk = tokio::select! {
                    chunk = futures_util::StreamExt::next(&mut body) => chunk?.map_err(BoxError::from),
                    () = ended.cancelled() => Err("the plugin has ended".into()),
                };
                Some((chunk, (body, ended)))
            }))
        }))
    }
}

/// A body that may neither be larger than a file nor fall silent. `held` lives as long as the body.
fn bounded<B>(body: B, pause: Duration, held: impl Send + 'static) -> Body
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    if body.is_end_stream() {
        return Body::empty();
    }
    Body::from_stream(stream::try_unfold((body, 0_u64, held), move |(mut body, mut bytes, held)| async move {
        loop {
            let frame = timeout(pause, body.frame()).await.map_err(|_| BoxError::from("the body fell silent"))?;
            let Some(frame) = frame else { return Ok(None) };
            // Trailers are between the two of one connection.
            let Ok(data) = frame.map_err(Into::into)?.into_data() else { continue };
            bytes += data.len() as u64;
            if bytes > limits::FILE_BYTES_MAX {
                return Err(BoxError::from("the body is too long"));
            }
            return Ok(Some((data, (body, bytes, held))));
        }
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::plugins::peer;

    const LIMIT: Duration = Duration::from_secs(10);

    fn request(body: &str) -> Request<Body> {
        let request = Request::patch("/api/v3/plugin-apis/p1/a%2Fb?x=1").header("content-length", body.len());
        request.header("host", "drp").body(Body::from(body.to_owned())).unwrap()
    }

    #[tokio::test]
    async fn a_request_goes_through_as_it_is_and_so_does_the_answer() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("to");
        let requests = peer::serve(&socket, |_| peer::answer(418, "short and stout"));
        let caller = Arc::new(PluginCaller::new("p1", &socket, Arc::default()));
        let response = caller.forward(request("spout"), LIMIT).await.unwrap();
        assert_eq!(response.status(), 418);
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "short and stout");
        let seen = requests.recv_timeout(LIMIT).unwrap();
        assert_eq!(seen.first_line, "PATCH /api/v3/plugin-apis/p1/a%2Fb?x=1 HTTP/1.1");
        assert_eq!((seen.body.as_str(), seen.header("host")), ("spout", Some("drp")));
    }

    #[tokio::test]
    async fn a_plugin_that_does_not_answer_or_ends_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("to");
        let caller = Arc::new(PluginCaller::new("p1", &socket, Arc::default()));
        assert!(matches!(caller.forward(request("x"), LIMIT).await, Err(CallError::Failed(_))));
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let slow = caller.forward(request("x"), Duration::from_millis(50)).await;
        assert!(matches!(slow, Err(CallError::Slow(_))));
        caller.fail_all();
        assert!(matches!(caller.forward(request("x"), LIMIT).await, Err(CallError::Ended)));
    }
}
