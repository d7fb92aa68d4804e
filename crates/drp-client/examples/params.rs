//! Reads and writes params of an object.
//!
//! `RS_ENDPOINT=https://127.0.0.1:8092 RS_TOKEN=… cargo run -p drp-client --example params`
#![allow(clippy::print_stdout)]

use drp_client::{Client, Config};
use drp_core::Profile;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::new(Config::from_env()?)?;
    let profiles = client.objects::<Profile>();
    profiles.create(&serde_json::json!({"Name": "example"})).await?;

    let params = profiles.params("example");
    params.set("example/size", &3).await?;
    params.add("example/once", "only where it is not set yet").await?;
    let doubled = params.update("example/size", |size: Option<u64>| size.unwrap_or(1) * 2).await?;
    println!("{doubled}, by the server {:?}", params.get::<u64>("example/size").await?);

    // Params that belong together are written in one step.
    let total = params.update_all(|all| {
        let total = all.value::<u64>("example/total")?.unwrap_or(0) + 1;
        all.set("example/total", &total)?;
        all.remove("example/once");
        Ok(total)
    });
    println!("{} in all: {}", total.await?, serde_json::to_string(&params.clone().aggregate().all().await?)?);
    profiles.delete("example").await?;
    Ok(())
}
