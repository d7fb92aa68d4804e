//! Programs that a provider runs: with a time limit, without its secrets, and without leftovers.

mod capture;
mod error;
mod group;
mod lookup;

use std::{
    ffi::{OsStr, OsString},
    fmt, io,
    io::Write,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use drp_core::limits;
use tempfile::NamedTempFile;
use tokio::{
    io::AsyncWriteExt,
    process::{Child, ChildStdin},
    time::{sleep, timeout},
};

pub use self::error::CommandError;
use self::{capture::Capture, group::Group};
use crate::{
    Secure,
    redact::{redact, tells_secret},
};

/// What of the provider's own environment a program gets to see. `RS_TOKEN` is good for everything on the server, so
/// it is not among it.
const INHERITED: [&str; 9] = ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TZ", "TMPDIR"];

/// Time that the outputs may stay open after the program has ended: somebody it has left behind holds them.
const DRAIN_TIME: Duration = Duration::from_millis(250);

/// A program to run.
///
/// It has [a minute](limits::CHILD_TIME) unless [`time_limit`](Self::time_limit) says otherwise; then it is asked to
/// end and, [a moment](limits::CHILD_TERM_TIME) later, killed, with all processes it has started in its group. The
/// same happens at once where nobody waits for it any more, because the action was cancelled. It has outputs of its
/// own, of which [a part](limits::CHILD_OUTPUT_BYTES_MAX) is kept, and a clean environment.
///
/// ```no_run
/// # async fn example(password: drp_plugin::Secure<String>) -> drp_plugin::Result<()> {
/// use drp_plugin::Command;
///
/// let output = Command::new("ipmitool")
///     .args(["-I", "lanplus", "-H", "10.0.0.7", "-U", "admin", "-E", "power", "status"])
///     .secret_env("IPMI_PASSWORD", &password)
///     .run()
///     .await?
///     .success()?;
/// tracing::info!("{}", output.stdout_text());
/// # Ok(())
/// # }
/// ```
///
/// A secret goes into the environment, the standard input or a private file. It does not belong into an argument: every
/// user of the machine can read those, so a command with a value of a [`Secure`] param in one is refused unless
/// [`allow_secret_args`](Self::allow_secret_args) says that there is no other way.
pub struct Command {
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    directory: Option<PathBuf>,
    stdin: Option<Vec<u8>>,
    /// Removed when the command is dropped, which is when it has run.
    secret_files: Vec<NamedTempFile>,
    failure: Option<io::Error>,
    secret_args: bool,
    time_limit: Duration,
    output_limit: usize,
}

impl Command {
    /// A program by its path, or by its name in `PATH`.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            env: Vec::new(),
            directory: None,
            stdin: None,
            secret_files: Vec::new(),
            failure: None,
            secret_args: false,
            time_limit: limits::CHILD_TIME,
            output_limit: limits::CHILD_OUTPUT_BYTES_MAX,
        }
    }

    /// Adds an argument, as it is: no shell looks at it.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Adds an argument that is the path of a file with the secret in it, which only this user can read. The file is
    /// removed when the program has ended.
    #[must_use]
    pub fn secret_file_arg(mut self, secret: &Secure<String>) -> Self {
        let written = NamedTempFile::new().and_then(|mut file| {
            file.write_all(secret.expose().as_bytes())?;
            Ok(file)
        });
        match written {
            Ok(file) => {
                self.args.push(file.path().as_os_str().to_owned());
                self.secret_files.push(file);
            }
            Err(error) => self.failure = Some(error),
        }
        self
    }

    /// For a program that takes a password in no other way: lets secrets into its arguments, where every user of the
    /// machine can read them for as long as it runs.
    #[must_use]
    pub fn allow_secret_args(mut self) -> Self {
        self.secret_args = true;
        self
    }

    /// Sets an environment variable of the program.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Gives the program a secret in an environment variable.
    #[must_use]
    pub fn secret_env(self, name: impl AsRef<OsStr>, secret: &Secure<String>) -> Self {
        self.env(name, secret.expose())
    }

    /// Hands on a variable of the provider's own environment, if it is set. `PATH`, `HOME` and what else programs
    /// cannot do without are handed on anyway.
    #[must_use]
    pub fn inherit_env(self, name: &str) -> Self {
        match std::env::var_os(name) {
            Some(value) => self.env(name, value),
            None => self,
        }
    }

    /// Runs it in this directory; else it is the provider's scratch directory.
    #[must_use]
    pub fn current_dir(mut self, directory: impl AsRef<Path>) -> Self {
        self.directory = Some(directory.as_ref().to_owned());
        self
    }

    /// What the program reads from its standard input; else there is nothing to read.
    #[must_use]
    pub fn stdin(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(input.into());
        self
    }

    /// How long it may run.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// Bytes that are kept of each output; more is read and dropped, and [`Output::truncated`] tells.
    #[must_use]
    pub fn output_limit(mut self, bytes: usize) -> Self {
        self.output_limit = bytes;
        self
    }

    /// Looks whether there is such a program, and does not run it: for `validate` or `configure`, so that an operator
    /// hears of it before the first action fails.
    ///
    /// # Errors
    /// There is none by this path, or by this name in `PATH`, that may be executed.
    pub fn check(&self) -> Result<(), CommandError> {
        if lookup::is_there(&self.program, self.env.iter().rev().find(|(name, _)| name == "PATH").map(|(_, path)| path))
        {
            return Ok(());
        }
        Err(CommandError::NotFound { program: self.program.to_string_lossy().into_owned() })
    }

    /// Runs it to its end. That it ends with another status than 0 is no error here: see [`Output::success`].
    ///
    /// # Errors
    /// It cannot be started, an argument holds a secret, or its time is over.
    pub async fn run(mut self) -> Result<Output, CommandError> {
        let program = self.program.to_string_lossy().into_owned();
        if let Some(source) = self.failure.take() {
            return Err(CommandError::Start { program, source });
        }
        if !self.secret_args && self.args.iter().any(|arg| tells_secret(&arg.to_string_lossy())) {
            return Err(CommandError::SecretArgument { program });
        }
        let mut child = self.start().map_err(|source| self.not_started(source))?;
        let group = Group::led_by(&child);
        let (mut stdout, mut stderr) = (Capture::new(self.output_limit), Capture::new(self.output_limit));
        let ended = {
            let streams = (child.stdin.take(), child.stdout.take(), child.stderr.take());
            let input = self.stdin.take().unwrap_or_default();
            let talk = async {
                tokio::join!(feed(streams.0, &input), stdout.fill(streams.1), stderr.fill(streams.2));
            };
            wait(&mut child, &group, talk, self.time_limit).await
        };
        match ended.map_err(|source| CommandError::Wait { program: program.clone(), source })? {
            Some(status) => Ok(Output {
                program,
                status,
                truncated: stdout.truncated() || stderr.truncated(),
                stdout: stdout.into_bytes(),
                stderr: stderr.into_bytes(),
            }),
            None => Err(CommandError::TimedOut { program, limit: self.time_limit }),
        }
    }

    /// The system says of a missing directory, or of a script's missing interpreter, what it says of a missing program.
    fn not_started(&self, source: io::Error) -> CommandError {
        let program = self.program.to_string_lossy().into_owned();
        match &self.directory {
            Some(directory) if !directory.is_dir() => {
                CommandError::NoDirectory { program, directory: directory.display().to_string() }
            }
            _ if source.kind() == io::ErrorKind::NotFound && self.check().is_err() => {
                CommandError::NotFound { program }
            }
            _ => CommandError::Start { program, source },
        }
    }

    fn start(&self) -> io::Result<Child> {
        let mut command = tokio::process::Command::new(&self.program);
        command
            .args(&self.args)
            .env_clear()
            .envs(INHERITED.iter().filter_map(|name| std::env::var_os(name).map(|value| (name, value))))
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        command.spawn()
    }
}

