//! Processes of a provider: started in a group of their own, read without limit, and ended whatever happens.

use std::{
    ffi::OsStr,
    io,
    path::Path,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use drp_core::contract;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
    sync::Notify,
    task::JoinHandle,
    time::timeout,
};

use crate::figures;

/// Set in every process that is started, to find those that its children start.
const MARK_ENV: &str = "DRPX_CONFORMANCE";
/// Variables that would tell a provider of another server than the suite's.
const SERVER_ENV: [&str; 5] = [
    contract::ENDPOINT_ENV,
    contract::TOKEN_ENV,
    contract::FILESERVER_ENV,
    contract::WEBROOT_ENV,
    contract::CA_FILE_ENV,
];

/// How a process is started.
pub(crate) struct Start<'a> {
    pub(crate) program: &'a Path,
    pub(crate) args: &'a [&'a OsStr],
    /// Beside what the suite itself has.
    pub(crate) env: &'a [(String, String)],
    /// Whether it gets nothing of the suite's environment.
    pub(crate) is_bare: bool,
    pub(crate) directory: &'a Path,
    /// Whether its stdin is a pipe to which nobody writes, instead of being at its end.
    pub(crate) is_asked: bool,
    /// Bytes that are kept of each of its outputs.
    pub(crate) kept_max: usize,
}

/// A process; what is left of it and of its children is killed with this.
pub(crate) struct Process {
    child: Child,
    pid: u32,
    mark: String,
    pub(crate) stdout: Output,
    pub(crate) stderr: Output,
}

impl Process {
    pub(crate) fn start(start: &Start<'_>) -> io::Result<Self> {
        let mark = uuid::Uuid::new_v4().to_string();
        let mut command = Command::new(start.program);
        command.args(start.args).current_dir(start.directory).process_group(0).kill_on_drop(true);
        if start.is_bare {
            command.env_clear();
        } else {
            for name in contract::SCRUBBED_ENV.iter().chain(&SERVER_ENV) {
                command.env_remove(name);
            }
            command.env(MARK_ENV, &mark);
        }
        command.envs(start.env.iter().map(|(name, value)| (name, value)));
        command.stdin(if start.is_asked { Stdio::piped() } else { Stdio::null() });
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let pid = child.id().ok_or_else(|| io::Error::other("the process has no id"))?;
        let stdout = Output::of(child.stdout.take(), start.kept_max);
        let stderr = Output::of(child.stderr.take(), start.kept_max);
        Ok(Self { child, pid, mark, stdout, stderr })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits until it has ended; `None` where it has not in time.
    pub(crate) async fn ended_within(&mut self, limit: Duration) -> Option<ExitStatus> {
        timeout(limit, self.child.wait()).await.ok()?.ok()
    }

    /// How it ended, if it did.
    pub(crate) fn status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        if let Some(pid) = pid_of(self.pid) {
            // It may have ended already.
            let _ = kill_process(pid, signal);
        }
    }

    /// Processes that it started and that still run, whatever their group, as far as they can be told.
    pub(crate) fn family(&self) -> Vec<u32> {
        figures::processes_with(MARK_ENV, &self.mark).into_iter().filter(|pid| *pid != self.pid).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(group) = pid_of(self.pid) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        for pid in self.family().into_iter().filter_map(pid_of) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

fn pid_of(pid: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid).ok()?)
}

/// What a process writes, as it comes. All of it is read, and the beginning kept.
pub(crate) struct Output {
    shared: Arc<Shared>,
    reader: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    written: Mutex<Written>,
    changed: Notify,
}

#[derive(Default)]
struct Written {
    kept: Vec<u8>,
    /// All bytes, those that are not kept as well.
    total: usize,
    is_over: bool,
}

impl Output {
    fn of(stream: Option<impl AsyncRead + Send + Unpin + 'static>, kept_max: usize) -> Self {
        let shared = Arc::<Shared>::default();
        let reader = tokio::spawn(read(stream, kept_max, Arc::clone(&shared)));
        Self { shared, reader }
    }

    /// What is kept.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.written().kept.clone()
    }

    /// As [`bytes`](Self::bytes), as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.written().kept).into_owned()
    }

    /// How many bytes were written in all.
    pub(crate) fn total(&self) -> usize {
        self.written().total
    }

    /// Waits until what is kept is so, or the stream is over. Returns whether it is so.
    pub(crate) async fn until(&self, mut is_so: impl FnMut(&[u8]) -> bool) -> bool {
        loop {
            let changed = self.shared.changed.notified();
            {
                let written = self.written();
                if is_so(&written.kept) {
                    return true;
                }
                if written.is_over {
                    return false;
                }
            }
            changed.await;
        }
    }

    /// Waits until nobody holds the stream any more. Returns whether that was in time.
    pub(crate) async fn over_within(&self, limit: Duration) -> bool {
        timeout(limit, self.until(|_| false)).await.is_ok()
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.shared.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

async fn read(stream: Option<impl AsyncRead + Unpin>, kept_max: usize, shared: Arc<Shared>) {
    let mut buffer = vec![0; 64 << 10];
    if let Some(mut stream) = stream {
        while let Ok(length @ 1..) = stream.read(&mut buffer).await {
            let mut written = shared.written.lock().unwrap_or_else(PoisonError::into_inner);
            let kept = length.min(kept_max.saturating_sub(written.kept.len()));
            written.kept.extend_from_slice(buffer.get(..kept).unwrap_or_default());
            written.total += length;
            drop(written);
            if kept > 0 {
                shared.changed.notify_waiters();
            }
        }
    }
    shared.written.lock().unwrap_or_else(PoisonError::into_inner).is_over = true;
    shared.changed.notify_waiters();
}
