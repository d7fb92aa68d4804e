//! Asks a server about itself.
//!
//! `RS_ENDPOINT=https://127.0.0.1:8092 RS_TOKEN=… cargo run -p drp-client --example server`
#![allow(clippy::print_stdout)]

use drp_client::{Client, Config};
use drp_core::{Event, Time};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::new(Config::from_env()?)?;
    let info = client.info().await?;
    println!("{} {} on {}/{}", info.id, info.version, info.os, info.arch);
    println!("it stores {}", client.object_types().await?.join(", "));
    for (name, index) in client.indexes_of("machines").await? {
        println!("machines can be found by {name}, a {}", index.type_);
    }
    println!("{:?}", client.prefs().await?);
    println!("{:?}", client.interfaces().await?.iter().map(|one| &one.name).collect::<Vec<_>>());

    let event = Event { type_: "example".to_owned(), action: "say".to_owned(), ..Event::default() };
    client.post_event(&Event { key: "hello".to_owned(), time: Time::default(), ..event }).await?;
    for line in client.logs().await?.iter().rev().take(3) {
        println!("{} {}", line.service, line.message);
    }
    Ok(())
}
