//! The host, beside a bare axum handler over the same TLS and the bare engine of its store.

mod actions;
mod baseline;
mod events;
pub(crate) mod https;
mod objects;
pub(crate) mod server;

pub(crate) use baseline::serve;

use anyhow::{Context, Result, ensure};

use crate::host::{https::Https, server::Server};

/// What the suite is run with.
pub(crate) struct Plan {
    /// Machines of 8 KB.
    pub(crate) machines: usize,
    /// Events of each fan-out.
    pub(crate) events: usize,
    /// Seconds that each rate is measured for.
    pub(crate) seconds: u64,
}

pub(crate) async fn run(plan: &Plan) -> Result<()> {
    build(&[])?;
    let data = tempfile::tempdir()?;
    let plugins = data.path().join("plugins");
    std::fs::create_dir_all(&plugins)?;
    std::fs::copy(std::env::current_exe()?.with_file_name("incrementer"), plugins.join("incrementer"))?;
    let server = Server::start(data.path())?;
    let https = Https::new(&server, &server.token().await?)?;
    objects::run(plan, &server, &https).await?;
    actions::run(plan, &server, &https).await?;
    events::run(plan, &server, &https).await?;
    drop(server);
    objects::restart(data.path()).await
}

/// Builds the server and the incrementer, and more if asked for.
pub(crate) fn build(more: &[&str]) -> Result<()> {
    let status = std::process::Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--release", "-p", "incrementer", "-p", "drpx"])
        .args(more)
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "host and provider do not build");
    Ok(())
}

/// One row: what, how fast, and which part of its baseline that is.
fn row(title: &str, a_second: f64, baseline: Option<f64>) {
    match baseline {
        Some(baseline) => println!("{title:<58} {a_second:>9.0} {:>7.2}", a_second / baseline),
        None => println!("{title:<58} {a_second:>9.0}       -"),
    }
}
