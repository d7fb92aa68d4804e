#![allow(clippy::unwrap_used, clippy::needless_pass_by_value)]
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::store::MemoryStore;

async fn jobs(retention: Retention) -> (Jobs, TempDir) {
    let objects = Arc::new(Objects::open(Arc::new(MemoryStore::new().unwrap())).await.unwrap());
    for (prefix, name) in [("tasks", "t1"), ("stages", "s1"), ("stages", "s2"), ("bootenvs", "b1")] {
        objects.create(&by(), prefix, model(json!({ "Name": name }))).await.unwrap();
    }
    let dir = tempfile::tempdir().unwrap();
    (Jobs::open(objects, &dir.path().join("logs"), &retention).unwrap(), dir)
}

fn by() -> Principal {
    Principal::superuser("rocketskates")
}

fn model(value: Value) -> RawModel {
    RawModel::new(&value).unwrap()
}

async fn machine(jobs: &Jobs, machine: Value) -> String {
    jobs.objects.create(&by(), MACHINES, model(machine)).await.unwrap().text("Uuid")
}

async fn set(jobs: &Jobs, prefix: &str, key: &str, field: &str, value: Value) {
    let set = |object: &mut RawModel| object.set(field, &value).map_err(|_| Error::default());
    jobs.objects.update(&by(), prefix, key, set).await.unwrap();
}

/// What becomes of asking for the next job: the new one's task and index, `again`, `nothing`, or the refusal.
async fn next(jobs: &Jobs, machine: &str) -> String {
    match jobs.create(&by(), &model(json!({ "Machine": machine }))).await {
        Ok(NextJob::New(job)) => format!("{} {}", job.text("Task"), job.fields["CurrentIndex"]),
        Ok(NextJob::Again(job)) => format!("again {}", job.text("Task")),
        Ok(NextJob::Nothing) => "nothing".to_owned(),
        Err(error) => format!("{} {}: {}", error.code, error.type_, error.messages.join(" ")),
    }
}

/// Puts the machine's job into a state.
async fn end(jobs: &Jobs, machine: &str, state: &str) {
    let job = jobs.objects.get(MACHINES, machine).unwrap().unwrap().text("CurrentJob");
    set(jobs, JOBS, &job, "State", json!(state)).await;
}

#[tokio::test]
async fn a_machine_goes_through_its_tasks_job_by_job() {
    let (jobs, _dir) = jobs(Retention::default()).await;
    let tasks = ["stage:s1", "bootenv:b1", "t1", "context:c1", "action:pp:go", "stage:s2"];
    let m1 = machine(&jobs, json!({"Name": "m1", "Tasks": tasks})).await;
    assert_eq!(next(&jobs, &m1).await, "t1 2");
    let busy = format!("409 Conflict: Machine {m1} already has running or created job");
    assert_eq!(next(&jobs, &m1).await, busy);
    end(&jobs, &m1, "running").await;
    assert_eq!(next(&jobs, &m1).await, busy);
    end(&jobs, &m1, "incomplete").await;
    assert_eq!(next(&jobs, &m1).await, "again t1");
    end(&jobs, &m1, "failed").await;
    assert_eq!(next(&jobs, &m1).await, "t1 2", "a task that failed is tried again");
    end(&jobs, &m1, "finished").await;
    set(&jobs, MACHINES, &m1, "Runnable", json!(false)).await;
    assert_eq!(next(&jobs, &m1).await, format!("409 Conflict: Machine {m1} is not runnable"));
    set(&jobs, MACHINES, &m1, "Runnable", json!(true)).await;
    assert_eq!(next(&jobs, &m1).await, "action:pp:go 4");
    let seen = jobs.objects.get(MACHINES, &m1).unwrap().unwrap();
    assert_eq!([seen.text("Stage"), seen.text("BootEnv"), seen.text("Context")], ["s1", "b1", "c1"]);
    end(&jobs, &m1, "finished").await;
    assert_eq!(next(&jobs, &m1).await, "nothing");
    let seen = jobs.objects.get(MACHINES, &m1).unwrap().unwrap();
    assert_eq!((seen.text("Stage"), seen.get::<i64>("CurrentTask")), ("s2".to_owned(), Some(6)));
    assert_eq!(seen.get("WorkflowComplete"), Some(true));
    let all = jobs.objects.list(JOBS).unwrap();
    assert_eq!(all.iter().filter(|job| job.get("Current") == Some(true)).count(), 1);
    assert_eq!(all.iter().filter(|job| job.text("Previous").is_empty()).count(), 1);
}

