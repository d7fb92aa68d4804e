//! Actions: those that were named, those that nobody has, and all of them with bad params.

use drp_core::contract;
use serde_json::{Map, Value, json};

use super::{
    case::Case,
    subject::{Call, texts},
    suite::{Check, check},
    values::misfit,
};
use crate::{
    transcript::excerpt,
    verdict::{Verdict, ensure, skipped},
};

pub(super) const CHECKS: &[Check] = &[
    check!(ActionUnknown, Configured, unknown_is_not_found),
    check!(ActionGood, Configured, works),
    check!(ActionRepeat, Configured, ends_the_same_again),
    check!(ActionMissing, Configured, missing_is_refused),
    check!(ActionTypes, Configured, misfits_are_refused),
    check!(ActionNull, Configured, null_breaks_nothing),
    check!(ActionModel, Configured, models_break_nothing),
    check!(ActionNumbers, Configured, numbers_are_exact),
    check!(ActionEarly, Ready, nothing_runs_early),
];

/// Numbers that some way of handling JSON changes.
const NUMBERS: [&str; 6] = ["0.123456789", "1e-9", "9007199254740993", "-0.1", "123456789012345678901234567890", "1.0"];

fn named(case: &Case) -> Verdict<&[Call]> {
    if case.subject.calls.is_empty() { skipped("no action was named with --action") } else { Ok(&case.subject.calls) }
}

async fn unknown_is_not_found(case: &Case) -> Verdict {
    let instance = case.configured().await?;
    let answer = instance.serves().await?;
    ensure!(answer.status == 404, "an unknown command: 404 was expected, {} came", answer.shown());
    answer.error_object("an unknown command").map(drop)
}

async fn works(case: &Case) -> Verdict {
    let calls = named(case)?;
    let mut instance = case.configured().await?;
    for call in calls {
        let answer = instance.act(call).await?;
        ensure!(answer.is_good(), "action {}: 2xx was expected, {} came", call.command, answer.shown());
        answer.json()?;
        instance.is_alive()?;
    }
    Ok(())
}

async fn ends_the_same_again(case: &Case) -> Verdict {
    let calls = named(case)?;
    let instance = case.configured().await?;
    for call in calls {
        let first = instance.act(call).await?;
        for _ in 0..2 {
            let again = instance.act(call).await?;
            ensure!(
                first.status == again.status,
                "action {}: the first time {} came, and then {}",
                call.command,
                first.shown(),
                again.shown()
            );
        }
    }
    Ok(())
}

/// Bodies of the named actions with something changed: what is wrong, and the body.
fn bad_params(
    case: &Case,
    calls: &[Call],
    bad: impl Fn(&str, &Value) -> Vec<(String, String, Option<Value>)>,
) -> Vec<(String, Map<String, Value>)> {
    let mut bodies = Vec::new();
    for call in calls {
        let declared = case.subject.declared_action(&call.command);
        for (what, name, value) in bad(&call.command, &declared) {
            let mut body = case.subject.action(call);
            if let Some(Value::Object(params)) = body.get_mut("Params") {
                match value {
                    Some(value) => params.insert(name, value),
                    None => params.remove(&name),
                };
            }
            bodies.push((what, body));
        }
    }
    bodies
}

async fn are_refused(case: &Case, bodies: Vec<(String, Map<String, Value>)>, why_none: &str) -> Verdict {
    if bodies.is_empty() {
        return skipped(why_none);
    }
    let mut instance = case.configured().await?;
    for (what, body) in bodies {
        instance.act_with(&body).await?.refuses(&what)?;
        instance.is_alive()?;
    }
    Ok(())
}

async fn missing_is_refused(case: &Case) -> Verdict {
    let without = |command: &str, declared: &Value| {
        let required = texts(&declared["RequiredParams"]).into_iter();
        required.map(|name| (format!("action {command} without `{name}`"), name, None)).collect()
    };
    let bodies = bad_params(case, named(case)?, without);
    are_refused(case, bodies, "no action that was named has a required param").await
}

async fn misfits_are_refused(case: &Case) -> Verdict {
    let wrong = |command: &str, declared: &Value| {
        let all = [texts(&declared["RequiredParams"]), texts(&declared["OptionalParams"])].concat();
        let bad = |name: String| {
            let value = misfit(&case.subject.declared.get(&name)?.schema)?;
            Some((format!("action {command} with {value} for `{name}`"), name, Some(value)))
        };
        all.into_iter().filter_map(bad).collect()
    };
    let bodies = bad_params(case, named(case)?, wrong);
    are_refused(case, bodies, "no action that was named has a param whose schema says a type").await
}

async fn null_breaks_nothing(case: &Case) -> Verdict {
    let mut instance = case.configured().await?;
    let mut bodies =
        vec![("a null body".to_owned(), "null".to_owned()), ("an empty object".to_owned(), "{}".to_owned())];
    for call in &case.subject.calls {
        let mut body = case.subject.action(call);
        body.insert("Params".to_owned(), Value::Null);
        bodies.push((format!("action {} with null for Params", call.command), json!(body).to_string()));
    }
    for (what, body) in bodies {
        let answer = instance.post(contract::ACTION_PATH, body).await?;
        ensure!(answer.status < 500, "{what}: no 5xx was expected, {} came", answer.shown());
        instance.is_alive()?;
    }
    Ok(())
}

async fn models_break_nothing(case: &Case) -> Verdict {
    let calls = named(case)?;
    let mut instance = case.configured().await?;
    for call in calls {
        for model in [Value::Null, json!(7), json!([]), json!({ "Uuid": 7, "Params": "none" })] {
            let mut body = case.subject.action(call);
            let what = format!("action {} on the Model {model}", call.command);
            body.insert("Model".to_owned(), model);
            let answer = instance.act_with(&body).await?;
            ensure!(answer.status < 500, "{what}: no 5xx was expected, {} came", answer.shown());
            instance.is_alive()?;
        }
    }
    Ok(())
}

async fn numbers_are_exact(case: &Case) -> Verdict {
    if case.subject.echoes.is_empty() {
        return skipped("no action was named with --echo that gives back a param");
    }
    let instance = case.configured().await?;
    for echo in &case.subject.echoes {
        let call = Call { command: echo.command.clone(), params: [].into(), model: None };
        for number in NUMBERS {
            // As text: a JSON library of the suite's could change it too.
            let placed = "@number@";
            let mut body = case.subject.action(&call);
            if let Some(Value::Object(params)) = body.get_mut("Params") {
                params.insert(echo.param.clone(), placed.into());
            }
            let body = json!(body).to_string().replace(&format!("\"{placed}\""), number);
            let answer = instance.post(contract::ACTION_PATH, body).await?;
            let came = answer.text();
            ensure!(
                answer.is_good() && came == number,
                "action {}: {number} was expected back, {} {} came",
                echo.command,
                answer.status,
                excerpt(&came, 80)
            );
        }
    }
    Ok(())
}

async fn nothing_runs_early(case: &Case) -> Verdict {
    let calls = named(case)?;
    let instance = case.listen().await?;
    for call in calls {
        let answer = instance.act(call).await?;
        let shown = answer.shown();
        ensure!(!answer.is_good(), "action {} runs before there is a configuration: {shown}", call.command);
    }
    Ok(())
}
