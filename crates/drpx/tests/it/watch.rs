//! `drpx run` for who is writing a provider: with `--watch` and with `--attach`.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::process::{drpx, incrementer};

/// Longer than usual: something is built.
const PATIENCE: Duration = Duration::from_secs(120);

/// `drpx run`, and what it says.
struct Running {
    child: Child,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
}

impl Running {
    fn start(path: &Path, args: &[&str]) -> Self {
        let mut command = drpx();
        command.arg("run").arg(path).args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (stdout, stderr) = (lines_of(child.stdout.take().unwrap()), lines_of(child.stderr.take().unwrap()));
        Self { child, stdout, stderr }
    }

    /// Reads on until a line of the output has this text, and gives that.
    fn until(&self, text: &str) -> String {
        read_until(&self.stdout, text)
    }

    /// As `until`, of what is no output: complaints, and what the compiler says.
    fn until_complaint(&self, text: &str) -> String {
        read_until(&self.stderr, text)
    }

    fn interrupt(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
        self.until("stopped all plugins");
        assert_eq!(self.child.wait().unwrap().code(), Some(130));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines_of(output: impl Read + Send + 'static) -> Receiver<String> {
    let (said, lines) = channel();
    // Nobody listens any more once the test is over.
    let tell = move || BufReader::new(output).lines().map_while(Result::ok).for_each(|line| drop(said.send(line)));
    std::thread::spawn(tell);
    lines
}

fn read_until(lines: &Receiver<String>, text: &str) -> String {
    let (end, mut seen) = (Instant::now() + PATIENCE, Vec::new());
    loop {
        let line = lines.recv_timeout(end.saturating_duration_since(Instant::now()));
        let line = line.unwrap_or_else(|_| panic!("no `{text}` in {seen:#?}"));
        if line.contains(text) {
            return line;
        }
        seen.push(line);
    }
}

#[test]
fn an_executable_that_changes_is_taken_again_and_a_bad_one_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("incrementer");
    // As linkers do it: another file under the same name.
    let put = |write: &dyn Fn(&Path)| {
        let next = dir.path().join("next");
        write(&next);
        fs::set_permissions(&next, fs::Permissions::from_mode(0o755)).unwrap();
        fs::rename(&next, &path).unwrap();
    };
    let copy = |next: &Path| {
        fs::copy(incrementer(), next).unwrap();
    };
    put(&copy);
    let running = Running::start(&path, &["--watch", "--demo", "--action", "increment"]);
    running.until("increment on demo → 1");
    running.until("watching for changes");
    put(&|next| fs::write(next, "#!/bin/sh\necho nonsense\n").unwrap());
    running.until_complaint("Skipping incrementer because of bad json");
    running.until("the one before stays in service");
    put(&copy);
    // The server and its machine are those from before.
    running.until("increment on demo → 2");
    running.interrupt();
}

#[test]
fn a_crate_is_built_again_and_its_errors_are_shown() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("src")).unwrap();
    let manifest = "[package]\nname = \"tiny\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n";
    fs::write(dir.path().join("Cargo.toml"), manifest).unwrap();
    // It says what it is and serves nothing, which is enough to see it come and go.
    let source = |version: &str| {
        let definition = format!(r#"{{"Name":"tiny","Version":"{version}","PluginVersion":4}}"#);
        format!("fn main() {{ println!(\"{{}}\", r##\"{definition}\"##); }}\n")
    };
    let main = dir.path().join("src/main.rs");
    fs::write(&main, "fn main() { no_such_function() }\n").unwrap();
    let running = Running::start(dir.path(), &["--watch"]);
    running.until_complaint("cannot find function `no_such_function`");
    running.until_complaint("does not build");
    running.until("nothing is in service yet");
    fs::write(&main, source("v1.0.0")).unwrap();
    running.until("defined tiny v1.0.0");
    running.until("it is loaded all the same");
    fs::write(&main, source("v2.0.0")).unwrap();
    running.until("defined tiny v2.0.0");
    running.interrupt();
}

/// Starts what the server asks for, as somebody with a debugger would.
fn attach(running: &Running) -> (Child, String) {
    let line = running.until("waits to be started: ");
    let command = line.split_once("waits to be started: ").unwrap().1.to_owned();
    // `exec`, so that a signal reaches the provider and not the shell.
    let child = Command::new("sh").args(["-c", &format!("exec {command}")]).stdout(Stdio::null()).spawn().unwrap();
    (child, command)
}

#[test]
fn a_provider_that_somebody_else_starts_is_attached_again_and_again() {
    let data = tempfile::tempdir().unwrap();
    let running = Running::start(&incrementer(), &["--attach", "--data", data.path().to_str().unwrap()]);
    let (mut first, command) = attach(&running);
    running.until("running until Ctrl-C");
    first.kill().unwrap();
    first.wait().unwrap();
    let (mut second, again) = attach(&running);
    assert_eq!(command, again, "whoever has written it down needs it again");
    running.until("Plugin incrementer is configured");
    running.interrupt();
    // It was told to stop, and did.
    assert_eq!(second.wait().unwrap().code(), Some(0));
    assert!(!Path::new(command.split_whitespace().nth(2).unwrap().trim_end_matches(')')).exists());
}
