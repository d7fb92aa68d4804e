//! Sets a secure param, which is sealed before it is sent, and has the server open it.
//!
//! `RS_ENDPOINT=https://127.0.0.1:8092 RS_TOKEN=… cargo run -p drp-client --example secure_param`
#![allow(clippy::print_stdout)]

use drp_client::{Client, Config};
use drp_core::{Param, Profile, SecureData};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::new(Config::from_env()?)?;
    client.objects::<Param>().create(&serde_json::json!({"Name": "example/password", "Secure": true})).await?;
    client.objects::<Profile>().create(&serde_json::json!({"Name": "example"})).await?;

    let params = client.objects::<Profile>().params("example");
    params.set_secure("example/password", "r0cketsk8ts").await?;
    let sealed: Option<SecureData> = params.get("example/password").await?;
    println!("the server has {:?}", sealed.map(|sealed| sealed.payload));
    let opened: Option<String> = params.decode().get("example/password").await?;
    println!("and opens it as {opened:?}");

    client.objects::<Profile>().delete("example").await?;
    client.objects::<Param>().delete("example/password").await?;
    Ok(())
}
