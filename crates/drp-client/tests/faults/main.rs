//! Event streams through a proxy that cuts, stalls and delays their connections.
//!
//! `DRPX_FAULTS` says how often it does so (20 times unless set), `DRPX_FAULT_SEED` in which way.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod host;
mod ledger;
mod memory;
mod numbers;
mod proxy;
mod publisher;
mod raw;

use std::time::Duration;

use drp_client::Config;

use self::numbers::Numbers;

/// Events of one run.
const EVENTS: u64 = 10_000;
/// Objects that they are about.
const KEYS: u64 = 8;
/// How long a run may take in all, and never does.
const PATIENCE: Duration = Duration::from_secs(300);

fn from_env(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

fn faults() -> u64 {
    from_env("DRPX_FAULTS", 20)
}

/// The numbers of this run, told so that it can be repeated.
fn numbers() -> Numbers {
    let seed = from_env("DRPX_FAULT_SEED", 4);
    println!("DRPX_FAULT_SEED={seed} DRPX_FAULTS={}", faults());
    Numbers::new(seed)
}

/// Quick times: what takes seconds in life takes a moment here.
fn quicken(config: &mut Config) {
    config.request_time = Duration::from_secs(4);
    config.connect_time = Duration::from_secs(2);
    config.event_times.ping = Duration::from_millis(50);
    config.event_times.silence = Duration::from_millis(600);
    config.event_times.echo = Duration::from_millis(600);
    config.event_times.reconnect_min = Duration::from_millis(1);
    config.event_times.reconnect_max = Duration::from_millis(20);
}
