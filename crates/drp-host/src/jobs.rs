//! Jobs: which task a machine is at, and the log of it (`models.md` §13, `api.md` §16).
//!
//! Making a job runs nothing: an agent or a person does what it names and tells how it went. A machine has one job at
//! a time; the next one is for the task after it, or for the same task where it did not finish.

mod logs;
mod purge;
#[cfg(test)]
mod tests;

use std::{fs::File, io, path::Path, sync::Arc};

use drp_core::{Error, Raw, RawModel};
use serde_json::Value;
use tokio::sync::Mutex;

use self::logs::Logs;
pub(crate) use self::purge::{Owner, Purge};
use crate::{
    auth::{Principal, SUPERUSER, now_s},
    config::Retention,
    objects::Objects,
    types::{is_over, set_text},
};

const JOBS: &str = "jobs";
const MACHINES: &str = "machines";

/// The jobs of all machines and their logs.
pub(crate) struct Jobs {
    objects: Arc<Objects>,
    logs: Arc<Logs>,
    jobs_max: usize,
    /// Held while a machine's next job is found and made.
    turn: Mutex<()>,
}

/// What comes of asking for a machine's next job.
#[derive(Debug)]
pub(crate) enum NextJob {
    /// A new one.
    New(Arc<RawModel>),
    /// The one that was left incomplete.
    Again(Arc<RawModel>),
    /// The machine has no task left.
    Nothing,
}

/// Where a machine stands in its tasks.
#[derive(Debug, Default, PartialEq, Eq)]
struct Step {
    index: usize,
    /// The entry there; `None` behind the last one.
    task: Option<String>,
    /// What the entries before it put into place.
    stage: Option<String>,
    boot_env: Option<String>,
    context: Option<String>,
}

impl Jobs {
    /// The jobs of a host. Logs whose job is gone are removed.
    pub(crate) fn open(objects: Arc<Objects>, folder: &Path, retention: &Retention) -> io::Result<Self> {
        let logs = Logs::open(folder, retention.job_log_bytes, |job| matches!(objects.get(JOBS, job), Ok(None)))?;
        Ok(Self { objects, logs: Arc::new(logs), jobs_max: retention.jobs, turn: Mutex::default() })
    }

    /// Makes the next job of the machine that `wanted` names. A `Task` in it is taken in place of the machine's own
    /// list, for who works without one.
    ///
    /// # Errors
    /// 400 without a machine, 422 where there is none, 409 where it has a job already or is not runnable.
    pub(crate) async fn create(&self, by: &Principal, wanted: &RawModel) -> Result<NextJob, Error> {
        let id = wanted.text("Machine");
        if id.is_empty() {
            return Err(Error::new(400, "POST", "Create request must have Machine field").about(JOBS, ""));
        }
        let _turn = self.turn.lock().await;
        let machine = self.objects.get(MACHINES, &id)?.ok_or_else(|| no_machine(&id))?;
        let machine_id = machine.text("Uuid");
        let current = machine.text("CurrentJob");
        let current = if current.is_empty() { None } else { self.objects.get(JOBS, &current)? };
        let state = current.as_ref().map(|job| job.text("State")).unwrap_or_default();
        let refuse = |what| Error::new(409, "Conflict", format!("Machine {machine_id} {what}")).about(JOBS, "");
        if current.is_some() && !is_over(&state) {
            return Err(refuse("already has running or created job"));
        }
        if machine.get("Runnable") != Some(true) {
            return Err(refuse("is not runnable"));
        }
        let step = next_step(&machine, current.as_deref(), &wanted.text("Task"));
        match current {
            Some(job) if state == "incomplete" => Ok(NextJob::Again(job)),
            current => self.start(by, wanted, &machine, current.as_deref(), step).await,
        }
    }

