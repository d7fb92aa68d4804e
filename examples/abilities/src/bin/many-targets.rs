//! Actions on machines, profiles, stages, the plugin itself and the server. What a handler takes second says on what its
//! action is offered. Some have a time limit, run one at a time on an object, or block their thread.

use std::{process::ExitCode, thread, time::Duration};

use drp_plugin::{
    Action, ActionCall, AvailableAction, Context, Error, Machine, NoParams, Plugin, Profile, Provider, Raw, Result,
    System, models::Stage,
};
use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Deserialize, JsonSchema)]
struct Blink {
    /// How long to blink, in milliseconds.
    #[serde(rename = "many-targets/millis", default)]
    #[schemars(range(max = 60000))]
    millis: u64,
}

/// Blinks the machine's light. Of all calls for one machine only one runs, because there is only one light.
async fn blink(_context: Context<()>, machine: Machine, params: Blink) -> Result<String> {
    tracing::info!("{} begins", machine.name);
    tokio::time::sleep(Duration::from_millis(params.millis)).await;
    tracing::info!("{} ends", machine.name);
    Ok(format!("{} blinked", machine.name))
}

async fn holders(context: Context<()>, profile: Profile, _params: NoParams) -> Result<usize> {
    let machines = context.list_objects("machines").await?;
    let holds = |names: Vec<String>| names.contains(&profile.name);
    Ok(machines.iter().filter(|machine| machine.get("Profiles").is_some_and(holds)).count())
}

/// Any model can be one, as long as the server offers actions on its type.
async fn steps(_context: Context<()>, stage: Stage, _params: NoParams) -> Result<usize> {
    Ok(stage.tasks.len())
}

async fn whoami(_context: Context<()>, plugin: Plugin, _params: NoParams) -> Result<String> {
    Ok(plugin.name)
}

/// A plain function that computes, or calls a library which knows nothing of async. It has a thread of its own, which
/// nobody can end from outside: it looks by itself whether somebody still waits.
#[allow(clippy::needless_pass_by_value, reason = "so are all handlers")]
fn compute(context: Context<()>, _system: System, params: Blink) -> Result<u64> {
    for _ in 0..params.millis {
        if context.cancelled().is_cancelled() {
            return Err(Error::new(503, "nobody waits any more"));
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(params.millis)
}

/// One handler for several types: the object comes as it is, key by key.
async fn describe(_context: Context<()>, call: ActionCall) -> Result<Raw> {
    let text = call.target.text("Description");
    let text = if text.is_empty() { format!("one of {}", call.model) } else { text };
    Ok(Raw::new(&text)?)
}

fn provider() -> Provider {
    let provider = Provider::new("many-targets", "v1.0.0")
        .about("Shows actions on many types of objects")
        .add_action(Action::new("blink", blink).time_limit(Duration::from_secs(5)).one_at_a_time())
        .add_action(Action::blocking("compute", compute).time_limit(Duration::from_millis(500)))
        .action("holders", holders)
        .action("steps", steps)
        .action("whoami", whoami);
    ["machines", "profiles", "subnets"].into_iter().fold(provider, |provider, model| {
        let available =
            AvailableAction { model: model.to_owned(), command: "describe".to_owned(), ..AvailableAction::default() };
        provider.add_action(Action::dynamic(available, describe))
    })
}

fn main() -> ExitCode {
    provider().run()
}
