//! A host that is gone, or does not answer.

use std::time::{Duration, Instant};

use drp_core::contract;
use serde_json::json;
use tokio::time::sleep;

use super::{
    ask::Ask,
    case::Case,
    instance::Instance,
    suite::{Check, check},
};
use crate::{
    figures::Figures,
    verdict::{Verdict, ensure, failed},
};

pub(super) const CHECKS: &[Check] = &[
    check!(GoneCallback, Configured, lives_without_callbacks),
    check!(GoneStalled, Configured, lives_with_silent_callbacks),
    check!(GoneApi, Configured, lives_without_an_api),
];

/// How long an action may take then.
const ANSWER_TIME: Duration = Duration::from_secs(10);
/// For how long memory is watched.
const WATCH_TIME: Duration = Duration::from_secs(3);
const MORE_BYTES_MAX: u64 = 32 << 20;

async fn lives_without_callbacks(case: &Case) -> Verdict {
    let instance = case.configured().await?;
    let before = instance.figures()?.resident_bytes;
    instance.stage.callbacks.go();
    // At the same time: what grows may take gigabytes while its answer is waited for.
    tokio::try_join!(act(case, &instance), stays_small(&instance, before)).map(drop)
}

async fn stays_small(instance: &Instance, before_bytes: u64) -> Verdict {
    let start = Instant::now();
    while start.elapsed() < WATCH_TIME {
        let Some(figures) = Figures::of(instance.process.pid()) else { return failed("it ended by itself") };
        let (grown, ms) = (figures.resident_bytes.saturating_sub(before_bytes), start.elapsed().as_millis());
        ensure!(grown <= MORE_BYTES_MAX, "without its host's socket it grew by {} MiB within {ms} ms", grown >> 20);
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

async fn lives_with_silent_callbacks(case: &Case) -> Verdict {
    let mut instance = case.configured().await?;
    instance.stage.callbacks.stall();
    act(case, &instance).await?;
    act(case, &instance).await?;
    instance.is_alive()
}

/// Runs what may be run, so that it logs what it logs.
async fn act(case: &Case, instance: &Instance) -> Verdict {
    let unknown = json!({ "Model": {}, "Command": "conformance-unknown", "Params": {} }).to_string();
    let bodies = case.subject.calls.iter().map(|call| json!(case.subject.action(call)).to_string());
    for body in bodies.chain([unknown]) {
        // The answer to a log line counts, not what the action says.
        let limit = ANSWER_TIME.min(case.patience());
        if let Err(error) = instance.ask_within(Ask::post(contract::ACTION_PATH, body), limit).await {
            return failed(format!("an action is not answered: {error}"));
        }
    }
    Ok(())
}

async fn lives_without_an_api(case: &Case) -> Verdict {
    let mut instance = case.configured().await?;
    instance.stage.api.go();
    let answer = instance.configure(&case.subject.config()).await;
    instance.is_alive()?;
    // It may need the server and say so.
    answer?;
    instance.serves().await.map(drop)
}
