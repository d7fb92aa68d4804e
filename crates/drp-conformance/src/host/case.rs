//! Where one check happens: its requests, its objects, and what went on.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{
    link::{Ask, Auth},
    session::Session,
};
use crate::{
    answer::Answer,
    transcript::{Transcript, excerpt},
    verdict::{Fault, Verdict, failed},
};

/// How long to wait before something is looked at again.
const LOOK_PAUSE: Duration = Duration::from_millis(50);

/// One check's own objects and exchange.
pub(super) struct Case {
    pub(super) session: Arc<Session>,
    pub(super) transcript: Transcript,
    made: Mutex<Vec<String>>,
}

impl Case {
    pub(super) fn new(session: Arc<Session>) -> Self {
        let transcript = Transcript::new(session.mask.clone());
        Self { session, transcript, made: Mutex::default() }
    }

    pub(super) fn patience(&self) -> Duration {
        self.session.patience
    }

    /// A name that nobody has.
    pub(super) fn name(&self) -> String {
        self.session.name()
    }

    /// A request of the administrator.
    pub(super) fn ask(&self, method: &'static str, path: impl Into<String>) -> Ask {
        self.session.ask(method, path)
    }

    /// As [`ask`](Self::ask), with JSON.
    pub(super) fn ask_with(&self, method: &'static str, path: impl Into<String>, body: &Value) -> Ask {
        self.ask_raw(method, path, body.to_string())
    }

    /// As [`ask_with`](Self::ask_with), with what may be no JSON at all.
    pub(super) fn ask_raw(&self, method: &'static str, path: impl Into<String>, body: impl Into<Bytes>) -> Ask {
        Ask { content_type: Some("application/json"), body: body.into(), ..self.ask(method, path) }
    }

    /// Sends a request as it is; there may be no answer.
    pub(super) async fn try_send(&self, ask: Ask) -> Result<Answer, String> {
        // Tokens are secrets, and nobody knows them before.
        let (path, has_token) = match ask.path.split_once("token") {
            Some((before, _)) => (format!("{before}token…"), true),
            None => (ask.path.clone(), false),
        };
        let body = String::from_utf8_lossy(ask.body.get(..ask.body.len().min(1024)).unwrap_or_default()).into_owned();
        let body = excerpt(&body, 300);
        self.transcript.add("suite", format!("{} /{path} {body}", ask.method).trim_end());
        let answer = self.session.server.call(ask, self.patience()).await;
        let shown = match &answer {
            Ok(answer) if has_token && answer.is_good() => answer.status.to_string(),
            Ok(answer) => answer.shown(),
            Err(error) => error.clone(),
        };
        self.transcript.add("server", &shown);
        answer
    }

    /// Sends a request as it is, and fails if there is no answer.
    pub(super) async fn send(&self, ask: Ask) -> Verdict<Answer> {
        let what = format!("{} /{}", ask.method, excerpt(&ask.path, 100));
        self.try_send(ask).await.map_err(|error| Fault::Failed(format!("{what}: {error}")))
    }

    pub(super) async fn get(&self, path: impl Into<String>) -> Verdict<Answer> {
        self.send(self.ask("GET", path)).await
    }

    pub(super) async fn head(&self, path: impl Into<String>) -> Verdict<Answer> {
        self.send(self.ask("HEAD", path)).await
    }

    pub(super) async fn delete(&self, path: impl Into<String>) -> Verdict<Answer> {
        self.send(self.ask("DELETE", path)).await
    }

    pub(super) async fn post(&self, path: impl Into<String>, body: &Value) -> Verdict<Answer> {
        self.send(self.ask_with("POST", path, body)).await
    }

    pub(super) async fn put(&self, path: impl Into<String>, body: &Value) -> Verdict<Answer> {
        self.send(self.ask_with("PUT", path, body)).await
    }

    pub(super) async fn patch(&self, path: impl Into<String>, body: &Value) -> Verdict<Answer> {
        self.send(self.ask_with("PATCH", path, body)).await
    }

    /// As [`ask`](Self::ask), of somebody else.
    pub(super) async fn get_as(&self, auth: Auth, path: impl Into<String>) -> Verdict<Answer> {
        self.send(Ask { auth, ..self.ask("GET", path) }).await
    }

    /// Makes an object, which is removed when the check has ended, and gives what the server says it is.
    pub(super) async fn create(&self, prefix: &str, object: &Value) -> Verdict<Value> {
        let key = ["Uuid", "Id", "Name"].iter().find_map(|field| object[*field].as_str()).unwrap_or_default();
        self.will_make(format!("{prefix}/{key}"));
        let answer = self.post(prefix, object).await?;
        answer.json_of(201, &format!("POST /{prefix}"))
    }

    /// Makes a profile, and gives its name.
    pub(super) async fn profile(&self, params: Value) -> Verdict<String> {
        let name = self.name();
        self.create("profiles", &json!({ "Name": name, "Params": params })).await?;
        Ok(name)
    }

    /// Makes a machine, and gives its key.
    pub(super) async fn machine(&self, params: Value, profiles: Value) -> Verdict<String> {
        let uuid = uuid::Uuid::new_v4().to_string();
        let machine = json!({ "Uuid": uuid, "Name": self.name(), "Params": params, "Profiles": profiles });
        self.create("machines", &machine).await?;
        Ok(uuid)
    }

    /// Makes a declared param, and gives its name.
    pub(super) async fn param(&self, more: Value) -> Verdict<String> {
        let name = self.name();
        let mut param = json!({ "Name": name });
        if let (Some(param), Value::Object(more)) = (param.as_object_mut(), more) {
            param.extend(more);
        }
        self.create("params", &param).await?;
        Ok(name)
    }

    /// Notes what is about to be made, so that it is removed whatever happens.
    pub(super) fn will_make(&self, path: String) {
        self.session.will_make(path.clone());
        self.made().push(path);
    }

    /// Removes all that it made.
    pub(super) async fn clean_up(&self) {
        let made: Vec<String> = std::mem::take(&mut *self.made());
        self.session.remove(made).await;
    }

    fn made(&self) -> MutexGuard<'_, Vec<String>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks again until an answer is as it should be, and fails with what is the matter if it never is.
    pub(super) async fn eventually<T>(&self, path: &str, look: impl Fn(&Answer) -> Verdict<T>) -> Verdict<T> {
        let start = Instant::now();
        loop {
            // Not taken down: only the last answer says something.
            let answer = self.session.server.call(self.ask("GET", path), self.patience()).await;
            let looked = match &answer {
                Ok(answer) => look(answer),
                Err(error) => failed(error.clone()),
            };
            match looked {
                Ok(found) => return Ok(found),
                Err(Fault::Failed(problem)) if start.elapsed() > self.patience() => {
                    self.transcript.add("suite", &format!("GET /{path}"));
                    self.transcript.add("server", &answer.as_ref().map_or_else(Clone::clone, Answer::shown));
                    return failed(format!("after {} s: {problem}", self.patience().as_secs()));
                }
                Err(skipped @ Fault::Skipped(_)) => return Err(skipped),
                Err(_) => sleep(LOOK_PAUSE).await,
            }
        }
    }
}
