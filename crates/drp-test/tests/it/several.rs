//! Several providers in one process, each under its own host.

use drp_test::TestHost;
use serde_json::json;

use crate::provider::provider;

async fn lamp(watts: u32) -> TestHost {
    let host = TestHost::start(provider()).await;
    let token = format!("t0ken-of-{watts}");
    host.configure(json!({"lamp/token": token, "lamp/watts": watts})).await.unwrap();
    host
}

#[tokio::test]
async fn each_logs_to_its_own_host_whatever_task_or_thread_a_line_comes_from() {
    let (one, two) = tokio::join!(lamp(11), lamp(22));
    for _ in 0..3 {
        let (a, b) = tokio::join!(one.act_on_system::<()>("say", json!({})), two.act_on_system::<()>("say", json!({})));
        a.and(b).unwrap();
    }
    for (host, own, other) in [(one, "11", "22"), (two, "22", "11")] {
        for who in ["task", "thread"] {
            host.wait_for_log(&format!("said by a {who} with {own} watts")).await;
        }
        let ended = host.stop().await;
        assert!(!ended.logged(&format!("with {other} watts")));
        assert!(!ended.logged("t0ken-of-"));
    }
}

#[tokio::test]
async fn one_goes_on_when_another_stops() {
    let (one, two) = (lamp(1).await, lamp(2).await);
    one.stop().await;
    assert_eq!(two.act_on_system::<String>("sleep", json!({})).await.unwrap(), "slept");
    drop(two);
}
