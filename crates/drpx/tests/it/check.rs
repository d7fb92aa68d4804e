//! `drpx check`.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::{Value, json};

use crate::process::{PATIENCE, drpx, eventually, incrementer, texts};

/// A provider in shell: what it does under `define` and under `unpack DIR`, where `$2` is the directory.
fn script(directory: &Path, name: &str, define: &str, unpack: &str) -> PathBuf {
    let path = directory.join(name);
    let text = format!(
        "#!/bin/sh\ncase $1 in\ndefine)\n{define}\n;;\nunpack)\n{unpack}\n;;\n*) touch \"$0.served\";;\nesac\n"
    );
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// A definition without faults, to add some to.
fn definition(name: &str) -> Value {
    json!({ "Name": name, "Version": "v1.0.0", "PluginVersion": 4, "Documentation": "What it does.",
            "Content": "meta: {Description: A sample}" })
}

fn echo(definition: &Value) -> String {
    format!("cat <<'END'\n{definition}\nEND")
}

/// What a check in JSON says: its exit code, and the codes of its findings.
fn check(provider: &Path, args: &[&str]) -> (Option<i32>, Vec<String>) {
    let output = drpx().arg("check").arg(provider).arg("--json").args(args).output().unwrap();
    let (out, err, code) = texts(&output);
    let findings: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for severity in ["error", "warning"] {
        let count = findings.iter().filter(|finding| finding["severity"] == severity).count();
        assert!(err.contains(&format!("{count} {severity}")), "{err}{out}");
    }
    (code, findings.iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect())
}

#[test]
fn the_incrementer_has_no_errors_and_reads_like_a_compilers_output() {
    let output = drpx().arg("check").arg(incrementer()).output().unwrap();
    let (out, err, code) = texts(&output);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(
        out.starts_with("incrementer: warning[undocumented]: the provider has no Documentation\n  help: "),
        "{out}"
    );
    assert!(err.ends_with("Checked incrementer v4.7.0: 0 errors, 1 warning\n"), "{err}");
    assert_eq!(check(&incrementer(), &["--strict"]), (Some(1), vec!["undocumented".to_owned()]));
}

#[test]
fn real_providers_have_no_errors_and_the_faults_that_are_known() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/define");
    if !vectors.exists() {
        return println!("skipped: no recorded data in `{}`", vectors.display());
    }
    let dir = tempfile::tempdir().unwrap();
    let known: [(&str, &[&str]); 5] = [
        ("incrementer", &["undescribed"]),
        ("slack", &["has-publish", "plain-secret"]),
        ("callback", &["undeclared-param"]),
        ("filebeat", &["reference"]),
        ("ipmi", &[]),
    ];
    for (name, expected) in known {
        let recorded = vectors.join(format!("{name}.json")).canonicalize().unwrap();
        let provider = script(dir.path(), name, &format!("cat '{}'", recorded.display()), ":");
        let (code, found) = check(&provider, &[]);
        assert_eq!(code, Some(0), "{name}: {found:?}");
        for code in expected {
            assert!(found.iter().any(|found| found == code), "{name}: no {code} in {found:?}");
        }
    }
}

#[test]
fn what_define_does_wrong_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let good = echo(&definition("sample"));
    let check = |define: &str, expected: (i32, &[&str])| {
        let provider = script(dir.path(), "sample", define, ":");
        let (code, found) = check(&provider, &[]);
        assert_eq!(
            (code.unwrap(), found.iter().map(String::as_str).collect::<Vec<_>>().as_slice()),
            expected,
            "{define}"
        );
    };
    check(&good, (0, &[]));
    check(&format!("echo loading\n{good}"), (1, &["define-noise"]));
    check(&format!("echo loading >&2\n{good}"), (0, &["define-stderr"]));
    check(&format!("[ -n \"$RS_ENDPOINT\" ] || exit 1\n{good}"), (0, &["define-needs"]));
    let count = dir.path().join("count");
    let count = format!("'{}'", count.display());
    let version = format!("echo x >> {count}; VERSION=v1.0.$(wc -l < {count})");
    let varies = format!("{version}\n{}", good.replace("<<'END'", "<<END").replace("v1.0.0", "$VERSION"));
    check(&varies, (0, &["define-varies", "define-needs"]));
    check("echo nonsense", (3, &["define"]));
    check("echo '[1]'; exit 1", (3, &["define"]));
    check("echo '{\"Name\": 1}'", (3, &["define"]));
}

