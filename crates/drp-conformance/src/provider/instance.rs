//! A running plugin.

use std::{
    ffi::OsStr,
    path::PathBuf,
    time::{Duration, Instant},
};

use bytes::Bytes;
use drp_core::contract;
use serde_json::{Map, Value, json};
use tokio::time::{sleep, timeout};

use super::{
    ask::{Ask, call},
    case::{Case, Way},
    subject::{Call, PLUGIN, Subject},
};
use crate::{
    answer::Answer,
    figures::Figures,
    process::Process,
    stage::Stage,
    transcript::Transcript,
    verdict::{Fault, Verdict, failed},
};

/// Between two looks at something that changes.
const LOOK_PAUSE: Duration = Duration::from_millis(20);

/// A plugin with its host; both end with this, the plugin first.
pub(crate) struct Instance {
    pub(crate) process: Process,
    pub(crate) socket: PathBuf,
    pub(crate) stage: Stage,
    subject: std::sync::Arc<Subject>,
    transcript: Transcript,
}

impl Instance {
    /// Starts it, and waits for `READY!`.
    pub(crate) async fn start(case: &Case, socket: PathBuf) -> Verdict<Self> {
        let instance = Self::start_unready(case, socket).await?;
        instance.ready().await?;
        Ok(instance)
    }

    /// Starts it.
    pub(crate) async fn start_unready(case: &Case, socket: PathBuf) -> Verdict<Self> {
        let (stage, from) = case.stage().await?;
        let args = ["listen".as_ref(), socket.as_os_str(), from.as_os_str()];
        let process = case.start(&args as &[&OsStr], &Way::default(), &stage.api.endpoint, &stage.api.token)?;
        let (subject, transcript) = (case.subject.clone(), case.transcript.clone());
        Ok(Self { process, socket, stage, subject, transcript })
    }

    async fn ready(&self) -> Verdict {
        let waited = timeout(self.subject.patience, self.process.stdout.until(has_line(contract::READY))).await;
        let stderr = crate::transcript::excerpt(&self.process.stderr.text(), 200);
        self.transcript.add("stdout", &crate::transcript::excerpt(&self.process.stdout.text(), 200));
        match waited {
            Ok(true) => Ok(()),
            Ok(false) => failed(format!("it closed its stdout without READY!; on stderr: {stderr}")),
            Err(_) => failed(format!("no READY! within {} s", self.subject.patience.as_secs())),
        }
    }

    /// Sends a request as it is.
    pub(crate) async fn ask(&self, ask: Ask<'_>) -> Result<Answer, String> {
        self.ask_within(ask, self.subject.patience).await
    }

    /// As [`ask`](Self::ask), with another limit.
    pub(crate) async fn ask_within(&self, ask: Ask<'_>, limit: Duration) -> Result<Answer, String> {
        let body = String::from_utf8_lossy(ask.body.get(..ask.body.len().min(1024)).unwrap_or_default()).into_owned();
        self.transcript.add("host", &format!("{} {} {body}", ask.method, ask.path));
        let answer = call(&self.socket, ask, limit).await;
        let shown = answer.as_ref().map_or_else(Clone::clone, Answer::shown);
        self.transcript.add("plugin", &shown);
        answer
    }

    /// Posts JSON, and fails if there is no answer.
    pub(crate) async fn post(&self, path: &str, body: impl Into<Bytes>) -> Verdict<Answer> {
        let answer = self.ask(Ask::post(path, body)).await;
        answer.map_err(|error| Fault::Failed(format!("POST {path}: {error}")))
    }

    pub(crate) async fn configure(&self, config: &Map<String, Value>) -> Verdict<Answer> {
        self.post(contract::CONFIG_PATH, json!(config).to_string()).await
    }

    /// Gives it the good configuration, and fails unless it takes it.
    pub(crate) async fn configure_well(&self) -> Verdict<Answer> {
        let answer = self.configure(&self.subject.config()).await?;
        if answer.is_good() {
            Ok(answer)
        } else {
            failed(format!("the configuration is refused with {}", answer.shown()))
        }
    }

    /// Runs an action.
    pub(crate) async fn act(&self, action: &Call) -> Verdict<Answer> {
        self.act_with(&self.subject.action(action)).await
    }

    /// As [`act`](Self::act), of a body.
    pub(crate) async fn act_with(&self, body: &Map<String, Value>) -> Verdict<Answer> {
        self.post(contract::ACTION_PATH, json!(body).to_string()).await
    }

    /// Whether it serves: asks for an action that nobody has.
    pub(crate) async fn serves(&self) -> Verdict<Answer> {
        self.serves_within(self.subject.patience).await
    }

    /// As [`serves`](Self::serves), with another limit.
    pub(crate) async fn serves_within(&self, limit: Duration) -> Verdict<Answer> {
        let body = json!({ "Model": {}, "Plugin": PLUGIN, "Command": "conformance-unknown", "CommandSet": "system",
            "Params": {} });
        let answer = self.ask_within(Ask::post(contract::ACTION_PATH, body.to_string()), limit).await;
        answer.map_err(|error| Fault::Failed(format!("it serves no longer: {error}")))
    }

    pub(crate) async fn stop(&self) -> Result<Answer, String> {
        self.ask(Ask::post(contract::STOP_PATH, "null")).await
    }

    /// Fails if the process has ended.
    pub(crate) fn is_alive(&mut self) -> Verdict {
        match self.process.status() {
            None => Ok(()),
            Some(status) => {
                let said = crate::transcript::excerpt(&self.process.stderr.text(), 300);
                failed(format!("it ended by itself ({status}); on stderr: {said}"))
            }
        }
    }

    /// What it uses; skips where the system does not tell.
    pub(crate) fn figures(&self) -> Verdict<Figures> {
        let none = || Fault::Skipped("the system does not tell what a process uses".to_owned());
        Figures::of(self.process.pid()).ok_or_else(none)
    }

    /// All that it said anywhere: on its outputs, and to its host.
    pub(crate) fn said(&self) -> String {
        let mut said = self.process.stdout.text() + &self.process.stderr.text();
        for callback in self.stage.callbacks.said() {
            said.push_str(&String::from_utf8_lossy(&callback.body));
        }
        said
    }
}

/// Waits until something is so. Returns whether that was in time.
pub(crate) async fn eventually(limit: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while !is_so() {
        if start.elapsed() > limit {
            return false;
        }
        sleep(LOOK_PAUSE).await;
    }
    true
}

/// Looks for a line in a text that grows, and looks at each byte once.
pub(crate) fn has_line(wanted: &str) -> impl FnMut(&[u8]) -> bool {
    let (mut start, mut looked, mut found) = (0, 0, false);
    move |text| {
        let ends = text.iter().enumerate().skip(looked).filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at);
        for end in ends {
            found |= text.get(start..end) == Some(wanted.as_bytes());
            start = end + 1;
        }
        looked = text.len();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_when_it_is_whole() {
        let mut has = has_line("READY!");
        let check = |text: &str, is_found, has: &mut dyn FnMut(&[u8]) -> bool| {
            assert_eq!(has(text.as_bytes()), is_found, "{text}")
        };
        check("not READY!", false, &mut has);
        check("not READY!\nREA", false, &mut has);
        check("not READY!\nREADY!", false, &mut has);
        check("not READY!\nREADY!\n", true, &mut has);
        check("not READY!\nREADY!\nmore", true, &mut has);
    }
}
