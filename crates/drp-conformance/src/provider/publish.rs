//! Events that are posted to the plugin.

use std::time::{Duration, Instant};

use drp_core::{contract, limits};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{
    ask::Ask,
    case::Case,
    instance::Instance,
    suite::{Check, check},
};
use crate::verdict::{Verdict, ensure, failed, skipped};

pub(super) const CHECKS: &[Check] = &[
    check!(PublishAbsent, Configured, is_absent),
    check!(PublishAnswers, Configured, answers),
    check!(PublishAccepts, Configured, accepts),
    check!(PublishEcho, Configured, makes_no_more),
    check!(PublishMalformed, Configured, refuses_nonsense),
];

/// How long what an event causes may be under way.
const SETTLE: Duration = Duration::from_millis(500);

/// An event, as a host posts it.
pub(super) fn event(type_: &str, action: &str) -> String {
    let time = jiff::Timestamp::now().to_string();
    let object = json!({ "Name": "conformance", "Params": {} });
    json!({ "Time": time, "Type": type_, "Action": action, "Key": "conformance", "Principal": "", "Object": object,
        "Original": null })
    .to_string()
}

fn has_publish(case: &Case) -> bool {
    case.subject.definition["HasPublish"] == true
}

async fn wanted(case: &Case) -> Verdict<Instance> {
    if has_publish(case) { case.configured().await } else { skipped("it does not declare HasPublish") }
}

async fn is_absent(case: &Case) -> Verdict {
    if has_publish(case) {
        return skipped("it declares HasPublish");
    }
    let instance = case.configured().await?;
    let answer = instance.post(contract::PUBLISH_PATH, event("machines", "update")).await?;
    ensure!(answer.status == 404, "404 was expected without HasPublish, {} came", answer.shown());
    Ok(())
}

async fn answers(case: &Case) -> Verdict {
    let instance = wanted(case).await?;
    let limit = case.patience().min(limits::PUBLISH_TIME);
    let start = Instant::now();
    let answer = instance.ask_within(Ask::post(contract::PUBLISH_PATH, event("machines", "update")), limit).await;
    match answer {
        Ok(_) => Ok(()),
        Err(error) => failed(format!("an event is not answered after {:.1} s: {error}", start.elapsed().as_secs_f64())),
    }
}

async fn accepts(case: &Case) -> Verdict {
    let instance = wanted(case).await?;
    for (type_, action) in [("machines", "update"), ("conformance", "unknown"), ("log", "info")] {
        let answer = instance.post(contract::PUBLISH_PATH, event(type_, action)).await?;
        ensure!(answer.is_good(), "2xx was expected for {type_}.{action}, {} came", answer.shown());
    }
    Ok(())
}

async fn makes_no_more(case: &Case) -> Verdict {
    let instance = wanted(case).await?;
    let before = instance.stage.callbacks.said().len();
    for number in 0..5 {
        instance.post(contract::PUBLISH_PATH, event("machines", &format!("update{number}"))).await?;
    }
    sleep(SETTLE).await;
    let said = instance.stage.callbacks.said();
    let caused = said.get(before..).unwrap_or_default().iter();
    // A line that may be published is an event as well.
    let is_event = |what: &str, body: &Value| what == "publish" || (what == "log" && body["IgnorePublish"] != true);
    let events = caused.filter(|said| is_event(&said.what, &said.json())).count();
    ensure!(events < 5, "5 events made {events} more: posted events, or log lines without IgnorePublish");
    Ok(())
}

async fn refuses_nonsense(case: &Case) -> Verdict {
    let mut instance = wanted(case).await?;
    for body in ["{", "7", "[]"] {
        let answer = instance.post(contract::PUBLISH_PATH, body).await?;
        answer.refuses(&format!("an event `{body}`"))?;
    }
    instance.is_alive()
}
