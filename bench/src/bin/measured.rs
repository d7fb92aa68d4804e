//! A provider with an action of each kind that is measured, and a handler of events.

use std::{
    process::ExitCode,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use drp_plugin::{Context, Error, Event, Machine, NoParams, On, Provider, Result, Selector, System};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Deserialize, JsonSchema)]
struct Config {
    /// The events that are handled; none if not set.
    #[serde(rename = "measured/events")]
    events: Option<Selector>,
}

#[derive(Default)]
struct State {
    events: Vec<Selector>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    first: Option<Instant>,
    last: Option<Instant>,
    micros: Vec<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Sent {
    /// Since the Unix epoch.
    sent_nanos: u64,
}

/// What the benchmark is told of the events.
#[derive(Serialize)]
struct Report {
    seconds: f64,
    micros: Vec<u64>,
}

async fn configure(_context: Context<()>, config: Config) -> Result<State> {
    Ok(State { events: config.events.into_iter().collect(), ..State::default() })
}

/// Reads its machine as a typed model and answers with a little of it.
async fn read(_context: Context<State>, machine: Machine, _params: NoParams) -> Result<usize> {
    Ok(machine.name.len() + machine.params.len())
}

async fn sleep(_context: Context<State>, _system: System, _params: NoParams) -> Result<()> {
    tokio::time::sleep(Duration::from_millis(100)).await;
    Ok(())
}

async fn log_1(_context: Context<State>, _system: System, _params: NoParams) -> Result<()> {
    log(1);
    Ok(())
}

async fn log_10(_context: Context<State>, _system: System, _params: NoParams) -> Result<()> {
    log(10);
    Ok(())
}

fn log(lines: u32) {
    for line in 0..lines {
        tracing::info!("line {line} of the action");
    }
}

async fn handle(context: Context<State>, event: Event) -> Result<()> {
    let now = Instant::now();
    let sent = UNIX_EPOCH + Duration::from_nanos(event.object.parse::<Sent>()?.sent_nanos);
    let took = SystemTime::now().duration_since(sent).map_err(Error::from)?;
    let mut seen = context.state().seen.lock().unwrap_or_else(PoisonError::into_inner);
    seen.first.get_or_insert(now);
    seen.last = Some(now);
    seen.micros.push(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    Ok(())
}

/// How many events there have been.
async fn count(context: Context<State>, _system: System, _params: NoParams) -> Result<usize> {
    Ok(context.state().seen.lock().unwrap_or_else(PoisonError::into_inner).micros.len())
}

async fn report(context: Context<State>, _system: System, _params: NoParams) -> Result<Report> {
    let seen = std::mem::take(&mut *context.state().seen.lock().unwrap_or_else(PoisonError::into_inner));
    let time = seen.first.zip(seen.last).map(|(first, last)| last - first);
    Ok(Report { seconds: time.unwrap_or_default().as_secs_f64(), micros: seen.micros })
}

fn main() -> ExitCode {
    Provider::new("measured", "v1.0.0")
        .configure(configure)
        .action("read", read)
        .action("sleep", sleep)
        .action("log-1", log_1)
        .action("log-10", log_10)
        .action("count", count)
        .action("report", report)
        .event(On::computed(|state: &State| state.events.clone()), handle)
        .run()
}
