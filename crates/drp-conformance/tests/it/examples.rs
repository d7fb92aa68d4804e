//! Providers of this project keep the whole contract.

use std::time::Duration;

use drp_conformance::{Code, Expected, Outcome, Suite, output};

async fn holds(suite: &Suite, skips_max: usize) {
    let report = suite.run(|_| {}).await.unwrap();
    let text = output::people(&report, &Expected::default());
    assert!(report.is_usable && report.failed().next().is_none(), "{text}");
    assert_eq!(report.checks.len(), Code::ALL.iter().filter(|code| !code.is_of_hosts()).count());
    assert!(report.counts().skipped <= skips_max, "{text}");
}

fn suite(package: &str) -> Suite {
    let mut suite = Suite::new(raw_peer::built(package));
    // Other tests run at the same time.
    suite.patience = Duration::from_secs(60);
    suite
}

/// At the same time: most of it is waiting.
#[tokio::test(flavor = "multi_thread")]
async fn all_of_them_pass() {
    let (actions, files, events) = (provider_of_actions(), suite("content-only"), provider_of_events());
    // Of the last only events that are posted are skipped: it declares none.
    tokio::join!(holds(&actions, 17), holds(&files, 22), holds(&events, 4));
}

fn provider_of_actions() -> Suite {
    let mut suite = suite("incrementer");
    suite.actions = ["increment", "incrstatus"].map(|call| call.parse().unwrap()).to_vec();
    suite
}

/// With everything that a suite can be told.
fn provider_of_events() -> Suite {
    let mut suite = suite("probe");
    suite.secrets.insert("probe/token".to_owned(), "opensesame-4711".to_owned());
    suite.echoes.push("echo=probe/value".parse().unwrap());
    let calls = [
        r#"sleep={"probe/seconds":0.5}"#,
        r#"log={"probe/count":3}"#,
        r#"spawn={"probe/command":"echo hello"}"#,
        "secret",
        "store",
        "seen",
    ];
    suite.actions = calls.map(|call| call.parse().unwrap()).to_vec();
    suite
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_apply_is_skipped_with_the_reason() {
    let mut suite = suite("content-only");
    suite.only = [Code::ActionGood, Code::EventsReconnect, Code::PublishAnswers].into();
    let report = suite.run(|_| {}).await.unwrap();
    let check = |code, reason: &str| assert_eq!(report.outcome(code), Some(&Outcome::Skipped(reason.to_owned())));
    check(Code::ActionGood, "no action was named with --action");
    check(Code::EventsReconnect, "it opens no websocket");
    check(Code::PublishAnswers, "it does not declare HasPublish");
    assert_eq!(report.checks.len(), 3);
}
