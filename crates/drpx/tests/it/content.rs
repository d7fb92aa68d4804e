//! `drpx content`.

use std::{
    fs,
    io::Write,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::{Output, Stdio},
};

use serde_json::Value;

use crate::process::{drpx, texts};

fn content(args: &[&str]) -> (String, String, Option<i32>) {
    content_in(Path::new("."), args)
}

fn content_in(directory: &Path, args: &[&str]) -> (String, String, Option<i32>) {
    texts(&drpx().arg("content").args(args).current_dir(directory).output().unwrap())
}

fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = directory.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    directory
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

const FILES: [(&str, &str); 3] = [
    ("content/._Version.meta", "v1.2.3\n"),
    ("content/params/a.yaml", "Name: x/a\nSecure: yes\nSchema: {type: string, default: 'yes'}\n"),
    ("content/templates/t.tmpl", "hello\n"),
];

#[test]
fn a_directory_is_bundled_to_where_it_is_wanted_as_what_is_wanted() {
    let room = directory(&FILES);
    let (stdout, stderr, code) = content_in(room.path(), &["bundle", "content"]);
    assert_eq!((stderr.as_str(), code), ("", Some(0)));
    assert!(stdout.starts_with("meta:\n  Author: \"\"\n"), "{stdout}");
    assert!(
        stdout.contains("      Schema:\n        default: \"yes\"\n        type: string\n      Secure: true\n"),
        "{stdout}"
    );
    let (stdout, _, _) = content_in(room.path(), &["bundle", "content", "-", "--format", "json"]);
    let bundle: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(bundle["sections"]["templates"]["t.tmpl"]["Contents"], "hello\n");

    let args = ["bundle", "content", "out.json", "Version=v9", "Name=mine", "Description=a=b"];
    let (stdout, stderr, code) = content_in(room.path(), &args);
    assert_eq!((stdout.as_str(), code), ("", Some(0)), "{stderr}");
    assert!(stderr.contains("bundled mine v1.2.3: 1 params, 1 templates"), "{stderr}");
    let written: Value = serde_json::from_str(&fs::read_to_string(room.path().join("out.json")).unwrap()).unwrap();
    assert_eq!(written["sections"], bundle["sections"]);
    let meta = ["Version", "Name", "Description"].map(|field| written["meta"][field].as_str().unwrap());
    assert_eq!(meta, ["v1.2.3", "mine", "a=b"]);
    content_in(room.path(), &["bundle", "content", "out.yml"]);
    assert!(fs::read_to_string(room.path().join("out.yml")).unwrap().starts_with("meta:\n"));
    assert_eq!(names(room.path()), ["content", "out.json", "out.yml"]);
}

#[test]
fn recorded_directories_become_what_drpcli_made_of_them() {
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/content");
    if !recorded.exists() {
        return println!("skipped: there is no ../shared/vectors");
    }
    for bundle in fs::read_dir(recorded).unwrap().map(|entry| entry.unwrap().path()) {
        let (stdout, stderr, code) = content(&["bundle", bundle.join("src").to_str().unwrap(), "--format", "json"]);
        assert_eq!(code, Some(0), "{stderr}");
        let theirs: Value = serde_json::from_str(&fs::read_to_string(bundle.join("bundle.json")).unwrap()).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&stdout).unwrap(), theirs, "{}", bundle.display());
        if bundle.ends_with("task-library") {
            assert!(stderr.contains("warning: tasks/context-set.yaml: left out `RunnerWait`"), "{stderr}");
        }
    }
}

#[test]
fn what_cannot_be_bundled_is_said_and_leaves_everything_as_it_was() {
    let room = directory(&[("content/params/a.yaml", "Name: [\n"), ("out.yaml", "before")]);
    let (stdout, stderr, code) = content_in(room.path(), &["bundle", "content", "out.yaml"]);
    assert_eq!((stdout.as_str(), code), ("", Some(1)));
    assert!(
        stderr.contains("error: Cannot parse item params/a.yaml: ") && stderr.contains("line 1, column 7"),
        "{stderr}"
    );
    assert_eq!(fs::read_to_string(room.path().join("out.yaml")).unwrap(), "before");
    for (args, expected) in [
        (&["bundle", "content", "out.go"] as &[&str], "ends in none of .yaml, .yml and .json"),
        (&["bundle", "content", "out.yaml", "other.yaml"], "is a second file"),
        (&["bundle", "content", "out.yaml", "name=x"], "`name` is no metadata of a bundle; these are: Author, "),
        (&["bundle", "content", "--format", "toml"], "is no format of content"),
        (&["bundle"], "Usage: drpx content bundle"),
    ] {
        let (stdout, stderr, code) = content_in(room.path(), args);
        assert_eq!((stdout.as_str(), code), ("", Some(2)), "{args:?}");
        assert!(stderr.contains(expected), "{stderr}");
    }
    assert_eq!(names(room.path()), ["content", "out.yaml"]);
}