#[test]
fn what_a_server_would_refuse_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let check = |change: Value, expected: &[&str]| {
        let mut definition = definition("sample");
        definition.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let provider = script(dir.path(), "sample", &echo(&definition), ":");
        let (code, found) = check(&provider, &[]);
        assert_eq!(
            (code, found.iter().map(String::as_str).collect::<Vec<_>>().as_slice()),
            (Some(1), expected),
            "{change}"
        );
    };
    check(json!({ "PluginVersion": 3 }), &["plugin-version"]);
    check(json!({ "Name": "1" }), &["name"]);
    check(json!({ "Content": "nonsense" }), &["content"]);
    check(json!({ "StoreObjects": { "machines": {} } }), &["refused"]);
    check(json!({ "StoreObjects": { "sample-things": { "Color": { "type": "colour" } } } }), &["refused"]);
    check(
        json!({ "Content": "{meta: {Description: x}, sections: {params: {a/b: {Name: a/b, Schema: {type: 1}, Description: x}}}}" }),
        &["schema", "unused-param"],
    );
}

#[test]
fn what_unpack_does_wrong_is_found_and_nothing_serves() {
    let dir = tempfile::tempdir().unwrap();
    let mut auto = definition("sample");
    auto["AutoStart"] = true.into();
    let check = |unpack: &str, expected: (i32, &[&str])| {
        let provider = script(dir.path(), "sample", &echo(&auto), unpack);
        let (code, found) = check(&provider, &[]);
        assert_eq!(
            (code.unwrap(), found.iter().map(String::as_str).collect::<Vec<_>>().as_slice()),
            expected,
            "{unpack}"
        );
    };
    check("umask 022; echo x > \"$2/.f\"; mv \"$2/.f\" \"$2/f\"", (0, &[]));
    check("umask 022; echo x > \"$2/f\"", (0, &["unpack-overwrites", "unpack-links"]));
    check(
        "umask 022; echo x > \"$2/.f\"; mv \"$2/.f\" \"$2/f\"; touch \"$2/$$\"",
        (0, &["unpack-varies", "unpack-varies"]),
    );
    check("echo x > \"$2/.f\"; chmod 666 \"$2/.f\"; mv \"$2/.f\" \"$2/f\"", (0, &["unpack-mode"]));
    check("echo no room >&2; exit 1", (1, &["unpack"]));
    // AutoStart or not, no process of it has served.
    assert!(!dir.path().join("sample.served").exists());
}

#[test]
fn who_is_no_provider_is_refused_by_the_exit_code() {
    let output = drpx().args(["check", "no/such/path"]).output().unwrap();
    let (_, err, code) = texts(&output);
    assert_eq!(
        (code, err.as_str()),
        (Some(2), "error: cannot find `no/such/path`: No such file or directory (os error 2)\n")
    );
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("text"), "").unwrap();
    fs::set_permissions(dir.path().join("text"), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(check(&dir.path().join("text"), &[]), (Some(3), vec!["define".to_owned()]));
}

#[test]
fn an_interrupted_check_leaves_neither_files_nor_processes() {
    let (dir, temporary) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let started = dir.path().join("started");
    let define = format!("echo $$ > '{0}.part'; mv '{0}.part' '{0}'; sleep 600", started.display());
    let provider = script(dir.path(), "sample", &define, ":");
    let mut child = drpx().arg("check").arg(provider).env("TMPDIR", temporary.path()).spawn().unwrap();
    let number = eventually(PATIENCE, "define runs", || fs::read_to_string(&started).ok());
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
    let define = Pid::from_raw(number.trim().parse().unwrap()).unwrap();
    eventually(PATIENCE, "define has ended", || test_kill_process(define).is_err().then_some(()));
}
