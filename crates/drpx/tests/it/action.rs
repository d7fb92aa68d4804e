//! `drpx action` against `drpx serve`.

use rustix::process::Signal;

use crate::process::{PATIENCE, Server, drpx, eventually, incrementer, texts};

pub(crate) fn serve_incrementer(data: &std::path::Path) -> Server {
    let plugins = data.join("plugins");
    std::fs::create_dir_all(&plugins).unwrap();
    std::fs::copy(incrementer(), plugins.join("incrementer")).unwrap();
    Server::start(data)
}

#[test]
fn an_action_prints_its_result_and_nothing_else() {
    let data = tempfile::tempdir().unwrap();
    let mut server = serve_incrementer(data.path());
    let client = crate::killed::client(&server);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(crate::killed::create_plugin_and_machine(&client));
    let run = |args: &[&str]| texts(&server.drpx(&[&["action"], args].concat()));
    eventually(PATIENCE, "the plugin is configured", || (run(&["system", "incrstatus"]).2 == Some(0)).then_some(()));

    assert_eq!(run(&["system", "incrstatus"]), ("\"Running\"\n".into(), String::new(), Some(0)));
    assert_eq!(run(&["machines/demo", "increment", "incrementer/step=5"]), ("5\n".into(), String::new(), Some(0)));
    assert_eq!(run(&["machines/Name:demo", "increment", "--plugin", "incr"]).0, "6\n");
    let (out, err, code) = run(&["machines/demo", "nosuch"]);
    assert_eq!((out.as_str(), code), ("", Some(1)));
    assert!(err.contains("Action nosuch on machines: Not Found"), "{err}");
    assert_eq!(run(&["demo", "increment"]).2, Some(2));

    let stranger = drpx().args(["action", "system", "incrstatus", "-E", &server.endpoint]).output().unwrap();
    assert_eq!(stranger.status.code(), Some(2), "nobody said who they are");
    let unknown = drpx()
        .args(["action", "system", "incrstatus", "-E", &server.endpoint, "--user", "admin:hunter22"])
        .output()
        .unwrap();
    let (_, err, code) = texts(&unknown);
    assert_eq!(code, Some(1), "the certificate is not verified: {err}");
    let wrong = drpx()
        .args([
            "action",
            "system",
            "incrstatus",
            "-E",
            &server.endpoint,
            "--user",
            "admin:wrong",
            "--accept-invalid-certs",
        ])
        .output()
        .unwrap();
    let (_, err, code) = texts(&wrong);
    assert_eq!(code, Some(1));
    assert!(err.contains("warning: any certificate is believed") && !err.contains("wrong"), "{err}");

    server.signal(Signal::TERM);
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_document_of_the_api_is_printed() {
    let output = drpx().arg("openapi").output().unwrap();
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), document["openapi"].as_str()), (Some(0), Some("3.1.0")));
    assert!(document["paths"]["/api/v3/machines/{key}"]["get"].is_object());
}

#[test]
fn help_and_completions_are_there() {
    let of_commands =
        ["run", "serve", "action", "events", "logs", "backup", "restore"].map(|command| [command, "--help"]);
    let of_commands = of_commands.iter().map(|args| &args[..]);
    for args in of_commands.chain([&["--help"] as &[_], &["completions", "bash"]]) {
        let (out, err, code) = texts(&drpx().args(args).output().unwrap());
        assert_eq!((code, err.as_str()), (Some(0), ""), "{args:?}");
        assert!(out.contains("drpx"), "{args:?}");
    }
    assert_eq!(drpx().arg("--nosuch").output().unwrap().status.code(), Some(2));
}