/// Waits for the program's end, and then for what it has said; `None` when its time was over.
async fn wait(
    child: &mut Child,
    group: &Group,
    talk: impl Future<Output = ()>,
    limit: Duration,
) -> io::Result<Option<ExitStatus>> {
    tokio::pin!(talk);
    let late = sleep(limit);
    tokio::pin!(late);
    let mut talked = false;
    let status = loop {
        tokio::select! {
            status = child.wait() => break Some(status?),
            () = &mut talk, if !talked => talked = true,
            () = &mut late => break None,
        }
    };
    if status.is_none() {
        group.ask_to_end();
        let end = async {
            tokio::join!(child.wait(), async {
                if !talked {
                    (&mut talk).await
                }
            })
            .0
        };
        // Whether it ended by itself does not matter any more.
        let _ = timeout(limits::CHILD_TERM_TIME, end).await;
        group.kill();
        // One that even this does not end hangs in the kernel; the runtime waits for it on the side.
        let _ = timeout(limits::CHILD_TERM_TIME, child.wait()).await;
    } else if !talked && timeout(DRAIN_TIME, &mut talk).await.is_err() {
        // Somebody that it has left behind holds the outputs.
        group.kill();
        let _ = timeout(DRAIN_TIME, &mut talk).await;
    }
    Ok(status)
}

async fn feed(stdin: Option<ChildStdin>, input: &[u8]) {
    if let Some(mut stdin) = stdin {
        // A program need not read what it is given.
        let _ = stdin.write_all(input).await;
    }
}

/// Without the values of arguments and environment: they may be secret.
impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command")
            .field("program", &self.program)
            .field("args", &self.args.len())
            .field("time_limit", &self.time_limit)
            .finish_non_exhaustive()
    }
}

/// What a program has left: its status and outputs.
#[derive(Clone)]
pub struct Output {
    program: String,
    status: ExitStatus,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    truncated: bool,
}

impl Output {
    /// The exit code; `None` where a signal ended it.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// What it has written to its standard output.
    #[must_use]
    pub fn stdout(&self) -> &[u8] {
        &self.stdout
    }

    /// Its standard output as text; what is no UTF-8 is replaced.
    #[must_use]
    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// What it has written to its standard error.
    #[must_use]
    pub fn stderr(&self) -> &[u8] {
        &self.stderr
    }

    /// Its standard error as text; what is no UTF-8 is replaced.
    #[must_use]
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Whether it wrote more than was kept.
    #[must_use]
    pub fn truncated(&self) -> bool {
        self.truncated
    }

    /// The same, if the exit code is 0.
    ///
    /// # Errors
    /// Another code or a signal, with the end of what it has written to its standard error.
    pub fn success(self) -> Result<Self, CommandError> {
        if self.status.success() {
            return Ok(self);
        }
        Err(CommandError::Failed {
            // Before it is cut: half a secret is not found any more.
            stderr: last_words(&redact(&self.stderr_text())),
            program: self.program,
            status: self.status,
        })
    }
}

/// The outputs may hold secrets, so it tells their sizes only.
impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("program", &self.program)
            .field("status", &self.status)
            .field("stdout_bytes", &self.stdout.len())
            .field("stderr_bytes", &self.stderr.len())
            .finish_non_exhaustive()
    }
}

/// The last lines of an output, for an error.
fn last_words(text: &str) -> String {
    const CHARS_MAX: usize = 500;
    let text = text.trim();
    match text.char_indices().rev().nth(CHARS_MAX - 1) {
        Some((start, _)) if start > 0 => format!("...{}", &text[start..]),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