#[tokio::test]
async fn a_machine_that_cannot_go_on_gets_no_job() {
    let (jobs, dir) = jobs(Retention::default()).await;
    let m1 = machine(&jobs, json!({"Name": "m1", "Tasks": ["stage:gone", "t1"]})).await;
    assert_eq!(next(&jobs, &m1).await, "422 ValidationError: Stage gone does not exist");
    assert_eq!(jobs.objects.count(JOBS).unwrap(), 0);
    assert_eq!(std::fs::read_dir(dir.path().join("logs")).unwrap().count(), 0);
    jobs.objects.create(&by(), "stages", model(json!({"Name": "gone"}))).await.unwrap();
    assert_eq!(next(&jobs, &m1).await, "t1 1");
}

#[tokio::test]
async fn jobs_are_refused_with_the_servers_texts() {
    let (jobs, _dir) = jobs(Retention::default()).await;
    assert_eq!(next(&jobs, "").await, "400 POST: Create request must have Machine field");
    let unknown = "24679e38-53a2-4a82-99dd-5280139de00c";
    assert_eq!(next(&jobs, unknown).await, format!("422 ValidationError: Machine {unknown} does not exist"));
    let error = jobs.find(unknown, "GET").unwrap_err();
    assert_eq!(error.to_string(), format!("ValidationError: Job {unknown} does not exist"));
    let m1 = machine(&jobs, json!({"Name": "m1"})).await;
    assert_eq!(next(&jobs, &m1).await, "nothing");
    let named = jobs.create(&by(), &model(json!({"Machine": m1, "Task": "t1", "Context": "c"}))).await.unwrap();
    let NextJob::New(job) = named else { panic!("{named:?}") };
    assert_eq!([job.text("Task"), job.text("Context"), job.text("State")], ["t1", "c", "created"]);
}

#[tokio::test]
async fn what_a_job_is_about_stays_and_its_end_is_noted() {
    let (jobs, _dir) = jobs(Retention::default()).await;
    let m1 = machine(&jobs, json!({"Name": "m1", "Tasks": ["t1"]})).await;
    next(&jobs, &m1).await;
    let key = jobs.objects.get(MACHINES, &m1).unwrap().unwrap().text("CurrentJob");
    set(&jobs, JOBS, &key, "Task", json!("other")).await;
    let job = jobs.find(&key, "GET").unwrap();
    assert_eq!((job.text("Task"), job.text("EndTime")), ("t1".to_owned(), "0001-01-01T00:00:00Z".to_owned()));
    end(&jobs, &m1, "failed").await;
    assert!(jobs.find(&key, "GET").unwrap().text("EndTime") >= job.text("StartTime"));
}

#[tokio::test]
async fn logs_are_the_owners_alone_and_bounded() {
    use std::os::unix::fs::PermissionsExt;
    let (jobs, dir) = jobs(Retention { job_log_bytes: 60, ..Retention::default() }).await;
    let m1 = machine(&jobs, json!({"Name": "m1", "Tasks": ["t1"]})).await;
    next(&jobs, &m1).await;
    let job = jobs.find(&jobs.objects.get(MACHINES, &m1).unwrap().unwrap().text("CurrentJob"), "GET").unwrap();
    jobs.append(&job, "hello".into()).await.unwrap();
    let error = jobs.append(&job, "too much".into()).await.unwrap_err();
    assert_eq!((error.code, error.messages[0].as_str()), (413, "the log cannot have more than 60 bytes"));
    let key = job.text("Uuid");
    let log = jobs.read(&job).await.unwrap();
    let path = dir.path().join("logs").join(&key);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("Log for Job: {key}\nhello"));
    assert_eq!(log.metadata().unwrap().len(), 55);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!([mode(&path), mode(path.parent().unwrap())], [0o600, 0o700]);
    jobs.objects.delete(&by(), JOBS, &key).await.unwrap();
    let again = Jobs::open(Arc::clone(&jobs.objects), path.parent().unwrap(), &Retention::default());
    assert!(again.is_ok() && !path.exists(), "the log of a job that is gone goes at the next start");
}

#[tokio::test]
async fn the_oldest_jobs_make_room_for_new_ones() {
    let (jobs, dir) = jobs(Retention { jobs: 3, ..Retention::default() }).await;
    let m1 = machine(&jobs, json!({"Name": "m1", "Tasks": ["t1"]})).await;
    for _ in 0..6 {
        assert_eq!(next(&jobs, &m1).await, "t1 0");
        end(&jobs, &m1, "failed").await;
    }
    assert_eq!(jobs.objects.count(JOBS).unwrap(), 3);
    assert_eq!(std::fs::read_dir(dir.path().join("logs")).unwrap().count(), 3);
    let current = jobs.objects.get(MACHINES, &m1).unwrap().unwrap().text("CurrentJob");
    assert!(jobs.find(&current, "GET").is_ok());
}
