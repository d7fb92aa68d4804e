//! The soak, for some seconds. `cargo xtask soak` runs it for half an hour.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use raw_peer::built;
use soak::{Executables, Plan};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_plugins_under_load_and_faults_lose_nothing_silently() {
    let [probe, incrementer, rude] = ["probe", "incrementer", "rude-provider"].map(built);
    let drpx = env!("CARGO_BIN_EXE_drpx").into();
    let plan = Plan {
        executables: Executables { drpx, probe, incrementer, rude },
        time: Duration::from_secs(8),
        lap: Duration::from_secs(4),
        seed: 1,
        progress: false,
    };
    let report = soak::run(&plan).await.unwrap();
    assert!(report.findings.is_empty(), "{report}");
}
