//! Watches machines come and go, and says where something may be missing.
//!
//! `RS_ENDPOINT=https://127.0.0.1:8092 RS_TOKEN=… cargo run -p drp-client --example events [SELECTOR...]`
#![allow(clippy::print_stdout)]

use drp_client::{Client, Config, StreamItem};
use drp_core::Selector;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::new(Config::from_env()?)?;
    let mut selectors = std::env::args().skip(1).map(|text| text.parse()).collect::<Result<Vec<Selector>, _>>()?;
    if selectors.is_empty() {
        // One for each: servers older than 2020 know no lists such as `create,delete`.
        selectors = vec!["machines.create.*".parse()?, "machines.delete.*".parse()?];
    }
    // From here on nothing is missed without a word.
    let mut events = client.events(selectors).await?;
    while let Some(item) = events.next().await {
        match item {
            StreamItem::Event(event) => println!("{} {} {}", event.type_, event.action, event.key),
            // Whoever mirrors objects lists them again at both.
            StreamItem::Resynced => println!("the connection was lost and is back: look at everything again"),
            StreamItem::Lagged(count) => println!("{count} events were lost: look at everything again"),
            _ => {}
        }
    }
    Ok(())
}
