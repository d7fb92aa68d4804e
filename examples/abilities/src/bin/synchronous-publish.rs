//! The deprecated way to see events: the server posts each one to the plugin and waits for it. It is here for servers
//! and providers that have nothing else; `event-sink` shows the better way.

use std::{
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use drp_plugin::{Context, Event, NoParams, Provider, Result, System};

/// Every event of the server comes here, and it waits: be quick. What is logged here is no event, so that there is no
/// end to none of it.
async fn seen(context: Context<AtomicU64>, event: Event) -> Result<()> {
    if event.type_ == "machines" {
        context.state().fetch_add(1, Relaxed);
        tracing::info!("posted: {}.{}.{}", event.type_, event.action, event.key);
    }
    Ok(())
}

async fn count(context: Context<AtomicU64>, _system: System, _params: NoParams) -> Result<u64> {
    Ok(context.state().load(Relaxed))
}

fn provider() -> Provider<AtomicU64> {
    Provider::new("synchronous-publish", "v1.0.0")
        .about("Shows the deprecated way to see events")
        .configure(async |_: Context<()>, NoParams {}| Ok(AtomicU64::new(0)))
        .publish(seen)
        .action("count", count)
}

fn main() -> ExitCode {
    provider().run()
}
