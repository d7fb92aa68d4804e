//! Brings a content bundle, brings it once more, and takes it away.
//!
//! `RS_ENDPOINT=https://127.0.0.1:8092 RS_TOKEN=… cargo run -p drp-client --example contents`
#![allow(clippy::print_stdout)]

use drp_client::{Client, Config};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::new(Config::from_env()?)?;
    let contents = client.contents();
    for version in ["v1.0.0", "v1.1.0"] {
        let bundle = json!({
            "meta": { "Name": "example", "Version": version },
            "sections": { "tasks": { "example": { "Name": "example" } } },
        });
        // Whether or not there is one of its name.
        let summary = contents.upload(&bundle).await?;
        println!("{} {} with {:?}", summary.meta.name, summary.meta.version, *summary.counts);
    }
    println!("{}", contents.get::<Value>("example").await?);
    contents.delete("example").await?;
    for summary in contents.list().await? {
        println!("{} is {}", summary.meta.name, summary.meta.type_);
    }
    Ok(())
}
