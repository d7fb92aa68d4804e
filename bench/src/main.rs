//! Benchmarks of the framework, each beside its physical baseline in the same run.
//!
//! `cargo run --release -p bench` builds the providers and prints a table. Compare rows and ratios: the absolute
//! numbers belong to the machine. `--peer PATH` measures another incrementer, such as one written in Go, beside ours.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod echo;
mod load;
mod provider;
mod sample;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use drp_core::contract;

use crate::{
    load::{Load, Rate},
    provider::Plugin,
};

/// Benchmarks of drpx.
#[derive(Parser)]
struct Args {
    /// Another incrementer to measure beside ours.
    #[arg(long, value_name = "PATH")]
    peer: Option<PathBuf>,
    /// Seconds that each rate is measured for.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Serve the bare echo on this socket; used by the benchmark itself.
    #[arg(long, hide = true)]
    echo: Option<PathBuf>,
    /// Print the peak memory of one `define` of this provider; used by the benchmark itself.
    #[arg(long, hide = true)]
    define_peak: Option<PathBuf>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    if let Some(executable) = &args.define_peak {
        println!("{}", provider::define_peak_kb(executable)?);
        return Ok(());
    }
    let runtime = tokio::runtime::Runtime::new()?;
    match args.echo {
        Some(socket) => runtime.block_on(echo::serve(&socket)),
        None => runtime.block_on(run(&args)),
    }
}

async fn run(args: &Args) -> Result<()> {
    let ours = build()?;
    let reader = ours.with_file_name("machine-reader");
    report_costs("incrementer", &ours).await?;
    if let Some(peer) = &args.peer {
        report_costs("peer", peer).await?;
    }

    println!("\n{:<44} {:>9} {:>7} {:>11}", "actions over the socket", "a second", "of echo", "CPU s/100k");
    let small = sample::system_action("incrstatus");
    let machine = sample::machine_action("incrstatus");
    let read = sample::machine_action("read");
    for connections in [1, 16] {
        let load = |body: &str| Load {
            path: contract::ACTION_PATH,
            body: body.to_owned(),
            connections,
            seconds: args.seconds,
        };
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
            if let Some(peer) = &args.peer {
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
