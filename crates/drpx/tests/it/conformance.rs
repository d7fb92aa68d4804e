//! `drpx conformance`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::process::{PATIENCE, drpx, eventually, incrementer, rude_provider, texts};

const SECRET: &str = "s3cr3t-0f-the-c0mmand";

/// The misbehaving provider in a mode, in a directory.
fn rude(directory: &Path, mode: &str) -> PathBuf {
    let path = directory.join(format!("rude{mode}"));
    fs::copy(rude_provider(), &path).unwrap();
    path
}

fn conformance(provider: &Path, args: &[&str]) -> Output {
    let mut command = drpx();
    command.arg("conformance").arg(provider).args(["--patience", "20"]).args(args);
    command.env("TOKEN", SECRET).output().unwrap()
}

#[test]
fn a_provider_that_passes_ends_well_and_one_that_fails_shows_the_exchange() {
    let dir = tempfile::tempdir().unwrap();
    let only = ["--only", "define-version", "--only", "stop-answered"];
    let (out, err, code) = texts(&conformance(&incrementer(), &only));
    let wanted = "passed  define-version\npassed  stop-answered\nincrementer v4.7.0: 2 passed, 0 failed, 0 skipped\n";
    assert_eq!((out.as_str(), err.as_str(), code), (wanted, "", Some(0)));

    let (out, _, code) = texts(&conformance(&rude(dir.path(), ""), &only));
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("failed  stop-answered: stop is not answered: the connection broke"), "{out}");
    assert!(out.contains("\n        help: write the answer, then exit\n        | "), "{out}");
    assert!(out.contains("POST /api-plugin/v4/stop null\n"), "{out}");
}

#[test]
fn what_is_known_to_fail_is_excused_and_what_no_longer_fails_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let (provider, list) = (rude(dir.path(), ""), dir.path().join("known.toml"));
    let check = |text: &str, code: Option<i32>, said: &str| {
        fs::write(&list, text).unwrap();
        let args =
            ["--expected-failures", list.to_str().unwrap(), "--only", "stop-answered", "--only", "define-version"];
        let (out, err, came) = texts(&conformance(&provider, &args));
        assert_eq!(came, code, "{out}{err}");
        assert!((out + &err).contains(said), "{said}");
    };
    check("[expected-failures]\nstop-answered = \"issue 7\"", Some(0), "failed  stop-answered, as expected (issue 7)");
    let both = "[expected-failures]\nstop-answered = \"issue 7\"\ndefine-version = \"issue 8\"";
    check(both, Some(1), "passed  define-version: was expected to fail (issue 8)");
    check("[expected-failures]\nnonsense = \"issue 7\"", Some(2), "there is no check `nonsense`");
}

#[test]
fn programs_read_json_and_junit_and_nobody_reads_secrets() {
    let dir = tempfile::tempdir().unwrap();
    let junit = dir.path().join("report.xml");
    // It answers with all that it was told, and writes it to stderr.
    let provider = rude(dir.path(), "-config-secrets");
    let args = ["--json", "--junit", junit.to_str().unwrap(), "--secret", "rude/token=env:TOKEN"];
    let only = ["--only", "config-error-secrets", "--only", "config-secrets", "--only", "config-good"];
    let (out, err, code) = texts(&conformance(&provider, &[&args[..], &only].concat()));
    let xml = fs::read_to_string(&junit).unwrap();
    // It refuses the configuration, so there is no plugin to judge.
    assert_eq!(code, Some(3), "{out}{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&report["usable"], &report["counts"]["failed"]), (&Value::from(false), &Value::from(3)), "{out}");
    assert!(xml.contains(r#"failures="3""#) && xml.contains("&lt;secret&gt;"), "{xml}");
    for text in [out, err, xml] {
        assert!(!text.contains(SECRET), "{text}");
    }
}

#[test]
fn what_makes_no_sense_and_what_cannot_be_judged_have_codes_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let check = |provider: &Path, args: &[&str], wanted: i32, said: &str| {
        let (out, err, code) = texts(&conformance(provider, args));
        assert_eq!(code, Some(wanted), "{out}{err}");
        assert!((out + &err).contains(said), "{said}");
    };
    check(&incrementer(), &["--only", "nonsense"], 2, "there is no check `nonsense`");
    check(&incrementer(), &["--action", "increment=7"], 2, "is not NAME or NAME=JSON");
    check(&incrementer(), &["--secret", "a/b=hunter22"], 2, "env:VARIABLE");
    check(Path::new("/nonexistent/provider"), &[], 2, "cannot find");
    let refused = rude(dir.path(), "-define-refused");
    check(&refused, &["--only", "define-version"], 3, "skipped define-version: it prints no definition");
    // A file that nobody can run.
    let no_program = dir.path().join("no-program");
    fs::write(&no_program, "nothing").unwrap();
    check(&no_program, &["--only", "define-exit"], 3, "cannot start the provider");
}

#[test]
fn an_interrupted_run_leaves_no_processes() {
    let dir = tempfile::tempdir().unwrap();
    let provider = rude(dir.path(), "-serve-fork");
    let mut command = Command::new(env!("CARGO_BIN_EXE_drpx"));
    command.arg("conformance").arg(&provider).stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = command.spawn().unwrap();
    let processes = || {
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let commands = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
        let path = format!("{}\0listen", provider.display());
        commands.filter(|command| String::from_utf8_lossy(command).starts_with(&path)).count()
    };
    eventually(PATIENCE, "it serves", || (processes() > 0).then_some(()));
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    eventually(PATIENCE, "its processes are gone", || (processes() == 0).then_some(()));
}
