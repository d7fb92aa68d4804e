//! Handlers are functions, so a test calls them. No server is asked anything here.

use drp_client::{Client, Config as Server, Credentials};
use drp_plugin::Raw;

use super::*;

/// What a handler is given besides its event. Nobody listens where this client calls.
fn context(prefix: &str) -> Context<State> {
    let server = Server::new("https://127.0.0.1:1", Credentials::Token("no-token".into()));
    let state = State {
        prefix: prefix.to_owned(),
        ..State::default()
    };
    Context::new("@NAME@", state, Client::new(server).unwrap())
}

fn event(action: &str, machine: &str) -> Event {
    let machine = Machine {
        name: machine.to_owned(),
        ..Machine::default()
    };
    Event::new("machines", action, "a-uuid", Raw::new(&machine).unwrap())
}

#[tokio::test]
async fn machines_of_the_prefix_are_counted() {
    let context = context("web");
    created(context.clone(), event("create", "web1"))
        .await
        .unwrap();
    created(context.clone(), event("create", "db1"))
        .await
        .unwrap();
    deleted(context.clone(), event("delete", "web1"))
        .await
        .unwrap();
    assert_eq!(
        counts(context, System, NoParams {}).await.unwrap(),
        Counts {
            created: 1,
            deleted: 1
        }
    );
}

#[tokio::test]
async fn an_event_of_something_else_is_an_error() {
    let odd = Event::new("machines", "create", "a-uuid", Raw::from("no machine"));
    assert!(created(context(""), odd).await.is_err());
}

#[test]
fn the_definition_offers_the_action_and_param() {
    let definition = provider().definition().unwrap();
    assert_eq!(definition.name, "@NAME@");
    let offered: Vec<_> = definition
        .available_actions
        .iter()
        .map(|action| (action.prefix(), &*action.command))
        .collect();
    assert_eq!(offered, [("system", "counts")]);
    assert_eq!(
        definition.optional_params.to_vec(),
        ["@NAME@/prefix"]
    );
}
