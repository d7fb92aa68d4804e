//! Machines that live in a cloud: for each machine of this plugin there is an instance, which comes, changes and goes
//! with it, and instances that are there already become machines.
//!
//! A machine is this plugin's if its param `machine-plugin`, in itself or in a profile, is the plugin's name.

mod cloud;

use std::{collections::BTreeSet, process::ExitCode, time::Duration};

use drp_plugin::{
    ClientError, Context, Event, Machine, Missed, Model, NoParams, On, Provider, Query, Result, Retry, System,
    wait_until, with_undo,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

const SIZE: &str = "machine-lifecycle/size";

#[derive(Deserialize, JsonSchema)]
struct Config {
    /// Whether instances without a machine get one.
    #[serde(rename = "machine-lifecycle/import", default)]
    import: bool,
    /// Seconds that an instance may take until it runs.
    #[serde(rename = "machine-lifecycle/patience", default = "minute")]
    #[schemars(range(min = 1))]
    patience: u64,
}

fn minute() -> u64 {
    60
}

async fn created(context: Context<Config>, event: Event) -> Result<()> {
    let machine: Machine = event.object_as()?;
    if context.owns(&machine).await? { make_instance(&context, &machine).await } else { Ok(()) }
}

/// Makes the instance of a machine, and all of it or nothing: what fails, or is cancelled, is taken back.
async fn make_instance(context: &Context<Config>, machine: &Machine) -> Result<()> {
    let name = machine.name.clone();
    if cloud::list().await?.contains_key(&name) {
        return Ok(());
    }
    let patience = Duration::from_secs(context.state().patience);
    let size = size_of(machine);
    with_undo(|undo| async move {
        // For a minute, with growing waits, as long as the error is one that may pass.
        Retry::within(Duration::from_secs(60)).run(|| cloud::create(&name, size)).await?;
        undo.push(format!("make instance {name}"), delete_instance(name.clone()));
        let address = wait_until(patience, Duration::from_millis(100), || cloud::address(&name)).await;
        let address = address.map_err(|error| error.context(format!("instance {name} does not run")))?;
        // Only what is changed here is written, and what others have changed meanwhile stays.
        let machines = context.client().objects::<Machine>();
        machines.update(&machine.key(), |machine| machine.address = address.into()).await?;
        tracing::info!("instance {name} runs at {address}");
        Ok(())
    })
    .await
}

async fn delete_instance(name: String) -> Result<()> {
    if cloud::delete(&name).await? {
        tracing::info!("instance {name} is deleted");
    }
    Ok(())
}

async fn resized(context: Context<Config>, event: Event) -> Result<()> {
    let machine: Machine = event.object_as()?;
    if context.owns(&machine).await? {
        cloud::resize(&machine.name, size_of(&machine)).await?;
        tracing::info!("instance {} has size {}", machine.name, size_of(&machine));
    }
    Ok(())
}

/// The machine is gone, and so are its profiles: what it was is asked of the cloud.
async fn deleted(_context: Context<Config>, event: Event) -> Result<()> {
    delete_instance(event.object_as::<Machine>()?.name).await
}

fn size_of(machine: &Machine) -> u32 {
    machine.params.get(SIZE).and_then(|size| size.parse().ok()).unwrap_or(1)
}

/// Brings both sides into line: once when events begin to come, and after each gap in them.
async fn reconcile(context: Context<Config>, missed: Missed) -> Result<()> {
    tracing::info!(first = missed.first, "comparing machines with instances");
    let machines = context.client().objects::<Machine>();
    let all = machines.list(&Query::new()).await?;
    for machine in &all {
        if context.owns(machine).await?
            && let Err(error) = make_instance(&context, machine).await
        {
            tracing::error!("machine {}: {error}", machine.name);
        }
    }
    let known: BTreeSet<&str> = all.iter().map(|machine| machine.name.as_str()).collect();
    for name in cloud::list().await?.keys().filter(|name| context.state().import && !known.contains(name.as_str())) {
        let machine = json!({"Name": name, "Params": {"machine-plugin": context.plugin_name()}});
        match machines.create(&machine).await {
            Ok(_) => tracing::info!("instance {name} is a machine now"),
            // Somebody else was faster.
            Err(error) if ClientError::is_conflict(&error) => {}
            Err(error) => tracing::error!("instance {name}: {}", error.chain()),
        }
    }
    Ok(())
}

/// Orders an instance in the cloud, past the server, for `reconcile` to find.
async fn stray(_context: Context<Config>, _system: System, _params: NoParams) -> Result<()> {
    Retry::within(Duration::from_secs(10)).run(|| cloud::create("stray", 1)).await
}

fn provider() -> Provider<Config> {
    Provider::new("machine-lifecycle", "v1.0.0")
        .about("Keeps an instance in a cloud for each of its machines")
        .configure(async |_: Context<()>, config: Config| Ok(config))
        .event(On::select("machines.create.*").time_limit(Duration::from_secs(300)), created)
        .event(On::select("machines.update.*").when(|event| event.changed("Params/machine-lifecycle/size")), resized)
        .event("machines.delete.*", deleted)
        .reconcile(reconcile)
        .action("stray", stray)
        .param::<u32>(SIZE, "Size of the machine's instance")
        .param::<String>("machine-plugin", "Name of the plugin that has the machine")
}

fn main() -> ExitCode {
    provider().run()
}
