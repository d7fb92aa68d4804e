//! Brings the executable of a plugin provider, if one is named, and shows which there are.
//!
//! `RS_ENDPOINT=https://127.0.0.1:8092 RS_TOKEN=… cargo run -p drp-client --example plugin_providers -- [FILE]`
#![allow(clippy::print_stdout)]

use std::path::PathBuf;

use drp_client::{Client, Config, Upload};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let providers = Client::new(Config::from_env()?)?.plugin_providers();
    if let Some(path) = std::env::args().nth(1).map(PathBuf::from) {
        let name = path.file_name().and_then(|name| name.to_str()).ok_or("the file has no name")?;
        let upload = Upload::file(&path).await?.on_progress(|sent, _| print!("\r{sent} bytes"));
        println!("\n{:?}", providers.upload(name, upload).await?);
    }
    for provider in providers.list().await? {
        let actions: Vec<&str> = provider.available_actions.iter().map(|action| action.command.as_str()).collect();
        println!("{} {} can {}", provider.name, provider.version, actions.join(", "));
    }
    Ok(())
}
