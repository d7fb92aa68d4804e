//! A provider without a host: actions with their options, commands known at run time, configurations.

use std::{
    sync::atomic::{AtomicU32, Ordering::SeqCst},
    time::Duration,
};

use drp_client::{Config, Credentials};
use drp_plugin::{
    Action, ActionCall, AvailableAction, Client, Context, Error, Machine, NoParams, Params, Provider, Raw, Result,
    Standalone, System,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize, JsonSchema)]
struct Greeting {
    #[serde(rename = "greeter/name")]
    name: String,
}

/// Nothing here asks the server anything.
fn client() -> Client {
    Client::new(Config::new("http://127.0.0.1:1", Credentials::Token("unused".into()))).unwrap()
}

async fn alone<S: Send + Sync + 'static>(provider: Provider<S>) -> Standalone<S> {
    provider.standalone(client(), &Params::default()).await.unwrap()
}

fn params(value: serde_json::Value) -> Params {
    serde_json::from_value(value).unwrap()
}

fn machine(name: &str) -> Machine {
    Machine {
        name: name.to_owned(),
        uuid: "87a74f0e-d168-4687-99e8-8fd3a7ed551b".parse().unwrap(),
        ..Machine::default()
    }
}

#[tokio::test]
async fn configurations_and_actions_need_no_host() {
    let provider = Provider::new("greeter", "v1.0.0")
        .configure(async |_: Context<()>, config: Greeting| Ok(config.name))
        .action("greet", async |context: Context<String>, _: System, greeting: Greeting| {
            Ok(format!("{} greets {}", context.state(), greeting.name))
        });
    let alone = provider.standalone(client(), &params(json!({"greeter/name": "ann"}))).await.unwrap();
    let bob = params(json!({"greeter/name": "bob"}));
    assert_eq!(alone.act("", "greet", &(), &bob).await.unwrap(), Raw::from("ann greets bob"));
    // An error leaves the old state in place.
    let error = alone.configure(&params(json!({"greeter/name": 5}))).await.unwrap_err();
    assert_eq!(error.code(), 400);
    assert_eq!(*alone.state().unwrap(), "ann");
    assert_eq!(alone.act("", "grunt", &(), &bob).await.unwrap_err().code(), 404);
    assert_eq!(alone.act("", "greet", &(), &Params::default()).await.unwrap_err().code(), 400);
    alone.stop().await;
}

#[tokio::test]
async fn an_action_has_its_own_time_and_others_have_none() {
    let endless = async |_: Context<()>, _: System, _: NoParams| std::future::pending::<Result<()>>().await;
    let slow = async |_: Context<()>, _: System, _: NoParams| {
        tokio::time::sleep(Duration::from_millis(60)).await;
        Ok(())
    };
    let provider = Provider::new("timed", "v1.0.0")
        .add_action(Action::new("endless", endless).time_limit(Duration::from_millis(20)))
        .action("slow", slow);
    let alone = alone(provider).await;
    assert_eq!(alone.act("", "endless", &(), &Params::default()).await.unwrap_err().code(), 504);
    assert_eq!(alone.act("", "slow", &(), &Params::default()).await.unwrap(), Raw::null());
}

#[tokio::test(flavor = "multi_thread")]
async fn actions_that_want_to_be_alone_are_alone_on_their_object_only() {
    static RUNNING: AtomicU32 = AtomicU32::new(0);
    static MOST: AtomicU32 = AtomicU32::new(0);
    async fn work(_: Context<()>, _: Machine, _: NoParams) -> Result<()> {
        MOST.fetch_max(RUNNING.fetch_add(1, SeqCst) + 1, SeqCst);
        tokio::time::sleep(Duration::from_millis(10)).await;
        RUNNING.fetch_sub(1, SeqCst);
        Ok(())
    }
    let provider = Provider::new("alone", "v1.0.0")
        .add_action(Action::new("on", work).one_at_a_time())
        .add_action(Action::new("off", work).one_at_a_time());
    let alone = alone(provider).await;
    let none = Params::default();
    let one = machine("one");
    let (a, b, c) = tokio::join!(
        alone.act("machines", "on", &one, &none),
        alone.act("machines", "off", &one, &none),
        alone.act("machines", "on", &one, &none),
    );
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!(MOST.load(SeqCst), 1);
    let other = Machine { uuid: "77a74f0e-d168-4687-99e8-8fd3a7ed551b".parse().unwrap(), ..machine("other") };
    let (a, b) = tokio::join!(alone.act("machines", "on", &one, &none), alone.act("machines", "on", &other, &none));
    assert!(a.is_ok() && b.is_ok());
    assert_eq!(MOST.load(SeqCst), 2);
}

#[tokio::test]
async fn a_blocking_action_holds_up_nobody_and_its_panic_is_contained() {
    #[allow(clippy::needless_pass_by_value, reason = "what a handler looks like")]
    fn wait(context: Context<()>, _: System, _: NoParams) -> Result<()> {
        while !context.cancelled().is_cancelled() {
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }
    let provider = Provider::new("blocking", "v1.0.0")
        .add_action(Action::blocking("wait", wait).time_limit(Duration::from_millis(100)))
        .add_action(Action::blocking("panic", |_: Context<()>, _: System, _: NoParams| -> Result<()> {
            panic!("asked to panic")
        }))
        .action("quick", async |_: Context<()>, _: System, _: NoParams| Ok(1));
    let alone = alone(provider).await;
    let none = Params::default();
    let (waited, quick) = tokio::join!(alone.act("", "wait", &(), &none), alone.act("", "quick", &(), &none));
    assert_eq!(waited.unwrap_err().code(), 504);
    assert_eq!(quick.unwrap().get(), "1");
    assert_eq!(alone.act("", "panic", &(), &none).await.unwrap_err().code(), 500);
}

#[tokio::test]
async fn commands_that_are_known_only_at_run_time_get_their_call_as_it_came() {
    let available = AvailableAction {
        command: "switch-7".to_owned(),
        model: "cows".to_owned(),
        required_params: vec!["cow/side".to_owned()].into(),
        ..AvailableAction::default()
    };
    let switch = async |_: Context<()>, call: ActionCall| Ok(Raw::new(&(call.command, call.target.text("Id")))?);
    let provider = Provider::new("dynamic", "v1.0.0").add_action(Action::dynamic(available, switch)).other_actions(
        async |_: Context<()>, call: ActionCall| match call.command.strip_prefix("any-") {
            Some(rest) => Ok(Raw::from(rest)),
            None => Err(Error::new(404, format!("no command {}", call.command))),
        },
    );
    let declared = provider.definition().unwrap();
    assert_eq!(declared.available_actions.len(), 1);
    assert_eq!(*declared.available_actions[0].required_params, ["cow/side"]);
    let alone = alone(provider).await;
    let cow = json!({"Type": "cows", "Id": "bessie"});
    let left = params(json!({"cow/side": "left"}));
    assert_eq!(alone.act("cows", "switch-7", &cow, &left).await.unwrap().get(), r#"["switch-7","bessie"]"#);
    let error = alone.act("cows", "switch-7", &cow, &Params::default()).await.unwrap_err();
    assert_eq!((error.code(), error.to_string().as_str()), (400, "Params/cow/side: required, but not set"));
    assert_eq!(alone.act("", "any-thing", &(), &left).await.unwrap(), Raw::from("thing"));
    assert_eq!(alone.act("", "nothing", &(), &left).await.unwrap_err().code(), 404);
}
