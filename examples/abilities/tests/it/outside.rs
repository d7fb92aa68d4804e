//! What a provider offers beside actions and events: paths in the API, and commands.

use std::{process::Stdio, time::Duration};

use drp_plugin::client::Request;
use drp_test::TestHost;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
    time::timeout,
};

use crate::{executable, start};

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn paths_of_a_plugins_own_are_answered_beside_its_health() {
    let host = start("web-endpoint").await;
    host.configure(json!({})).await.unwrap();
    let below = |path: &str| format!("plugin-apis/web-endpoint/{path}");
    let post = async |note: Value| host.client().send::<Value>(Request::create(&below("notes"), &note).unwrap()).await;
    let get = async |path: &str| host.client().send::<Value>(Request::list(&below(path)).unwrap()).await;
    let note = post(json!({"text": "buy milk", "author": "nobody"})).await.unwrap();
    assert!(note["author"].as_str().unwrap().contains("rocketskates"), "{note}");
    assert_eq!(get("notes").await.unwrap(), json!([note]));
    let error = post(json!({"text": 7})).await.unwrap_err();
    assert!(error.status() == Some(400) && error.chain().contains("expected a note"), "{}", error.chain());
    assert_eq!(get("nothing").await.unwrap_err().status(), Some(404));
    let metrics = host.client().download(Request::list(&below("metrics")).unwrap()).await.unwrap().next().await;
    assert!(String::from_utf8_lossy(&metrics.unwrap().unwrap()).contains("# TYPE"));
    assert_eq!(get("health").await.unwrap()["Configured"], json!(true));
    host.stop().await;
}

/// The example's command, as a person runs it against the host.
fn own_command(host: &TestHost, args: &[&str]) -> Command {
    let mut command = Command::new(executable("own-command"));
    command.args(args).envs(host.environment()).kill_on_drop(true).stderr(Stdio::piped());
    command
}

#[tokio::test]
async fn a_command_calls_an_action_without_any_plugin() {
    let host = start("own-command").await;
    host.machine("m1").await;
    let said = own_command(&host, &["greet", "m1"]).output().await.unwrap();
    let text = String::from_utf8(said.stderr).unwrap();
    assert!(said.status.success() && text.contains("Hello, m1! Hello, m1!"), "{text}");
    for (args, expected) in [(&["greet"][..], "usage: own-command greet NAME"), (&["greet", "m9"], "m9")] {
        let refused = own_command(&host, args).output().await.unwrap();
        let text = String::from_utf8(refused.stderr).unwrap();
        assert!(!refused.status.success() && text.contains(expected), "{text}");
    }
    let help = own_command(&host, &["help"]).output().await.unwrap();
    assert!(String::from_utf8(help.stdout).unwrap().contains("Greet a machine by its NAME"));
    host.stop().await;
}

#[tokio::test]
async fn a_provider_follows_a_server_that_does_not_run_it() {
    let host = start("own-command").await;
    let mut child = own_command(&host, &["follow"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut wait_for = async |text: &str| {
        let mut seen = Vec::new();
        let search = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if line.contains(text) {
                    return true;
                }
                seen.push(line);
            }
            false
        };
        let found = timeout(PATIENCE, search).await;
        assert_eq!(found, Ok(true), "no `{text}` in {seen:?}");
    };
    wait_for("following; there are 0 machines").await;
    host.machine("m1").await;
    wait_for("Hello, m1!").await;
    let asked = Command::new("kill").args(["-TERM", &child.id().unwrap().to_string()]).status().await.unwrap();
    assert!(asked.success());
    assert!(timeout(PATIENCE, child.wait()).await.unwrap().unwrap().success());
    host.stop().await;
}
