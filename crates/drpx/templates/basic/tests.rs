//! Handlers are functions, so a test calls them. No server is asked anything here.

use drp_client::{Client, Config as Server, Credentials};

use super::*;

/// What a handler is given besides its target and params. Nobody listens where this client calls.
fn context(greeting: &str) -> Context<State> {
    let server = Server::new("https://127.0.0.1:1", Credentials::Token("no-token".into()));
    Context::new(
        "@NAME@",
        State {
            greeting: greeting.to_owned(),
        },
        Client::new(server).unwrap(),
    )
}

fn machine(name: &str) -> Machine {
    Machine {
        name: name.to_owned(),
        ..Machine::default()
    }
}

#[tokio::test]
async fn a_machine_is_greeted_as_often_as_was_asked() {
    let greeted = greet(context("Hi"), machine("m1"), Greet { times: 2 }).await;
    assert_eq!(greeted.unwrap(), "Hi, m1! Hi, m1!");
}

#[tokio::test]
async fn an_empty_greeting_is_refused() {
    let context = Context::new("@NAME@", (), context("").client().clone());
    let error = configure(
        context,
        Config {
            greeting: " ".to_owned(),
        },
    )
    .await
    .err()
    .unwrap();
    assert_eq!(
        (error.code(), error.messages().join("\n").as_str()),
        (400, "@NAME@/greeting is empty")
    );
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
    assert_eq!(
        definition.optional_params.to_vec(),
        ["@NAME@/greeting"]
    );
}
