//! The configuration: a good one, bad ones, many, and too large ones.

mod refusals;
mod secrets;

use std::time::Duration;

use drp_core::contract;
use futures_util::future::join_all;
use serde_json::{Map, Value, json};

use super::{
    ask::Ask,
    case::Case,
    instance::Instance,
    subject::{PLANTED, PLUGIN},
    suite::{Check, check},
};
use crate::{
    figures::Figures,
    verdict::{Verdict, ensure, failed},
};
use refusals::{
    code_is_status, does_not_forbid, misfits_are_refused, missing_is_refused, null_is_refused, refuses_plainly,
    shows_no_secrets,
};
use secrets::{logs_no_secrets, passes_no_secrets};

pub(super) const CHECKS: &[Check] = &[
    check!(ConfigGood, Ready, is_taken),
    check!(ConfigType, Ready, is_json),
    check!(ConfigForbidden, Ready, does_not_forbid),
    check!(ConfigErrorPlain, Ready, refuses_plainly),
    check!(ConfigErrorCode, Ready, code_is_status),
    check!(ConfigErrorSecrets, Ready, shows_no_secrets),
    check!(ConfigMissing, Configured, missing_is_refused),
    check!(ConfigNull, Configured, null_is_refused),
    check!(ConfigTypes, Configured, misfits_are_refused),
    check!(ConfigExtra, Configured, extra_is_taken),
    check!(ConfigHuge, Configured, survives_huge_bodies),
    check!(ConfigMalformed, Configured, refuses_what_is_no_object),
    check!(ConfigTrailing, Configured, refuses_what_is_behind),
    check!(ConfigSecrets, Ready, logs_no_secrets),
    check!(ConfigArgv, Configured, passes_no_secrets),
    check!(ConfigKeeps, Configured, keeps_the_one_before),
    check!(ConfigAgain, Configured, leaves_nothing_behind),
    check!(ConfigRace, Configured, answers_all_at_once),
];

/// How often a plugin is configured again.
const TIMES: usize = 50;
/// Configurations before figures are taken: what is made once is made then.
const TIMES_WARM: usize = 10;
/// What 50 configurations may add.
const MORE_DESCRIPTORS_MAX: u64 = 5;
const MORE_THREADS_MAX: u64 = 8;
const MORE_BYTES_MAX: u64 = 16 << 20;

async fn is_taken(case: &Case) -> Verdict {
    let mut instance = case.listen().await?;
    let answer = instance.configure(&case.subject.config()).await?;
    ensure!(answer.status == 200, "200 was expected, {} came", answer.shown());
    ensure!(answer.json()?.is_object(), "an object was expected, {} came", answer.shown());
    instance.is_alive()
}

async fn is_json(case: &Case) -> Verdict {
    let instance = case.listen().await?;
    let good = instance.configure(&case.subject.config()).await?;
    let unknown = instance.serves().await?;
    for answer in [good, unknown] {
        let content_type = answer.header("content-type").unwrap_or_default();
        let is_json = content_type.to_ascii_lowercase().starts_with("application/json");
        ensure!(is_json, "Content-Type application/json was expected, {:?} came with {}", content_type, answer.shown());
    }
    Ok(())
}

async fn extra_is_taken(case: &Case) -> Verdict {
    let instance = case.listen().await?;
    let mut config = case.subject.config();
    config.insert(PLANTED.to_owned(), json!({ "nobody": ["asked", "for", "this"] }));
    let answer = instance.configure(&config).await?;
    ensure!(answer.is_good(), "2xx was expected with the unknown param `{PLANTED}`, {} came", answer.shown());
    Ok(())
}

async fn survives_huge_bodies(case: &Case) -> Verdict {
    let mut instance = case.configured().await?;
    for mebibytes in [60, 70] {
        let mut config = case.subject.config();
        config.insert(PLANTED.to_owned(), "@filler@".into());
        let body = json!(config).to_string().replace("@filler@", &"x".repeat(mebibytes << 20));
        let ask = Ask::post(contract::CONFIG_PATH, body);
        let answer = instance.ask(ask).await;
        instance.is_alive()?;
        match answer {
            Ok(answer) => ensure!(
                answer.is_good() || (400..500).contains(&answer.status),
                "{mebibytes} MiB: 2xx or 4xx was expected, {} came",
                answer.shown()
            ),
            // Who refuses while the rest is on its way may close the connection.
            Err(error) => ensure!(!error.starts_with("no answer"), "{mebibytes} MiB: {error}"),
        }
    }
    instance.configure_well().await?;
    instance.is_alive()
}

