//! Makes a user, gives it a password and a token, and removes it.
//!
//! `RS_ENDPOINT=https://127.0.0.1:8092 RS_TOKEN=… cargo run -p drp-client --example users`
#![allow(clippy::print_stdout)]

use std::time::Duration;

use drp_client::{Client, Config, Secret};
use drp_core::User;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::new(Config::from_env()?)?;
    client.objects::<User>().create(&serde_json::json!({"Name": "example"})).await?;
    client.set_password("example", &Secret::from("correct horse battery staple")).await?;
    let token = client.user_token("example", Some(Duration::from_secs(600)), &[]).await?;
    println!("a token of {} characters for {}", token.token.expose().len(), token.info.id);
    client.objects::<User>().delete("example").await?;
    Ok(())
}
