//! The provider under test.

use std::time::Duration;

use drp_plugin::{Context, Error, Event, Machine, Missed, Model, NoParams, Provider, Result, Secure, System};
use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Config {
    #[serde(rename = "lamp/token")]
    token: Secure<String>,
    #[serde(rename = "lamp/watts", default)]
    #[schemars(range(max = 100))]
    watts: u32,
}

pub(crate) struct Lamp {
    pub(crate) token: Secure<String>,
    pub(crate) watts: u32,
}

async fn configure(_context: Context<()>, config: Config) -> Result<Lamp> {
    if config.watts == 13 {
        return Err(Error::new(409, "no lamp takes 13 watts"));
    }
    Ok(Lamp { token: config.token, watts: config.watts })
}

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Switch {
    #[serde(rename = "lamp/on")]
    pub(crate) on: bool,
}

pub(crate) async fn switch(context: Context<Lamp>, machine: Machine, params: Switch) -> Result<u32> {
    let watts = if params.on { context.state().watts } else { 0 };
    tracing::info!("{} now takes {watts} watts", machine.name);
    context.client().objects::<Machine>().params(&machine.key()).set("lamp/watts-now", &watts).await?;
    Ok(watts)
}

/// Logs from wherever a provider can log from.
async fn say(context: Context<Lamp>, _system: System, _params: NoParams) -> Result<()> {
    let token = context.state().token.expose().clone();
    tracing::info!("said by the handler with {token}");
    let watts = context.state().watts;
    tokio::spawn(async move { tracing::info!("said by a task with {watts} watts") }).await?;
    tokio::task::spawn_blocking(move || tracing::info!("said by a thread with {watts} watts")).await?;
    Ok(())
}

async fn sleep(_context: Context<Lamp>, _system: System, _params: NoParams) -> Result<&'static str> {
    tracing::info!("sleeping");
    tokio::time::sleep(Duration::from_millis(300)).await;
    Ok("slept")
}

async fn on_event(_context: Context<Lamp>, event: Event) -> Result<()> {
    tracing::info!("saw {}.{}.{}", event.type_, event.action, event.key);
    Ok(())
}

async fn on_missed(_context: Context<Lamp>, missed: Missed) -> Result<()> {
    tracing::info!("first {} resyncs {}", missed.first, missed.resyncs);
    Ok(())
}

pub(crate) fn provider() -> Provider<Lamp> {
    Provider::new("lamp", "v1.0.0")
        .configure(configure)
        .action("switch", switch)
        .action("say", say)
        .action("sleep", sleep)
        .action("panic", async |context: Context<Lamp>, _: System, _: NoParams| -> Result<()> {
            panic!("no use for {}", context.state().token.expose())
        })
        .event("lamps.*.*", on_event)
        .reconcile(on_missed)
        .on_stop(async |_: Context<Lamp>| {
            tracing::info!("the lamp is dark");
            Ok(())
        })
        .file("bin/lamp", b"#!/bin/sh\n", 0o755)
}
