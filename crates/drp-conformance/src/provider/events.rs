//! Events that the plugin hears over its own websocket.

use std::time::Duration;

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::{
    case::Case,
    instance::{Instance, eventually},
    suite::{Check, check},
};
use crate::verdict::{Verdict, ensure, failed, skipped};

pub(super) const CHECKS: &[Check] = &[
    check!(EventsSelectors, Configured, registers_selectors),
    check!(EventsReconnect, Configured, comes_back),
    check!(EventsReconfigure, Configured, has_one_stream),
    check!(EventsStall, Configured, notices_silence),
    check!(EventsFlood, Configured, survives_a_flood),
    check!(EventsGarbage, Configured, survives_garbage),
    check!(EventsPublish, Configured, makes_no_more),
];

/// How long a plugin may take to come back.
const BACK_TIME: Duration = Duration::from_secs(15);
/// How long a plugin may take to notice that nobody is there.
const SILENCE_TIME: Duration = Duration::from_secs(60);
/// How long a registration may follow its configuration.
const REGISTER_TIME: Duration = Duration::from_millis(500);
const FLOOD: usize = 20_000;
/// What a flood may add.
const MORE_BYTES_MAX: u64 = 128 << 20;
/// How long an action may take in a flood.
const ANSWER_TIME: Duration = Duration::from_secs(10);

/// A plugin that listens to events, and what it has registered.
async fn listening(case: &Case) -> Verdict<(Instance, Vec<String>)> {
    let instance = case.configured().await?;
    let registered = || instance.stage.api.events.registered().into_iter().flatten().collect::<Vec<_>>();
    if instance.stage.api.events.opened() == 0 && !eventually(REGISTER_TIME, || !registered().is_empty()).await {
        return skipped("it opens no websocket");
    }
    let mut selectors = registered();
    if selectors.is_empty() {
        return skipped("it registers for no events");
    }
    selectors.sort();
    Ok((instance, selectors))
}

/// Whether one websocket is open, with these selectors.
fn has(instance: &Instance, selectors: &[String]) -> bool {
    let open = instance.stage.api.events.registered();
    open.len() == 1
        && open.first().is_some_and(|registered| {
            let mut registered = registered.clone();
            registered.sort();
            registered == selectors
        })
}

/// Type, action and key of an event that a selector means.
fn meant(selector: &str) -> [String; 3] {
    let parts: Vec<&str> = selector.splitn(3, '.').collect();
    let word = |number: usize, any: &str| {
        let part = parts.get(number).copied().unwrap_or("*");
        let part = part.split(',').next().unwrap_or(part);
        if part == "*" { any.to_owned() } else { part.to_owned() }
    };
    [word(0, "machines"), word(1, "update"), word(2, "conformance")]
}

async fn emit(instance: &Instance, selector: &str, number: usize) {
    let [type_, action, key] = meant(selector);
    let object =
        json!({ "Name": key, "Uuid": key, "Key": key, "Params": {}, "Seq": number, "Filler": "x".repeat(500) });
    instance.stage.api.events.emit(&type_, &action, &key, &object).await;
}

async fn registers_selectors(case: &Case) -> Verdict {
    let (_instance, selectors) = listening(case).await?;
    for selector in &selectors {
        let parts: Vec<&str> = selector.splitn(3, '.').collect();
        ensure!(parts.len() == 3 && parts.iter().all(|part| !part.is_empty()), "`{selector}` has not three parts");
        let times = selectors.iter().filter(|other| *other == selector).count();
        ensure!(times == 1, "`{selector}` is registered {times} times");
    }
    Ok(())
}

async fn comes_back(case: &Case) -> Verdict {
    let (mut instance, selectors) = listening(case).await?;
    instance.stage.api.events.cut();
    let is_back = eventually(BACK_TIME, || has(&instance, &selectors)).await;
    instance.is_alive()?;
    ensure!(is_back, "its websocket was cut, and {} s later it has not registered again", BACK_TIME.as_secs());
    Ok(())
}

async fn has_one_stream(case: &Case) -> Verdict {
    let (instance, selectors) = listening(case).await?;
    instance.configure_well().await?;
    instance.configure_well().await?;
    let is_so = eventually(BACK_TIME, || has(&instance, &selectors)).await;
    let open = instance.stage.api.events.registered();
    ensure!(is_so, "one websocket with {selectors:?} was expected after two more configurations, there is {open:?}");
    Ok(())
}

async fn notices_silence(case: &Case) -> Verdict {
    let (mut instance, selectors) = listening(case).await?;
    instance.stage.api.events.stall();
    let is_back = eventually(SILENCE_TIME, || has(&instance, &selectors)).await;
    instance.is_alive()?;
    ensure!(is_back, "its websocket fell silent, and {} s later it has not opened another", SILENCE_TIME.as_secs());
    Ok(())
}

async fn survives_a_flood(case: &Case) -> Verdict {
    let (mut instance, selectors) = listening(case).await?;
    let before = instance.figures()?.resident_bytes;
    let selector = selectors.first().cloned().unwrap_or_default();
    let flood = async {
        for number in 0..FLOOD {
            emit(&instance, &selector, number).await;
        }
    };
    let ended = tokio::time::timeout(case.patience(), flood).await;
    let answer = instance.serves_within(ANSWER_TIME).await;
    instance.is_alive()?;
    if ended.is_err() {
        return failed(format!("{FLOOD} events are not read within {} s", case.patience().as_secs()));
    }
    answer?;
    let grown = instance.figures()?.resident_bytes.saturating_sub(before);
    ensure!(grown <= MORE_BYTES_MAX, "{FLOOD} events made it {} MiB larger", grown >> 20);
    Ok(())
}

async fn survives_garbage(case: &Case) -> Verdict {
    let (mut instance, selectors) = listening(case).await?;
    let frames = [
        Message::text("nonsense"),
        Message::text("{}"),
        Message::text("[1,2]"),
        Message::text("null"),
        Message::text(r#"{"Type":7,"Action":[],"Object":"none"}"#),
        Message::binary(vec![0xff, 0x00, 0xfe]),
    ];
    for frame in frames {
        instance.stage.api.events.send_raw(&frame).await;
    }
    for selector in &selectors {
        // One whose Object is nothing that a handler expects.
        let [type_, action, key] = meant(selector);
        for object in [json!(null), json!(7), json!([]), json!({ "Params": 7 })] {
            instance.stage.api.events.emit(&type_, &action, &key, &object).await;
        }
    }
    tokio::time::sleep(REGISTER_TIME).await;
    instance.serves().await?;
    instance.is_alive()?;
    let is_there = eventually(BACK_TIME, || has(&instance, &selectors)).await;
    ensure!(is_there, "after frames that are no events it has not its websocket and its selectors");
    Ok(())
}

async fn makes_no_more(case: &Case) -> Verdict {
    let (instance, selectors) = listening(case).await?;
    // What the configuration causes is under way.
    tokio::time::sleep(REGISTER_TIME).await;
    let before = instance.stage.callbacks.said().len();
    for (number, selector) in selectors.iter().cycle().take(20.max(selectors.len())).enumerate() {
        emit(&instance, selector, number).await;
    }
    tokio::time::sleep(REGISTER_TIME).await;
    let said = instance.stage.callbacks.said();
    let caused = said.get(before..).unwrap_or_default().iter();
    let events = caused.filter(|said| said.what == "log" && said.json()["IgnorePublish"] != true).count();
    ensure!(events < 20, "20 events made {events} log lines without IgnorePublish");
    Ok(())
}
