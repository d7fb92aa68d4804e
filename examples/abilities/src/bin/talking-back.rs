//! What a plugin says to its server over the socket between them: it raises events, lists objects of any type, and asks
//! to be stopped.

use std::process::ExitCode;

use drp_plugin::{Context, Error, Machine, Model, NoParams, Provider, Result, System};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What comes with the event.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Alarm {
    machine: String,
    degrees: i32,
}

#[derive(Deserialize, JsonSchema)]
struct Report {
    /// Degrees Celsius that were measured.
    #[serde(rename = "talking-back/degrees")]
    degrees: i32,
}

/// Raises `alarms.raised.KEY`, which whoever has selected `alarms.*.*` is told: other plugins, people, `drpx events`.
async fn report(context: Context<()>, machine: Machine, params: Report) -> Result<bool> {
    let is_hot = params.degrees > 70;
    if is_hot {
        let alarm = Alarm { machine: machine.name.clone(), degrees: params.degrees };
        context.publish("alarms", "raised", &machine.key(), &alarm).await?;
    }
    Ok(is_hot)
}

#[derive(Deserialize, JsonSchema)]
struct Count {
    /// The object type to count, such as `machines` or one of a provider's own.
    #[serde(rename = "talking-back/type")]
    type_name: String,
}

async fn count(context: Context<()>, _system: System, params: Count) -> Result<usize> {
    Ok(context.list_objects(&params.type_name).await?.len())
}

/// Has the server stop the plugin until somebody changes it. With `Error::remove_provider` the provider would go too.
async fn retire(context: Context<()>, _system: System, _params: NoParams) -> Result<()> {
    context.leave(Error::new(503, "there is nothing left to do")).await
}

fn provider() -> Provider {
    Provider::new("talking-back", "v1.0.0")
        .about("Shows what a plugin can say to its server")
        .action("report", report)
        .action("count", count)
        .action("retire", retire)
}

fn main() -> ExitCode {
    provider().run()
}
