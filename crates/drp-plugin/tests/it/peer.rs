//! The provider under test as a process, with a host of bare sockets around it.

use std::{
    io::BufReader,
    path::{Path, PathBuf},
    process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio},
};

use raw_peer::{CALLBACK_PREFIX, Callbacks, eventually, post, wait_for_ready};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::subject::{PROCESS_TEST, PUBLISH_ENV, SELECTOR_ENV, SOCKETS_ENV};

pub(crate) const CONFIG: &str = "/api-plugin/v4/config";
pub(crate) const ACTION: &str = "/api-plugin/v4/action";
pub(crate) const PUBLISH: &str = "/api-plugin/v4/publish";
pub(crate) const STOP: &str = "/api-plugin/v4/stop";
pub(crate) const RS_TOKEN: &str = "rs-t0ken-0042";
pub(crate) const SECRET: &str = "opensesame-4711";

pub(crate) struct Host {
    pub(crate) dir: TempDir,
    pub(crate) child: Child,
    _out: BufReader<ChildStdout>,
    pub(crate) err: Option<ChildStderr>,
    pub(crate) callbacks: Callbacks,
}

/// How a plugin is started, where the usual way is not what a test wants.
#[derive(Default)]
pub(crate) struct Start<'a> {
    pub(crate) endpoint: Option<&'a str>,
    pub(crate) selectors: Option<&'a str>,
    /// The provider has `publish`.
    pub(crate) publish: bool,
    pub(crate) swap_sockets: bool,
    /// The callback prefix that is answered; the other one is a 404.
    pub(crate) prefix: Option<&'static str>,
}

impl Host {
    pub(crate) fn start() -> Self {
        Self::start_with(&Start::default())
    }

    pub(crate) fn start_with(start: &Start<'_>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let callbacks = Callbacks::serve(&dir.path().join("from"), start.prefix.unwrap_or(CALLBACK_PREFIX));
        let order = if start.swap_sockets { ["from", "to"] } else { ["to", "from"] };
        let mut command = subject(dir.path(), order);
        if let Some(selectors) = start.selectors {
            command.env(SELECTOR_ENV, selectors);
        }
        if start.publish {
            command.env(PUBLISH_ENV, "true");
        }
        command.env("RS_ENDPOINT", start.endpoint.unwrap_or("https://127.0.0.1:1"));
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        wait_for_ready(&mut out);
        let err = child.stderr.take();
        Self { dir, child, _out: out, err, callbacks }
    }

    /// A plugin that has been configured.
    pub(crate) fn configured() -> Self {
        let host = Self::start();
        host.configure();
        host
    }

    pub(crate) fn configure(&self) {
        let (status, body) = self.post(CONFIG, &json!({"Name": "instance", "subject/token": SECRET}));
        assert_eq!((status, &body["Code"]), (200, &json!(200)), "{body}");
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.dir.path().join("to")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        post(&self.socket(), path, body)
    }

    /// Runs a system action.
    pub(crate) fn act(&self, command: &str, params: &Value) -> (u16, Value) {
        self.post(ACTION, &action(command, params))
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) fn wait_for_exit(&mut self) -> ExitStatus {
        eventually("the plugin ends", || self.child.try_wait().unwrap())
    }

    pub(crate) fn memory_kb(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The command that runs this test binary as the provider.
pub(crate) fn subject(dir: &Path, sockets: [&str; 2]) -> Command {
    let paths = sockets.map(|name| dir.join(name).to_str().unwrap().to_owned());
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", PROCESS_TEST, "--nocapture", "--quiet"])
        .env(SOCKETS_ENV, paths.join(" "))
        .env("RS_TOKEN", RS_TOKEN)
        .env_remove("RS_CA_FILE")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub(crate) fn action(command: &str, params: &Value) -> Value {
    json!({"Model": {}, "Plugin": "instance", "Command": command, "CommandSet": "system", "Params": params})
}
