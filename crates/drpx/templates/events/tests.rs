//! Handlers are functions, so a test calls them. The last test starts a server with the provider under it.

use drp_plugin::{Model, Raw};
use drp_test::{TestHost, context};
use serde_json::json;

use super::*;

fn state(prefix: &str) -> State {
    State {
        prefix: prefix.to_owned(),
        ..State::default()
    }
}

fn event(action: &str, machine: &str) -> Event {
    let machine = json!({ "Name": machine });
    Event::new("machines", action, "a-uuid", Raw::from(machine))
}

#[tokio::test]
async fn machines_of_the_prefix_are_counted() {
    let context = context(state("web"));
    for machine in ["web1", "db1"] {
        created(context.clone(), event("create", machine))
            .await
            .unwrap();
    }
    let counts = counts(context, System, NoParams {}).await.unwrap();
    assert_eq!((counts.created, counts.deleted), (1, 0));
}

#[tokio::test]
async fn an_event_of_something_else_is_an_error() {
    let odd = Event::new("machines", "create", "a-uuid", Raw::from("no machine"));
    assert!(created(context(state("")), odd).await.is_err());
}

#[tokio::test]
async fn it_works_under_a_server() {
    let host = TestHost::start(provider()).await;
    let params = json!({"@NAME@/prefix": "web"});
    host.configure(params).await.unwrap();
    let machine = host.machine("web1").await;
    host.wait_for_log("web1 is created").await;
    host.client()
        .objects::<Machine>()
        .delete(&machine.key())
        .await
        .unwrap();
    host.wait_for_log("web1 is deleted").await;
    let counts: Counts = host.act_on_system("counts", json!({})).await.unwrap();
    assert_eq!((counts.created, counts.deleted), (1, 1));
    host.stop().await;
}
