//! Handlers are functions, so a test calls them. The last test starts a server with the provider under it.

use drp_test::{TestHost, context};
use serde_json::json;

use super::*;

fn state(greeting: &str) -> State {
    State {
        greeting: greeting.to_owned(),
    }
}

#[tokio::test]
async fn a_machine_is_greeted_as_often_as_was_asked() {
    let machine = Machine {
        name: "m1".to_owned(),
        ..Machine::default()
    };
    let greeted = greet(context(state("Hi")), machine, Greet { times: 2 }).await;
    assert_eq!(greeted.unwrap(), "Hi, m1! Hi, m1!");
}

#[test]
fn the_definition_offers_the_actions_and_params() {
    let definition = provider().definition().unwrap();
    assert_eq!(definition.name, "@NAME@");
    let offered: Vec<_> = definition
        .available_actions
        .iter()
        .map(|action| (action.prefix(), &*action.command))
        .collect();
    assert_eq!(offered, [("machines", "greet"), ("system", "status")]);
    let optional = definition.optional_params.to_vec();
    assert_eq!(optional, ["@NAME@/greeting"]);
}

#[tokio::test]
async fn it_works_under_a_server() {
    let host = TestHost::start(provider()).await;
    let bad = json!({"@NAME@/greeting": " "});
    let told = host.configure(bad).await.unwrap_err().to_string();
    assert!(told.contains("@NAME@/greeting is empty"), "{told}");

    let good = json!({"@NAME@/greeting": "Hi"});
    host.configure(good).await.unwrap();
    let machine = host.machine("m1").await;
    let greeted: String = host.act("greet", &machine, json!({})).await.unwrap();
    assert_eq!(greeted, "Hi, m1!");
    host.wait_for_log("Hi, m1!").await;
    host.stop().await;
}
