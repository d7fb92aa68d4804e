//! The probe with a host of bare sockets around it.

use std::{
    fs,
    io::{BufReader, Read},
    path::PathBuf,
    process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio},
};

use raw_peer::{CALLBACK_PREFIX, Callbacks, eventually, post, wait_for_ready};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const PROBE: &str = env!("CARGO_BIN_EXE_probe");
pub(crate) const CONFIG: &str = "/api-plugin/v4/config";
pub(crate) const ACTION: &str = "/api-plugin/v4/action";
pub(crate) const STOP: &str = "/api-plugin/v4/stop";
/// The value of `probe/token`.
pub(crate) const TOKEN: &str = "opensesame-4711";
/// The plugin's own token.
pub(crate) const RS_TOKEN: &str = "rs-t0ken-0042";

pub(crate) struct Probe {
    pub(crate) dir: TempDir,
    pub(crate) child: Child,
    out: BufReader<ChildStdout>,
    err: ChildStderr,
    pub(crate) callbacks: Callbacks,
}

impl Probe {
    /// Under a server that nobody answers for.
    pub(crate) fn start() -> Self {
        Self::under("https://127.0.0.1:1")
    }

    pub(crate) fn under(endpoint: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let callbacks = Callbacks::serve(&dir.path().join("from"), CALLBACK_PREFIX);
        let mut child = Command::new(PROBE)
            .arg("listen")
            .args(["to", "from"].map(|name| dir.path().join(name)))
            .env("RS_ENDPOINT", endpoint)
            .env("RS_TOKEN", RS_TOKEN)
            .env_remove("RS_CA_FILE")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        wait_for_ready(&mut out);
        let err = child.stderr.take().unwrap();
        Self { dir, child, out, err, callbacks }
    }

    /// Configured without events, so that it needs no server.
    pub(crate) fn quiet() -> Self {
        let probe = Self::start();
        probe.configure(&json!({"probe/events": []}));
        probe
    }

    /// Configures it, with the token on top.
    pub(crate) fn configure(&self, params: &Value) {
        let (status, body) = self.try_configure(params);
        assert_eq!((status, &body["Code"]), (200, &json!(200)), "{body}");
    }

    pub(crate) fn try_configure(&self, params: &Value) -> (u16, Value) {
        let mut body = json!({"Name": "probe-1", "probe/token": TOKEN});
        body.as_object_mut().unwrap().extend(params.as_object().unwrap().clone());
        self.post(CONFIG, &body)
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

    /// A counter of action `seen`.
    pub(crate) fn seen(&self, counter: &str) -> u64 {
        self.act("seen", &json!({})).1[counter].as_u64().unwrap()
    }

    pub(crate) fn wait_until_seen(&self, counter: &str, number: u64) {
        eventually(&format!("{number} {counter}"), || (self.seen(counter) == number).then_some(()));
    }

    pub(crate) fn wait_for_exit(&mut self) -> ExitStatus {
        eventually("the probe ends", || self.child.try_wait().unwrap())
    }

    /// What it has written to stdout after `READY!` and to stderr, once it has ended.
    pub(crate) fn outputs(mut self) -> (String, String) {
        self.wait_for_exit();
        let (mut out, mut err) = (String::new(), String::new());
        self.out.read_to_string(&mut out).unwrap();
        self.err.read_to_string(&mut err).unwrap();
        (out, err)
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// How many of something the process has: `fd` or `task`, which is what threads are.
    pub(crate) fn count(&self, what: &str) -> usize {
        fs::read_dir(format!("/proc/{}/{what}", self.child.id())).unwrap().count()
    }

    pub(crate) fn memory_kb(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn action(command: &str, params: &Value) -> Value {
    json!({"Model": {}, "Plugin": "probe-1", "Command": command, "CommandSet": "system", "Params": params})
}

/// What `probe define` prints.
pub(crate) fn define() -> String {
    let output = Command::new(PROBE).arg("define").env_clear().output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}
