//! Reads objects of a custom type, which a plugin provider brings, as a type of one's own.
//!
//! `RS_ENDPOINT=https://127.0.0.1:8092 RS_TOKEN=… cargo run -p drp-client --example custom_type`
#![allow(clippy::print_stdout)]

use drp_client::{Client, Config, Query};
use drp_core::Model;
use serde::{Deserialize, Serialize};

/// An object of the type `typed-cows` of `examples/incrementer`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TypedCow {
    id: String,
    spotted: bool,
    location: Option<String>,
}

impl Model for TypedCow {
    const PREFIX: &'static str = "typed-cows";

    fn key(&self) -> String {
        self.id.clone()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::new(Config::from_env()?)?;
    match client.objects::<TypedCow>().list(&Query::new()).await {
        Ok(cows) => println!("{cows:#?}"),
        Err(error) => println!("the provider `incrementer` is not there: {}", error.chain()),
    }
    Ok(())
}
