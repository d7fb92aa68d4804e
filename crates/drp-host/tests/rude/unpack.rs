//! Rude at `unpack`: the provider is there, and its record and the log say what is wrong (`#34`).

use http::StatusCode;

use crate::rig::{Rig, SHORT};

/// The provider is taken in, with an error in its record.
async fn recorded(rig: Rig, mode: &str, expected: &str) {
    rig.run(mode).await;
    let record = rig.peer.call("GET", &format!("/plugin_providers/rude-{mode}"), "").await.json();
    let error = record["Errors"][0].as_str().unwrap_or_default();
    let text = format!("Cannot unpack provider rude-{mode}: {expected}");
    assert!(error.starts_with(&text), "{record}");
    assert!(rig.log().await.iter().any(|line| line.starts_with(&text)));
    // The plugin needs no assets.
    rig.until_in_service().await;
    rig.end().await;
}

#[tokio::test]
async fn a_failed_unpack_is_quoted() {
    recorded(Rig::start().await, "unpack-refused", "exit status 3\nno room").await;
}

/// `#3`.
#[tokio::test]
async fn an_unpack_without_end_is_ended_with_its_helpers() {
    let rig = Rig::start_with(|times| times.unpack = SHORT).await;
    recorded(rig, "unpack-endless", "it took longer than 500ms").await;
}

#[tokio::test]
async fn an_unpack_that_floods_is_ended() {
    recorded(Rig::start().await, "unpack-flood", "it wrote more than 67108864 bytes").await;
}

#[tokio::test]
async fn an_unpack_that_prints_its_environment_shows_no_token() {
    recorded(Rig::start().await, "unpack-secrets", "exit status 1\n").await;
}

#[tokio::test]
async fn links_lead_nobody_out_of_the_static_files() {
    let rig = Rig::start().await;
    rig.load("unpack-link").await.unwrap();
    let base = "/files/plugin_providers/rude-unpack-link";
    for path in ["passwd", "etc/passwd", "up", "up/token.key", "asset/token.key", "etc"] {
        for method in ["GET", "HEAD"] {
            let request = http::Request::builder().method(method).uri(format!("{base}/{path}"));
            let request = request.header("authorization", rig.peer.bearer()).body(http_body_util::Full::default());
            let answer = rig.peer.send(request.unwrap()).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}: {:?}", answer.body);
        }
    }
    // The next unpack finds an empty directory, and what the links led to is still there.
    assert!(rig.data().join("token.key").exists());
    rig.load("unpack-link").await.unwrap_or_else(|error| panic!("{error}"));
    assert!(rig.data().join("token.key").exists() && std::path::Path::new("/etc/passwd").exists());
    rig.end().await;
}
