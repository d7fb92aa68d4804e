//! One process of a provider under `listen`: started, heard until it says that it serves, watched, ended.

use std::{
    path::Path,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use drp_core::{contract, limits};
use rustix::process::{Pid, Signal, kill_process_group};
use thiserror::Error;
use tokio::{
    process::{Child, Command},
    sync::oneshot,
    task::JoinSet,
    time::timeout,
};

use super::{
    output::{OutputLog, Tail, for_each_line},
    pace::Pace,
    sockets::SocketPair,
    spawn::spawn,
};

/// Time in which the output of a process that has ended is read to its end: a helper that got away may hold the pipe.
const LAST_WORDS_TIME: Duration = Duration::from_secs(1);

/// Why a process does not serve. The texts are those that clients know from `PluginErrors`.
#[derive(Debug, Error)]
pub(crate) enum StartError {
    /// It cannot be run, or it ended or kept silent too long. The text says which, and what it wrote last.
    #[error("Failed to start plugin - didn't start: {0}")]
    NotStarted(String),
    /// It said that it cannot serve.
    #[error("Failed to start plugin - didn't respond cleanly{0}")]
    NotClean(String),
}

/// A process that serves its socket. Dropping it kills its whole group.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    group: Option<Pid>,
    tail: Tail,
    readers: JoinSet<()>,
    pace: Arc<Pace>,
    exited: bool,
}

/// What standard output said about the start.
enum Start {
    Ready,
    Failed,
    EndOfOutput,
}

impl Process {
    /// Runs `command` as a listening plugin and waits until it serves, or until `give_up` says why not to wait longer.
    ///
    /// # Errors
    /// See [`StartError`]; the process is gone then.
    pub(crate) async fn start(
        mut command: Command,
        plugin: &str,
        scratch: &Path,
        sockets: &SocketPair,
        log: OutputLog,
        pace: Arc<Pace>,
        give_up: impl Future<Output = String>,
    ) -> Result<Self, StartError> {
        command.arg("listen").arg(&sockets.to_plugin).arg(&sockets.from_plugin).current_dir(scratch);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let (_, child) = spawn(command).await;
        let mut child = child.map_err(|error| StartError::NotStarted(error.to_string()))?;
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let tail = Tail::default();
        let (told, start) = oneshot::channel();
        let mut readers = JoinSet::new();
        if let Some(stderr) = child.stderr.take() {
            readers.spawn(read_stderr(stderr, plugin.to_owned(), log.clone(), tail.clone(), Arc::clone(&pace)));
        }
        if let Some(stdout) = child.stdout.take() {
            readers.spawn(read_stdout(stdout, plugin.to_owned(), log, told, Arc::clone(&pace)));
        }
        let mut process = Self { child, group, tail, readers, pace, exited: false };
        let start = tokio::select! {
            start = start => Ok(start.unwrap_or(Start::EndOfOutput)),
            reason = give_up => Err(reason),
        };
        if matches!(start, Ok(Start::Ready)) {
            return Ok(process);
        }
        process.signal(Signal::KILL);
        let exit = process.exit().await;
        Err(match start {
            Ok(Start::Failed) => StartError::NotClean(process.explain("")),
            Ok(_) => StartError::NotStarted(process.explain(&format!("{exit} before {}", contract::READY))),
            Err(reason) => StartError::NotStarted(process.explain(&reason)),
        })
    }

    /// Waits until the process has ended, ends what is left of its group, and says how it ended.
    pub(crate) async fn exit(&mut self) -> String {
        let status = self.child.wait().await;
        // The number of a group stays taken as long as the group has members, so this can hit no stranger.
        self.signal(Signal::KILL);
        self.exited = true;
        self.pace.lift();
        let readers = async { while self.readers.join_next().await.is_some() {} };
        let _ = timeout(LAST_WORDS_TIME, readers).await;
        status.map_or_else(|error| error.to_string(), describe_status)
    }

    /// `text`, and under it what the process wrote last to its standard error.
    pub(crate) fn explain(&self, text: &str) -> String {
        self.tail.explain(text)
    }

    /// Ends the process by signals: SIGTERM to the group, SIGKILL when `grace` is over.
    pub(crate) async fn terminate(&mut self, grace: Duration) {
        self.signal(Signal::TERM);
        if timeout(grace, self.exit()).await.is_err() {
            self.signal(Signal::KILL);
            // A process that the kernel cannot end (a dead disk) must not hold the supervisor.
            let _ = timeout(limits::KILL_GRACE_TIME, self.exit()).await;
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group.filter(|_| !self.exited) {
            // The group may be gone already, which is what was wanted.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

async fn read_stderr(stream: tokio::process::ChildStderr, plugin: String, log: OutputLog, tail: Tail, pace: Arc<Pace>) {
    let head = format!("Plugin {plugin}(se): ");
    for_each_line(stream, &pace, |line| tail.push(&log.add(&head, line))).await;
}

async fn read_stdout(
    stream: tokio::process::ChildStdout,
    plugin: String,
    log: OutputLog,
    start: oneshot::Sender<Start>,
    pace: Arc<Pace>,
) {
    let (starting, running) = (format!("Plugin {plugin}: start-up: "), format!("Plugin {plugin}(so): "));
    let mut start = Some(start);
    let mut tell = |what| start.take().is_some_and(|start| start.send(what).is_ok());
    let mut ready = false;
    for_each_line(stream, &pace, |line| match line {
        contract::READY if !ready => ready = tell(Start::Ready),
        contract::FAILED if !ready => drop(tell(Start::Failed)),
        line if ready => drop(log.add(&running, line)),
        line => drop(log.add(&starting, line)),
    })
    .await;
    tell(Start::EndOfOutput);
}

/// How a process ended, as Go programs say it: `exit status 1`, `signal 9`.
pub(crate) fn describe_status(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}
