//! `drpx trace` and `drpx replay`.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use crate::process::{drpx, incrementer, texts};

const PLANTED: &str = "hunter22/planted secret";

/// Records the incrementer with a planted secret.
fn recorded(dir: &Path) -> PathBuf {
    let file = dir.join("increment.trace");
    let mut command = drpx();
    command.arg("trace").arg(incrementer()).args(["--demo", "--action", "increment", "--action", "increment"]);
    command.args(["--action", "incrstatus", "--secret", "planted/key=env:PLANTED", "-o"]).arg(&file);
    let output = command.env("PLANTED", PLANTED).output().unwrap();
    let (out, err, code) = texts(&output);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.contains("exchanges in "), "{out}");
    file
}

fn replay(trace: &Path, provider: &Path) -> Command {
    let mut command = drpx();
    command.arg("replay").arg(trace).arg(provider);
    command
}

fn check(command: &mut Command, code: i32, expected: &[&str]) {
    let (out, err, came) = texts(&command.output().unwrap());
    assert_eq!(came, Some(code), "{out}{err}");
    for text in expected {
        assert!(out.contains(text) || err.contains(text), "no `{text}`:\n{out}{err}");
    }
}

#[test]
fn a_recording_replays_equal_holds_no_secret_and_shows_what_another_build_does_otherwise() {
    let dir = tempfile::tempdir().unwrap();
    let trace = recorded(dir.path());
    assert_eq!(fs::metadata(&trace).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&trace).unwrap();
    assert!(!text.contains("hunter22") && !text.contains("planted secret"), "{text}");
    assert!(text.contains(r#""planted/key":"<secret>""#), "{text}");
    for dir in ["define", "unpack", "listen", "host->plugin", "plugin->host", "plugin->api"] {
        assert!(text.contains(&format!(r#""dir":"{dir}""#)), "no {dir}:\n{text}");
    }
    check(&mut replay(&trace, &incrementer()), 0, &["answers as recorded"]);
    let mut given = replay(&trace, &incrementer());
    check(given.args(["--secret", "planted/key=env:PLANTED"]).env("PLANTED", PLANTED), 0, &["answers as recorded"]);

    // A build that defines something else.
    let other = dir.path().join("incrementer");
    let script =
        "#!/bin/sh\nif [ \"$1\" = define ]; then INCR define | sed s/v4.7.0/v4.7.1/; else exec INCR \"$@\"; fi\n";
    fs::write(&other, script.replace("INCR", &incrementer().display().to_string())).unwrap();
    fs::set_permissions(&other, fs::Permissions::from_mode(0o755)).unwrap();
    let expected = ["#1 define: answer /Version", r#"expected: "v4.7.0""#, r#"came:     "v4.7.1""#];
    check(&mut replay(&trace, &other), 1, &expected);
    check(&mut replay(&trace, &other), 1, &["`planted/key` is masked in the recording"]);
    check(replay(&trace, &other).args(["--ignore", "/Version"]), 0, &["answers as recorded"]);

    // A recording of a provider that counted otherwise.
    let counted = dir.path().join("counted.trace");
    let asks = |line: &&str| line.contains(r#""dir":"host->plugin""#) && line.contains(r#""Command":"increment""#);
    let line = text.lines().find(asks).unwrap();
    let changed = line.replace(r#""answer":{"json":1}"#, r#""answer":{"json":41}"#);
    assert_ne!(line, changed, "the answer is not where it was");
    fs::write(&counted, text.replace(line, &changed)).unwrap();
    check(&mut replay(&counted, &incrementer()), 1, &["action increment: answer", "expected: 41", "came:     1"]);
    check(replay(&counted, &incrementer()).arg("--json"), 1, &[r#""expected":"41""#]);

    check(&mut replay(&trace, Path::new("/bin/false")), 3, &["the provider does not load"]);
}

#[test]
fn websockets_failing_actions_and_secrets_in_answers_replay_equal() {
    let dir = tempfile::tempdir().unwrap();
    let probe = raw_peer::built("probe");
    let mut command = drpx();
    command.current_dir(dir.path()).arg("trace").arg(&probe).args(["--demo", "-o", "probe.trace"]);
    command.args(["--secret", "probe/token=env:PLANTED"]).env("PLANTED", PLANTED);
    let (out, err, code) = texts(&command.output().unwrap());
    // One of its actions fails on purpose.
    assert_eq!(code, Some(1), "{out}{err}");
    let trace = dir.path().join("probe.trace");
    let text = fs::read_to_string(&trace).unwrap();
    assert!(!text.contains("hunter22") && !text.contains("planted secret"), "{text}");
    assert!(text.contains(r#""dir":"ws plugin->api""#) && text.contains(r#""text":"register "#), "{text}");
    let mut given = replay(&trace, &probe);
    check(given.args(["--secret", "probe/token=env:PLANTED"]).env("PLANTED", PLANTED), 0, &["answers as recorded"]);
    // It tells how long its secret is, which another one is not.
    check(&mut replay(&trace, &probe), 1, &["action secret: answer", "`probe/token` is masked"]);
}

#[test]
fn what_is_no_recording_is_refused_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    for (text, problem) in [
        ("", "the file is empty"),
        ("{}", "line 1 of"),
        (r#"{"drpx_trace":9,"made_by":"","time":"","dropped":0}"#, "it is of version 9"),
        ("{\"drpx_trace\":1,\"made_by\":\"\",\"time\":\"\",\"dropped\":0}\nnothing\n", "line 2 of"),
    ] {
        fs::write(&file, text).unwrap();
        check(&mut replay(&file, &incrementer()), 2, &[problem]);
    }
    let mut wrong = drpx();
    wrong.arg("trace").arg(incrementer()).args(["-o", "/nowhere/at/all"]);
    check(&mut wrong, 2, &["--output /nowhere/at/all"]);
}
