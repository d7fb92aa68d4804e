//! Rude at `stop`: it ends all the same, with everything it started.

use crate::rig::{Rig, SHORT};

async fn stopped(mode: &str, logged: Option<&str>) {
    let rig = Rig::start_with(|times| times.stop = SHORT).await;
    rig.run(mode).await;
    rig.until_in_service().await;
    rig.act("helper").await;
    assert_eq!(rig.peer.call("DELETE", "/plugins/p1", "").await.status, 200);
    if let Some(text) = logged {
        rig.until_logged(text).await;
    }
    rig.until_logged("Plugin p1 has stopped").await;
    rig.end().await;
}

/// `#3`, `#24`.
#[tokio::test]
async fn who_never_answers_the_stop_is_ended() {
    stopped("stop-silent", Some("Stop failed: ")).await;
}

#[tokio::test]
async fn who_refuses_to_stop_is_ended() {
    stopped("stop-refuse", Some("Stop failed: plugin: I will not")).await;
}

#[tokio::test]
async fn who_says_yes_and_stays_is_ended() {
    stopped("stop-ignore", None).await;
}

/// A rule to keep: the end of the connection is a good answer, because Go plugins give no other.
#[tokio::test]
async fn who_exits_instead_of_an_answer_has_stopped() {
    let rig = Rig::start().await;
    rig.run("stop-exit").await;
    rig.until_in_service().await;
    assert_eq!(rig.peer.call("DELETE", "/plugins/p1", "").await.status, 200);
    rig.until_logged("Plugin p1 has stopped").await;
    assert!(!rig.log().await.iter().any(|line| line.starts_with("Stop failed")));
    rig.end().await;
}

#[tokio::test]
async fn who_ignores_sigterm_is_killed() {
    stopped("stop-stubborn", Some("Stop failed: ")).await;
}

/// `#24`: a host that stops does not add up the time of those who will not.
#[tokio::test]
async fn a_host_ends_all_that_will_not_stop() {
    let rig = Rig::start_with(|times| times.stop = SHORT).await;
    for mode in ["stop-silent", "stop-refuse", "stop-ignore", "stop-stubborn"] {
        rig.run_as(mode, mode).await;
    }
    let data = rig.data();
    rig.peer.host.stop().await;
    assert!(crate::traces::Traces::now(&data).no_process());
}
