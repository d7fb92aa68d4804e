//! Changes an object without losing what others change at the same time.
//!
//! `RS_ENDPOINT=https://127.0.0.1:8092 RS_TOKEN=… cargo run -p drp-client --example update`
#![allow(clippy::print_stdout)]

use drp_client::{Client, Config};
use drp_core::Profile;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::new(Config::from_env()?)?;
    let profiles = client.objects::<Profile>();
    profiles.create(&serde_json::json!({"Name": "example", "Description": "0"})).await?;

    // Eight programs, each with a connection of its own, count up the same description.
    let writers = (0..8).map(|_| {
        let profiles = Client::new(Config::from_env()?)?.objects::<Profile>();
        Ok(tokio::spawn(async move {
            let count_up = |profile: &mut Profile| {
                let count: u32 = profile.description.parse().unwrap_or(0);
                profile.description = (count + 1).to_string();
            };
            profiles.update("example", count_up).await
        }))
    });
    for writer in writers.collect::<Result<Vec<_>, drp_client::ConfigError>>()? {
        writer.await??;
    }
    println!("counted to {}", profiles.get("example").await?.description);

    // Meta has a place of its own, and so a patch of its own.
    let meta = profiles
        .update_meta("example", |meta| {
            meta.insert("color".to_owned(), "blue".to_owned());
        })
        .await?;
    println!("{meta:?}");
    profiles.delete("example").await?;
    Ok(())
}
