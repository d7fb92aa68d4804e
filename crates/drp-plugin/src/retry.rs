//! Trying again, and waiting for something, within a time.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use drp_core::limits;

use crate::{Error, Result};

/// How often, how long and how fast to try.
///
/// Between two tries it waits twice as long as before, up to a longest wait, and a random part less, so that many who
/// failed at once do not come back at once. A try that is under way when the time is over is cancelled.
///
/// ```
/// use std::time::Duration;
///
/// use drp_plugin::{Error, Result, Retry};
///
/// # async fn switch_on() -> Result<()> { Ok(()) }
/// # async fn example() -> Result<()> {
/// Retry::within(Duration::from_secs(30)).run(switch_on).await
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Retry {
    limit: Duration,
    tries: u32,
    first_wait: Duration,
    longest_wait: Duration,
    when: fn(&Error) -> bool,
}

impl Retry {
    /// As often as the time allows, beginning with a wait of a tenth of a second, for errors that
    /// [may pass](Error::may_pass).
    #[must_use]
    pub fn within(limit: Duration) -> Self {
        Self {
            limit,
            tries: u32::MAX,
            first_wait: limits::RETRY_WAIT_MIN,
            longest_wait: limits::RETRY_AFTER_MAX,
            when: Error::may_pass,
        }
    }

    /// So many tries at most, the first one included.
    #[must_use]
    pub fn tries(mut self, tries: u32) -> Self {
        self.tries = tries;
        self
    }

    /// The first wait, and the longest one.
    #[must_use]
    pub fn waits(mut self, first: Duration, longest: Duration) -> Self {
        (self.first_wait, self.longest_wait) = (first, longest);
        self
    }

    /// Which errors another try may mend.
    #[must_use]
    pub fn when(mut self, may_pass: fn(&Error) -> bool) -> Self {
        self.when = may_pass;
        self
    }

    /// Tries until it succeeds, fails for good, or the time or the tries are over.
    ///
    /// # Errors
    /// The last error, with the number of tries; a 504 where the time was over before there was one.
    pub async fn run<T, Fut: Future<Output = Result<T>> + Send>(
        &self,
        mut attempt: impl FnMut() -> Fut + Send,
    ) -> Result<T> {
        let started = Instant::now();
        let left = || self.limit.saturating_sub(started.elapsed());
        let tries = self.tries.max(1);
        let mut wait = self.first_wait;
        let mut last: Option<Error> = None;
        for number in 1..=tries {
            let error = match tokio::time::timeout(left(), attempt()).await {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(error)) => error,
                Err(_) => {
                    let late = || Error::new(504, format!("try {number} did not end within {:?}", self.limit));
                    return Err(last.unwrap_or_else(late));
                }
            };
            let pause = error.retry_after().unwrap_or_else(|| shortened(wait));
            if !(self.when)(&error) || pause >= left() || number == tries {
                return Err(if number > 1 { error.context(format!("try {number}")) } else { error });
            }
            tracing::debug!("try {number} failed and is repeated in {pause:?}: {error}");
            last = Some(error);
            tokio::time::sleep(pause).await;
            wait = wait.saturating_mul(2).min(self.longest_wait);
        }
        Err(last.unwrap_or_else(|| Error::new(500, "no try was made")))
    }
}

/// A random part less, down to half.
fn shortened(wait: Duration) -> Duration {
    use std::hash::{BuildHasher, RandomState};
    // The standard library's only source of randomness; good enough to keep callers apart.
    let random = RandomState::new().hash_one(()) % 1000;
    let half = wait / 2;
    half + half.mul_f64(f64::from(u32::try_from(random).unwrap_or(0)) / 1000.0)
}