async fn refuses_what_is_no_object(case: &Case) -> Verdict {
    let mut instance = case.configured().await?;
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let bodies: [&[u8]; 7] =
        [b"{", b"[]", b"7", b"\"text\"", b"{\"a\":\"\xff\xfe\"", b"{\"Name\": nonsense}", deep.as_bytes()];
    for body in bodies {
        let shown = String::from_utf8_lossy(body.get(..body.len().min(20)).unwrap_or_default()).into_owned();
        let answer = instance.post(contract::CONFIG_PATH, body.to_vec()).await?;
        answer.refuses(&format!("a body that begins with `{shown}`"))?;
        instance.is_alive()?;
    }
    instance.serves().await.map(drop)
}

async fn refuses_what_is_behind(case: &Case) -> Verdict {
    let instance = case.configured().await?;
    let config = json!(case.subject.config()).to_string();
    let answer = instance.post(contract::CONFIG_PATH, config + " {}").await?;
    answer.refuses("a second object behind the first").map(drop)
}

async fn keeps_the_one_before(case: &Case) -> Verdict {
    let instance = case.configured().await?;
    let Some(call) = case.subject.calls.first() else {
        return keeps_serving(&instance).await;
    };
    let before = instance.act(call).await?;
    instance.post(contract::CONFIG_PATH, "[]").await?;
    let after = instance.act(call).await?;
    ensure!(
        before.status == after.status,
        "action {} ended with {} before and with {} after a configuration that was refused",
        call.command,
        before.shown(),
        after.shown()
    );
    Ok(())
}

/// Without an action to call, the answer to one that nobody has tells the same.
async fn keeps_serving(instance: &Instance) -> Verdict {
    let before = instance.serves().await?;
    instance.post(contract::CONFIG_PATH, "[]").await?;
    let after = instance.serves().await?;
    ensure!(
        before.status == after.status,
        "an unknown action was answered with {} before and {} after",
        before.shown(),
        after.shown()
    );
    Ok(())
}

async fn leaves_nothing_behind(case: &Case) -> Verdict {
    let instance = case.configured().await?;
    again(&instance, TIMES_WARM).await?;
    let before = instance.figures()?;
    again(&instance, TIMES).await?;
    let mut after = instance.figures()?;
    let grew = |after: &Figures| {
        after.descriptors > before.descriptors + MORE_DESCRIPTORS_MAX
            || after.threads > before.threads + MORE_THREADS_MAX
            || after.resident_bytes > before.resident_bytes + MORE_BYTES_MAX
    };
    // What is closed a moment later is closed.
    for _ in 0..20 {
        if !grew(&after) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
        after = instance.figures()?;
    }
    let text = |figures: Figures| {
        let (descriptors, threads) = (figures.descriptors, figures.threads);
        format!("{descriptors} descriptors, {threads} threads, {} MiB", figures.resident_bytes >> 20)
    };
    failed(format!("{TIMES} configurations took it from {} to {}", text(before), text(after)))
}

async fn again(instance: &Instance, times: usize) -> Verdict {
    for _ in 0..times {
        instance.configure_well().await?;
    }
    Ok(())
}

async fn answers_all_at_once(case: &Case) -> Verdict {
    let mut instance = case.listen().await?;
    let config: Map<String, Value> = case.subject.config();
    let answers = join_all((0..8).map(|_| instance.configure(&config))).await;
    let mut good = 0;
    for answer in answers {
        let answer = answer?;
        good += usize::from(answer.is_good());
        ensure!(answer.is_good() || answer.status == 409, "200 or 409 was expected, {} came", answer.shown());
    }
    ensure!(good > 0, "none of 8 configurations for {PLUGIN} was taken");
    instance.is_alive()?;
    instance.serves().await.map(drop)
}
