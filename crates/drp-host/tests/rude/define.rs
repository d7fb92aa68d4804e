//! Rude at `define`: nothing is imported, the error says why, and what was there stays.

use http::StatusCode;

use crate::rig::{Rig, SHORT};

/// Loading the provider fails with these texts, and it is not there.
async fn refused(rig: Rig, mode: &str, expected: &[&str]) {
    let error = rig.load(mode).await.unwrap_err();
    assert!(error.starts_with(&format!("Skipping rude-{mode} because ")), "{error}");
    for text in expected {
        assert!(error.contains(text), "{error}");
    }
    // An error is no place for a flood.
    assert!(error.len() < 40_000, "{} bytes", error.len());
    let line = error.lines().next().unwrap();
    assert!(rig.log().await.iter().any(|logged| logged.starts_with(line)), "{line} is not in the log");
    let shown = rig.peer.call("GET", &format!("/plugin_providers/rude-{mode}"), "").await;
    assert_eq!(shown.status, StatusCode::NOT_FOUND);
    rig.end().await;
}

/// Loading the provider works, and so does its plugin.
async fn taken(mode: &str) {
    let rig = Rig::start().await;
    rig.run(mode).await;
    rig.until_in_service().await;
    rig.end().await;
}

#[tokio::test]
async fn garbage_is_no_definition() {
    refused(Rig::start().await, "define-garbage", &["bad json: expected", "\nthis is not JSON"]).await;
}

#[tokio::test]
async fn nothing_is_no_definition() {
    refused(Rig::start().await, "define-empty", &["bad json: "]).await;
}

#[tokio::test]
async fn a_definition_of_100_mb_is_refused() {
    refused(Rig::start().await, "define-huge", &["define failed: it wrote more than 67108864 bytes"]).await;
}

/// `#3`.
#[tokio::test]
async fn a_define_without_end_is_ended_with_its_helpers() {
    let rig = Rig::start_with(|times| times.define = SHORT).await;
    refused(rig, "define-endless", &["define failed: it took longer than 500ms"]).await;
}

#[tokio::test]
async fn a_define_that_fails_is_quoted() {
    refused(Rig::start().await, "define-refused", &["exit status 1: ", "\nno licence"]).await;
}

#[tokio::test]
async fn lines_behind_the_definition_make_it_none() {
    refused(Rig::start().await, "define-trailing", &["bad json: trailing characters"]).await;
}

/// `#9`: only standard output is the definition.
#[tokio::test]
async fn lines_on_stderr_are_no_part_of_the_definition() {
    taken("define-noisy").await;
}

#[tokio::test]
async fn another_protocol_is_refused() {
    refused(Rig::start().await, "define-version", &["bad version: 2"]).await;
}

/// A host remembers which file a provider is.
#[tokio::test]
async fn a_name_that_is_not_that_of_the_file_is_the_name() {
    let rig = Rig::start().await;
    rig.load("define-misnamed").await.unwrap();
    assert_eq!(rig.peer.call("GET", "/plugin_providers/somebody-else", "").await.status, StatusCode::OK);
    rig.end().await;
}

#[tokio::test]
async fn content_that_is_none_is_refused() {
    refused(Rig::start().await, "define-content", &["bad content: cannot read content as YAML: "]).await;
}

#[tokio::test]
async fn json_that_nests_too_deep_is_refused() {
    refused(Rig::start().await, "define-deep", &["bad json: "]).await;
}

#[tokio::test]
async fn an_environment_that_is_printed_shows_no_token() {
    refused(Rig::start().await, "define-secrets", &["bad json: "]).await;
}

#[tokio::test]
async fn bytes_that_are_no_text_are_no_definition() {
    refused(Rig::start().await, "define-binary", &["bad json: "]).await;
}

#[tokio::test]
async fn values_of_the_wrong_type_are_named() {
    refused(Rig::start().await, "define-wrong-types", &["bad json: invalid type: integer `7`, expected a string"])
        .await;
}

#[tokio::test]
async fn many_actions_are_only_many() {
    taken("define-many").await;
}
