//! A command of the provider's own, beside those that servers run: `own-command greet NAME` greets a machine without
//! any plugin, and `own-command follow` handles events of a server far away until Ctrl-C.
//!
//! Both need `RS_ENDPOINT` and `RS_TOKEN` (`drpcli users token NAME` makes one).

use std::process::ExitCode;

use drp_plugin::{
    Client, Context, Error, Event, Machine, Params, Provider, Raw, Result,
    client::{Config as Server, Query},
};
use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Deserialize, JsonSchema)]
struct Config {
    /// What to say.
    #[serde(rename = "own-command/greeting", default = "hello")]
    greeting: String,
}

fn hello() -> String {
    "Hello".to_owned()
}

#[derive(Deserialize, JsonSchema)]
struct Greet {
    /// How often to say it.
    #[serde(rename = "own-command/times", default = "once")]
    #[schemars(range(min = 1, max = 9))]
    times: u8,
}

fn once() -> u8 {
    1
}

async fn greet(context: Context<Config>, machine: Machine, params: Greet) -> Result<String> {
    Ok(vec![format!("{}, {}!", context.state().greeting, machine.name); params.times.into()].join(" "))
}

async fn created(context: Context<Config>, event: Event) -> Result<()> {
    let machine: Machine = event.object_as()?;
    tracing::info!("{}, {}!", context.state().greeting, machine.name);
    Ok(())
}

/// `greet NAME`: configures the provider and calls its action, as a server would, with no socket in between.
async fn greet_once(provider: Provider<Config>, args: Vec<String>) -> Result<()> {
    let [name] = args.as_slice() else { return Err(Error::bad_request("usage: own-command greet NAME")) };
    let client = Client::new(Server::from_env()?)?;
    let machine: Machine = client.objects().get(&format!("Name:{name}")).await?;
    let mut params = Params::default();
    params.insert("own-command/times".to_owned(), Raw::new(&2)?);
    let alone = provider.standalone(client, &Params::default()).await?;
    let said = alone.act("machines", "greet", &machine, &params).await?;
    alone.stop().await;
    tracing::info!("{}", said.parse::<String>()?);
    Ok(())
}

/// `follow`: the provider runs here and not under the server.
async fn follow(provider: Provider<Config>, _args: Vec<String>) -> Result<()> {
    let client = Client::new(Server::from_env()?)?;
    let known = client.objects::<Machine>().count(&Query::new()).await?;
    let alone = provider.standalone(client, &Params::default()).await?;
    tracing::info!("following; there are {known} machines");
    alone.run_until_signal().await
}

fn provider() -> Provider<Config> {
    Provider::new("own-command", "v1.0.0")
        .about("Shows commands of a provider's own")
        .configure(async |_: Context<()>, config: Config| Ok(config))
        .action("greet", greet)
        .event("machines.create.*", created)
        .subcommand("greet", "Greet a machine by its NAME", greet_once)
        .subcommand("follow", "Greet machines as they are created, until Ctrl-C", follow)
}

fn main() -> ExitCode {
    provider().run()
}
