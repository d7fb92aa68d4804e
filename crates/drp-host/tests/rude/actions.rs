//! Rude at an action: whoever asked gets an error that says what happened, and the plugin goes on.

use crate::rig::{Rig, SECRET, SHORT};

/// Runs the action of a plugin that is otherwise good.
async fn answered(rig: &Rig, command: &str) -> (u16, String) {
    let answer = rig.act(command).await;
    let (status, _, message) = answer.error();
    (status, message)
}

async fn rig() -> Rig {
    let rig = Rig::start_with(|times| times.action = Some(SHORT * 2)).await;
    rig.run("shapeless").await;
    rig.until_in_service().await;
    rig
}

/// `#21`, `#22`: what is no answer is an error object with a text.
///
/// `#3`.
#[tokio::test]
async fn what_is_no_answer_is_an_error_of_the_host() {
    let rig = rig().await;
    let check = async |command: &str, status: u16, text: &str| {
        let (answered, message) = answered(&rig, command).await;
        assert!(answered == status && message.contains(text), "{command}: {answered} {message}");
    };
    check("silent", 504, "Plugin p1 did not answer action silent within 1s").await;
    check("garbage", 502, "Plugin p1 did not answer action garbage: its answer is not JSON").await;
    check("error-text", 500, "Raw response: plain text").await;
    rig.until_in_service().await;
    rig.end().await;
}

#[tokio::test]
async fn an_answer_of_100_mb_is_cut_off() {
    let rig = Rig::start().await;
    rig.run("shapeless").await;
    let (status, message) = answered(&rig, "huge").await;
    let expected = "Plugin p1 did not answer action huge: its answer is over the limit of 67108864 bytes";
    assert_eq!((status, message.as_str()), (502, expected));
    rig.until_in_service().await;
    rig.end().await;
}

#[tokio::test]
async fn the_plugins_own_errors_go_through() {
    let rig = rig().await;
    assert_eq!(answered(&rig, "error").await, (418, "no tea".into()));
    assert_eq!(answered(&rig, "code-0").await, (500, "bad cable".into()));
    // Of an action, a 403 says nothing about the provider.
    assert_eq!(answered(&rig, "forbidden").await, (403, "no licence".into()));
    rig.until_in_service().await;
    rig.end().await;
}

#[tokio::test]
async fn what_is_an_answer_is_one_however_it_comes() {
    let rig = Rig::start().await;
    rig.run("shapeless").await;
    for command in ["type", "slow"] {
        let answer = rig.act(command).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["Code"]), (200, &200.into()), "{command}");
    }
    rig.end().await;
}

/// `#4`, `#22`: the caller is told, and the plugin is there again.
///
/// `#21`.
#[tokio::test]
async fn an_end_within_an_action_is_told_and_mended() {
    let rig = rig().await;
    for (command, words) in [("torn", "exit status 6"), ("crash", "exit status 3\n")] {
        let (status, message) = answered(&rig, command).await;
        assert!(status == 502 || status == 503, "{status} {message}");
        assert!(message.starts_with("Plugin p1 ") && message.contains(&format!("action {command}")), "{message}");
        rig.until_error(&["Plugin exited: ", words]).await;
        rig.until_in_service().await;
    }
    rig.end().await;
}

/// `#27`.
#[tokio::test]
async fn an_error_that_shows_everything_shows_no_secret() {
    let rig = rig().await;
    let (status, message) = answered(&rig, "secrets").await;
    assert!(status == 500 && message.contains("RS_TOKEN=<secret>") && !message.contains(SECRET), "{message}");
    rig.end().await;
}

/// `#25`: what is not there is nothing, and no reason to fall over.
#[tokio::test]
async fn an_action_without_a_body_is_one_without_params() {
    let rig = Rig::start().await;
    rig.run("shapeless").await;
    for body in ["", "null", "{}"] {
        let answer = rig.peer.call("POST", "/system/actions/ping?plugin=p1", body).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, "pong".into()), "{body:?}");
    }
    assert_eq!(rig.peer.call("POST", "/machines", r#"{"Name":"bare.example.com","Params":null}"#).await.status, 201);
    let echo = rig.peer.call("POST", "/machines/Name:bare.example.com/actions/echo?plugin=p1", "null").await;
    assert_eq!((echo.status.as_u16(), &echo.json()["Command"]), (200, &"echo".into()));
    let gone = rig.peer.call("POST", "/machines/Name:none/actions/echo", "{}").await;
    assert_eq!(gone.status.as_u16(), 404);
    rig.end().await;
}
