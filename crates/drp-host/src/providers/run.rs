//! Runs a provider to its end, as `define` and `unpack` do: within a time and with a bounded output.

use std::{
    io::ErrorKind,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
    time::timeout,
};

use crate::plugins::{
    output::{OutputLog, Tail, for_each_line},
    pace::Pace,
    spawn::spawn,
};

/// Times that a file which is open for writing is tried again, and the wait between them.
const BUSY_TRIES_MAX: u32 = 50;
const BUSY_WAIT: Duration = Duration::from_millis(20);

/// How a run ended, and what it wrote.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    /// The last lines of standard error; all of them are in the log.
    pub(crate) stderr: Tail,
}

/// A run did not come to its own end. The group of the process is gone then.
#[derive(Debug, Error)]
pub(crate) enum RunError {
    /// It could not be started or read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// It took too long.
    #[error("it took longer than {0:?}")]
    Slow(Duration),
    /// It wrote too much.
    #[error("it wrote more than {0} bytes")]
    TooLong(usize),
}

/// The group of a process, which dies with this.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // The usual case is that nobody is left in it.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Runs `command`; lines on standard error go to `log` with `head` before them.
pub(crate) async fn run_to_end(
    mut command: Command,
    log: &OutputLog,
    head: &str,
    limit: Duration,
    stdout_bytes_max: usize,
) -> Result<Finished, RunError> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = spawn_patiently(command).await?;
    let group = Group(child.id().and_then(|id| Pid::from_raw(id.cast_signed())));
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let tail = Tail::default();
    let output = async {
        let errors = async {
            if let Some(stderr) = stderr {
                for_each_line(stderr, &Pace::default(), |line| tail.push(&log.add(head, line))).await;
            }
            Ok(())
        };
        tokio::try_join!(read_up_to(stdout, stdout_bytes_max), errors, wait_and_clear(&mut child, group))
    };
    let (stdout, (), status) = timeout(limit, output).await.unwrap_or(Err(RunError::Slow(limit)))?;
    Ok(Finished { status, stdout, stderr: tail })
}

/// The exit code as a recording has it: that of a shell, where a signal counts from 128.
pub(crate) fn exit_code(status: ExitStatus) -> u16 {
    use std::os::unix::process::ExitStatusExt;
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u16::try_from(code).ok()).unwrap_or(u16::MAX)
}

/// Starts the process. A file that was just written may still be open for writing in a child that is about to become
/// another program, and cannot be run for that moment.
async fn spawn_patiently(mut command: Command) -> std::io::Result<Child> {
    for _ in 0..BUSY_TRIES_MAX {
        match spawn(command).await {
            (again, Err(error)) if error.kind() == ErrorKind::ExecutableFileBusy => command = again,
            (_, other) => return other,
        }
        tokio::time::sleep(BUSY_WAIT).await;
    }
    spawn(command).await.1
}

/// Waits for the process and ends what it left running, which would hold the pipes open.
async fn wait_and_clear(child: &mut Child, group: Group) -> Result<ExitStatus, RunError> {
    let status = child.wait().await?;
    drop(group);
    Ok(status)
}

async fn read_up_to(stream: Option<impl AsyncRead + Unpin>, bytes_max: usize) -> Result<Vec<u8>, RunError> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        stream.take(bytes_max as u64 + 1).read_to_end(&mut bytes).await?;
    }
    if bytes.len() > bytes_max { Err(RunError::TooLong(bytes_max)) } else { Ok(bytes) }
}
