//! `drpx conformance --host`.

mod forwarder;
mod wrong;

use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use self::forwarder::Administrator;
use crate::process::{PATIENCE, Server, drpx, eventually, texts};

/// The administrator of [`Server`].
const NAME: &str = "admin";
const PASSWORD: &str = "hunter22";

fn command(server: &Server, args: &[&str]) -> Command {
    let mut command = drpx();
    command.args(["conformance", "--host", &server.endpoint, "--user", NAME, "--yes-change-data"]).args(args);
    command.env("RS_PASSWORD", PASSWORD).env("RS_CA_FILE", &server.ca_file);
    command
}

fn conformance(server: &Server, args: &[&str]) -> Output {
    command(server, args).output().unwrap()
}

/// What a suite has made and not removed.
fn left(administrator: &Administrator) -> Vec<String> {
    let lists = ["machines", "profiles", "params", "plugins", "users", "plugin_providers", "contents", "files"];
    let read = |list: &&str| administrator.call("GET", &format!("/api/v3/{list}"), "").1.to_string();
    lists.iter().map(read).filter(|text| text.contains("conformance-")).collect()
}

#[test]
fn our_server_keeps_the_whole_contract_and_is_left_as_it_was() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let (out, err, code) = texts(&conformance(&server, &["--json"]));
    assert_eq!((err.as_str(), code), ("", Some(0)), "{out}");
    let report: Value = serde_json::from_str(&out).unwrap();
    let counts = &report["counts"];
    assert_eq!((&counts["failed"], &counts["skipped"]), (&Value::from(0), &Value::from(0)), "{out}");
    assert!(!out.contains(PASSWORD), "{out}");
    assert_eq!(left(&Administrator::new(&server)), Vec::<String>::new());
}

#[test]
fn an_interrupted_run_leaves_nothing_on_the_server() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let administrator = Administrator::new(&server);
    let mut child = command(&server, &[]).stdout(Stdio::null()).spawn().unwrap();
    eventually(PATIENCE, "it makes objects", || (!left(&administrator).is_empty()).then_some(()));
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(left(&administrator), Vec::<String>::new());
}

#[test]
fn nothing_is_changed_unasked_and_what_cannot_be_judged_has_a_code_of_its_own() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let check = |args: &[&str], wanted: i32, said: &str| {
        let mut command = drpx();
        let command = command.arg("conformance").args(args).env("RS_PASSWORD", PASSWORD);
        let (out, err, code) = texts(&command.env("RS_CA_FILE", &server.ca_file).output().unwrap());
        assert_eq!(code, Some(wanted), "{out}{err}");
        assert!((out + &err).contains(said), "{said}");
    };
    let url = server.endpoint.as_str();
    check(&["--host", url], 2, "--yes-change-data");
    check(&["--host", url, "--yes-change-data", "./provider"], 2, "cannot be used with");
    check(&["--host", url, "--yes-change-data", "--only", "define-json"], 2, "a check of providers");
    check(&["--host", "http://127.0.0.1:1", "--yes-change-data"], 2, "has to begin with https://");
    check(&["./provider", "--only", "host-info"], 2, "a check of --host");
    let wrong = ["--host", url, "--yes-change-data", "--user", "admin:wrong", "--only", "host-info"];
    check(&wrong, 3, "skipped host-info: the server cannot be asked who it is");
    let nobody = ["--host", "https://127.0.0.1:1", "--yes-change-data", "--only", "host-info"];
    check(&nobody, 3, "cannot connect to 127.0.0.1:1");
}
