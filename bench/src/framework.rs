//! The framework: what a provider costs and how many actions it answers, beside a bare hyper server on a socket.

pub(crate) mod echo;
pub(crate) mod provider;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use drp_core::contract;

use crate::{
    framework::provider::Plugin,
    load::{Load, Rate},
    sample,
};

/// Measures our incrementer, and `peer` beside it.
pub(crate) async fn run(peer: Option<&Path>, seconds: u64) -> Result<()> {
    let ours = build()?;
    let reader = ours.with_file_name("machine-reader");
    report_costs("incrementer", &ours).await?;
    if let Some(peer) = peer {
        report_costs("peer", peer).await?;
    }

    println!("\n{:<44} {:>9} {:>7} {:>11}", "actions over the socket", "a second", "of echo", "CPU s/100k");
    let small = sample::system_action("incrstatus");
    let machine = sample::machine_action("incrstatus");
    let read = sample::machine_action("read");
    for connections in [1, 16] {
        let load = |body: &str| Load { path: contract::ACTION_PATH, body: body.to_owned(), connections, seconds };
        for (size, body, typed) in [("small body", &small, None), ("8 KB machine", &machine, Some(&read))] {
            let title = |who: &str| format!("{who}, {size}, {connections} connection(s)");
            let echo = echo::measure(&load(body)).await?;
            print_rate(&title("bare hyper echo"), &echo, &echo);
            let rate = measure(&ours, &load(body)).await?;
            print_rate(&title("incrementer"), &rate, &echo);
            if let Some(read) = typed {
                let rate = measure(&reader, &load(read)).await?;
                print_rate(&title("typed action that reads it"), &rate, &echo);
            }
            if let Some(peer) = peer {
                let rate = measure(peer, &load(body)).await?;
                print_rate(&title("peer"), &rate, &echo);
            }
        }
    }
    Ok(())
}

/// Builds the providers as they are shipped and returns the incrementer's path.
fn build() -> Result<PathBuf> {
    let status = std::process::Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--release", "-p", "incrementer", "-p", "bench", "--bins"])
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "the providers do not build");
    let path = std::env::current_exe()?.with_file_name("incrementer");
    ensure!(path.exists(), "`{}` is missing after the build", path.display());
    Ok(path)
}

async fn report_costs(name: &str, executable: &Path) -> Result<()> {
    let define = provider::define(executable)?;
    let size = executable.metadata()?.len();
    let plugin = Plugin::start(executable).await?;
    let ready = plugin.ready_in;
    plugin.configure().await?;
    let memory = plugin.memory_kb()?;
    plugin.stop().await?;
    println!("{name}: `{}`", executable.display());
    println!(
        "  define              {:>9.2?} (fastest of {}), {:.1} MB at most",
        define.fastest,
        define.runs,
        mb(define.peak_kb)
    );
    println!("  exec to READY!      {ready:>9.2?}");
    println!("  memory after config {:>7.1} MB", mb(memory));
    #[allow(clippy::cast_precision_loss, reason = "a size in megabytes")]
    let size = size as f64 / 1e6;
    println!("  executable          {size:>7.1} MB");
    Ok(())
}

async fn measure(executable: &Path, load: &Load) -> Result<Rate> {
    let plugin = Plugin::start(executable).await?;
    plugin.configure().await?;
    let rate = load.run(plugin.socket(), plugin.id()).await?;
    plugin.stop().await?;
    Ok(rate)
}

fn print_rate(title: &str, rate: &Rate, echo: &Rate) {
    println!("{title:<44} {:>9.0} {:>7.2} {:>11.2}", rate.a_second, rate.a_second / echo.a_second, rate.cpu_s_per_100k);
}

#[allow(clippy::cast_precision_loss, reason = "memory in megabytes")]
fn mb(kb: u64) -> f64 {
    kb as f64 / 1000.0
}
