//! The incrementer: adds to a param of a machine. It shows typed actions, custom object types and a shipped file.

use std::process::ExitCode;

use drp_plugin::{ClientError, Context, Error, Machine, Model, NoParams, ObjectType, Params, Provider, Result, System};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Counts the increments of a machine.
const TOUCHED: &str = "incrementer/touched";

#[derive(Deserialize, JsonSchema)]
struct Increment {
    /// How much to add; 1 if not set.
    #[serde(rename = "incrementer/step")]
    step: Option<i64>,
    /// Name of the param to add to; `incrementer/default` if not set.
    #[serde(rename = "incrementer/parameter")]
    parameter: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
struct ResetCount {
    /// How often the machine has been incremented.
    #[serde(rename = "incrementer/touched")]
    #[allow(dead_code, reason = "the action is offered only on machines that have it")]
    touched: i64,
}

#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct TypedCow {
    spotted: bool,
    can_milk: Option<bool>,
    location: Option<String>,
}

impl ObjectType for TypedCow {
    const NAME: &'static str = "typed-cows";
}

impl TypedCow {
    fn new(spotted: bool, can_milk: bool, location: &str) -> Self {
        Self { spotted, can_milk: Some(can_milk), location: Some(location.to_owned()) }
    }
}

async fn increment(context: Context<()>, machine: Machine, params: Increment) -> Result<i64> {
    let name = params.parameter.as_deref().unwrap_or("incrementer/default");
    let step = params.step.unwrap_or(1);
    let own = context.client().objects::<Machine>().params(&machine.key());
    // Read, add and compare-and-set, both in one step: no increment is lost, however many run at once.
    let increment = |params: &mut Params| {
        let value = params.value::<i64>(name)?.unwrap_or(0) + step;
        params.set(name, &value)?;
        let touched = params.value::<i64>(TOUCHED)?.unwrap_or(0) + 1;
        params.set(TOUCHED, &touched)?;
        Ok(value)
    };
    let value = own.update_all(increment).await.map_err(refused)?;
    tracing::info!(machine = machine.name, "{name} is now {value}");
    Ok(value)
}

async fn reset_count(context: Context<()>, machine: Machine, _params: ResetCount) -> Result<&'static str> {
    context.client().objects::<Machine>().params(&machine.key()).delete(TOUCHED).await.map_err(refused)?;
    Ok("Success")
}

async fn incrstatus(_context: Context<()>, _system: System, _params: NoParams) -> Result<&'static str> {
    Ok("Running")
}

/// Whatever the server says against the machine or param, the caller named it: 400, with the server's own words.
fn refused(error: ClientError) -> Error {
    match error.wire() {
        Some(answer) => Error::bad_request(answer.messages.join("; ")),
        None => error.into(),
    }
}

fn provider() -> Provider<()> {
    Provider::new("incrementer", "v4.7.0")
        .display_name("Incrementer Test Plugin")
        .about("Increments a param of a machine")
        .action("increment", increment)
        .action("reset_count", reset_count)
        .action("incrstatus", incrstatus)
        .param::<String>("cow/id", "Id of a cow")
        .param::<serde_json::Map<String, serde_json::Value>>("cow/object", "A cow")
        .untyped_object_type("cows")
        .object_type::<TypedCow>()
        .object(TypedCow::NAME, "bertie", &TypedCow::new(false, false, "Dallas"))
        .object(TypedCow::NAME, "bessie", &TypedCow::new(true, true, "Austin"))
        .file("testFile", b"ImaFile", 0o644)
}

fn main() -> ExitCode {
    provider().run()
}

#[cfg(test)]
mod tests;
