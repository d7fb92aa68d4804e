//! Jobs, where they differ from other objects (`api.md` §16).

use std::{collections::BTreeMap, time::Duration};

use bytes::{Bytes, BytesMut};
use drp_core::{
    Job, JobAction, Raw,
    patch::{Operation, Patch},
};
use http::StatusCode;

use crate::{Client, ClientError, Download, Request, Upload, answer};

/// The jobs of a server. Made by [`Client::jobs`].
///
/// What they have in common with other objects is in [`Client::objects`], also the actions of plugins on them.
#[derive(Clone, Debug)]
pub struct Jobs {
    client: Client,
}

/// What a machine is to do next.
#[derive(Clone, Debug, PartialEq)]
pub enum NextJob {
    /// This new job.
    New(Box<Job>),
    /// The job that it has not finished.
    Again(Box<Job>),
    /// Nothing.
    Nothing,
}

/// Which jobs shall be removed. What is `None` is as the preferences of the server say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PurgeJobs {
    /// Only say which these are.
    pub is_dry_run: bool,
    /// Those of this machine only; `missing` for machines that are no more.
    pub machine: Option<String>,
    /// How many to keep of each machine.
    pub keep: Option<u64>,
    /// Failed ones that are older.
    pub failed_after: Option<Duration>,
    /// Complete ones that are older.
    pub complete_after: Option<Duration>,
}

const JOBS: &str = "jobs";

impl Client {
    /// The jobs of the server.
    #[must_use]
    pub fn jobs(&self) -> Jobs {
        Jobs { client: self.clone() }
    }
}

impl Jobs {
    /// What a machine, by its UUID, is to do next. Where that is an action of a plugin, the server runs it within this
    /// call.
    ///
    /// # Errors
    /// As [`Client::send`]; [`ClientError::is_conflict`] where the machine has a job, or cannot run one.
    pub async fn next(&self, machine: &str) -> Result<NextJob, ClientError> {
        self.create(BTreeMap::from([("Machine", machine)])).await
    }

    /// What a machine is to do next in a context, as the agents of contexts ask.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn next_in(&self, machine: &str, context: &str) -> Result<NextJob, ClientError> {
        self.create(BTreeMap::from([("Context", context), ("Machine", machine)])).await
    }

    async fn create(&self, wanted: BTreeMap<&str, &str>) -> Result<NextJob, ClientError> {
        let request = Request::create(JOBS, &wanted)?;
        let answer = self.client.exchange(&request).await?;
        if answer.status == StatusCode::NO_CONTENT {
            return Ok(NextJob::Nothing);
        }
        let job = answer::decode(&answer.body).map_err(|kind| ClientError::new(request.to_string(), kind))?;
        Ok(if answer.status == StatusCode::ACCEPTED { NextJob::Again(job) } else { NextJob::New(job) })
    }

    /// Moves a job from one state to another: `created`, `running`, `finished`, `failed` or `incomplete`.
    ///
    /// # Errors
    /// As [`Client::send`]; [`ClientError::is_patch_conflict`] where it is in another state.
    pub async fn set_state(&self, uuid: &str, from: &str, to: &str) -> Result<Job, ClientError> {
        self.patch(uuid, vec![Operation::test("/State", from.into()), Operation::replace("/State", to.into())]).await
    }

    /// Ends a running job. `exit_state` says what the machine does now: `complete`, `failed`, `reboot`, `poweroff` or
    /// `stop`.
    ///
    /// # Errors
    /// As [`set_state`](Self::set_state).
    pub async fn finish(&self, uuid: &str, state: &str, exit_state: &str) -> Result<Job, ClientError> {
        let end = vec![
            Operation::test("/State", "running".into()),
            Operation::replace("/State", state.into()),
            Operation::replace("/ExitState", exit_state.into()),
        ];
        self.patch(uuid, end).await
    }

    async fn patch(&self, uuid: &str, operations: Vec<Operation>) -> Result<Job, ClientError> {
        self.client.send(Request::patch(JOBS, uuid, &Patch(operations))?).await
    }

    /// The scripts of a job, rendered by the server, for an operating system such as `linux`.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn scripts(&self, uuid: &str, os: Option<&str>) -> Result<Vec<JobAction>, ClientError> {
        let request = Request::job_scripts(uuid)?;
        let request = match os {
            Some(os) => request.query("os", os),
            None => request,
        };
        self.client.send(request).await
    }

    /// Begins to receive the log of a job.
    ///
    /// # Errors
    /// As [`Client::download`].
    pub async fn log(&self, uuid: &str) -> Result<Download, ClientError> {
        self.client.download(Request::job_log(uuid)?).await
    }

    /// Adds to the log of a job. It is sent once only: after an error part of it may be there.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn append_log(&self, uuid: &str, text: impl Into<Bytes>) -> Result<(), ClientError> {
        self.append_log_from(uuid, Upload::bytes(text)).await
    }

    /// Adds everything that can be read from somewhere to the log of a job. For what comes now and then, a
    /// [`log_writer`](Self::log_writer) is better.
    ///
    /// # Errors
    /// As [`Client::upload`].
    pub async fn append_log_from(&self, uuid: &str, upload: Upload) -> Result<(), ClientError> {
        self.client.send_upload(Request::append_job_log(uuid)?, upload).await.map(drop)
    }

    /// A writer that adds to the log of a job, many small texts at once.
    #[must_use]
    pub fn log_writer(&self, uuid: &str) -> JobLogWriter {
        JobLogWriter { jobs: self.clone(), uuid: uuid.to_owned(), waiting: BytesMut::new() }
    }

    /// Removes jobs, and gives what the server says which.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn purge(&self, wanted: &PurgeJobs) -> Result<Raw, ClientError> {
        let seconds = |time: Option<Duration>| time.map(|time| time.as_secs().to_string());
        let options = [
            ("dryrun", wanted.is_dry_run.then(|| "true".to_owned())),
            ("machine", wanted.machine.clone()),
            ("jobsToKeep", wanted.keep.map(|number| number.to_string())),
            ("failedJobsPurgedAfter", seconds(wanted.failed_after)),
            ("completeJobsPurgedAfter", seconds(wanted.complete_after)),
        ];
        let options = options.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let request = options.fold(Request::purge_jobs()?, |request, (name, value)| request.query(name, &value));
        self.client.send(request).await
    }
}

/// Adds to the log of a job, many small texts at once and in their order. Made by [`Jobs::log_writer`].
///
/// What has not been sent is lost with it: end with [`flush`](Self::flush).
#[derive(Debug)]
pub struct JobLogWriter {
    jobs: Jobs,
    uuid: String,
    waiting: BytesMut,
}

/// Bytes that wait at most before they are sent.
const WAITING_BYTES_MAX: usize = 32 << 10;

impl JobLogWriter {
    /// Adds a text, and sends what waits once it is 32 KiB.
    ///
    /// # Errors
    /// As [`Jobs::append_log`]; what was waiting is not sent again.
    pub async fn write(&mut self, text: impl AsRef<[u8]>) -> Result<(), ClientError> {
        self.waiting.extend_from_slice(text.as_ref());
        if self.waiting.len() >= WAITING_BYTES_MAX { self.flush().await } else { Ok(()) }
    }

    /// Sends what waits.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub async fn flush(&mut self) -> Result<(), ClientError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let waiting = self.waiting.split().freeze();
        self.jobs.append_log(&self.uuid, waiting).await
    }
}