#[test]
fn a_file_is_replaced_where_it_is_and_keeps_who_may_read_it() {
    let room = directory(&FILES);
    let (file, link) = (room.path().join("out.yaml"), room.path().join("link.yaml"));
    fs::write(&file, "before").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    symlink("out.yaml", &link).unwrap();
    let (_, stderr, code) = content_in(room.path(), &["bundle", "content", "link.yaml"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&file).unwrap().starts_with("meta:"));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    let (_, stderr, code) = content_in(room.path(), &["bundle", "content", "/dev/null", "--format", "yaml"]);
    assert_eq!(code, Some(0), "{stderr}");
    let (_, stderr, code) = content_in(room.path(), &["bundle", "content", "no/such/out.yaml"]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("error: cannot write `no/such/out.yaml`: "), "{stderr}");
    let (_, stderr, code) = content_in(room.path(), &["bundle", "content", "/dev/full", "--format", "yaml"]);
    assert_eq!(code, Some(1), "{stderr}");
}

#[test]
fn a_bundle_becomes_a_directory_and_the_same_bundle_again() {
    let room = directory(&FILES);
    let bundled = |directory: &str| content_in(room.path(), &["bundle", directory]).0;
    let before = bundled("content");
    fs::write(room.path().join("b.yaml"), &before).unwrap();
    let (stdout, stderr, code) = content_in(room.path(), &["unbundle", "b.yaml", "new"]);
    assert_eq!((stdout.as_str(), code), ("", Some(0)), "{stderr}");
    assert!(stderr.contains("unbundled Unspecified v1.2.3: 1 params, 1 templates"), "{stderr}");
    assert_eq!(names(&room.path().join("new/params")), ["x.a.json"]);
    assert_eq!(bundled("new"), before);
    // From the standard input, into the directory that one is in.
    let here = room.path().join("here");
    fs::create_dir(&here).unwrap();
    let mut child = drpx()
        .args(["content", "unbundle", "-", ".", "--format", "yaml"])
        .current_dir(&here)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(before.as_bytes()).unwrap();
    let output: Output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", texts(&output).1);
    assert_eq!(names(&here.join("params")), ["x.a.yaml"]);
    assert_eq!(bundled("here"), before);
    assert_eq!(names(room.path()), ["b.yaml", "content", "here", "new"]);
}

#[test]
fn nothing_is_unbundled_over_what_would_be_lost() {
    let room = directory(&FILES);
    fs::write(room.path().join("b.json"), r#"{"meta": {"Name": "b"}, "sections": {}}"#).unwrap();
    let unbundle = |args: &[&str]| content_in(room.path(), &[&["unbundle", "b.json", "content"], args].concat());
    let (stdout, stderr, code) = unbundle(&[]);
    assert_eq!((stdout.as_str(), code), ("", Some(1)));
    assert!(stderr.contains("error: `content` is not empty"), "{stderr}");
    let git = room.path().join("content/.git");
    fs::create_dir(&git).unwrap();
    let (_, stderr, code) = unbundle(&["--force"]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains(".git` is no content, and would be lost"), "{stderr}");
    assert_eq!(names(&room.path().join("content/params")), ["a.yaml"]);
    fs::remove_dir(git).unwrap();
    let (_, stderr, code) = unbundle(&["--force"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(names(&room.path().join("content")), ["._Name.meta", "._Type.meta", "._Version.meta"]);
    assert_eq!(names(room.path()), ["b.json", "content"]);
}

#[test]
fn what_is_no_bundle_is_named_with_its_file() {
    let room =
        directory(&[("a.yaml", "meta: {}\nsections: {params: [\n"), ("b.json", "[1]"), ("c.yaml", "a: &a [*a]")]);
    let check = |file: &str, expected: &str| {
        let (stdout, stderr, code) = content_in(room.path(), &["unbundle", file, "new"]);
        assert_eq!((stdout.as_str(), code), ("", Some(1)));
        assert!(stderr.contains(expected), "{stderr}");
        assert!(!room.path().join("new").exists());
    };
    check("a.yaml", "error: a.yaml: cannot read content as YAML: line ");
    check("b.json", "error: b.json: content is not a bundle of `meta` and `sections`: ");
    check("c.yaml", "the alias stands inside of what it repeats");
    check("none.yaml", "error: cannot read `none.yaml`: ");
}

#[test]
fn help_teaches_by_examples() {
    for command in ["bundle", "unbundle"] {
        let (stdout, _, code) = content(&[command, "--help"]);
        assert_eq!(code, Some(0));
        assert!(stdout.contains("Examples:\n  drpx content "), "{stdout}");
    }
}
