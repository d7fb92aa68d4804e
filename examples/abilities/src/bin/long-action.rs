//! An action that takes long and says how far it has come: in the log of the job that waits for it, and in the plugin's.

use std::{fmt::Display, io::Write, process::ExitCode, time::Duration};

use drp_plugin::{Action, Context, Error, Machine, Model, Provider, Result, wait_until};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What says that the machine is ready.
const READY: &str = "long-action/ready";

#[derive(Deserialize, JsonSchema)]
struct Burnin {
    /// How many rounds to run.
    #[serde(rename = "long-action/rounds", default = "three")]
    #[schemars(range(min = 1, max = 100))]
    rounds: u32,
    /// Seconds to wait for the machine to be ready.
    #[serde(rename = "long-action/patience", default = "minute")]
    #[schemars(range(max = 3600))]
    patience: u64,
}

fn three() -> u32 {
    3
}

fn minute() -> u64 {
    60
}

#[derive(Serialize)]
struct Burned {
    rounds: u32,
}

async fn burnin(context: Context<()>, machine: Machine, params: Burnin) -> Result<Burned> {
    let Burnin { rounds, patience } = params;
    for round in 1..=rounds {
        context.progress(format!("{round} of {rounds}: burning {}", machine.name));
        write_report(context.job_log().writer(), round)?;
    }
    context.progress(format!("waiting until {} is ready", machine.name));
    let params = context.client().objects::<Machine>().params(&machine.key());
    let ready = || async { Ok(params.get::<bool>(READY).await?.filter(|ready| *ready)) };
    wait_until(Duration::from_secs(patience), Duration::from_millis(200), ready)
        .await
        .map_err(|error| error.context(format!("{} did not become ready", machine.name)))?;
    Ok(Burned { rounds })
}

/// Whatever writes somewhere can write into the job's log. Lines are gathered there and appended twice a second.
fn write_report(mut log: impl Write, round: impl Display) -> Result<()> {
    writeln!(log, "  memory: no errors in round {round}")
        .map_err(|error| Error::from(error).context("cannot write the report"))
}

fn provider() -> Provider {
    Provider::new("long-action", "v1.0.0")
        .about("Shows an action that takes long")
        .add_action(Action::new("burnin", burnin).time_limit(Duration::from_secs(3600)).one_at_a_time())
        .param::<bool>(READY, "The machine is ready")
}

fn main() -> ExitCode {
    provider().run()
}
