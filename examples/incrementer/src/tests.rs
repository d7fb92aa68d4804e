#![allow(clippy::unwrap_used, reason = "tests")]

use drp_test::TestHost;
use serde_json::json;

use super::*;

#[tokio::test]
async fn a_machine_is_incremented_by_its_step_and_reset() {
    let host = TestHost::start(provider()).await;
    host.configure(json!({})).await.unwrap();
    let machine = host.machine("demo").await;
    assert_eq!(host.act::<i64>("increment", &machine, json!({})).await.unwrap(), 1);
    // What the machine has set is filled in by the server.
    host.set_param(&machine, "incrementer/step", 5).await;
    assert_eq!(host.act::<i64>("increment", &machine, json!({})).await.unwrap(), 6);
    host.wait_for_log("incrementer/default is now 6").await;
    assert_eq!(host.param(&machine, TOUCHED).await, Some(json!(2)));
    assert_eq!(host.act::<String>("reset_count", &machine, json!({})).await.unwrap(), "Success");
    assert_eq!(host.param(&machine, TOUCHED).await, None);
    assert_eq!(host.stop().await.error, None);
}

#[tokio::test]
async fn a_step_that_is_no_number_is_refused() {
    let host = TestHost::start(provider()).await;
    host.configure(json!({})).await.unwrap();
    let machine = host.machine("demo").await;
    let refused = host.act::<i64>("increment", &machine, json!({"incrementer/step": "x"})).await.unwrap_err();
    assert!(refused.code >= 400 && refused.to_string().contains("incrementer/step"), "{refused}");
    host.stop().await;
}
