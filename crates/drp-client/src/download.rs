//! Answers that are no objects: received piece by piece, whatever their size and type.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use drp_core::limits;
use http::{HeaderMap, HeaderValue, header};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use tokio::{fs::File, io::AsyncWriteExt, time::timeout};

use crate::{
    BadAnswer, Client, ClientError, ClientErrorKind, Request, answer, error,
    hex::hex,
    login::Authorization,
    upload::{Progress, compare},
};

/// The body of an answer that is being received.
///
/// ```no_run
/// # async fn example(client: drp_client::Client) -> Result<(), Box<dyn std::error::Error>> {
/// let saved = client.files().download("jq").await?.save("/usr/local/bin/jq").await?;
/// println!("{} bytes with the sum {}", saved.bytes, saved.sha256);
/// # Ok(())
/// # }
/// ```
pub struct Download {
    doing: String,
    response: reqwest::Response,
    pause: Duration,
    progress: Progress,
}

/// What was received into a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// How many bytes.
    pub bytes: u64,
    /// Their SHA-256 sum, in lower-case digits.
    pub sha256: String,
    /// Whether the server told its own sum, which then was the same.
    pub is_verified: bool,
}

/// Why nothing was saved. The file is what it was before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SaveError {
    /// The answer is not whole, or not what the server says it is.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The file cannot be written.
    #[error("cannot write `{path}`")]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl Client {
    /// Sends a call and gives the body of a good answer as it comes, of any type. It is sent once only.
    ///
    /// The time for requests is that for the head of the answer and for each pause in its body.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn download(&self, request: Request) -> Result<Download, ClientError> {
        let (doing, pause) = (request.to_string(), self.request_time());
        let (request, api) = (&request, &self.inner().endpoint.api());
        let work = move |by: Authorization| async move {
            let mut sent = self.prepare(request, api, &by.header)?;
            // As the Go client does: a second header of the name (`api.md` §3.1).
            sent.headers_mut().append(header::ACCEPT, HeaderValue::from_static("application/octet-stream"));
            // As it is: sizes and checksums are those of what is stored.
            sent.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            let answered = timeout(pause, self.inner().http.execute(sent)).await;
            let response = answered.map_err(|_| ClientErrorKind::Timeout(pause))?;
            let response = response.map_err(|problem| error::transport(problem, pause))?;
            let progress: Progress = Box::new(|_, _| {});
            let mut download = Download { doing: request.to_string(), response, pause, progress };
            if !download.response.status().is_success() {
                return Err(download.refusal().await);
            }
            Ok(download)
        };
        let done = self.as_who_is_known(self.deadline(), work).await;
        done.map_err(|kind| ClientError::new(doing, kind))
    }
}

impl Download {
    /// How many bytes will come, where the server says so.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.response.content_length()
    }

    /// The SHA-256 sum of what will come, where the server says so.
    #[must_use]
    pub fn sha256(&self) -> Option<String> {
        sum_in(self.response.headers())
    }

    /// [`save`](Self::save) calls `progress` after each piece with the bytes received so far, and of how many where
    /// that is known.
    #[must_use]
    pub fn on_progress(self, progress: impl FnMut(u64, Option<u64>) + Send + 'static) -> Self {
        Self { progress: Box::new(progress), ..self }
    }

    /// Waits for the next piece; `None` says that the answer is whole.
    ///
    /// # Errors
    /// The answer ended in the middle, or nothing came for too long.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        self.chunk().await.map_err(|kind| ClientError::new(self.doing.clone(), kind))
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, ClientErrorKind> {
        let chunk = timeout(self.pause, self.response.chunk()).await;
        let chunk = chunk.map_err(|_| ClientErrorKind::Timeout(self.pause))?;
        chunk.map_err(|error| BadAnswer::Truncated(Box::new(error.without_url())).into())
    }

    /// Receives everything into a file that its owner alone may read and write. It appears under its name, or takes
    /// the place of the one there, when it is whole, safe on disk and has the sum that the server tells; until then
    /// it is a nameless one in the same folder that goes away with this call.
    ///
    /// # Errors
    /// See [`SaveError`].
    pub async fn save(mut self, path: impl AsRef<Path>) -> Result<Saved, SaveError> {
        let path = path.as_ref();
        let failed = |source| SaveError::File { path: path.to_owned(), source };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let unfinished = NamedTempFile::new_in(folder).map_err(failed)?;
        let mut file = File::from_std(unfinished.reopen().map_err(failed)?);
        let (mut sum, mut bytes, total) = (Sha256::new(), 0, self.total());
        while let Some(piece) = self.next().await? {
            file.write_all(&piece).await.map_err(failed)?;
            sum.update(&piece);
            bytes += piece.len() as u64;
            (self.progress)(bytes, total);
        }
        let (sha256, expected) = (hex(&sum.finalize()), self.sha256());
        let is_verified = expected.is_some();
        compare(expected, &sha256).map_err(|kind| ClientError::new(self.doing.clone(), kind))?;
        file.flush().await.map_err(failed)?;
        file.sync_all().await.map_err(failed)?;
        unfinished.persist(path).map_err(|error| failed(error.error))?;
        // The name is safe when the folder is.
        File::open(folder).await.map_err(failed)?.sync_all().await.map_err(failed)?;
        Ok(Saved { bytes, sha256, is_verified })
    }

    /// What an answer means that is none of the good ones.
    async fn refusal(&mut self) -> ClientErrorKind {
        let mut body = Vec::new();
        while body.len() < limits::ERROR_TEXT_BYTES_MAX {
            match self.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(kind) => return kind,
            }
        }
        let (status, headers) = (self.response.status(), self.response.headers());
        // What is neither good nor refused nor elsewhere has no meaning for a download.
        let no_answer = || BadAnswer::ContentType { content_type: status.to_string(), begins: String::new() }.into();
        answer::check(status, headers, &body).err().unwrap_or_else(no_answer)
    }
}

/// The SHA-256 sum of a file that an answer is about: in a header of its own, or in the tag (`api.md` §3.5).
pub(crate) fn sum_in(headers: &HeaderMap) -> Option<String> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let tag = || text("etag")?.trim_matches('"').strip_prefix("SHA256:");
    let sum = text("x-drp-sha256sum").filter(|sum| !sum.is_empty()).or_else(tag)?;
    Some(sum.to_ascii_lowercase())
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download").field("doing", &self.doing).finish_non_exhaustive()
    }
}
