//! The log of the job that an action belongs to: what the operator reads who waits for it.

mod buffer;
mod writer;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use drp_client::Client;
use drp_core::Uuid;
use tokio::{sync::Notify, task::JoinHandle};

use self::buffer::Buffer;
pub use self::writer::JobLogWriter;
use crate::redact::redact;

/// Least time between two appends: a line each would make the server write its file a thousand times.
const GATHER_TIME: Duration = Duration::from_millis(500);

/// The log of a job. Every line also goes to the log of the plugin, at level info.
///
/// Lines are gathered, freed of secrets and appended twice a second at most, in their order; where they
/// come faster than the server takes them, the oldest go and a line says how many. Nothing here fails or waits: an
/// action does not depend on its log. Where there is no job, the plugin's log is all.
///
/// [`Context::job_log`](crate::Context::job_log) gives the one of an action, and what is in it when the action ends is
/// appended before the caller gets the result.
///
/// ```no_run
/// # async fn example(context: drp_plugin::Context<()>) -> drp_plugin::Result<()> {
/// let log = context.job_log();
/// log.line("1 of 2: powering off");
/// log.line(format!("2 of 2: waiting for {}", "10.0.0.7"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct JobLog(Option<Arc<Gatherer>>);

/// The end of the log that lines are put into; the log ends with it.
struct Gatherer {
    gathered: Arc<Gathered>,
    appending: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Gathered {
    buffer: Mutex<Buffer>,
    changed: Notify,
}

impl JobLog {
    /// The log of a job by its key.
    #[must_use]
    pub fn of(job: &Uuid, client: &Client) -> Self {
        let gathered = Arc::new(Gathered::default());
        let append = append_all(Arc::clone(&gathered), client.clone(), job.to_string());
        let appending = Mutex::new(Some(tokio::spawn(append)));
        Self(Some(Arc::new(Gatherer { gathered, appending })))
    }

    /// Only the plugin's log.
    pub(crate) fn of_no_job() -> Self {
        Self(None)
    }

    /// Whether there is a job.
    #[must_use]
    pub fn has_job(&self) -> bool {
        self.0.is_some()
    }

    /// Adds a line, or several.
    pub fn line(&self, text: impl AsRef<str>) {
        let text = text.as_ref();
        tracing::info!("{text}");
        if let Some(log) = &self.0 {
            // Here, and not when it is appended: by then nobody may know any more what is secret.
            log.gathered.buffer().push(&redact(text));
            log.gathered.changed.notify_one();
        }
    }

    /// A writer whose lines are added, for libraries that write somewhere.
    #[must_use]
    pub fn writer(&self) -> JobLogWriter {
        JobLogWriter::new(self.clone())
    }

    /// Ends the log: returns when all lines are appended, or the time is over.
    pub(crate) async fn close(&self, limit: Duration) {
        let Some(log) = &self.0 else { return };
        log.gathered.end();
        let appending = log.appending.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(appending) = appending
            && tokio::time::timeout(limit, appending).await.is_err()
        {
            tracing::warn!("the log of the job was not taken within {limit:?}");
        }
    }
}

impl fmt::Debug for JobLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobLog").field("has_job", &self.has_job()).finish_non_exhaustive()
    }
}

impl Drop for Gatherer {
    fn drop(&mut self) {
        self.gathered.end();
    }
}

impl Gathered {
    fn buffer(&self) -> MutexGuard<'_, Buffer> {
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) {
        self.buffer().end();
        self.changed.notify_one();
    }
}

/// Appends what gathers until the log ends. After a failure that another try will not mend, it only takes lines away.
async fn append_all(gathered: Arc<Gathered>, client: Client, job: String) {
    let mut gone = false;
    loop {
        let (text, ended) = gathered.buffer().take();
        if !text.is_empty() && !gone {
            let appended = client.jobs().append_log(&job, text.clone()).await;
            if let Err(error) = appended {
                gone = error.is_not_found();
                gathered.buffer().lose(&text);
                tracing::warn!("lines for the log of job {job} are lost: {}", drp_core::chain(&error));
            }
            if !ended {
                tokio::time::sleep(GATHER_TIME).await;
            }
        } else if ended {
            return;
        } else {
            gathered.changed.notified().await;
        }
    }
}
