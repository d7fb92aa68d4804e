//! Answers that are no objects: received piece by piece, whatever their size and type.

use std::{fmt, time::Duration};

use bytes::Bytes;
use drp_core::limits;
use http::{HeaderValue, header};
use tokio::time::timeout;

use crate::{BadAnswer, Client, ClientError, ClientErrorKind, Request, answer, error, login::Authorization};

/// The body of an answer that is being received.
pub struct Download {
    doing: String,
    response: reqwest::Response,
    pause: Duration,
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
            // As it is: sizes and checksums are those of what is stored.
            sent.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            let answered = timeout(pause, self.inner().http.execute(sent)).await;
            let response = answered.map_err(|_| ClientErrorKind::Timeout(pause))?;
            let response = response.map_err(|problem| error::transport(problem, pause))?;
            let mut download = Download { doing: request.to_string(), response, pause };
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

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download").field("doing", &self.doing).finish_non_exhaustive()
    }
}
