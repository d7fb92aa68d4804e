//! Machines at hand without a request for each look, and params that several change at once without losing a change.

use std::{collections::BTreeMap, process::ExitCode};

use drp_plugin::{
    Cache, Context, Error, Machine, Model, NoParams, Provider, Result, System, client::CompareAndSetError,
};
use schemars::JsonSchema;
use serde::Deserialize;

const VISITS: &str = "machine-cache/visits";
const OWNER: &str = "machine-cache/owner";

/// The cache is kept fresh by events, and read again where some were missed. It lives as long as the state that has it.
async fn configure(context: Context<()>, _config: NoParams) -> Result<Cache<Machine>> {
    Cache::watch(context.client()).await
}

/// How many machines are in each workflow. It asks the server nothing.
async fn census(context: Context<Cache<Machine>>, _system: System, _params: NoParams) -> Result<BTreeMap<String, u32>> {
    let mut census = BTreeMap::new();
    for machine in context.state().all() {
        *census.entry(machine.workflow.clone()).or_default() += 1;
    }
    Ok(census)
}

/// Counts: read, added to, and written if it is still what was read; else all of it again.
async fn visit(context: Context<Cache<Machine>>, machine: Machine, _params: NoParams) -> Result<u64> {
    let params = context.client().objects::<Machine>().params(&machine.key());
    Ok(params.update(VISITS, |visits: Option<u64>| visits.unwrap_or(0) + 1).await?)
}

#[derive(Deserialize, JsonSchema)]
struct Claim {
    /// Who has the machine.
    #[serde(rename = "machine-cache/owner")]
    owner: String,
}

/// Takes a machine that nobody has. Of all who try at the same time one gets it.
async fn claim(context: Context<Cache<Machine>>, machine: Machine, params: Claim) -> Result<String> {
    let own = context.client().objects::<Machine>().params(&machine.key());
    match own.compare_and_set(OWNER, None, &params.owner).await {
        Ok(()) => Ok(format!("{} has {}", params.owner, machine.name)),
        Err(CompareAndSetError::Conflict { .. }) => Err(Error::new(409, format!("somebody has {}", machine.name))),
        Err(error) => Err(error.into()),
    }
}

fn provider() -> Provider<Cache<Machine>> {
    Provider::new("machine-cache", "v1.0.0")
        .about("Shows a cache of machines and params without lost changes")
        .configure(configure)
        .action("census", census)
        .action("visit", visit)
        .action("claim", claim)
        .param::<u64>(VISITS, "How often the machine was visited")
}

fn main() -> ExitCode {
    provider().run()
}
