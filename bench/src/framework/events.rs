//! Events from a websocket to a handler, beside a reader of the same frames that does nothing with them.

mod bare;
mod feed;

use std::{path::Path, time::Duration};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

pub(crate) use self::bare::read as read_bare;
use self::{
    bare::BareReader,
    feed::{Feed, Pace},
};
use crate::{
    framework::{
        compare::{count, median},
        provider::Plugin,
    },
    load::cpu_time,
};

/// What a reader tells of the events that it has got.
#[derive(Deserialize, Serialize)]
pub(crate) struct Report {
    /// From the first to the last.
    seconds: f64,
    /// From the feed to the reader, each.
    micros: Vec<u64>,
}

/// One turn of a reader.
struct Turn {
    report: Report,
    sent: u64,
    cpu: Duration,
}

const ROUNDS: usize = 3;

pub(crate) async fn run(measured: &Path) -> Result<()> {
    println!(
        "\n{:<44} {:>9} {:>7} {:>11} {:>7} {:>9} {:>9} {:>9}",
        "events to a handler, 1 KB, 100 objects",
        "a second",
        "of bare",
        "CPU s/100k",
        "lost %",
        "median us",
        "99 % us",
        "max us"
    );
    for (title, pace) in [("1,000 a second", Pace::EachMs(3000)), ("as fast as taken", Pace::Flood(50_000))] {
        let (mut bare, mut ours) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            bare.push(read_by_bare(pace).await?);
            ours.push(handle_by(measured, pace).await?);
        }
        print_row(&format!("bare reader, {title}"), &bare, &bare);
        print_row(&format!("handler, {title}"), &ours, &bare);
    }
    Ok(())
}

async fn read_by_bare(pace: Pace) -> Result<Turn> {
    let feed = Feed::listen().await?;
    let reader = BareReader::start(&feed.address()?, pace.events())?;
    feed.send(pace, async || Ok(())).await?;
    reader.turn(pace.events())
}

async fn handle_by(measured: &Path, pace: Pace) -> Result<Turn> {
    let feed = Feed::listen().await?;
    let plugin = Plugin::start_at(&format!("http://{}", feed.address()?), measured)?;
    let configure = plugin.configure(r#"{"Name":"bench","measured/events":"bench.*.*"}"#);
    let all_handled = async || {
        let mut before = 0;
        // What is lost does not come any more, so the end is when nothing comes.
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let handled: u64 = serde_json::from_slice(&plugin.act("count").await?)?;
            if handled == before {
                return Ok(());
            }
            before = handled;
        }
    };
    let (configured, sent) = tokio::join!(configure, feed.send(pace, all_handled));
    sent.context("the feed")?;
    configured?;
    let cpu = cpu_time(plugin.id())?;
    let report = serde_json::from_slice(&plugin.act("report").await?).context("the report of the handler")?;
    plugin.stop().await?;
    Ok(Turn { report, sent: pace.events(), cpu })
}

impl Turn {
    fn a_second(&self) -> f64 {
        count(self.report.micros.len() as u64) / self.report.seconds
    }
}

fn print_row(title: &str, turns: &[Turn], bare: &[Turn]) {
    let handled: u64 = turns.iter().map(|turn| turn.report.micros.len() as u64).sum();
    let sent: u64 = turns.iter().map(|turn| turn.sent).sum();
    let cpu: f64 = turns.iter().map(|turn| turn.cpu.as_secs_f64()).sum();
    let mut micros: Vec<u64> = turns.iter().flat_map(|turn| turn.report.micros.iter().copied()).collect();
    micros.sort_unstable();
    let part = |percent: usize| micros.get((micros.len() * percent / 100).min(micros.len().saturating_sub(1)));
    let [middle, slow, slowest] = [50, 99, 100].map(|percent| part(percent).copied().unwrap_or_default());
    println!(
        "{title:<44} {:>9.0} {:>7.2} {:>11.2} {:>7.2} {middle:>9} {slow:>9} {slowest:>9}",
        median(turns.iter().map(Turn::a_second)),
        median(turns.iter().zip(bare).map(|(turn, bare)| turn.a_second() / bare.a_second())),
        cpu / count(handled) * 1e5,
        count(sent - handled) / count(sent) * 100.0,
    );
}
