//! Answers that are no objects: received piece by piece, whatever their size and type.

use std::{fmt, time::Duration};

use bytes::Bytes;
use drp_core::limits;
use tokio::time::timeout;

use crate::{BadAnswer, Client, ClientError, ClientErrorKind, Request, answer, error};

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
        let failed = |kind| ClientError::new(doing.clone(), kind);
        let sent = self.prepare(&request).map_err(failed)?;
        let answered = timeout(pause, self.inner().http().execute(sent)).await;
        let response = answered.map_err(|_| failed(ClientErrorKind::Timeout(pause)))?;
        let response = response.map_err(|problem| failed(error::transport(problem, pause)))?;
        let mut download = Download { doing: doing.clone(), response, pause };
        if !download.response.status().is_success() {
            let refusal = download.refusal().await?;
            return Err(failed(refusal));
        }
        Ok(download)
    }
}

impl Download {
    /// Waits for the next piece; `None` says that the answer is whole.
    ///
    /// # Errors
    /// The answer ended in the middle, or nothing came for too long.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        let failed = |kind| ClientError::new(self.doing.clone(), kind);
        let chunk = timeout(self.pause, self.response.chunk()).await;
        let chunk = chunk.map_err(|_| failed(ClientErrorKind::Timeout(self.pause)))?;
        chunk.map_err(|error| failed(BadAnswer::Truncated(Box::new(error.without_url())).into()))
    }

    /// What an answer means that is none of the good ones.
    async fn refusal(&mut self) -> Result<ClientErrorKind, ClientError> {
        let mut body = Vec::new();
        while let Some(chunk) = self.next().await?
            && body.len() < limits::ERROR_TEXT_BYTES_MAX
        {
            body.extend_from_slice(&chunk);
        }
        let (status, headers) = (self.response.status(), self.response.headers());
        // What is neither good nor refused nor elsewhere has no meaning for a download.
        let no_answer = || BadAnswer::ContentType(status.to_string()).into();
        Ok(answer::check(status, headers, &body).err().unwrap_or_else(no_answer))
    }
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download").field("doing", &self.doing).finish_non_exhaustive()
    }
}
