//! Runs a job as an agent does: takes it, writes its log and ends it.
//!
//! `RS_ENDPOINT=https://127.0.0.1:8092 RS_TOKEN=… cargo run -p drp-client --example jobs`
#![allow(clippy::print_stdout)]

use drp_client::{Client, Config, NextJob};
use drp_core::{Machine, Model, Task};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::new(Config::from_env()?)?;
    client.objects::<Task>().create(&serde_json::json!({"Name": "example"})).await?;
    let machine = serde_json::json!({"Name": "example", "Tasks": ["example"], "Runnable": true});
    let machine = client.objects::<Machine>().create(&machine).await?;

    let jobs = client.jobs();
    if let NextJob::New(job) | NextJob::Again(job) = jobs.next(&machine.key()).await? {
        let uuid = job.key();
        jobs.set_state(&uuid, "created", "running").await?;
        let mut log = jobs.log_writer(&uuid);
        for step in 1..=3 {
            log.write(format!("step {step}\n")).await?;
        }
        log.flush().await?;
        jobs.finish(&uuid, "finished", "complete").await?;
        let mut log = jobs.log(&uuid).await?;
        while let Some(piece) = log.next().await? {
            print!("{}", String::from_utf8_lossy(&piece));
        }
    }
    client.objects::<Machine>().delete(&machine.key()).await?;
    client.objects::<Task>().delete("example").await?;
    Ok(())
}
