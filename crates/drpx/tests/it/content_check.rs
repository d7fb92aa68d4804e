//! `drpx content check` and `drpx content document`.

use std::{fs, path::Path, process::Output};

use serde_json::Value;

use crate::process::{drpx, texts};

fn content(arguments: &[&str], path: &Path) -> Output {
    drpx().arg("content").args(arguments).arg(path).output().unwrap()
}

/// A bundle without a version, whose one param has a name that breaks the rules.
fn bundle() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (path, text) in [
        ("._Name.meta", "mine"),
        ("._Description.meta", "Mine"),
        ("._Documentation.meta", "Of tests"),
        ("._Prerequisites.meta", "base"),
        ("params/1x.yaml", "Name: 1x\nDescription: \"x\\e[2J\"\n\"Colour\\e\": red\n"),
    ] {
        let path = directory.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    directory
}

#[test]
fn findings_are_shown_as_compilers_show_them_and_errors_fail() {
    let bundle = bundle();
    let (out, err, code) = texts(&content(&["check"], bundle.path()));
    let file = bundle.path().join("params/1x.yaml");
    let expected = format!("{}:1:7: error[name]: Invalid Name `1x`\n  expected: a letter first", file.display());
    assert!(out.starts_with(&expected), "{out}");
    assert!(out.contains(":3:1: warning[unknown-field]: `Colour\\u{1b}` is no field here"), "{out}");
    assert!(err.contains("1 bundle with 1 object: 1 error, 1 warning"), "{err}");
    assert!(err.contains("its prerequisites are not here: base"), "{err}");
    assert!(!out.contains('\u{1b}') && !err.contains('\u{1b}'), "no colour but on a terminal");
    assert_eq!(code, Some(1));
}

#[test]
fn warnings_fail_only_if_that_is_asked_for() {
    let bundle = bundle();
    fs::rename(bundle.path().join("params/1x.yaml"), bundle.path().join("params/xx.yaml")).unwrap();
    fs::write(bundle.path().join("params/xx.yaml"), "Name: xx\nDescription: x\nColour: red\n").unwrap();
    assert_eq!(content(&["check"], bundle.path()).status.code(), Some(0));
    assert_eq!(content(&["check", "--strict"], bundle.path()).status.code(), Some(1));
    fs::write(bundle.path().join("params/xx.yaml"), "Name: xx\nDescription: x\n").unwrap();
    assert_eq!(content(&["check", "--strict"], bundle.path()).status.code(), Some(0));
    assert_eq!(drpx().args(["content", "check"]).output().unwrap().status.code(), Some(2));
    assert_eq!(content(&["check"], &bundle.path().join("none")).status.code(), Some(1));
}

#[test]
fn findings_are_json_lines_for_scripts() {
    let bundle = bundle();
    let (out, _, code) = texts(&content(&["check", "--json"], bundle.path()));
    let findings: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let shown: Vec<_> = findings.iter().map(|one| (one["code"].as_str().unwrap(), one["line"].as_u64())).collect();
    assert_eq!(shown, [("name", Some(1)), ("unknown-field", Some(3))]);
    assert_eq!((findings[0]["object"].as_str(), findings[0]["field"].as_str()), (Some("params/1x"), Some("/Name")));
    assert_eq!(code, Some(1));
}

#[test]
fn a_bundle_is_described_in_the_language_that_is_asked_for() {
    let bundle = bundle();
    let (out, _, code) = texts(&content(&["document"], bundle.path()));
    assert!(out.starts_with("# mine\n\nMine\n") && out.contains("| `1x` | any |"), "{out}");
    assert!(!out.contains('\u{1b}'), "{out}");
    assert_eq!(code, Some(0));
    let (out, _, _) = texts(&content(&["document", "--format", "rst"], bundle.path()));
    assert!(out.starts_with("####\nmine\n####\n") && out.contains("   * - ``1x``\n     - any\n"), "{out}");
    let file = bundle.path().join("b.yaml");
    fs::write(&file, "meta: {Name: other}\n").unwrap();
    assert!(texts(&content(&["document"], &file)).0.starts_with("# other\n"));
    assert_eq!(content(&["document", "--format", "odt"], bundle.path()).status.code(), Some(2));
    let (_, err, code) = texts(&content(&["document"], &bundle.path().join("none.yaml")));
    assert!(err.contains("cannot read") && code == Some(1), "{err}");
}
