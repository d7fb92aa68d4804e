//! Rude at `config`: the plugin does not come into service, and PluginErrors says why.

use crate::rig::{Rig, SECRET, SHORT};

/// The plugin is refused with these texts, and has no process any more.
async fn refused(rig: Rig, mode: &str, expected: &[&str]) -> String {
    rig.run(mode).await;
    let error = rig.until_error(expected).await;
    rig.end().await;
    error
}

/// `#3`: there is a limit on config, and `#1`: others are configured meanwhile.
#[tokio::test]
async fn who_never_answers_holds_nobody_up() {
    let rig = Rig::start_with(|times| times.config = SHORT * 4).await;
    // Both answers are awaited at once: what comes later must not wait for what came first.
    tokio::join!(rig.run("config-silent"), rig.run_as("other", "config-slow"));
    assert_eq!(rig.act_on("other", "ping").await.json(), "pong");
    rig.until_error(&["Plugin p1 did not answer config within 2s"]).await;
    rig.end().await;
}

/// `#21`, `#22`.
#[tokio::test]
async fn garbage_is_no_answer() {
    let expected = ["Plugin p1 did not answer config: its answer is not JSON", "<html>", "\nReceived Config request: "];
    refused(Rig::start().await, "config-garbage", &expected).await;
}

#[tokio::test]
async fn an_answer_of_100_mb_is_cut_off() {
    let expected = ["Plugin p1 did not answer config: its answer is over the limit of 67108864 bytes"];
    refused(Rig::start().await, "config-huge", &expected).await;
}

#[tokio::test]
async fn an_error_is_shown_as_it_is() {
    for mode in ["config-error", "config-error-in-error"] {
        let error = refused(Rig::start().await, mode, &[]).await;
        assert_eq!(error, "plugin: plugin/rude: bad outlet");
    }
}

/// The Go library cannot send the code 0, but others can.
#[tokio::test]
async fn an_error_whose_code_is_0_is_an_error() {
    refused(Rig::start().await, "config-code-0", &["bad cable"]).await;
}

/// `#36`: the reason is in each plugin of the provider.
#[tokio::test]
async fn a_403_takes_the_provider_away_and_says_why() {
    let rig = Rig::start().await;
    rig.run("config-forbidden").await;
    rig.until_error(&["Missing Plugin Provider: rude-config-forbidden"]).await;
    assert_eq!(rig.errors().await[1], "Provider rude-config-forbidden withdrew: LICENSE: no licence");
    assert_eq!(rig.peer.call("GET", "/plugin_providers/rude-config-forbidden", "").await.status, 404);
    rig.end().await;
}

#[tokio::test]
async fn an_end_within_the_answer_is_an_end() {
    let expected = ["Plugin exited: exit status 6\n", "\ntorn in the middle of an answer"];
    refused(Rig::start().await, "config-torn", &expected).await;
}

/// As Go clients see it, an answer is what its body is.
#[tokio::test]
async fn an_answer_of_another_type_is_read_all_the_same() {
    let rig = Rig::start().await;
    rig.run("config-type").await;
    rig.until_in_service().await;
    rig.end().await;
}

#[tokio::test]
async fn a_slow_answer_is_an_answer() {
    let rig = Rig::start().await;
    rig.run("config-slow").await;
    rig.until_in_service().await;
    rig.end().await;
}

/// `#4`: an end is noticed, told and followed by another start.
#[tokio::test]
async fn a_crash_says_its_last_words() {
    let expected = ["Plugin exited: exit status 5\n", "\ncannot bear this"];
    refused(Rig::start().await, "config-crash", &expected).await;
}

/// `#27`: nor does the line with which Go plugins log their config.
#[tokio::test]
async fn an_error_that_shows_everything_shows_no_secret() {
    let rig = Rig::start().await;
    rig.run("config-secrets").await;
    let error = rig.until_error(&["rude/token", "RS_TOKEN=<secret>"]).await;
    assert!(!error.contains(SECRET), "{error}");
    rig.end().await;
}
