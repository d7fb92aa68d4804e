//! Actions from the client to the plugin and back.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use http::Method;

use super::{
    Plan,
    https::{Https, basic},
    row,
    server::{PASSWORD, Server, USER},
};

const STATUS: &str = "/api/v3/system/actions/incrstatus";

fn increment_of(machine: usize) -> String {
    format!("/api/v3/machines/Name:m-{machine}.example.com/actions/increment")
}

pub(crate) async fn run(plan: &Plan, server: &Server, https: &Https) -> Result<()> {
    println!("\n{:<58} {:>9} {:>7}", "actions from client to plugin and back", "a second", "of base");
    let plugin = r#"{"Name":"incr","Provider":"incrementer"}"#;
    let (status, _) = https.once(Method::POST, "/api/v3/plugins", plugin).await?;
    ensure!(status.as_u16() == 201, "the plugin was not made: {status}");
    let started = Instant::now();
    while !https.once(Method::POST, STATUS, "{}").await?.0.is_success() {
        ensure!(started.elapsed() < Duration::from_secs(10), "the plugin is not configured");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let by_password = Https::with_authorization(server, basic(USER, PASSWORD))?;
    for clients in [1, 16] {
        for (who, https) in [("token", https), ("basic auth", &by_password)] {
            let rate = https.rate(clients, plan.seconds, &Method::POST, STATUS, "{}").await?;
            row(&format!("system action by {who}, {clients} client(s)"), rate, None);
        }
        let rate = https.rate(clients, plan.seconds, &Method::POST, &increment_of(2), "{}").await?;
        row(&format!("increment of one machine, {clients} client(s)"), rate, None);
    }
    let machines: Vec<String> = (0..16).map(increment_of).collect();
    let rate = https.rate_of(&machines, plan.seconds, &Method::POST, "{}").await?;
    row("increment of a machine each, 16 clients", rate, None);
    Ok(())
}