    async fn start(
        &self,
        by: &Principal,
        wanted: &RawModel,
        machine: &RawModel,
        previous: Option<&RawModel>,
        step: Step,
    ) -> Result<NextJob, Error> {
        let machine_id = machine.text("Uuid");
        let job = match &step.task {
            Some(task) => {
                self.make_room(by).await?;
                let mut job = new_job(wanted, machine, &step, task);
                // A task that somebody names is not one that the machine was given.
                if wanted.text("Task").is_empty() {
                    self.add_claims(&mut job, task)?;
                }
                let job = self.objects.create(by, JOBS, job).await?;
                let key = job.text("Uuid");
                if let Err(error) = self.logs.start(&key).await {
                    self.take_back(by, &key).await;
                    return Err(error.wire(&key, "POST"));
                }
                Some(job)
            }
            None => None,
        };
        let write = |machine: &mut RawModel| {
            settle(machine, &step);
            if let Some(job) = &job {
                set_text(machine, "CurrentJob", &job.text("Uuid"));
            }
            Ok(())
        };
        if (job.is_some() || is_behind(machine, &step))
            && let Err(error) = self.objects.save(by, MACHINES, &machine_id, write).await
        {
            // The machine cannot go where its tasks say, such as into a stage that is gone.
            if let Some(job) = &job {
                self.take_back(by, &job.text("Uuid")).await;
            }
            return Err(error);
        }
        if let (Some(_), Some(previous)) = (&job, previous) {
            let retire = |job: &mut RawModel| {
                job.fields.insert("Current".to_owned(), Raw::from(Value::Bool(false)));
                Ok(())
            };
            self.objects.save(by, JOBS, &previous.text("Uuid"), retire).await?;
        }
        Ok(job.map_or(NextJob::Nothing, NextJob::New))
    }

    /// A job that is refused is none. Where it cannot be taken back, no machine knows it.
    async fn take_back(&self, by: &Principal, key: &str) {
        if self.objects.delete(by, JOBS, key).await.is_ok() {
            self.forget(key).await;
        }
    }

    /// Gives a job the claims of its task, and those of the roles that the task names.
    fn add_claims(&self, job: &mut RawModel, task: &str) -> Result<(), Error> {
        let Some(task) = self.objects.get("tasks", task)? else { return Ok(()) };
        let mut claims: Vec<Raw> = Vec::new();
        for role in task.get::<Vec<String>>("ExtraRoles").unwrap_or_default() {
            if role == SUPERUSER {
                claims.push(Raw::from(serde_json::json!({ "scope": "*", "action": "*", "specific": "*" })));
                continue;
            }
            let role = self.objects.get("roles", &role)?;
            claims.extend(role.and_then(|role| role.get::<Vec<Raw>>("Claims")).unwrap_or_default());
        }
        claims.extend(task.get::<Vec<Raw>>("ExtraClaims").unwrap_or_default());
        if !claims.is_empty() {
            job.set("ExtraClaims", &claims).map_err(|error| Error::new(500, "POST", error.to_string()))?;
        }
        Ok(())
    }

    /// Removes jobs that are too many or too old, or only says which ones those are, if `dry`.
    ///
    /// # Errors
    /// The store cannot be read, or does not let one go.
    pub(crate) async fn purge(&self, by: &Principal, wanted: &Purge, dry: bool) -> Result<Vec<String>, Error> {
        let _turn = self.turn.lock().await;
        let mut jobs = self.objects.list(JOBS)?;
        if let Some(kind) = self.objects.kind(JOBS) {
            jobs.retain(|job| by.sees_object(&kind, job));
        }
        let machines = self.objects.list(MACHINES)?.iter().map(|machine| machine.text("Uuid")).collect();
        let now_s = i64::try_from(now_s()).unwrap_or(i64::MAX);
        let going = wanted.select(&jobs, &machines, now_s);
        if dry {
            return Ok(going);
        }
        let mut gone = Vec::with_capacity(going.len());
        for key in going {
            if self.remove(by, &key).await? {
                gone.push(key);
            }
        }
        Ok(gone)
    }

    /// Removes a job with its log; not if somebody else was faster.
    async fn remove(&self, by: &Principal, key: &str) -> Result<bool, Error> {
        match self.objects.delete(by, JOBS, key).await {
            Ok(_) => {
                self.forget(key).await;
                Ok(true)
            }
            Err(error) if error.code == 404 => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Removes the oldest jobs that are over, where there are as many as the host keeps.
    async fn make_room(&self, by: &Principal) -> Result<(), Error> {
        if self.objects.count(JOBS)? < self.jobs_max as u64 {
            return Ok(());
        }
        let is_spent = |job: &Arc<RawModel>| is_over(&job.text("State")) && job.get("Current") != Some(true);
        let mut spent: Vec<_> = self.objects.list(JOBS)?.into_iter().filter(is_spent).collect();
        spent.sort_by_cached_key(|job| job.text("StartTime"));
        // Some at once, so that not every new job has to read all of them.
        for job in spent.iter().take(1 + self.jobs_max / 10) {
            self.remove(by, &job.text("Uuid")).await?;
        }
        Ok(())
    }

    /// A job, whose log is asked for.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn find(&self, key: &str, method: &'static str) -> Result<Arc<RawModel>, Error> {
        // Clients know this text without an object before it.
        let missing = || Error::new(404, "ValidationError", format!("Job {key} does not exist"));
        // An error of the store names the method that failed.
        let found = self.objects.get(JOBS, key).map_err(|error| Error { type_: method.to_owned(), ..error })?;
        found.ok_or_else(missing)
    }

    /// Adds to a job's log.
    pub(crate) async fn append(&self, job: &RawModel, text: bytes::Bytes) -> Result<(), Error> {
        let key = job.text("Uuid");
        self.logs.append(&key, text).await.map_err(|error| error.wire(&key, "PUT"))
    }

    /// A job's log, from its beginning.
    pub(crate) async fn read(&self, job: &RawModel) -> Result<File, Error> {
        let key = job.text("Uuid");
        self.logs.read(&key).await.map_err(|error| error.wire(&key, "GET"))
    }

    /// Removes the log of a job that was deleted. What cannot be removed now is at the next start.
    pub(crate) async fn forget(&self, key: &str) {
        self.logs.remove(key).await;
    }
}

impl std::fmt::Debug for Jobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jobs").field("jobs_max", &self.jobs_max).finish_non_exhaustive()
    }
}

