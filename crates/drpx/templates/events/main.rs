//! @NAME@: a plugin provider for Digital Rebar Provision.

use std::{
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
};

use drp_plugin::{Context, Event, Machine, NoParams, Provider, Result, System};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The params of a plugin. `rename` is a param's name, the comment its description, the type its schema; `Option` or
/// `default` make it optional, `Secure<String>` makes it a secret.
#[derive(Deserialize, JsonSchema)]
struct Config {
    /// Only machines whose names begin with this count; all do if not set.
    #[serde(rename = "@NAME@/prefix", default)]
    prefix: String,
}

/// What the handlers work with. Each new configuration makes a new one.
#[derive(Default)]
struct State {
    prefix: String,
    created: AtomicU64,
    deleted: AtomicU64,
}

async fn configure(_context: Context<()>, config: Config) -> Result<State> {
    Ok(State {
        prefix: config.prefix,
        ..State::default()
    })
}

/// Events of one machine come one after the other and in their order, those of different machines at the same time.
/// An error is logged; the next event comes all the same.
async fn created(context: Context<State>, event: Event) -> Result<()> {
    count(&context, &event, &context.state().created)
}

async fn deleted(context: Context<State>, event: Event) -> Result<()> {
    count(&context, &event, &context.state().deleted)
}

fn count(context: &Context<State>, event: &Event, counter: &AtomicU64) -> Result<()> {
    let machine: Machine = event.object_as()?;
    if machine.name.starts_with(&context.state().prefix) {
        counter.fetch_add(1, Ordering::Relaxed);
        tracing::info!("{} is {}d", machine.name, event.action);
    }
    Ok(())
}

/// The result of action `counts`.
#[derive(Serialize, Deserialize)]
struct Counts {
    created: u64,
    deleted: u64,
}

async fn counts(context: Context<State>, _system: System, _params: NoParams) -> Result<Counts> {
    let State {
        created, deleted, ..
    } = context.state();
    Ok(Counts {
        created: created.load(Ordering::Relaxed),
        deleted: deleted.load(Ordering::Relaxed),
    })
}

fn provider() -> Provider<State> {
    Provider::new(
        env!("CARGO_PKG_NAME"),
        concat!("v", env!("CARGO_PKG_VERSION")),
    )
    .about(env!("CARGO_PKG_DESCRIPTION"))
    .documentation("Counts machines as they are created and deleted, since it was configured.")
    .configure(configure)
    .event("machines.create.*", created)
    .event("machines.delete.*", deleted)
    .action("counts", counts)
}

fn main() -> ExitCode {
    provider().run()
}

#[cfg(test)]
mod tests;
