//! Taking back what was done when the rest of it fails.

use std::{
    fmt,
    future::Future,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::FutureExt;
use tracing::Instrument;

use crate::{Error, Result, handler::BoxFuture};

/// Time for each step that takes something back, unless it says otherwise.
const STEP_TIME: Duration = Duration::from_secs(30);

/// Steps that take back what was done so far; see [`with_undo`]. Clones push to the same ones.
#[derive(Clone, Default)]
pub struct Undo(Arc<Mutex<Vec<Step>>>);

struct Step {
    what: String,
    work: BoxFuture<Result<()>>,
}

/// Does work that takes itself back if it fails: steps that it has pushed run then, the last one first, each with half
/// a minute, and what they fail with is told beside the error. Where the work is cancelled, they run in the background,
/// and those that run then go on. A step that fails or panics keeps none of the others from running.
///
/// ```
/// use drp_plugin::{Result, with_undo};
///
/// # async fn make_machine() -> Result<String> { Ok("m1".to_owned()) }
/// # async fn delete_machine(_name: String) -> Result<()> { Ok(()) }
/// # async fn power_on(_name: &str) -> Result<()> { Ok(()) }
/// # async fn example() -> Result<()> {
/// with_undo(|undo| async move {
///     let name = make_machine().await?;
///     undo.push(format!("delete machine {name}"), delete_machine(name.clone()));
///     power_on(&name).await
/// })
/// .await
/// # }
/// ```
///
/// # Errors
/// What the work failed with, and after it each step that failed.
pub async fn with_undo<T, Fut: Future<Output = Result<T>> + Send>(work: impl FnOnce(Undo) -> Fut + Send) -> Result<T> {
    let undo = Undo::default();
    let cancelled = Cancelled(undo.clone());
    let result = work(undo).await;
    let steps = cancelled.0.take();
    let Err(error) = result else { return result };
    // In a task of its own: the time of an action may pass while it takes back.
    match tokio::spawn(take_back(steps).in_current_span()).await {
        Ok(failures) => Err(failures.into_iter().fold(error, Error::and)),
        Err(_) => Err(error.and("cannot take back: the plugin is stopping")),
    }
}

impl Undo {
    /// Says how to take back what has just been done. The work is not begun before it is needed.
    pub fn push(&self, what: impl Into<String>, work: impl Future<Output = Result<()>> + Send + 'static) {
        let step = Step { what: what.into(), work: Box::pin(work) };
        self.steps().push(step);
    }

    fn take(&self) -> Vec<Step> {
        std::mem::take(&mut *self.steps())
    }

    fn steps(&self) -> MutexGuard<'_, Vec<Step>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes back in the background what the work has left half-way when it was cancelled or panicked.
struct Cancelled(Undo);

impl Drop for Cancelled {
    fn drop(&mut self) {
        let steps = self.0.take();
        if steps.is_empty() {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(take_back(steps).in_current_span());
    }
}

/// Runs the steps, the last one first, and gives what went wrong. Nobody may be left to hear it, so it is logged too.
async fn take_back(steps: Vec<Step>) -> Vec<String> {
    let mut failures = Vec::new();
    for Step { what, work } in steps.into_iter().rev() {
        let reason = match tokio::time::timeout(STEP_TIME, AssertUnwindSafe(work).catch_unwind()).await {
            Ok(Ok(Ok(()))) => {
                tracing::info!("taken back: {what}");
                continue;
            }
            Ok(Ok(Err(error))) => error.to_string(),
            Ok(Err(_)) => "it panicked; the log says more".to_owned(),
            Err(_) => format!("it did not end within {STEP_TIME:?}"),
        };
        let failure = format!("cannot take back, {what}: {reason}");
        tracing::error!("{failure}");
        failures.push(failure);
    }
    failures
}

impl fmt::Debug for Undo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.steps().iter().map(|step| &step.what)).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    type Done = Arc<Mutex<Vec<&'static str>>>;

    fn step(done: &Done, name: &'static str) -> impl Future<Output = Result<()>> + Send + 'static {
        let done = Arc::clone(done);
        async move {
            done.lock().unwrap().push(name);
            assert!(name != "worse", "a step panics");
            if name == "bad" { Err(Error::new(500, "stuck")) } else { Ok(()) }
        }
    }

    #[tokio::test]
    async fn a_failure_is_taken_back_from_its_end_and_both_errors_are_told() {
        let done = Done::default();
        let (one, two, three) = (step(&done, "one"), step(&done, "bad"), step(&done, "three"));
        let result: Result<()> = with_undo(|undo| async move {
            undo.push("one", one);
            undo.push("two", two);
            undo.push("three", three);
            Err(Error::new(409, "no room"))
        })
        .await;
        let error = result.unwrap_err();
        assert_eq!(
            (error.code(), error.messages()),
            (409, &["no room".to_owned(), "cannot take back, two: stuck".to_owned()][..])
        );
        assert_eq!(*done.lock().unwrap(), ["three", "bad", "one"]);
    }

    #[tokio::test]
    async fn a_success_is_kept() {
        let done = Done::default();
        let one = step(&done, "one");
        let result = with_undo(|undo| async move {
            undo.push("one", one);
            Ok(5)
        });
        assert_eq!(result.await.unwrap(), 5);
        assert!(done.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn cancelled_work_is_taken_back_in_the_background() {
        let done = Done::default();
        let inner = Arc::clone(&done);
        let work = tokio::spawn(async move {
            with_undo(|undo| async move {
                undo.push("one", step(&inner, "one"));
                inner.lock().unwrap().push("begun");
                std::future::pending::<Result<()>>().await
            })
            .await
        });
        while done.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        work.abort();
        while done.lock().unwrap().len() < 2 {
            tokio::task::yield_now().await;
        }
        assert_eq!(*done.lock().unwrap(), ["begun", "one"]);
    }

    #[tokio::test]
    async fn a_step_that_panics_keeps_none_from_running() {
        let done = Done::default();
        let (one, two) = (step(&done, "one"), step(&done, "worse"));
        let result: Result<()> = with_undo(|undo| async move {
            undo.push("one", one);
            undo.push("two", two);
            Err(Error::new(409, "no room"))
        })
        .await;
        let error = result.unwrap_err();
        assert_eq!(error.to_string(), "no room; cannot take back, two: it panicked; the log says more");
        assert_eq!(*done.lock().unwrap(), ["worse", "one"]);
    }

    #[tokio::test]
    async fn taking_back_goes_on_where_nobody_waits_any_more() {
        let done = Done::default();
        let (began, go_on) = (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
        let one = step(&done, "one");
        let two = {
            let (began, go_on) = (Arc::clone(&began), Arc::clone(&go_on));
            async move {
                began.notify_one();
                go_on.notified().await;
                Ok(())
            }
        };
        let work = tokio::spawn(with_undo(|undo| async move {
            undo.push("one", one);
            undo.push("two", two);
            Err::<(), _>(Error::new(409, "no room"))
        }));
        began.notified().await;
        work.abort();
        assert!(work.await.unwrap_err().is_cancelled());
        go_on.notify_one();
        while done.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        assert_eq!(*done.lock().unwrap(), ["one"]);
    }
}