/// The error for a job of a machine that is not there.
pub(crate) fn no_machine(id: &str) -> Error {
    Error::new(422, "ValidationError", format!("Machine {id} does not exist")).about(JOBS, "")
}

/// The step that comes after a machine's current job. Entries that only say where the tasks behind them run are done
/// on the way.
fn next_step(machine: &RawModel, current: Option<&RawModel>, wanted: &str) -> Step {
    let tasks: Vec<String> = machine.get("Tasks").unwrap_or_default();
    let at: i64 = machine.get("CurrentTask").unwrap_or_default();
    let mut step = Step { index: usize::try_from(at).unwrap_or(0).min(tasks.len()), ..Step::default() };
    if !wanted.is_empty() {
        step.task = Some(wanted.to_owned());
        return step;
    }
    let is_done = |job: &RawModel| {
        let is_of_list = tasks.get(step.index).is_some_and(|entry| *entry == job.text("Task"));
        is_of_list && job.text("State") == "finished" && job.get("CurrentIndex") == Some(step.index)
    };
    if current.is_some_and(is_done) {
        step.index += 1;
    }
    while let Some(entry) = tasks.get(step.index) {
        match entry.split_once(':') {
            Some(("stage", stage)) => step.stage = Some(stage.to_owned()),
            Some(("bootenv", boot_env)) => step.boot_env = Some(boot_env.to_owned()),
            Some(("context", context)) => step.context = Some(context.to_owned()),
            _ => {
                step.task = Some(entry.clone());
                break;
            }
        }
        step.index += 1;
    }
    step
}

fn is_behind(machine: &RawModel, step: &Step) -> bool {
    machine.get("CurrentTask") != Some(step.index) || machine.get("WorkflowComplete") != Some(true)
}

/// Writes into a machine where it stands now.
fn settle(machine: &mut RawModel, step: &Step) {
    let places = [("Stage", &step.stage), ("BootEnv", &step.boot_env), ("Context", &step.context)];
    for (field, place) in places {
        if let Some(place) = place {
            set_text(machine, field, place);
        }
    }
    machine.fields.insert("CurrentTask".to_owned(), Raw::from(Value::from(step.index)));
    let is_complete = step.task.is_none();
    machine.fields.insert("WorkflowComplete".to_owned(), Raw::from(Value::Bool(is_complete)));
}

fn new_job(wanted: &RawModel, machine: &RawModel, step: &Step, task: &str) -> RawModel {
    let mut machine = machine.clone();
    settle(&mut machine, step);
    let mut job = RawModel::default();
    for field in ["Uuid", "Meta"] {
        if let Some(given) = wanted.fields.get(field) {
            job.fields.insert(field.to_owned(), given.clone());
        }
    }
    let context = Some(wanted.text("Context")).filter(|context| !context.is_empty());
    set_text(&mut job, "Machine", &machine.text("Uuid"));
    set_text(&mut job, "Previous", &machine.text("CurrentJob"));
    set_text(&mut job, "Task", task);
    set_text(&mut job, "Context", &context.unwrap_or_else(|| machine.text("Context")));
    for field in ["Stage", "Workflow", "BootEnv"] {
        set_text(&mut job, field, &machine.text(field));
    }
    for (field, index) in [("CurrentIndex", step.index), ("NextIndex", step.index + 1)] {
        job.fields.insert(field.to_owned(), Raw::from(Value::from(index)));
    }
    job
}
