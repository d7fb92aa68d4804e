//! @NAME@: a plugin provider for Digital Rebar Provision.

use std::process::ExitCode;

use drp_plugin::{Context, Error, Machine, NoParams, Provider, Result, System};
use schemars::JsonSchema;
use serde::Deserialize;

/// The params of a plugin. `rename` is a param's name, the comment its description, the type its schema; `Option` or
/// `default` make it optional, `Secure<String>` makes it a secret.
#[derive(Deserialize, JsonSchema)]
struct Config {
    /// What to say to machines.
    #[serde(rename = "@NAME@/greeting", default = "hello")]
    greeting: String,
}

fn hello() -> String {
    "Hello".to_owned()
}

/// What the handlers work with. Each new configuration makes a new one; the calls in flight keep theirs.
struct State {
    greeting: String,
}

async fn configure(_context: Context<()>, config: Config) -> Result<State> {
    if config.greeting.trim().is_empty() {
        return Err(Error::bad_request("@NAME@/greeting is empty"));
    }
    Ok(State {
        greeting: config.greeting,
    })
}

/// The params of action `greet`.
#[derive(Deserialize, JsonSchema)]
struct Greet {
    /// How often to say it.
    #[serde(rename = "@NAME@/times", default = "once")]
    times: u8,
}

fn once() -> u8 {
    1
}

/// An action on a machine. What it returns is the result that the caller sees; what it logs, the server's log has.
async fn greet(context: Context<State>, machine: Machine, params: Greet) -> Result<String> {
    let greeting = format!("{}, {}!", context.state().greeting, machine.name);
    tracing::info!(machine = machine.name, "{greeting}");
    Ok(vec![greeting; params.times.into()].join(" "))
}

/// An action on no object at all.
async fn status(context: Context<State>, _system: System, _params: NoParams) -> Result<String> {
    Ok(format!(
        "{} says {}",
        context.plugin_name(),
        context.state().greeting
    ))
}

fn provider() -> Provider<State> {
    Provider::new(
        env!("CARGO_PKG_NAME"),
        concat!("v", env!("CARGO_PKG_VERSION")),
    )
    .about(env!("CARGO_PKG_DESCRIPTION"))
    .documentation("Says a greeting to machines: ``@NAME@/greeting`` is what it says.")
    .configure(configure)
    .action("greet", greet)
    .action("status", status)
}

fn main() -> ExitCode {
    provider().run()
}

#[cfg(test)]
mod tests;
