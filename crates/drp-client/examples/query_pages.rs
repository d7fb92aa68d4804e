//! Walks a list of any length with one page of it in memory.
//!
//! `RS_ENDPOINT=https://127.0.0.1:8092 RS_TOKEN=… cargo run -p drp-client --example query_pages`
#![allow(clippy::print_stdout)]

use drp_client::{Client, Config, Filter, Query};
use drp_core::Param;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::new(Config::from_env()?)?;
    let params = client.objects::<Param>();
    for n in 0..7 {
        params.create(&serde_json::json!({"Name": format!("example/{n}")})).await?;
    }

    let ours = Query::new().filter("Name", Filter::re("^example/"));
    let mut pages = params.pages(ours.clone()).page_objects(3);
    while let Some(param) = pages.next().await {
        // What comes and goes meanwhile neither hides others nor repeats them.
        let param = param?;
        println!("{}", param.name);
        params.delete(&param.name).await?;
    }
    println!("{} are left", params.count(&ours).await?);
    Ok(())
}
