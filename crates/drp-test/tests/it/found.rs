//! What a handler finds out by itself about the object of an event, and having that object to itself.

use std::time::Duration;

use drp_plugin::{
    Action, ActionCall, AvailableAction, Context, Error, Event, Machine, NoParams, Profile, Provider, Raw, Result,
    Secure,
};
use drp_test::TestHost;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// What machines say of their BMC.
#[derive(Deserialize, JsonSchema)]
struct Bmc {
    #[serde(rename = "bmc/address")]
    address: String,
    #[serde(rename = "bmc/password")]
    password: Secure<String>,
    #[serde(rename = "bmc/port", default)]
    port: u16,
}

/// Reads the BMC of the machine, and fails with what must not be told.
async fn greet(context: Context<()>, event: Event) -> Result<()> {
    let machine: Machine = event.object_as()?;
    let bmc: Bmc = context.params_of(&machine).await?;
    tracing::info!("{}:{} is let in by {}", bmc.address, bmc.port, bmc.password.expose());
    Err(Error::new(502, format!("no use for {}", bmc.password.expose())))
}

async fn hold(context: Context<()>, event: Event) -> Result<()> {
    let machine: Machine = event.object_as()?;
    let _alone = context.alone_with(&machine).await;
    tracing::info!("the event has it");
    tokio::time::sleep(Duration::from_millis(100)).await;
    tracing::info!("the event leaves it");
    Ok(())
}

async fn power(context: Context<()>, machine: Machine, _params: NoParams) -> Result<()> {
    // What it has already is no reason to wait.
    let _alone = context.alone_with(&machine).await;
    tracing::info!("the action has it");
    Ok(())
}

/// Takes calls as they come.
async fn unlock(_context: Context<()>, call: ActionCall) -> Result<Raw> {
    tracing::info!("unlocking with {}", call.params["bmc/password"]);
    Err(Error::new(502, format!("no use for {}", call.params["bmc/password"])))
}

fn provider() -> Provider<()> {
    let mut declared = AvailableAction { command: "unlock".to_owned(), ..AvailableAction::default() };
    declared.model = "machines".to_owned();
    declared.required_params = vec!["bmc/password".to_owned()].into();
    Provider::new("greeter", "v1.0.0")
        .reads::<Bmc>()
        .event("machines.greet.*", greet)
        .event("machines.hold.*", hold)
        .add_action(Action::new("power", power).one_at_a_time())
        .add_action(Action::dynamic(declared, unlock))
}

#[tokio::test]
async fn the_params_of_an_events_machine_are_typed_aggregated_opened_and_kept_secret() {
    let host = TestHost::start(provider()).await;
    host.configure(json!({})).await.unwrap();
    let machine = host.machine("desk").await;
    let say = async |text: &str| {
        let object = serde_json::to_value(&machine).unwrap();
        host.emit("machines", "greet", &machine.uuid.to_string(), object).await;
        host.wait_for_log(text).await
    };
    say(&format!("machines/{}: Params/bmc/address: required, but not set", machine.uuid)).await;
    let params = host.client().objects::<Machine>().params(&machine.uuid.to_string());
    params.set_secure("bmc/password", "opensesame-4711").await.unwrap();
    host.client().objects::<Profile>().params("global").set("bmc/address", "10.0.0.7").await.unwrap();
    say("10.0.0.7:0 is let in by [secret]").await;
    host.wait_for_log("failed: no use for [secret]").await;
    assert!(!host.stop().await.logged("opensesame-4711"));
}

#[tokio::test]
async fn secrets_of_calls_that_are_taken_as_they_come_are_cut_out() {
    let host = TestHost::start(provider()).await;
    host.configure(json!({})).await.unwrap();
    let machine = host.machine("desk").await;
    let params = host.client().objects::<Machine>().params(&machine.uuid.to_string());
    params.set_secure("bmc/password", "opensesame-4712").await.unwrap();
    // The server fills it in.
    let error = host.act::<Raw>("unlock", &machine, json!({})).await.unwrap_err();
    assert_eq!(error.messages, ["no use for \"[secret]\""]);
    host.wait_for_log("unlocking with \"[secret]\"").await;
    assert!(!host.stop().await.logged("opensesame-4712"));
}

#[tokio::test]
async fn an_action_waits_for_the_event_handler_that_has_its_machine_to_itself() {
    let host = TestHost::start(provider()).await;
    host.configure(json!({})).await.unwrap();
    let machine = host.machine("desk").await;
    let other = host.machine("chair").await;
    host.emit("machines", "hold", &machine.uuid.to_string(), serde_json::to_value(&machine).unwrap()).await;
    let held = host.wait_for_log("the event has it").await;
    host.act::<()>("power", &machine, json!({})).await.unwrap();
    let left = host.wait_for_log("the event leaves it").await;
    let acted = host.wait_for_log("the action has it").await;
    assert!(held.seq < left.seq && left.seq < acted.seq, "{held:?} {left:?} {acted:?}");
    host.act::<()>("power", &other, json!({})).await.unwrap();
    host.stop().await;
}
