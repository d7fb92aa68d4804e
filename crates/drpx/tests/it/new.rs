//! `drpx new`, as far as to a provider that builds, tests and runs.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::process::{drpx, texts};

/// Builds and tests every kind and not only one, which takes minutes.
const ALL_KINDS_ENV: &str = "DRPX_TEST_ALL_KINDS";

#[test]
fn a_new_provider_builds_tests_and_runs() {
    let kinds: &[&str] = if std::env::var_os(ALL_KINDS_ENV).is_some() {
        &["basic", "events", "content"]
    } else {
        println!("only one kind is built: {ALL_KINDS_ENV} is not set");
        &["basic"]
    };
    let dir = tempfile::tempdir().unwrap();
    for kind in kinds {
        let name = format!("sample-{kind}");
        let output = drpx().current_dir(dir.path()).args(["new", &name, "--kind", kind]).output().unwrap();
        let (out, err, code) = texts(&output);
        assert_eq!(code, Some(0), "{out}{err}");
        assert!(out.contains("cargo test && drpx run . --demo"), "{out}");
        check_crate(&dir.path().join(&name), &name);
    }
}

fn check_crate(directory: &Path, name: &str) {
    cargo(directory, &["fmt", "--check"]);
    let tested = cargo(directory, &["test"]);
    assert!(tested.contains("test result: ok") && !tested.contains(" 0 passed"), "{tested}");
    // Built by the tests; told where.
    let messages = cargo(directory, &["build", "--message-format=json"]);
    let executable = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let executable: PathBuf =
        executable.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).next_back().unwrap();
    let defined = Command::new(&executable).arg("define").output().unwrap();
    let definition: Value = serde_json::from_slice(&defined.stdout).unwrap();
    assert_eq!((&definition["Name"], &definition["Version"]), (&name.into(), &"v0.1.0".into()));
    let output = drpx().arg("check").arg(&executable).arg("--strict").output().unwrap();
    let (out, err, code) = texts(&output);
    assert_eq!(code, Some(0), "{out}{err}");
    let output = drpx().arg("run").arg(&executable).args(["--demo", "--exit"]).output().unwrap();
    let (out, err, code) = texts(&output);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.contains(&format!("configured plugin {name}")) && !out.contains("skipped"), "{out}");
}

/// What cargo prints, when it does well. It builds offline, beside what the workspace has built already.
fn cargo(directory: &Path, args: &[&str]) -> String {
    let target = Path::new(env!("CARGO_BIN_EXE_drpx")).ancestors().nth(2).unwrap();
    let output = Command::new(env!("CARGO"))
        .args(args)
        .current_dir(directory)
        .env("CARGO_NET_OFFLINE", "true")
        .env("CARGO_TARGET_DIR", target)
        // As the workspace has it, so that its dependencies are the same.
        .env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only")
        .output()
        .unwrap();
    let (out, err, code) = texts(&output);
    assert_eq!(code, Some(0), "cargo {args:?}: {out}{err}");
    out
}

#[test]
fn what_cannot_be_made_is_refused_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("full")).unwrap();
    fs::write(dir.path().join("full/file"), "precious").unwrap();
    fs::write(dir.path().join("file"), "precious").unwrap();
    let check = |args: &[&str], expected: &str| {
        let output = drpx().current_dir(dir.path()).arg("new").args(args).output().unwrap();
        let (out, err, code) = texts(&output);
        assert_eq!(code, Some(2), "{args:?}: {out}{err}");
        assert!(err.contains(expected), "{args:?}: no `{expected}`: {err}");
    };
    check(&["full"], "`full` is there already, and something is in it");
    check(&["file"], "`file` is there already");
    check(&["Upper"], "a provider cannot be called `Upper`: it must be lower-case letters");
    check(&["."], "`.` has no name");
    check(&["good", "--path", "."], "`.` is no checkout of drpx");
    check(&["good", "--kind", "odd"], "possible values: basic, events, content");
    let mut names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["file", "full"]);
    assert_eq!(fs::read_to_string(dir.path().join("full/file")).unwrap(), "precious");
}
