//! `drpx run`.

use std::{
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Stdio,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::process::{drpx, incrementer, rude_provider, texts};

#[test]
fn the_main_job_shows_the_whole_life_and_leaves_nothing_behind() {
    let arguments = ["--demo", "--action", "increment", "--action", "increment", "--exit"];
    let output = drpx().arg("run").arg(incrementer()).args(arguments).output().unwrap();
    let (out, err, code) = texts(&output);
    assert_eq!(code, Some(0), "{out}{err}");
    let mut rest = out.as_str();
    let order = [
        "serving https://",
        "defined incrementer v4.7.0",
        "configured plugin incrementer",
        "machine demo",
        "increment on demo → 1",
        "increment on demo → 2",
        "stopped all plugins",
    ];
    for step in order {
        rest = rest.split_once(step).unwrap_or_else(|| panic!("no `{step}` in time:\n{out}")).1;
    }
    let anywhere = [
        "is defined and unpacked",
        "Plugin incrementer is listening",
        "event machines.update.",
        "event plugins.stopped.incrementer",
        "incrementer/default is now 2",
    ];
    for step in anywhere {
        assert!(out.contains(step), "no `{step}`:\n{out}");
    }
    let data = out.split_once("(data in ").unwrap().1.split_once(')').unwrap().0;
    assert!(!Path::new(data).exists(), "`{data}` is left behind");
}

#[test]
fn provider_and_data_may_be_named_from_where_the_command_is_run() {
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(incrementer(), dir.path().join("incrementer")).unwrap();
    let arguments = ["run", "incrementer", "--data", "data", "--demo", "--action", "incrstatus", "--exit"];
    for round in ["new", "there already"] {
        let output = drpx().current_dir(dir.path()).args(arguments).output().unwrap();
        let (out, err, code) = texts(&output);
        assert_eq!(code, Some(0), "{round}: {out}{err}");
        assert!(out.contains("incrstatus on the system → \"Running\""), "{round}: {out}");
    }
    // A provider of the data directory, found by a server that was given a relative path.
    let plugins = dir.path().join("served/plugins");
    std::fs::create_dir_all(&plugins).unwrap();
    std::os::unix::fs::symlink(rude_provider(), plugins.join("rude-auto")).unwrap();
    let mut child = drpx()
        .current_dir(dir.path())
        .args(["serve", "--data", "served", "--listen", "127.0.0.1:0", "--user", "admin:secret"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let told = lines
        .inspect(|line| println!("{line}"))
        .find(|line| line.contains("is listening") || line.contains("Failed to start"));
    kill_process(Pid::from_child(&child), Signal::KILL).unwrap();
    child.wait().unwrap();
    assert!(told.is_some_and(|line| line.contains("is listening")));
}

#[test]
fn a_demo_runs_what_can_be_run_and_names_what_cannot() {
    let output = drpx().arg("run").arg(incrementer()).args(["--demo", "--exit"]).output().unwrap();
    let (out, err, code) = texts(&output);
    assert_eq!(code, Some(0), "{out}{err}");
    for step in ["increment on demo → 1", "reset_count on demo → \"Success\"", "incrstatus on the system → \"Running\""]
    {
        assert!(out.contains(step), "no `{step}`:\n{out}");
    }
    let output =
        drpx().arg("run").arg(incrementer()).args(["--demo", "--action", "reset_count", "--exit"]).output().unwrap();
    let (out, err, code) = texts(&output);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(
        out.contains("skipped reset_count on demo: Action reset_count Missing Parameter incrementer/touched"),
        "{out}"
    );
}

#[test]
fn data_that_is_kept_goes_on_where_it_ended() {
    let data = tempfile::tempdir().unwrap();
    for expected in ["increment on demo → 1", "increment on demo → 2"] {
        let arguments = ["--demo", "--action", "increment", "--exit", "--data"];
        let output = drpx().arg("run").arg(incrementer()).args(arguments).arg(data.path()).output().unwrap();
        let (out, err, code) = texts(&output);
        assert_eq!(code, Some(0), "{out}{err}");
        assert!(out.contains(expected), "{out}");
    }
}

#[test]
fn a_secret_of_the_command_line_is_shown_nowhere() {
    const SECRET: &str = "opensesame-4711";
    let mut command = drpx();
    command.arg("run").arg(incrementer()).args(["--secret", "demo/key=env:DEMO_KEY", "--demo", "--exit"]);
    // The param that repeats it is no secret one, so the server does not know either.
    command.args([
        "--param",
        "demo/other=opensesame-4711",
        "--action",
        "increment={\"incrementer/parameter\":\"opensesame-4711\"}",
    ]);
    let (out, err, code) = texts(&command.env("DEMO_KEY", SECRET).output().unwrap());
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(!out.contains(SECRET) && !err.contains(SECRET), "{out}{err}");
    assert!(out.contains("<secret> is now 1"), "{out}");
}

#[test]
fn exit_codes_tell_what_went_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let provider = dir.path().join("bad-provider");
    std::fs::write(&provider, "#!/bin/sh\necho nonsense\n").unwrap();
    std::fs::set_permissions(&provider, std::fs::Permissions::from_mode(0o755)).unwrap();
    let check = |path: &Path, arguments: &[&str], expected: i32, text: &str| {
        let output = drpx().arg("run").arg(path).args(arguments).arg("--exit").output().unwrap();
        let (out, err, code) = texts(&output);
        assert_eq!(code, Some(expected), "{path:?} {arguments:?}: {out}{err}");
        assert!((out.clone() + &err).contains(text), "no `{text}`: {out}{err}");
    };
    check(Path::new("no/such/path"), &[], 2, "cannot find `no/such/path`");
    check(&provider, &[], 3, "Skipping bad-provider because of bad json");
    check(&incrementer(), &["--action", "nosuch"], 2, "no provider offers action `nosuch`");
    check(&incrementer(), &["--action", "increment={"], 2, "--action increment: the params are no JSON object");
    check(
        &incrementer(),
        &["--demo", "--action", r#"increment={"incrementer/step":"x"}"#],
        1,
        "Invalid Parameter: incrementer/step",
    );
    check(&incrementer(), &["--secret", "a=b"], 2, "--secret a=env:VARIABLE");
}

#[test]
fn ctrl_c_stops_everything_cleanly() {
    let mut child = drpx().arg("run").arg(incrementer()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    lines.find(|line| line.contains("running until Ctrl-C")).expect("it runs");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let rest: Vec<String> = lines.collect();
    assert!(rest.iter().any(|line| line.contains("stopped all plugins")), "{rest:?}");
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_plugin_that_starts_by_itself_is_used_when_it_has_the_params_it_was_given() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rude-auto");
    std::os::unix::fs::symlink(rude_provider(), &path).unwrap();
    let arguments = ["--param", "rude/x=1", "--param", "rude/y=2", "--action", "environment", "--exit"];
    let (out, err, code) = texts(&drpx().arg("run").arg(&path).args(arguments).output().unwrap());
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.contains("environment on the system → {"), "{out}");
}
