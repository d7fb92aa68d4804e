//! Shows the actions of the system and runs one of them, if there is one.
//!
//! `RS_ENDPOINT=https://127.0.0.1:8092 RS_TOKEN=… cargo run -p drp-client --example actions`
#![allow(clippy::print_stdout)]

use drp_client::{Client, Config};
use drp_core::Params;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::new(Config::from_env()?)?;
    let actions = client.system_actions();
    for action in actions.list().await? {
        println!("{} of {}, with {:?}", action.command, action.provider, action.optional_params);
    }
    // A plugin provider with such an action is in `examples/incrementer`.
    match actions.run("incrstatus", &Params::default()).await {
        Ok(result) => println!("it says {result}"),
        Err(error) => println!("{}", error.chain()),
    }
    // The same on an object: client.objects::<Machine>().actions("Name:web1").plugin("incr").run(…)
    Ok(())
}
