//! Rude before it serves: PluginErrors says why, with the last lines of stderr, and the start is tried again (`#17`).

use crate::{
    peer::within,
    rig::{Rig, SHORT},
};

const NOT_STARTED: &str = "Failed to start plugin - didn't start: ";

/// The plugin does not start, PluginErrors says these texts, and it is tried again.
async fn not_started(rig: Rig, mode: &str, expected: &[&str]) {
    rig.run(mode).await;
    let error = rig.until_error(expected).await;
    let attempt = format!("Plugin p1: {}", error.lines().next().unwrap());
    within(async {
        while rig.log().await.iter().filter(|line| line.starts_with(&attempt)).count() < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    rig.end().await;
}

/// `#17`: the end of output before `READY!` is a failed start.
#[tokio::test]
async fn an_exit_before_ready_says_its_last_words() {
    let expected = [NOT_STARTED, "exit status 7 before READY!\nI have better things to do"];
    not_started(Rig::start().await, "listen-exit", &expected).await;
}

/// `#17`: `Failed` is a failed start.
#[tokio::test]
async fn failed_is_a_failed_start() {
    not_started(Rig::start().await, "listen-failed", &["Failed to start plugin - didn't respond cleanly"]).await;
}

/// `#3`: there is a limit on the wait for `READY!`.
#[tokio::test]
async fn who_is_never_ready_is_ended() {
    let rig = Rig::start_with(|times| times.ready = SHORT).await;
    not_started(rig, "listen-silent", &[NOT_STARTED, "no READY! within 500ms"]).await;
}

/// `#2`: no lock is held while a plugin starts, not even on its own object.
#[tokio::test]
async fn everything_can_be_read_and_written_while_a_plugin_starts() {
    let rig = Rig::start().await;
    let run = rig.run("listen-silent");
    let write = async {
        for (path, body) in [("/profiles", r#"{"Name":"some"}"#), ("/params", r#"{"Name":"some/param"}"#)] {
            assert_eq!(rig.peer.call("POST", path, body).await.status, 201);
        }
        rig.others_are_served().await;
    };
    tokio::join!(run, write);
    let meta = r#"[{"op":"add","path":"/Meta/icon","value":"x"}]"#;
    assert_eq!(rig.peer.call("PATCH", "/plugins/p1", meta).await.status, 200);
    assert_eq!(rig.peer.call("GET", "/plugin_providers", "").await.status, 200);
    // Ended in the middle of its start.
    rig.end().await;
}

#[tokio::test]
async fn who_is_ready_without_a_socket_is_not_configured() {
    let rig = Rig::start().await;
    rig.run("listen-deaf").await;
    rig.until_error(&["Plugin p1 did not answer config: ", "No such file or directory"]).await;
    rig.end().await;
}

#[tokio::test]
async fn who_is_ready_and_ends_says_its_last_words() {
    not_started(Rig::start().await, "listen-ready-exit", &["Plugin exited: exit status 4\nthat was all"]).await;
}

/// `#18`: lines of any length are drained.
#[tokio::test]
async fn a_line_of_10_mb_holds_nobody_up() {
    let rig = Rig::start().await;
    rig.run("listen-long-line").await;
    rig.until_in_service().await;
    let log = rig.log().await;
    for start in ["Plugin p1(se): eee", "Plugin p1: start-up: ooo"] {
        let line = log.iter().find(|line| line.starts_with(start)).unwrap();
        assert!(line.ends_with(" [cut]") && line.len() < 40_000, "{} bytes", line.len());
    }
    rig.end().await;
}

#[tokio::test]
async fn bytes_that_are_no_text_are_logged_as_they_can_be() {
    let rig = Rig::start().await;
    rig.run("listen-binary").await;
    rig.until_in_service().await;
    assert!(rig.log().await.iter().any(|line| line.starts_with("Plugin p1: start-up: \u{fffd}\0\u{fffd}(")));
    rig.end().await;
}

#[tokio::test]
async fn a_flood_is_not_ready() {
    let rig = Rig::start_with(|times| times.ready = SHORT).await;
    rig.run("listen-flood").await;
    rig.until_error(&[NOT_STARTED, "no READY! within 500ms", "\neeee"]).await;
    rig.end().await;
}
