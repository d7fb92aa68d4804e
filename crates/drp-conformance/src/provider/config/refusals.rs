//! Configurations that are to be refused, and how they are.

use std::collections::BTreeSet;

use drp_core::contract;
use serde_json::{Map, Value, json};

use super::super::{
    case::Case,
    subject::PLANTED,
    values::{forbids_null, misfit},
};
use crate::{
    answer::Answer,
    mask::Mask,
    verdict::{Verdict, ensure, skipped},
};

/// What is wrong with a configuration, and the configuration.
type Bad = (String, Map<String, Value>);

/// Configurations without one of the required params each; those that a server fills from a default do not count.
fn missing(case: &Case) -> Vec<Bad> {
    let has_default =
        |name: &String| case.subject.declared.get(name).is_some_and(|param| !param.schema["default"].is_null());
    let required = case.subject.texts("RequiredParams").into_iter().filter(|name| !has_default(name));
    let without = |name: String| {
        let mut config = case.subject.config();
        config.remove(&name);
        (format!("without `{name}`"), config)
    };
    required.map(without).collect()
}

fn with(case: &Case, name: &str, value: Value, what: &str) -> Bad {
    let mut config = case.subject.config();
    config.insert(name.to_owned(), value);
    (format!("with {what} for `{name}`"), config)
}

/// Configurations with null for one of the required params each.
fn nulls(case: &Case) -> Vec<Bad> {
    let declared = &case.subject.declared;
    let required = case.subject.texts("RequiredParams").into_iter();
    let forbidden = required.filter(|name| declared.get(name).is_some_and(|param| forbids_null(&param.schema)));
    forbidden.map(|name| with(case, &name, Value::Null, "null")).collect()
}

/// Configurations with one param of a type that its schema does not take.
fn misfits(case: &Case) -> Vec<Bad> {
    let all: BTreeSet<String> =
        case.subject.texts("RequiredParams").into_iter().chain(case.subject.texts("OptionalParams")).collect();
    let bad = |name: String| {
        let value = misfit(&case.subject.declared.get(&name)?.schema)?;
        let shown = value.to_string();
        Some(with(case, &name, value, &shown))
    };
    all.into_iter().filter_map(bad).collect()
}

async fn are_refused(case: &Case, configs: Vec<Bad>, why_none: &str) -> Verdict {
    if configs.is_empty() {
        return skipped(why_none);
    }
    let mut instance = case.configured().await?;
    for (what, config) in configs {
        let answer = instance.configure(&config).await?;
        let shown = answer.shown();
        ensure!((400..500).contains(&answer.status), "{what}: a status of 4xx was expected, {shown} came");
        instance.is_alive()?;
    }
    Ok(())
}

pub(super) async fn missing_is_refused(case: &Case) -> Verdict {
    are_refused(case, missing(case), "it has no required param without a default").await
}

pub(super) async fn null_is_refused(case: &Case) -> Verdict {
    are_refused(case, nulls(case), "it has no required param whose schema says a type").await
}

pub(super) async fn misfits_are_refused(case: &Case) -> Verdict {
    are_refused(case, misfits(case), "it has no param whose schema says a type").await
}

/// All refusals that can be had of a plugin, the one of the good configuration as well if it is refused.
async fn refusals(case: &Case) -> Verdict<Vec<(String, Answer)>> {
    let instance = case.listen().await?;
    let mut refusals = Vec::new();
    let good = vec![("the configuration".to_owned(), case.subject.config())];
    for (what, config) in [good, missing(case), nulls(case), misfits(case)].concat() {
        // A plugin that ends at a configuration is told by another check.
        let Ok(answer) = instance.configure(&config).await else { break };
        if answer.status >= 400 {
            refusals.push((what, answer));
        }
    }
    match instance.post(contract::CONFIG_PATH, "[]").await {
        Ok(answer) if answer.status >= 400 => refusals.push(("a body that is no object".to_owned(), answer)),
        _ => {}
    }
    if refusals.is_empty() { skipped("it refuses nothing") } else { Ok(refusals) }
}

pub(super) async fn does_not_forbid(case: &Case) -> Verdict {
    for (what, answer) in refusals(case).await? {
        ensure!(answer.status != 403, "{what}: it is refused with 403, which removes the provider: {}", answer.shown());
    }
    Ok(())
}

pub(super) async fn refuses_plainly(case: &Case) -> Verdict {
    for (what, answer) in refusals(case).await? {
        ensure!(!answer.is_encoded_twice(), "{what}: the error is the text of another one: {}", answer.shown());
    }
    Ok(())
}

pub(super) async fn code_is_status(case: &Case) -> Verdict {
    for (what, answer) in refusals(case).await? {
        answer.error_object(&what)?;
    }
    Ok(())
}

pub(super) async fn shows_no_secrets(case: &Case) -> Verdict {
    let instance = case.listen().await?;
    let secrets = Mask::new([case.subject.planted.clone(), instance.stage.api.token.clone()]);
    let good = vec![("the configuration".to_owned(), case.subject.config())];
    for (what, mut config) in [good, missing(case), nulls(case), misfits(case)].concat() {
        config.insert(PLANTED.to_owned(), json!(case.subject.planted));
        let Ok(answer) = instance.configure(&config).await else { break };
        let text = answer.text();
        let is_shown = answer.status >= 400 && (secrets.is_in(&text) || case.subject.mask.is_in(&text));
        ensure!(!is_shown, "{what}: the error shows what was given in confidence: {}", answer.shown());
    }
    Ok(())
}
