//! The command line, against what the Go incrementer does.

use std::{os::unix::fs::PermissionsExt, path::Path};

use serde_json::Value;

use crate::vectors::{incrementer, read};

/// Ours differ on purpose: texts for people, and a missing directory is an error instead of a crash.
const OTHER_TEXT: [&[&str]; 5] =
    [&[], &["--help"], &["help", "define"], &["autocomplete"], &["unpack", "/proc/nope/x"]];
const OTHER_END: &[&str] = &["unpack"];

#[test]
fn it_behaves_as_recorded() {
    let Some(recorded) = read("wire/plugin-cli.json") else { return };
    let recorded: Vec<Value> = serde_json::from_str(&recorded).unwrap();
    let mut compared = 0;
    for case in recorded {
        let argv: Vec<&str> = case["argv"].as_array().unwrap().iter().map(|arg| arg.as_str().unwrap()).collect();
        // A run that serves is looked at elsewhere; the other providers are not ours.
        if argv[0] == "incrementer" && case["rc"].is_number() {
            check(&argv[1..], &case);
            compared += 1;
        }
    }
    assert!(compared > 15, "only {compared} cases were compared");
}

fn check(args: &[&str], case: &Value) {
    let dir = tempfile::tempdir().unwrap();
    let env = case["env"].as_object().unwrap().iter().map(|(name, value)| (name, value.as_str().unwrap()));
    let output = incrementer().args(args).envs(env).current_dir(dir.path()).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if args == OTHER_END {
        assert_eq!((output.status.code(), err.as_ref()), (Some(1), "Error: Not a valid location: ``\n"));
        return;
    }
    assert_eq!(output.status.code().map(i64::from), case["rc"].as_i64(), "{args:?}: {err}");
    if OTHER_TEXT.contains(&args) {
        assert_eq!(out.is_empty(), case["stdout"] == "", "{args:?}: {out}");
        assert_eq!(err.is_empty(), case["stderr"] == "", "{args:?}: {err}");
    } else if args.first() != Some(&"define") || output.status.code() != Some(0) {
        assert_eq!(out, case["stdout"].as_str().unwrap(), "{args:?}");
        // Systems spell their reasons in other ways: `No such file or directory`, `no such file or directory`.
        let recorded = case["stderr"].as_str().unwrap().trim_end().to_lowercase();
        assert!(err.to_lowercase().starts_with(&recorded), "{args:?}: {err}");
    }
    for file in case["files_in_cwd"].as_array().unwrap() {
        let (name, mode) = file.as_str().unwrap().rsplit_once(':').unwrap();
        let found = std::fs::metadata(dir.path().join(Path::new(name))).unwrap().permissions().mode();
        assert_eq!(format!("{found:o}"), mode, "{args:?}: {name}");
    }
}
