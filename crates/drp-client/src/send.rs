//! The thin shell that sends what `request.rs` builds and hands what comes back to `answer.rs`.

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use drp_core::{chain, limits};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::{
    BadAnswer, BuildRequestError, Client, ClientError, ClientErrorKind, Request, answer, backoff::Backoff, error,
    login::Authorization, retry::Failure,
};

/// A good answer, all of it.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Client {
    /// Sends a call, once more where that can do no harm, and gives a good answer. Logging in takes its part of the
    /// same time.
    pub(crate) async fn exchange(&self, request: &Request) -> Result<Answer, ClientError> {
        let deadline = self.deadline();
        let api = &self.inner().endpoint.api();
        let work = move |by: Authorization| async move { self.repeat(request, api, &by.header, deadline).await };
        let done = self.as_who_is_known(deadline, work).await;
        done.map_err(|kind| ClientError::new(request.to_string(), as_far_as_told(request, kind)))
    }

    /// When a call that begins now must have ended.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.request_time()
    }

    /// Does something with credentials, and once more with new ones where the server does not know who speaks: a
    /// token may end at any time, such as when its user changes the password.
    pub(crate) async fn as_who_is_known<T, F>(
        &self,
        deadline: Instant,
        work: impl Fn(Authorization) -> F,
    ) -> Result<T, ClientErrorKind>
    where
        F: Future<Output = Result<T, ClientErrorKind>>,
    {
        let login = &self.inner().login;
        let first = login.authorization(self, deadline).await?;
        match work(first.clone()).await.map_err(|kind| login.judge(kind)) {
            // Whatever the server says of the new ones, they are the best there is: they are kept for the next call.
            Err(ClientErrorKind::Unauthenticated { .. }) if login.refused(&first) => {
                let second = login.authorization(self, deadline).await?;
                work(second).await.map_err(|kind| login.judge(kind))
            }
            done => done,
        }
    }

    /// Sends a call below `api` with these credentials, once more where that can do no harm.
    pub(crate) async fn repeat(
        &self,
        request: &Request,
        api: &str,
        authorization: &HeaderValue,
        deadline: Instant,
    ) -> Result<Answer, ClientErrorKind> {
        let mut backoff = Backoff::new(limits::RETRY_WAIT_MIN, limits::RETRY_WAIT_MAX);
        let mut tries = 1;
        loop {
            let failure = match self.attempt(request, api, authorization, deadline).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let wait = failure
                .wait_before_repeating(request, &mut backoff)
                .filter(|&wait| tries < limits::REQUEST_TRIES_MAX && Instant::now() + wait < deadline);
            let Some(wait) = wait else {
                return Err(failure.kind);
            };
            tracing::debug!(%request, ?wait, reason = chain(&failure.kind), "request is repeated");
            tokio::time::sleep(wait).await;
            tries += 1;
        }
    }

    async fn attempt(
        &self,
        request: &Request,
        api: &str,
        authorization: &HeaderValue,
        deadline: Instant,
    ) -> Result<Answer, Failure> {
        let mut sent = self.prepare(request, api, authorization)?;
        *sent.timeout_mut() = Some(deadline.saturating_duration_since(Instant::now()));

        let transport = |error| error::transport(error, self.request_time());
        let response = self.inner().http.execute(sent).await.map_err(transport)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = self.read_body(response).await?;
        answer::check(status, &headers, &body)
            .map_err(|kind| Failure { kind, retry_after: answer::retry_after(&headers) })?;
        Ok(Answer { status, headers, body })
    }

    /// A call as the HTTP library sends it, without a time limit.
    pub(crate) fn prepare(
        &self,
        request: &Request,
        api: &str,
        authorization: &HeaderValue,
    ) -> Result<reqwest::Request, ClientErrorKind> {
        let built = request.to_http(api).map_err(ClientErrorKind::Build)?;
        let no_url = |error| ClientErrorKind::Build(BuildRequestError::Url(Box::new(error)));
        let mut sent = reqwest::Request::try_from(built).map_err(no_url)?;
        sent.headers_mut().insert(header::AUTHORIZATION, authorization.clone());
        Ok(sent)
    }

    pub(crate) async fn read_body(&self, mut response: reqwest::Response) -> Result<Bytes, ClientErrorKind> {
        let limit = self.inner().body_bytes_max;
        let mut body = BytesMut::new();
        loop {
            match response.chunk().await {
                // Pieces are counted as they are unpacked, so a small answer cannot grow beyond the limit either.
                Ok(Some(chunk)) if chunk.len() > limit - body.len() => return Err(BadAnswer::TooLarge(limit).into()),
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => return Ok(body.freeze()),
                Err(error) => return Err(error::body(error, self.request_time())),
            }
        }
    }
}

/// The answer to a HEAD has no body, so that a 403 does not tell whether it is about who speaks or about what they
/// may do. That it is about the former is said only where the server does say so.
fn as_far_as_told(request: &Request, kind: ClientErrorKind) -> ClientErrorKind {
    match kind {
        ClientErrorKind::Unauthenticated { status: 403, error, .. } if request.method() == http::Method::HEAD => {
            ClientErrorKind::Status { status: 403, error }
        }
        other => other,
    }
}
