//! The probe: a provider that shows from outside what the framework does for every provider. Black-box checks drive it
//! with bad input, floods, cuts and kills.
//!
//! It has no code of its own for any of that.

mod config;
mod seen;

use std::{process::ExitCode, time::Duration};

use drp_plugin::{
    Command, Context, Error, Event, Machine, Missed, Model, NoParams, ObjectType, On, Provider, Raw, RawModel, Result,
    System,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    config::Config,
    seen::{SEEN, Seen},
};

#[derive(Deserialize, JsonSchema)]
struct Echo {
    /// What to give back.
    #[serde(rename = "probe/value")]
    value: Raw,
}

async fn echo(_context: Context<Config>, _system: System, params: Echo) -> Result<Raw> {
    Ok(params.value)
}

#[derive(Deserialize, JsonSchema)]
struct Sleep {
    /// How long to sleep.
    #[serde(rename = "probe/seconds")]
    #[schemars(range(min = 0))]
    seconds: f64,
}

async fn sleep(_context: Context<Config>, _system: System, params: Sleep) -> Result<&'static str> {
    tokio::time::sleep(duration("probe/seconds", params.seconds)?).await;
    Ok("slept")
}

fn duration(param: &str, seconds: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(seconds).map_err(|error| Error::bad_request(format!("{param}: {error}")))
}

async fn panic(_context: Context<Config>, _system: System, _params: NoParams) -> Result<()> {
    panic!("asked to panic");
}

#[derive(Deserialize, JsonSchema)]
struct Fail {
    /// Status of the error.
    #[serde(rename = "probe/code")]
    code: i64,
    /// Text of the error.
    #[serde(rename = "probe/message")]
    message: String,
}

async fn fail(_context: Context<Config>, _system: System, params: Fail) -> Result<()> {
    Err(Error::new(u16::try_from(params.code).unwrap_or_default(), params.message))
}

#[derive(Deserialize, JsonSchema)]
struct Log {
    /// How many lines to log.
    #[serde(rename = "probe/count")]
    count: u64,
}

async fn log(_context: Context<Config>, _system: System, params: Log) -> Result<u64> {
    for number in 1..=params.count {
        tracing::info!("probe line {number}");
    }
    Ok(params.count)
}

#[derive(Deserialize, JsonSchema)]
struct Spawn {
    /// A script for `sh`.
    #[serde(rename = "probe/command")]
    command: String,
    /// Seconds that it may run.
    #[serde(rename = "probe/timeout", default = "ten")]
    #[schemars(range(min = 0))]
    timeout: f64,
}

fn ten() -> f64 {
    10.0
}

#[derive(Serialize)]
struct Spawned {
    code: Option<i32>,
    stdout: String,
    stderr: String,
    truncated: bool,
}

async fn spawn(_context: Context<Config>, _system: System, params: Spawn) -> Result<Spawned> {
    // What is run is the caller's own text, whatever stands in it.
    let command = Command::new("sh").args(["-c", &params.command]).allow_secret_args();
    let output = command.time_limit(duration("probe/timeout", params.timeout)?).run().await?;
    Ok(Spawned {
        code: output.code(),
        stdout: output.stdout_text(),
        stderr: output.stderr_text(),
        truncated: output.truncated(),
    })
}

#[derive(Deserialize, JsonSchema)]
struct Secret {
    /// Whether to fail with a message that holds the token.
    #[serde(rename = "probe/fail", default)]
    fail: bool,
}

/// Does with the token what nobody should.
async fn secret(context: Context<Config>, _system: System, params: Secret) -> Result<usize> {
    let token = context.state().token.expose();
    tracing::info!("{:?}", context.state());
    tracing::info!("token={token}");
    tracing::error!("token={token}");
    if params.fail {
        return Err(Error::new(500, format!("no use for the token {token}")));
    }
    Ok(token.chars().count())
}

async fn store(context: Context<Config>, machine: Machine, _params: NoParams) -> Result<i64> {
    let params = context.client().objects::<Machine>().params(&machine.key());
    Ok(params.update("probe/counter", |count: Option<i64>| count.unwrap_or(0) + 1).await?)
}

async fn seen(_context: Context<Config>, _system: System, _params: NoParams) -> Result<&'static Seen> {
    Ok(&*SEEN)
}

async fn on_event(context: Context<Config>, event: Event) -> Result<()> {
    let _running = SEEN.start(&event);
    assert!(event.action != "panic", "asked to panic");
    let asked = event.object_as().ok().and_then(|object: RawModel| object.get("SleepMs"));
    tokio::time::sleep(Duration::from_millis(asked.unwrap_or(context.state().handler_ms))).await;
    SEEN.handled();
    if context.state().handler_fail { Err(Error::new(500, "asked to fail")) } else { Ok(()) }
}

async fn on_missed(_context: Context<Config>, missed: Missed) -> Result<()> {
    SEEN.missed(missed);
    Ok(())
}

#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Thing {
    color: String,
}

impl ObjectType for Thing {
    const NAME: &'static str = "probe-things";
}

fn provider() -> Provider<Config> {
    Provider::new("probe", concat!("v", env!("CARGO_PKG_VERSION")))
        .about("Shows what the framework does for a provider")
        .configure(async |_: Context<()>, config: Config| Ok(config))
        .action("echo", echo)
        .action("sleep", sleep)
        .action("panic", panic)
        .action("fail", fail)
        .action("log", log)
        .action("spawn", spawn)
        .action("secret", secret)
        .action("store", store)
        .action("seen", seen)
        .event(On::computed(|config: &Config| config.events.clone()), on_event)
        .reconcile(on_missed)
        .param::<i64>("probe/counter", "How often action `store` has run on the machine")
        .object_type::<Thing>()
        .file("bin/tool", TOOL, 0o755)
}

/// A tool that does nothing, of a size that is not written at once.
static TOOL: &[u8] = &{
    let mut tool = [b'#'; 128 << 10];
    let script = b"#!/bin/sh\nexit 0\n";
    let mut at = 0;
    while at < script.len() {
        tool[at] = script[at];
        at += 1;
    }
    tool
};

fn main() -> ExitCode {
    provider().run()
}
