//! Many actions that wait at the same time: whether all are served at once, and what each that waits costs.

use std::{fs, path::Path, time::Duration};

use anyhow::Result;

use crate::{
    framework::{
        bare::{Bare, Besides},
        compare::{Figures, compare},
        mb,
        provider::Plugin,
    },
    load::{Load, memory_kb, status_of},
    sample,
};

const ACTIONS: usize = 1000;
/// As long as the action `sleep` of `measured` takes.
const SLEEP_MS: u64 = 100;

pub(crate) async fn run(measured: &Path, seconds: u64) -> Result<()> {
    let title = format!("{ACTIONS} actions at once, {SLEEP_MS} ms each");
    println!(
        "\n{title:<44} {:>9} {:>7} {:>11} {:>8} {:>8} {:>8} {:>6}",
        "a second", "of bare", "CPU s/100k", "idle MB", "peak MB", "threads", "fds"
    );
    let bare = Bare::start(&Besides::sleep_ms(SLEEP_MS)).await?;
    let ours = Plugin::start_configured(measured).await?;
    let body = sample::system_action("sleep");
    let idle = [memory_kb(bare.id())?, memory_kb(ours.id())?];
    let loads = [bare.load(&body, ACTIONS), ours.load(&body, ACTIONS)];
    let figures = compare(&loads, seconds).await?;
    for (((title, load), figures), idle) in ["bare hyper", "typed action"].iter().zip(&loads).zip(&figures).zip(idle) {
        print_row(title, figures, idle, &Held::under(load).await?);
    }
    ours.stop().await
}

/// What a process holds while it is loaded.
struct Held {
    peak_kb: u64,
    threads: u64,
    descriptors: usize,
}

impl Held {
    async fn under(load: &Load) -> Result<Self> {
        let look = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            Ok(Self {
                peak_kb: status_of(load.server, "VmHWM")?,
                threads: status_of(load.server, "Threads")?,
                descriptors: fs::read_dir(format!("/proc/{}/fd", load.server))?.count(),
            })
        };
        let (held, loaded) = tokio::join!(look, load.run(Duration::from_secs(1)));
        loaded?;
        held
    }
}

fn print_row(title: &str, figures: &Figures, idle_kb: u64, held: &Held) {
    let Figures { a_second, of_first, cpu_s_per_100k, .. } = figures;
    let (idle, peak) = (mb(idle_kb), mb(held.peak_kb));
    println!(
        "{title:<44} {a_second:>9.0} {of_first:>7.2} {cpu_s_per_100k:>11.2} {idle:>8.1} {peak:>8.1} {:>8} {:>6}",
        held.threads, held.descriptors
    );
}
