//! Taking back what was done when the rest of it fails.

use std::{
    fmt,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

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
/// a minute, and what they fail with is told beside the error. Where the work is cancelled, they run in the background.
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
    match result {
        Ok(value) => Ok(value),
        Err(error) => Err(take_back(steps).await.into_iter().fold(error, Error::and)),
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
        runtime.spawn(async move {
            for failure in take_back(steps).await {
                tracing::error!("{failure}");
            }
        });
    }
}

async fn take_back(steps: Vec<Step>) -> Vec<String> {
    let mut failures = Vec::new();
    for Step { what, work } in steps.into_iter().rev() {
        match tokio::time::timeout(STEP_TIME, work).await {
            Ok(Ok(())) => tracing::info!("taken back: {what}"),
            Ok(Err(error)) => failures.push(format!("cannot take back, {what}: {error}")),
            Err(_) => failures.push(format!("cannot take back, {what}: it did not end within {STEP_TIME:?}")),
        }
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
}