/// Looks again and again until there is what is waited for, or the time is over. A look that is under way then is
/// cancelled.
///
/// ```
/// # use std::time::Duration;
/// # use drp_plugin::{Result, wait_until};
/// # async fn power_state() -> Result<String> { Ok("on".to_owned()) }
/// # async fn example() -> Result<()> {
/// let state = wait_until(Duration::from_secs(60), Duration::from_secs(2), || async {
///     let state = power_state().await?;
///     Ok((state == "on").then_some(state))
/// })
/// .await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// A look failed, or a 504: the time is over.
pub async fn wait_until<T, Fut: Future<Output = Result<Option<T>>> + Send>(
    limit: Duration,
    every: Duration,
    mut look: impl FnMut() -> Fut + Send,
) -> Result<T> {
    let looking = async {
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            tokio::time::sleep(every).await;
        }
    };
    within(limit, looking).await
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T>>) -> Result<T> {
    let late = || Error::new(504, format!("what was waited for did not come within {limit:?}"));
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(late()))
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;

    fn fast() -> Retry {
        Retry::within(Duration::from_secs(10)).waits(Duration::from_millis(1), Duration::from_millis(2))
    }

    #[tokio::test]
    async fn what_may_pass_is_tried_again_and_what_may_not_is_not() {
        let mut tries = 0;
        let retry = fast();
        let result = retry.run(|| {
            tries += 1;
            ready(if tries < 4 { Err(Error::new(503, "busy")) } else { Ok(tries) })
        });
        assert_eq!(result.await.unwrap(), 4);
        let mut tries = 0;
        let result: Result<()> = fast()
            .run(|| {
                tries += 1;
                ready(Err(Error::new(404, "gone")))
            })
            .await;
        assert_eq!((result.unwrap_err().to_string().as_str(), tries), ("gone", 1));
        let result: Result<()> = fast().tries(3).run(|| ready(Err(Error::new(503, "busy")))).await;
        assert_eq!(result.unwrap_err().to_string(), "try 3: busy");
    }

    #[tokio::test]
    async fn the_time_limit_ends_a_try_that_is_under_way() {
        let limit = Duration::from_millis(30);
        let error = Retry::within(limit).run(std::future::pending::<Result<()>>).await.unwrap_err();
        assert_eq!((error.code(), error.to_string().as_str()), (504, "try 1 did not end within 30ms"));
        let error = wait_until(limit, Duration::from_millis(1), || ready(Ok(None::<()>))).await.unwrap_err();
        assert_eq!(error.code(), 504);
    }

    #[tokio::test]
    async fn a_server_says_when_to_come_back() {
        let started = Instant::now();
        let mut tries = 0;
        let retry = Retry::within(Duration::from_secs(10)).waits(Duration::from_secs(5), Duration::from_secs(5));
        let result = retry.run(|| {
            tries += 1;
            ready(if tries > 1 { Ok(()) } else { Err(Error::new(429, "").with_retry_after(Duration::from_millis(5))) })
        });
        result.await.unwrap();
        assert!(started.elapsed() < Duration::from_secs(4));
    }

    #[tokio::test]
    async fn the_longest_times_and_no_tries_are_taken_as_they_are_meant() {
        let mut tries = 0;
        let retry = Retry::within(Duration::MAX).waits(Duration::ZERO, Duration::MAX);
        let result = retry.run(|| {
            tries += 1;
            ready(if tries < 4 { Err(Error::new(503, "busy")) } else { Ok(()) })
        });
        result.await.unwrap();
        let retry = Retry::within(Duration::MAX).tries(0).waits(Duration::MAX, Duration::MAX);
        let result: Result<()> = retry.run(|| ready(Err(Error::new(503, "busy")))).await;
        assert_eq!(result.unwrap_err().to_string(), "busy");
        assert!(shortened(Duration::MAX) <= Duration::MAX);
        wait_until(Duration::MAX, Duration::ZERO, || ready(Ok(Some(())))).await.unwrap();
    }

    #[test]
    fn waits_are_shortened_by_half_at_most() {
        let wait = Duration::from_secs(1);
        assert!((0..100).map(|_| shortened(wait)).all(|short| short >= wait / 2 && short <= wait));
    }
}
