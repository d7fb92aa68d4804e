//! `cargo xtask soak`: a server and 20 plugins under load and faults for half an hour.
#![allow(clippy::print_stdout, reason = "a command prints its table")]

use std::{
    process::{Command, ExitCode},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use soak::{Executables, Plan};

/// Runs a server and 20 plugins under load and faults, and looks whether anything grows or gets lost.
#[derive(Parser)]
struct Args {
    /// Minutes that it takes.
    #[arg(long, default_value_t = 30)]
    minutes: u64,
    /// Seconds of load in each lap.
    #[arg(long, default_value_t = 10)]
    lap: u64,
    /// Which faults come when; the table tells it.
    #[arg(long)]
    seed: Option<u64>,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let plan = Plan {
        executables: build()?,
        time: Duration::from_secs(args.minutes.saturating_mul(60)),
        lap: Duration::from_secs(args.lap),
        seed: args.seed.unwrap_or_else(|| fastrand::u64(..)),
        progress: true,
    };
    let report = tokio::runtime::Runtime::new()?.block_on(soak::run(&plan))?;
    print!("{report}");
    Ok(if report.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Builds the executables as this one was built; they stand beside it then.
fn build() -> Result<Executables> {
    let profile: &[&str] = if cfg!(debug_assertions) { &[] } else { &["--release"] };
    let packages = ["drpx", "probe", "incrementer", "rude-provider"].map(|package| ["-p", package]);
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet"]).args(profile).args(packages.as_flattened());
    ensure!(build.status().context("cannot run cargo")?.success(), "server and providers do not build");
    let here = std::env::current_exe()?;
    let [drpx, probe, incrementer, rude] =
        ["drpx", "probe", "incrementer", "rude-provider"].map(|name| here.with_file_name(name));
    Ok(Executables { drpx, probe, incrementer, rude })
}
