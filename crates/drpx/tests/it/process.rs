//! Running `drpx`, and a server that it serves.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

/// How long anything may take that a test waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
pub(crate) const USER: &str = "admin:hunter22";

pub(crate) fn drpx() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_drpx"));
    forget_settings(&mut command);
    command.stdin(Stdio::null());
    command
}

/// Nothing that whoever runs the tests has set for themself counts.
fn forget_settings(command: &mut Command) {
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("RS_") {
            command.env_remove(variable);
        }
    }
    // But where its tools lie, with which `drpx run` builds.
    let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
    for (variable, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
        if std::env::var_os(variable).is_none() {
            command.env(variable, home.join(folder));
        }
    }
    command.env("HOME", "/nonexistent");
}

pub(crate) fn incrementer() -> PathBuf {
    raw_peer::built("incrementer")
}

/// The provider of the tests of hosts. The name under which it is run says how it behaves.
pub(crate) fn rude_provider() -> PathBuf {
    raw_peer::built("rude-provider")
}

/// What a command printed where, and its exit code.
pub(crate) fn texts(output: &Output) -> (String, String, Option<i32>) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr), output.status.code())
}

/// `drpx serve` on a directory.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) endpoint: String,
    pub(crate) ca_file: PathBuf,
}

impl Server {
    pub(crate) fn start(data: &Path) -> Self {
        Self::serve(drpx(), data)
    }

    /// As [`start`](Self::start), where a file that grows beyond a limit is an error and not the end.
    pub(crate) fn start_patiently(data: &Path) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_drpx")]).stdin(Stdio::null());
        Self::serve(shell, data)
    }

    /// As [`start`](Self::start), where a shell has allowed few descriptors.
    pub(crate) fn start_with_few_descriptors(data: &Path) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", "ulimit -Sn 256 && exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_drpx")]).stdin(Stdio::null());
        Self::serve(shell, data)
    }

    fn serve(mut command: Command, data: &Path) -> Self {
        let mut child = command
            .args(["serve", "--listen", "127.0.0.1:0", "--user", USER, "--data"])
            .arg(data)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let line = lines.find(|line| line.contains("serving https://")).expect("the server serves");
        let url = line.split_whitespace().find(|word| word.starts_with("https://")).unwrap();
        let endpoint = url.trim_end_matches("/api/v3").to_owned();
        // The log must be read on, or the server would wait for room in the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, endpoint, ca_file: data.join("tls/ca.pem") }
    }

    /// A command against this server, by its administrator.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = drpx();
        command.args(args).env("RS_ENDPOINT", &self.endpoint).env("RS_KEY", USER).env("RS_CA_FILE", &self.ca_file);
        command
    }

    /// What such a command printed, once it has ended.
    pub(crate) fn drpx(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Lets it end by itself, and waits for that.
    pub(crate) fn stop(&mut self) {
        self.signal(Signal::TERM);
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for something to be so.
pub(crate) fn eventually<T>(limit: Duration, what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = check() {
            return value;
        }
        assert!(started.elapsed() < limit, "waited {limit:?} in vain: {what}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}
