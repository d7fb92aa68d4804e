//! The framework: what a provider costs and how much it does, beside a bare hyper server on a socket and a bare reader
//! of websocket frames. `docs/performance.md` says what the rows mean.

pub(crate) mod bare;
mod compare;
pub(crate) mod events;
mod logs;
pub(crate) mod provider;
mod sink;
mod slow;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::{
    framework::{
        bare::{Bare, Besides},
        compare::{Figures, compare},
        provider::Plugin,
    },
    load::{memory_kb, status_of},
    sample,
};

/// Measures our incrementer and a provider with an action of each kind, and `peer`, another incrementer, beside them.
pub(crate) async fn run(peer: Option<&Path>, seconds: u64) -> Result<()> {
    let incrementer = build()?;
    let measured = incrementer.with_file_name("measured");
    report_costs("incrementer", &incrementer).await?;
    if let Some(peer) = peer {
        report_costs("peer", peer).await?;
    }
    println!("\n{:<44} {:>9} {:>7} {:>11}", "actions over the socket", "a second", "of bare", "CPU s/100k");
    for connections in [1, 16] {
        small_actions(&incrementer, peer, connections, seconds).await?;
        machine_actions(&incrementer, &measured, peer, connections, seconds).await?;
    }
    logs::run(&measured, peer, seconds).await?;
    events::run(&measured).await?;
    slow::run(&measured, seconds).await
}

async fn small_actions(incrementer: &Path, peer: Option<&Path>, connections: usize, seconds: u64) -> Result<()> {
    let body = sample::system_action("incrstatus");
    let mut rows = vec![("incrementer", incrementer, body.as_str())];
    rows.extend(peer.map(|peer| ("peer", peer, body.as_str())));
    compare_rows("small body", &rows, connections, seconds).await
}

async fn machine_actions(
    incrementer: &Path,
    measured: &Path,
    peer: Option<&Path>,
    connections: usize,
    seconds: u64,
) -> Result<()> {
    let (body, read) = (sample::machine_action("incrstatus"), sample::machine_action("read"));
    let mut rows =
        vec![("incrementer", incrementer, body.as_str()), ("typed action that reads it", measured, read.as_str())];
    rows.extend(peer.map(|peer| ("peer", peer, body.as_str())));
    compare_rows("8 KB machine", &rows, connections, seconds).await
}

/// Compares providers, each with the action it is asked for, with the bare server that is sent the first one's.
async fn compare_rows(size: &str, rows: &[(&str, &Path, &str)], connections: usize, seconds: u64) -> Result<()> {
    let bare = Bare::start(&Besides::default()).await?;
    let mut titles = vec!["bare hyper"];
    let mut loads: Vec<_> = rows.first().map(|(_, _, body)| bare.load(body, connections)).into_iter().collect();
    let mut plugins = Vec::new();
    for (title, executable, body) in rows {
        let plugin = Plugin::start_configured(executable).await?;
        titles.push(title);
        loads.push(plugin.load(body, connections));
        plugins.push(plugin);
    }
    let figures = compare(&loads, seconds).await?;
    for (title, Figures { a_second, of_first, cpu_s_per_100k, .. }) in titles.iter().zip(figures) {
        let title = format!("{title}, {size}, {connections} connection(s)");
        println!("{title:<44} {a_second:>9.0} {of_first:>7.2} {cpu_s_per_100k:>11.2}");
    }
    for plugin in plugins {
        plugin.stop().await?;
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
    let plugin = Plugin::start_configured(executable).await?;
    let (ready, id) = (plugin.ready_in, plugin.id());
    let [own, file] = [status_of(id, "RssAnon")?, status_of(id, "RssFile")?].map(mb);
    let memory = mb(memory_kb(id)?);
    plugin.stop().await?;
    println!("{name}: `{}`", executable.display());
    println!(
        "  define              {:>9.2?} (fastest of {}), {:.1} MB at most",
        define.fastest,
        define.runs,
        mb(define.peak_kb)
    );
    println!("  exec to READY!      {ready:>9.2?}");
    println!("  memory after config {memory:>7.1} MB: {own:.1} MB of its own, {file:.1} MB of mapped files");
    #[allow(clippy::cast_precision_loss, reason = "a size in megabytes")]
    let size = size as f64 / 1e6;
    println!("  executable          {size:>7.1} MB");
    Ok(())
}

#[allow(clippy::cast_precision_loss, reason = "memory in megabytes")]
fn mb(kb: u64) -> f64 {
    // The system's kB are 1024 bytes.
    kb as f64 * 1024.0 / 1e6
}
