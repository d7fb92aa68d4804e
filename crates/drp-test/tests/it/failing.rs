//! What an author reads when a test fails.

use std::{sync::Arc, time::Duration};

use drp_plugin::Provider;
use drp_test::TestHost;
use serde_json::json;

use crate::provider::provider;

/// The text of the panic in which this ends.
async fn panic_of(work: impl Future<Output = ()> + Send + 'static) -> String {
    let panic = tokio::spawn(work).await.unwrap_err().into_panic();
    panic.downcast_ref::<String>().unwrap().clone()
}

#[tokio::test]
async fn what_is_waited_for_in_vain_is_told_with_what_came_instead() {
    let host = TestHost::start(provider()).await;
    host.configure(json!({"lamp/token": "t0ken"})).await.unwrap();
    let host = Arc::new(host.with_patience(Duration::from_millis(50)));
    let waiting = Arc::clone(&host);
    let text = panic_of(async move { drop(waiting.wait_for_log("light").await) }).await;
    assert!(text.contains("failing.rs:") && text.contains("in vain for a log line with `light`"), "{text}");
    assert!(text.contains("\n  info lamp: configured"), "{text}");

    let waiting = Arc::clone(&host);
    let text = panic_of(async move { drop(waiting.wait_for_event("lamps.*.*").await) }).await;
    assert!(text.contains("an event `lamps.*.*`") && text.contains("\n  plugins.configed.lamp"), "{text}");
}

#[tokio::test]
async fn a_provider_that_is_put_together_wrong_is_told_with_its_mistakes() {
    let text = panic_of(async { drop(TestHost::start(Provider::new("a/b", "v1.0.0")).await) }).await;
    assert!(
        text.starts_with("cannot start a host with the provider: ") && text.contains("Invalid Name `a/b`"),
        "{text}"
    );
}
