//! Waits until a machine has reached a stage, for ten minutes at most.
//!
//! `RS_ENDPOINT=https://127.0.0.1:8092 RS_TOKEN=… cargo run -p drp-client --example wait_for web1.example.com complete`
#![allow(clippy::print_stdout)]

use std::time::Duration;

use drp_client::{Client, Config, Waited, field_is};
use drp_core::Machine;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(name), Some(stage)) = (args.next(), args.next()) else {
        return Err("which machine, and which stage?".into());
    };
    let client = Client::new(Config::from_env()?)?;
    let machines = client.objects::<Machine>();
    // Any condition will do: `|machine| ...`.
    let waited =
        machines.wait_for(&format!("Name:{name}"), field_is("Stage", &stage), Duration::from_secs(600)).await?;
    match waited {
        Waited::Met(machine) => println!("{name} is in stage {stage}, as {}", machine.uuid),
        Waited::TimedOut => println!("{name} is still not in stage {stage}"),
        Waited::Deleted => println!("{name} is no more"),
    }
    Ok(())
}
