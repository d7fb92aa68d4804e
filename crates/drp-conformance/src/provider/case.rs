//! Where one check happens: its directory, its processes, and what went on.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    process::ExitStatus,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use drp_core::{contract, limits};
use tempfile::TempDir;

use super::{instance::Instance, subject::Subject};
use crate::{
    process::{Process, Start},
    stage::Stage,
    transcript::Transcript,
    verdict::{Fault, Verdict, cannot},
};

/// Longest path of a temporary directory in which sockets have their place.
const DIRECTORY_BYTES_MAX: usize = 60;

/// What is kept of each output of a plugin.
const SERVING_KEPT_MAX: usize = 16 << 20;

/// One check's own world; it is gone with this.
pub(crate) struct Case {
    pub(crate) subject: Arc<Subject>,
    pub(crate) transcript: Transcript,
    directory: TempDir,
    names: AtomicUsize,
}

/// What came of a process that was to end by itself.
pub(crate) struct Ran {
    /// How it ended; `None` if it had to be killed.
    pub(crate) status: Option<ExitStatus>,
    pub(crate) stdout: Vec<u8>,
    /// As they are, kept or not.
    pub(crate) stdout_bytes: usize,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
}

/// How a command is run that ends by itself.
#[derive(Default)]
pub(crate) struct Way {
    /// The token it is told, instead of the stage's.
    pub(crate) token: Option<&'static str>,
    /// Whether it gets no environment at all.
    pub(crate) is_bare: bool,
    /// Whether its stdin is a pipe to which nobody writes.
    pub(crate) is_asked: bool,
    /// Where it runs, if not in a directory of its own.
    pub(crate) directory: Option<PathBuf>,
}

impl Case {
    pub(crate) fn new(subject: Arc<Subject>) -> io::Result<Self> {
        let transcript = Transcript::new(subject.mask.clone());
        let standard = std::env::temp_dir();
        let standard = if standard.as_os_str().len() > DIRECTORY_BYTES_MAX { Path::new("/tmp") } else { &standard };
        let directory = tempfile::Builder::new().prefix("drpx-").rand_bytes(8).tempdir_in(standard)?;
        Ok(Self { subject, transcript, directory, names: AtomicUsize::new(0) })
    }

    /// A path where nothing is yet.
    pub(crate) fn path(&self, what: &str) -> PathBuf {
        let number = self.names.fetch_add(1, Ordering::Relaxed);
        self.directory.path().join(format!("{what}{number}"))
    }

    /// A new empty directory.
    pub(crate) fn directory(&self, what: &str) -> Verdict<PathBuf> {
        let path = self.path(what);
        fs::create_dir(&path).map_err(cannot("make a directory"))?;
        Ok(path)
    }

    /// A stage, with its callback socket.
    pub(crate) async fn stage(&self) -> Verdict<(Stage, PathBuf)> {
        let socket = self.path("f");
        let store = self.subject.store();
        let stage = Stage::open(&socket, &self.subject.certificate, store, &self.transcript).await;
        Ok((stage.map_err(cannot("open a server"))?, socket))
    }

    /// Runs a command to its end, with no server behind the environment's URL.
    pub(crate) async fn run(&self, args: &[&OsStr], way: Way) -> Verdict<Ran> {
        let token = way.token.unwrap_or(UNUSED_TOKEN);
        let mut process = self.start(args, &way, "https://127.0.0.1:1", token)?;
        self.finish(&mut process).await
    }

    /// As [`run`](Self::run), with the stage behind the URL.
    pub(crate) async fn run_at(&self, stage: &Stage, args: &[&OsStr], way: Way) -> Verdict<Ran> {
        let token = way.token.unwrap_or(&stage.api.token);
        let mut process = self.start(args, &way, &stage.api.endpoint, token)?;
        self.finish(&mut process).await
    }

    /// Starts a command.
    pub(crate) fn start(&self, args: &[&OsStr], way: &Way, endpoint: &str, token: &str) -> Verdict<Process> {
        let directory = match &way.directory {
            Some(directory) => directory.clone(),
            None => self.directory("d")?,
        };
        let shown: Vec<String> = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
        self.transcript.add("run", &format!("{} {}", self.subject.file_name(), shown.join(" ")));
        let env = if way.is_bare { Vec::new() } else { environment(endpoint, token, &directory) };
        let start = Start {
            program: &self.subject.executable,
            args,
            env: &env,
            is_bare: way.is_bare,
            directory: &directory,
            is_asked: way.is_asked,
            // One byte more than a definition may have tells that it has too many.
            kept_max: if args.first().is_some_and(|arg| *arg == "listen") {
                SERVING_KEPT_MAX
            } else {
                limits::BODY_BYTES_MAX + 1
            },
        };
        Process::start(&start).map_err(cannot("start the provider"))
    }

    /// Waits for the end of a process, as long as anybody may wait.
    pub(crate) async fn finish(&self, process: &mut Process) -> Verdict<Ran> {
        let start = Instant::now();
        let status = process.ended_within(self.subject.patience).await;
        let took = start.elapsed();
        if status.is_some() {
            // What was written last is on its way yet.
            process.stdout.over_within(self.subject.patience).await;
            process.stderr.over_within(self.subject.patience).await;
        }
        let (stdout, stderr) = (process.stdout.bytes(), process.stderr.text());
        let start_of =
            |bytes: &[u8]| String::from_utf8_lossy(bytes.get(..bytes.len().min(400)).unwrap_or_default()).into_owned();
        self.transcript.add("stdout", &start_of(&stdout));
        self.transcript.add("stderr", &start_of(stderr.as_bytes()));
        let ended =
            status.map_or_else(|| format!("still there after {} s", took.as_secs()), |status| status.to_string());
        self.transcript.add("end", &ended);
        Ok(Ran { status, stdout, stdout_bytes: process.stdout.total(), stderr, took })
    }

    /// A plugin that printed `READY!`.
    pub(crate) async fn listen(&self) -> Verdict<Instance> {
        Instance::start(self, self.path("t")).await
    }

    /// A plugin that has a good configuration.
    pub(crate) async fn configured(&self) -> Verdict<Instance> {
        let instance = self.listen().await?;
        instance.configure_well().await?;
        Ok(instance)
    }

    /// A part of the time anybody may wait.
    pub(crate) fn patience(&self) -> Duration {
        self.subject.patience
    }
}

/// A token for those that have no server to use it at.
pub(crate) const UNUSED_TOKEN: &str = "unused-token-of-the-suite";

impl Ran {
    /// Fails if it did not end by itself.
    pub(crate) fn ended(&self) -> Verdict<ExitStatus> {
        let text = || format!("it has not ended after {} s", self.took.as_secs());
        self.status.ok_or_else(|| Fault::Failed(text()))
    }
}

fn environment(endpoint: &str, token: &str, directory: &Path) -> Vec<(String, String)> {
    let directory = directory.to_string_lossy();
    let variables = [
        (contract::ENDPOINT_ENV, endpoint),
        (contract::TOKEN_ENV, token),
        (contract::FILESERVER_ENV, "http://127.0.0.1:1"),
        (contract::WEBROOT_ENV, &directory),
    ];
    variables.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}
