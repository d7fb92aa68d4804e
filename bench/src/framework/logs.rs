//! Actions that write log lines while the host takes them: what they cost the caller, and what of them arrives.

use std::path::Path;

use anyhow::Result;

use crate::{
    framework::{
        bare::{Bare, Besides},
        compare::{Figures, compare, count},
        provider::Plugin,
        sink::LogSink,
    },
    sample,
};

pub(crate) async fn run(measured: &Path, peer: Option<&Path>, seconds: u64) -> Result<()> {
    println!(
        "\n{:<44} {:>9} {:>7} {:>11} {:>9} {:>11}",
        "actions that log, 16 connections", "a second", "of bare", "CPU s/100k", "lines/s", "lines/action"
    );
    for lines in [1, 10] {
        compare_lines(lines, measured, peer, seconds).await?;
    }
    Ok(())
}

async fn compare_lines(lines: usize, measured: &Path, peer: Option<&Path>, seconds: u64) -> Result<()> {
    const CONNECTIONS: usize = 16;
    let dir = tempfile::tempdir()?;
    let log = dir.path().join("log");
    let (body, sink) = (sample::system_action(&format!("log-{lines}")), LogSink::serve(&log)?);
    let bare = Bare::start(&Besides::lines(lines, log)).await?;
    let ours = Plugin::start_configured(measured).await?;
    let mut loads = vec![bare.load(&body, CONNECTIONS), ours.load(&body, CONNECTIONS)];
    let mut rows = vec![(format!("bare hyper, {lines} line(s)"), sink), ("typed action".into(), ours.log.clone())];
    // How much a peer logs is its own affair.
    let peer = match peer {
        Some(peer) if lines == 1 => Some(Plugin::start_configured(peer).await?),
        _ => None,
    };
    if let Some(peer) = &peer {
        loads.push(peer.load(&sample::system_action("incrstatus"), CONNECTIONS));
        rows.push(("peer's incrstatus".into(), peer.log.clone()));
    }
    let before: Vec<u64> = rows.iter().map(|(_, sink)| sink.lines()).collect();
    let figures = compare(&loads, seconds).await?;
    for (((title, sink), figures), before) in rows.iter().zip(&figures).zip(before) {
        print_row(title, figures, count(sink.lines_in_the_end().await - before) / count(figures.answered));
    }
    ours.stop().await?;
    match peer {
        Some(peer) => peer.stop().await,
        None => Ok(()),
    }
}

fn print_row(title: &str, figures: &Figures, lines_an_action: f64) {
    let Figures { a_second, of_first, cpu_s_per_100k, .. } = figures;
    let lines = a_second * lines_an_action;
    println!("{title:<44} {a_second:>9.0} {of_first:>7.2} {cpu_s_per_100k:>11.2} {lines:>9.0} {lines_an_action:>11.2}");
}
