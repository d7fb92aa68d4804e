//! Bodies that are sent piece by piece, whatever their size.

use std::{
    fmt, io,
    path::Path,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::{HeaderValue, header};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use tokio::io::AsyncRead;
use tokio_util::io::ReaderStream;

use crate::{BadAnswer, Client, ClientError, ClientErrorKind, Request, answer, error, hex::hex, send::Answer};

/// What is sent piece by piece, and whom to tell how far it is.
///
/// ```no_run
/// # async fn example(client: drp_client::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use drp_client::Upload;
/// let iso = Upload::file("debian.iso").await?.on_progress(|sent, total| println!("{sent} of {total:?} bytes"));
/// client.isos().upload("debian.iso", iso).await?;
/// # Ok(())
/// # }
/// ```
pub struct Upload {
    source: Pin<Box<dyn AsyncRead + Send>>,
    total: Option<u64>,
    progress: Progress,
}

/// Told after each piece: the bytes so far, and of how many where that is known.
pub(crate) type Progress = Box<dyn FnMut(u64, Option<u64>) + Send>;

/// How much of an upload is read from its source at once.
const PIECE_BYTES: usize = 64 << 10;

impl Upload {
    /// These bytes.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let total = bytes.len() as u64;
        Self { total: Some(total), ..Self::reader(io::Cursor::new(bytes)) }
    }

    /// Everything that can be read from here. A source that is silent for longer than the time for requests ends the
    /// upload.
    pub fn reader(source: impl AsyncRead + Send + 'static) -> Self {
        Self { source: Box::pin(source), total: None, progress: Box::new(|_, _| {}) }
    }

    /// A file.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub async fn file(path: impl AsRef<Path>) -> io::Result<Self> {
        let file = tokio::fs::File::open(path).await?;
        let total = file.metadata().await?.len();
        Ok(Self { total: Some(total), ..Self::reader(file) })
    }

    /// Calls `progress` after each piece with the bytes sent so far, and of how many where that is known.
    #[must_use]
    pub fn on_progress(self, progress: impl FnMut(u64, Option<u64>) + Send + 'static) -> Self {
        Self { progress: Box::new(progress), ..self }
    }

    /// The pieces, counted as they go.
    fn pieces(self, sent: &Arc<Sent>) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        let Self { source, total, mut progress } = self;
        let sent = Arc::clone(sent);
        ReaderStream::with_capacity(source, PIECE_BYTES).map(move |piece| {
            let mut count = sent.lock();
            match piece {
                Ok(piece) => {
                    count.bytes += piece.len() as u64;
                    count.sum.update(&piece);
                    progress(count.bytes, total);
                    Ok(piece)
                }
                Err(error) => {
                    let told = io::Error::from(error.kind());
                    count.failed = Some(error);
                    Err(told)
                }
            }
        })
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("total", &self.total).finish_non_exhaustive()
    }
}

/// What has been sent of an upload.
#[derive(Default)]
struct Sent(Mutex<Count>);

#[derive(Default)]
struct Count {
    bytes: u64,
    sum: Sha256,
    failed: Option<io::Error>,
}

impl Sent {
    fn lock(&self) -> MutexGuard<'_, Count> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answer to an upload, and what was sent.
pub(crate) struct Uploaded {
    pub(crate) answer: Answer,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

impl Client {
    /// Sends a call with a body that comes piece by piece, and reads the answer as `T`. It is sent once only.
    ///
    /// The time for requests is that for each pause, on the way to the server and before its answer.
    ///
    /// # Errors
    /// As [`send`](Self::send); the source cannot be read ([`ClientErrorKind::Source`]).
    pub async fn upload<T: DeserializeOwned>(&self, request: Request, upload: Upload) -> Result<T, ClientError> {
        let doing = request.to_string();
        let uploaded = self.send_upload(request, upload).await?;
        answer::decode(&uploaded.answer.body).map_err(|kind| ClientError::new(doing, kind))
    }

    pub(crate) async fn send_upload(&self, request: Request, upload: Upload) -> Result<Uploaded, ClientError> {
        let sent = Arc::<Sent>::default();
        let failed = |kind| match sent.lock().failed.take() {
            Some(error) => ClientError::new(request.to_string(), ClientErrorKind::Source(error)),
            None => ClientError::new(request.to_string(), kind),
        };
        let answer = self.attempt_upload(&request, upload, &sent).await.map_err(failed)?;
        let count = sent.lock();
        Ok(Uploaded { answer, bytes: count.bytes, sha256: hex(&count.sum.clone().finalize()) })
    }

    async fn attempt_upload(
        &self,
        request: &Request,
        upload: Upload,
        sent: &Arc<Sent>,
    ) -> Result<Answer, ClientErrorKind> {
        let pause = self.request_time();
        let login = &self.inner().login;
        // The body cannot be sent twice, so nobody is logged in anew for it once it is on its way.
        let authorization = login.authorization(self, self.deadline()).await?;
        let mut prepared = self.prepare(request, &self.inner().endpoint.api(), &authorization.header)?;
        let stream_type = HeaderValue::from_static("application/octet-stream");
        prepared.headers_mut().insert(header::CONTENT_TYPE, stream_type);
        *prepared.body_mut() = Some(reqwest::Body::wrap_stream(upload.pieces(sent)));
        let exchange = async {
            let transport = |problem| error::transport(problem, pause);
            let response = self.inner().http.execute(prepared).await.map_err(transport)?;
            let (status, headers) = (response.status(), response.headers().clone());
            let body = self.read_body(response).await?;
            answer::check(status, &headers, &body)?;
            Ok(Answer { status, headers, body })
        };
        let answer = while_it_moves(exchange, sent, pause).await.map_err(|kind| login.judge(kind));
        if matches!(answer, Err(ClientErrorKind::Unauthenticated { .. })) {
            // The next call asks for another token.
            login.refused(&authorization);
        }
        answer
    }
}

/// Waits for an answer for as long as no pause is too long: an upload may take hours.
async fn while_it_moves(
    exchange: impl Future<Output = Result<Answer, ClientErrorKind>>,
    sent: &Sent,
    pause: Duration,
) -> Result<Answer, ClientErrorKind> {
    let mut exchange = std::pin::pin!(exchange);
    let mut seen = 0;
    loop {
        match tokio::time::timeout(pause, exchange.as_mut()).await {
            Ok(answer) => return answer,
            Err(_) => match sent.lock().bytes {
                bytes if bytes == seen => return Err(ClientErrorKind::Timeout(pause)),
                bytes => seen = bytes,
            },
        }
    }
}

/// Fails where a server got something else than was sent, as far as it says so.
pub(crate) fn compare(expected: Option<String>, found: &str) -> Result<(), ClientErrorKind> {
    match expected {
        Some(expected) if !expected.eq_ignore_ascii_case(found) => {
            Err(BadAnswer::Sum { expected, found: found.to_owned() }.into())
        }
        _ => Ok(()),
    }
}
