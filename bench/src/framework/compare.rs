//! Several servers under the same load, in turns: what else the machine does meanwhile meets all of them.

use std::time::Duration;

use anyhow::Result;

use crate::load::{Load, Sample};

/// Turns of each server.
const ROUNDS: u32 = 5;
const WARM_UP_TIME: Duration = Duration::from_millis(300);

/// What the turns of one server come to.
pub(crate) struct Figures {
    /// Answers a second, median of the turns.
    pub(crate) a_second: f64,
    /// The same as a part of what the first server answered in the same turn, median of the turns.
    pub(crate) of_first: f64,
    /// CPU seconds that 100,000 answers cost the server.
    pub(crate) cpu_s_per_100k: f64,
    /// All answers, those of the warm-up among them.
    pub(crate) answered: u64,
}

/// Loads each server for so many seconds in all.
pub(crate) async fn compare(loads: &[Load], seconds: u64) -> Result<Vec<Figures>> {
    let mut answered = Vec::new();
    for load in loads {
        answered.push(load.run(WARM_UP_TIME).await?.answered);
    }
    let mut rounds: Vec<Vec<Sample>> = Vec::new();
    for _ in 0..ROUNDS {
        let mut round = Vec::new();
        for load in loads {
            round.push(load.run(Duration::from_secs(seconds) / ROUNDS).await?);
        }
        rounds.push(round);
    }
    let figures = |(n, warm_up): (usize, u64)| {
        let cpu: f64 = rounds.iter().map(|round| round[n].cpu.as_secs_f64()).sum();
        let counted: u64 = rounds.iter().map(|round| round[n].answered).sum();
        Figures {
            a_second: median(rounds.iter().map(|round| rate(&round[n]))),
            of_first: median(rounds.iter().map(|round| rate(&round[n]) / rate(&round[0]))),
            cpu_s_per_100k: cpu / count(counted) * 1e5,
            answered: counted + warm_up,
        }
    };
    Ok(answered.into_iter().enumerate().map(figures).collect())
}

fn rate(sample: &Sample) -> f64 {
    count(sample.answered) / sample.elapsed.as_secs_f64()
}

pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[allow(clippy::cast_precision_loss, reason = "a count of things")]
pub(crate) fn count(things: u64) -> f64 {
    things as f64
}
