//! Makes, reads, lists, counts and removes objects.
//!
//! `RS_ENDPOINT=https://127.0.0.1:8092 RS_TOKEN=… cargo run -p drp-client --example objects`
#![allow(clippy::print_stdout)]

use drp_client::{Client, Config, Filter, Query};
use drp_core::Profile;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::new(Config::from_env()?)?;
    let profiles = client.objects::<Profile>();

    let made = Profile { name: "example".to_owned(), description: "the first".to_owned(), ..Profile::default() };
    profiles.create(&made).await?;
    println!("is there: {}", profiles.exists("example").await?);
    println!("{:?}", profiles.get("Name:example").await?.description);

    let named = Query::new().filter("Name", Filter::re("^ex")).sort("Name").limit(10);
    for profile in profiles.list(&named).await? {
        println!("{} of {}", profile.name, profiles.count(&named).await?);
    }

    // That there is none is an error like any other, and easily told from them.
    profiles.delete("example").await?;
    match profiles.get("example").await {
        Err(error) if error.is_not_found() => println!("gone: {}", error.chain()),
        other => println!("{other:?}"),
    }

    // Types without a model, and the keys of objects one by one.
    for task in client.raw_objects("tasks").list(&Query::new()).await? {
        println!("{} from {}", task.text("Name"), task.text("Bundle"));
    }
    Ok(())
}
