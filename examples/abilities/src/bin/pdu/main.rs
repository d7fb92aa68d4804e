//! The provider of the guide (`docs/guide.md`), which goes through it piece by piece.

use std::{process::ExitCode, time::Duration};

use drp_plugin::{
    Action, Context, Error, Event, Machine, Model, NoParams, ObjectType, Provider, Query, Result, Secure, Stored, files,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What can be set on a plugin of this provider.
#[derive(Deserialize, JsonSchema)]
struct Config {
    /// Base URL of the power distribution unit.
    #[serde(rename = "pdu/url")]
    url: String,
    /// Password of its API.
    #[serde(rename = "pdu/password")]
    password: Secure<String>,
    /// Outlets it has.
    #[serde(rename = "pdu/outlets", default = "eight")]
    #[schemars(range(min = 1, max = 64))]
    outlets: u8,
}

fn eight() -> u8 {
    8
}

/// What handlers work on, until the next configuration.
struct Pdu {
    url: String,
    password: Secure<String>,
    outlets: u8,
}

async fn configure(_context: Context<()>, config: Config) -> Result<Pdu> {
    if !config.url.starts_with("https://") {
        return Err(Error::bad_request("pdu/url: expected https://…"));
    }
    Ok(Pdu { url: config.url, password: config.password, outlets: config.outlets })
}

#[derive(Deserialize, JsonSchema)]
struct Cycle {
    /// Number of the machine's outlet.
    #[serde(rename = "pdu/outlet")]
    #[schemars(range(min = 1))]
    outlet: u8,
}

/// Switches the machine's outlet off and on again.
async fn powercycle(context: Context<Pdu>, machine: Machine, params: Cycle) -> Result<()> {
    let Cycle { outlet } = params;
    let pdu = context.state();
    if outlet > pdu.outlets {
        return Err(Error::bad_request(format!("pdu/outlet: there are {} outlets, and no {outlet}", pdu.outlets)));
    }
    context.progress(format!("1 of 2: {} goes off", machine.name));
    pdu.switch(outlet, "off").await?;
    context.progress(format!("2 of 2: {} goes on", machine.name));
    pdu.switch(outlet, "on").await?;
    let outlets = context.collection::<Outlet>();
    let key = format!("outlet-{outlet}");
    if !outlets.exists(&key).await? {
        outlets.create(&Stored::new(&key, Outlet { machine: machine.key(), cycles: 0 })).await?;
    }
    outlets.update(&key, |outlet| outlet.cycles += 1).await?;
    Ok(())
}

/// Counts how often the machine was looked after.
async fn count(context: Context<Pdu>, machine: Machine, _params: NoParams) -> Result<u64> {
    let params = context.client().objects::<Machine>().params(&machine.key());
    Ok(params.update("pdu/count", |count: Option<u64>| count.unwrap_or(0) + 1).await?)
}

impl Pdu {
    /// Here goes the call of the unit's API.
    async fn switch(&self, outlet: u8, state: &str) -> Result<()> {
        let Self { url, password, .. } = self;
        tracing::debug!("{url} with {}: outlet {outlet} {state}", password.expose());
        Ok(())
    }
}

/// An outlet that is in use.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Outlet {
    /// Key of the machine.
    machine: String,
    /// How often it was switched off and on.
    #[serde(default)]
    cycles: u64,
}

impl ObjectType for Outlet {
    const NAME: &'static str = "pdu-outlets";
}

/// A machine has gone: its outlet is free.
async fn machine_gone(context: Context<Pdu>, event: Event) -> Result<()> {
    let machine: Machine = event.object_as()?;
    let outlets = context.collection::<Outlet>();
    for outlet in outlets.list(&Query::new()).await? {
        if outlet.machine == machine.key() {
            outlets.delete(&outlet.id).await?;
            tracing::info!("{} is free", outlet.id);
        }
    }
    Ok(())
}

fn provider() -> Provider<Pdu> {
    Provider::new("pdu", "v1.0.0")
        .about("Switches outlets of power distribution units")
        .configure(configure)
        .add_action(Action::new("powercycle", powercycle).time_limit(Duration::from_secs(60)).one_at_a_time())
        .action("pducount", count)
        .event("machines.delete.*", machine_gone)
        .param::<u64>("pdu/count", "How often the machine was looked after")
        .object_type::<Outlet>()
        .files(files!("files"))
}

fn main() -> ExitCode {
    provider().run()
}

#[cfg(test)]
mod tests;
