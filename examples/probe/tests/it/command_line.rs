//! The other ways in which a host runs it.

use std::{os::unix::fs::PermissionsExt, process::Command};

use crate::peer::PROBE;

#[test]
fn unpack_writes_the_tool_with_its_mode_and_again_without_change() {
    let dir = tempfile::tempdir().unwrap();
    let unpack = || Command::new(PROBE).arg("unpack").arg(dir.path()).output().unwrap();
    assert!(unpack().status.success());
    let tool = dir.path().join("bin/tool");
    let first = tool.metadata().unwrap();
    assert_eq!(first.permissions().mode() & 0o777, 0o755);
    assert!(first.len() >= 64 << 10);
    assert!(Command::new(&tool).status().unwrap().success());
    let output = unpack();
    assert!(output.status.success() && output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
    assert_eq!(tool.metadata().unwrap().modified().unwrap(), first.modified().unwrap());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    assert_eq!(std::fs::read_dir(dir.path().join("bin")).unwrap().count(), 1);
}

#[test]
fn a_wrong_command_line_is_an_error_and_no_panic() {
    let check = |args: &[&str]| {
        let output = Command::new(PROBE).args(args).output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.code() == Some(1) && err.starts_with("Error: ") && !err.contains("panicked"),
            "{args:?} {err}"
        );
    };
    check(&["unpack"]);
    check(&["unpack", ""]);
    check(&["listen"]);
    check(&["listen", "one"]);
    check(&["nosuch"]);
}
