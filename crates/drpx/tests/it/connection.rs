//! How commands find their server: options, environment, `~/.drpclirc`.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use crate::process::{Server, USER, drpx, texts};

/// A command that the server refuses in known words once it knows who asks.
const ASK: [&str; 3] = ["action", "system", "nosuch"];
const ANSWER: &str = "Action nosuch on system: Not Found";

fn ask(args: &[&str]) -> Command {
    let mut command = drpx();
    command.args(ASK).args(args);
    command
}

/// What it printed to stderr, as it got through to the server.
fn got_through(command: &mut Command) -> String {
    let (_, err, code) = texts(&command.output().unwrap());
    assert!(code == Some(1) && err.contains(ANSWER), "{err}");
    err
}

fn write_settings(home: &Path, text: &str, mode: u32) {
    let path = home.join(".drpclirc");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_server_is_found_by_options_file_and_environment_in_this_order() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let ca_file = server.ca_file.to_str().unwrap();
    let home = tempfile::tempdir().unwrap();
    let endpoint = &server.endpoint;

    write_settings(home.path(), &format!("RS_ENDPOINT={endpoint}\nRS_KEY={USER}\n"), 0o600);
    let from_file = |args: &[&str]| {
        let mut command = ask(args);
        command.env("HOME", home.path()).env("RS_CA_FILE", ca_file);
        command
    };
    let err = got_through(&mut from_file(&[]));
    assert!(!err.contains("warning"), "{err}");

    // A file that others can read wins over the environment.
    write_settings(home.path(), &format!("RS_ENDPOINT={endpoint}\nRS_KEY={USER}\n"), 0o644);
    let err = got_through(from_file(&[]).env("RS_ENDPOINT", "https://127.0.0.1:1").env("RS_KEY", "nobody:wr0ng"));
    assert!(err.contains("open to others (mode 644)") && !err.contains("wr0ng"), "{err}");
    assert!(err.contains("RS_ENDPOINT has no effect: ~/.drpclirc wins over it"), "{err}");

    // What the file does not say, the environment does.
    write_settings(home.path(), "RS_URL_PROXY=\n", 0o600);
    got_through(from_file(&[]).env("RS_ENDPOINT", endpoint).env("RS_KEY", USER));

    // Options win over both, and the first server that works is taken of several.
    got_through(from_file(&["-E", endpoint, "--user", USER]).env("RS_ENDPOINT", "https://127.0.0.1:1"));
    let err = got_through(from_file(&["--user", USER]).env("RS_ENDPOINTS", format!("https://127.0.0.1:1 {endpoint}")));
    assert!(err.contains("https://127.0.0.1:1 is passed over: GET info failed"), "{err}");
}

#[test]
fn a_certificate_is_believed_by_its_file_or_fingerprint() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let as_admin = |args: &[&str]| ask(&[args, &["-E", &server.endpoint, "--user", USER]].concat());

    let (_, err, code) = texts(&as_admin(&[]).output().unwrap());
    assert_eq!(code, Some(1));
    let shown = err.split("SHA-256 ").nth(1).and_then(|rest| rest.get(..64)).expect(&err);
    got_through(&mut as_admin(&["--pin", shown]));
    got_through(&mut as_admin(&["--ca-file", server.ca_file.to_str().unwrap()]));

    let (_, err, code) = texts(&as_admin(&["--pin", &"ab".repeat(32)]).output().unwrap());
    assert!(code == Some(1) && err.contains("instead of the pinned abab"), "{err}");
    for args in [["--pin", "ab"].as_slice(), &["--pin", shown, "--accept-invalid-certs"]] {
        assert_eq!(texts(&as_admin(args).output().unwrap()).2, Some(2), "{args:?}");
    }
}
