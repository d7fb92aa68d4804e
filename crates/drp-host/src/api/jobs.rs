//! Jobs, where they differ from other objects (`api.md` §16).

use std::sync::Arc;

use axum::{body::Body, extract::State, response::Response};
use drp_core::{RawModel, limits};
use http::{HeaderMap, StatusCode};

use super::{
    blob::{self, Sum},
    objects::{self, find_kind, show},
    reply::{self, Fail, Reply},
    request::{self, At, Call, JsonBody, Query, require_stream},
};
use crate::{
    duration,
    files::OpenFile,
    jobs::{self, NextJob, Owner, Purge},
    shared::Shared,
    types::set_text,
};

const JOBS: &str = "jobs";
const MACHINES: &str = "machines";

/// `GET /jobs`.
pub(super) async fn list(shared: State<Arc<Shared>>, call: Call, query: Query) -> Reply {
    objects::list(shared, call, At(JOBS.to_owned()), query).await
}

/// `POST /jobs`: the next job of a machine.
pub(super) async fn create(State(shared): State<Arc<Shared>>, call: Call, JsonBody(body): JsonBody) -> Reply {
    let wanted: RawModel = call.parse_or_default(&body)?;
    // Claims on jobs speak of their machines, and so may those on new ones.
    let id = wanted.text("Machine");
    let machine = shared.objects.get(MACHINES, &id)?;
    let uuid = machine.as_ref().map(|machine| machine.text("Uuid")).unwrap_or_default();
    if !call.by.allows(JOBS, "create", &uuid) {
        call.require(JOBS, "create", "")?;
    }
    if !uuid.is_empty() && !call.by.sees(MACHINES, &uuid) {
        return Err(jobs::no_machine(&id).into());
    }
    let (status, job) = match shared.jobs.create(&call.by, &wanted).await? {
        NextJob::New(job) => (StatusCode::CREATED, job),
        NextJob::Again(job) => (StatusCode::ACCEPTED, job),
        NextJob::Nothing => return Ok(reply::no_content()),
    };
    let mut job = Arc::unwrap_or_clone(job);
    // The token is for who runs the job, so it is in no event and not stored.
    if let Some(machine) = machine.filter(|_| job.fields.contains_key("ExtraClaims")) {
        let token = shared.auth.issue_job_token(&machine, &job);
        set_text(&mut job, "Token", &token);
    }
    show(&shared, &*find_kind(&shared, &call, JOBS)?, status, &job)
}

/// `DELETE /jobs`: removes what is more than the query, or else the preferences, want to keep. With `dryrun` it only
/// says which jobs those are.
pub(super) async fn purge(State(shared): State<Arc<Shared>>, call: Call, query: Query) -> Reply {
    let of = match query.get("machine") {
        None | Some("") => Owner::All,
        Some("missing") => Owner::Missing,
        Some(key) => {
            let missing = || call.error(404, "Not Found").about(MACHINES, key);
            let machine = shared.objects.get(MACHINES, key)?;
            let uuid = machine.map(|machine| machine.text("Uuid")).filter(|uuid| call.by.sees(MACHINES, uuid));
            Owner::Machine(uuid.ok_or_else(missing)?)
        }
    };
    let machine = if let Owner::Machine(uuid) = &of { uuid } else { "" };
    call.require(JOBS, "delete", machine)?;
    let told = |name: &str| match query.get(name).filter(|text| !text.is_empty()) {
        Some(text) => Ok(Some(text.to_owned())),
        None => shared.prefs.get(name),
    };
    let wrong = |name: &str, problem: String| call.error(400, format!("{name}: {problem}")).about(JOBS, "");
    let count = |name| match told(name)? {
        Some(text) => text.parse().map(Some).map_err(|_| wrong(name, format!("must be a number, not {text}"))),
        None => Ok(None),
    };
    let age = |name| match told(name)? {
        Some(text) => duration::seconds(&text).map(Some).map_err(|problem| wrong(name, problem)),
        None => Ok(None),
    };
    let wanted = Purge {
        of,
        keep: count("jobsToKeep")?,
        failed_after_s: age("failedJobsPurgedAfter")?,
        complete_after_s: age("completeJobsPurgedAfter")?,
    };
    let purged = shared.jobs.purge(&call.by, &wanted, query.is("dryrun")).await?;
    reply::json(StatusCode::OK, &purged)
}

/// `GET /jobs/UUID/actions`: the rendered scripts of the job's task. This host renders none.
pub(super) async fn actions(State(shared): State<Arc<Shared>>, call: Call, At(key): At<String>) -> Reply {
    authorized(&shared, &call, &key, "actions")?;
    reply::json(StatusCode::OK, &[(); 0])
}

/// `GET` and `HEAD /jobs/UUID/log`.
pub(super) async fn log(
    State(shared): State<Arc<Shared>>,
    call: Call,
    At(key): At<String>,
    headers: HeaderMap,
) -> Result<Response, Fail> {
    let job = authorized(&shared, &call, &key, "log")?;
    let log = shared.jobs.read(&job).await?;
    let wanted = blob::Wanted { method: &call.method, headers: &headers, sum: Sum::IfNeeded };
    let unreadable = call.error(500, "cannot read the log").about(JOBS, &key);
    blob::send(&shared.files, wanted, unreadable, move |_| OpenFile::new(log)).await
}

/// `PUT /jobs/UUID/log`: adds the body to the log.
pub(super) async fn append(
    State(shared): State<Arc<Shared>>,
    call: Call,
    At(key): At<String>,
    headers: HeaderMap,
    body: Body,
) -> Reply {
    let job = authorized(&shared, &call, &key, "log")?;
    require_stream(&headers).map_err(|text| call.error(415, text).about(JOBS, &key))?;
    let text = request::read(body, limits::BODY_BYTES_MAX, &call.method).await?;
    shared.jobs.append(&job, text).await?;
    Ok(reply::no_content())
}

/// A job of which the caller may do this: claims on jobs speak of their machines.
fn authorized(shared: &Shared, call: &Call, key: &str, action: &str) -> Result<Arc<RawModel>, Fail> {
    // Who may do it on no machine at all is not told which jobs there are.
    let job = match shared.jobs.find(key, call.verb()) {
        Ok(job) => job,
        Err(error) => return Err(call.require(JOBS, action, "").err().unwrap_or(error).into()),
    };
    call.require(JOBS, action, &job.text("Machine"))?;
    Ok(job)
}
