//! Benchmarks, each beside its physical baseline in the same run.
//!
//! `cargo run --release -p bench` measures the framework, `cargo run --release -p bench -- host` the host, and
//! `cargo run --release -p bench -- rude` a good provider beside bad ones. Compare rows and ratios: the absolute numbers
//! belong to the machine.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod framework;
mod host;
mod load;
mod rude;
mod sample;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, ValueEnum};

use crate::framework::bare::Besides;

/// Benchmarks of drpx.
#[derive(Parser)]
struct Args {
    /// What is measured.
    #[arg(value_enum, default_value = "framework")]
    suite: Suite,
    /// Another incrementer, in any language, to measure beside ours.
    #[arg(long, value_name = "PATH")]
    peer: Option<PathBuf>,
    /// Seconds that each rate is measured for.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Machines of 8 KB in the host.
    #[arg(long, default_value_t = 10_000)]
    machines: usize,
    /// Events of each fan-out of the host.
    #[arg(long, default_value_t = 5_000)]
    events: usize,
    /// Serve the bare hyper server on this socket; used by the benchmark itself.
    #[arg(long, hide = true)]
    bare: Option<PathBuf>,
    #[command(flatten)]
    besides: Besides,
    /// Read as many events from this address as `--events` says; used by the benchmark itself.
    #[arg(long, hide = true)]
    read_events: Option<String>,
    /// Print the peak memory of one `define` of this provider; used by the benchmark itself.
    #[arg(long, hide = true)]
    define_peak: Option<PathBuf>,
    /// Serve a bare axum handler with the certificate in this directory; used by the benchmark itself.
    #[arg(long, hide = true)]
    bare_axum: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Suite {
    Framework,
    Host,
    /// A good provider beside one of each bad kind.
    Rude,
    All,
}

fn main() -> Result<()> {
    let args = Args::parse();
    if let Some(executable) = &args.define_peak {
        println!("{}", framework::provider::define_peak_kb(executable)?);
        return Ok(());
    }
    tokio::runtime::Runtime::new()?.block_on(run(args))
}

async fn run(args: Args) -> Result<()> {
    if let Some(socket) = &args.bare {
        return framework::bare::serve(socket, &args.besides).await;
    }
    if let Some(address) = &args.read_events {
        return framework::events::read_bare(address, args.events).await;
    }
    if let Some(tls) = &args.bare_axum {
        return host::serve(tls, sample::machine("bench").to_string()).await;
    }
    if matches!(args.suite, Suite::Framework | Suite::All) {
        framework::run(args.peer.as_deref(), args.seconds).await?;
    }
    if matches!(args.suite, Suite::Host | Suite::All) {
        let plan = host::Plan { machines: args.machines, events: args.events, seconds: args.seconds };
        host::run(&plan).await?;
    }
    if matches!(args.suite, Suite::Rude | Suite::All) {
        rude::run(args.seconds).await?;
    }
    Ok(())
}
