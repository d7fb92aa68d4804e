//! The thin shell that sends calls and reads what comes back.

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use drp_client::{BadAnswer, ClientErrorKind, foreign};
use drp_core::limits;

use super::{
    HttpAnswer, HttpClient, address,
    failure::Failure,
    redirect::{self, Step},
    request::Call,
};
use crate::{Error, Result, Retry};

impl HttpClient {
    /// Makes a call, once more where that can do no harm.
    pub(super) async fn call(&self, call: &Call) -> Result<HttpAnswer> {
        let asked = call.to_string();
        let deadline = Instant::now() + call.time_limit;
        let attempt = || async {
            let answered = tokio::time::timeout_at(deadline.into(), self.attempt(call, &asked)).await;
            let answered = answered.unwrap_or_else(|_| Err(Failure::late(call.time_limit)));
            answered.map_err(|failure| failure.into_error_of(&asked, call.is_repeatable))
        };
        let retry = Retry::within(call.time_limit)
            .tries(self.0.tries)
            .waits(limits::RETRY_WAIT_MIN, limits::RETRY_WAIT_MAX)
            .when(is_worth_a_wait);
        retry.run(attempt).await
    }

    /// One try, with its redirects.
    async fn attempt(&self, call: &Call, asked: &str) -> Result<HttpAnswer, Failure> {
        let mut step = Step { method: call.method.clone(), url: call.url.clone(), body: call.body.clone() };
        let mut redirects = 0;
        loop {
            let answered = self.exchange(call, &step, asked).await;
            // A write whose result lies elsewhere has been carried out, whatever becomes of the result.
            let is_written = step.method != call.method;
            let answer = answered.map_err(|failure| if is_written { failure.halfway() } else { failure })?;
            if !redirect::is_redirect(answer.status) {
                return Ok(answer);
            }
            if redirects == limits::HTTP_REDIRECTS_MAX {
                return Err(Failure::bad_answer(answer.status, &format!("it is redirect number {}", redirects + 1)));
            }
            step = redirect::follow(step, &answer, &self.0.base)
                .map_err(|why| Failure::bad_answer(answer.status, &why))?;
            redirects += 1;
        }
    }

    async fn exchange(&self, call: &Call, step: &Step, asked: &str) -> Result<HttpAnswer, Failure> {
        let began = Instant::now();
        let mut request = reqwest::Request::new(step.method.clone(), step.url.clone());
        *request.headers_mut() = call.headers.clone();
        *request.body_mut() = step.body.clone().map(reqwest::Body::from);
        let sent = self.0.http.execute(request).await;
        let mut response = sent.map_err(|error| {
            let is_late = error.is_timeout();
            Failure::unanswered(&foreign::transport(error, call.time_limit), is_late)
        })?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let is_error = status.as_u16() >= 400 && !call.accepted.contains(&status);
        let body = if is_error { beginning(&mut response).await } else { self.body(&mut response, call).await? };
        tracing::debug!(
            "{} {} was answered {status} after {:?}, {} bytes",
            step.method,
            address::shown(&step.url),
            began.elapsed(),
            body.len()
        );
        if is_error {
            return Err(Failure::refused(status, &headers, &body));
        }
        Ok(HttpAnswer { asked: asked.to_owned(), status, headers, body })
    }

    /// All of a body.
    async fn body(&self, response: &mut reqwest::Response, call: &Call) -> Result<Bytes, Failure> {
        let (status, limit) = (response.status(), self.0.body_bytes_max);
        let mut body = BytesMut::new();
        loop {
            match response.chunk().await {
                // Pieces are counted as they are unpacked, so a small answer cannot grow beyond the limit either.
                Ok(Some(chunk)) if chunk.len() > limit - body.len() => {
                    return Err(Failure::bad_answer(status, &BadAnswer::TooLarge(limit).to_string()));
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => return Ok(body.freeze()),
                Err(error) => {
                    let kind = foreign::body(error, call.time_limit);
                    return Err(Failure::unanswered(&kind, matches!(kind, ClientErrorKind::Timeout(_))));
                }
            }
        }
    }
}

/// The beginning of a body that comes with an error's status: as far as it comes, since the status says the most.
async fn beginning(response: &mut reqwest::Response) -> Bytes {
    let mut body = BytesMut::new();
    let reading = async {
        while body.len() < limits::HTTP_REFUSAL_BYTES_MAX {
            match response.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) | Err(_) => break,
            }
        }
    };
    let _ = tokio::time::timeout(limits::UNREAD_BODY_TIME, reading).await;
    body.freeze()
}

/// Whether another try may succeed soon; a server that asks for a long wait is told of at once.
fn is_worth_a_wait(error: &Error) -> bool {
    error.may_pass() && error.retry_after().is_none_or(|wait| wait <= limits::RETRY_AFTER_MAX)
}
