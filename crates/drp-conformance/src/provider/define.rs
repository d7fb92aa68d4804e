//! `define`: a definition, and nothing else.

use std::{fs, io, sync::Arc, time::Duration};

use drp_core::{contract, limits};
use serde_json::{Value, json};

use super::{
    case::{Case, Ran, UNUSED_TOKEN, Way},
    content::Content,
    subject::{Subject, texts},
    suite::{CATALOG, Check, DEFINE, check},
};
use crate::{
    transcript::excerpt,
    verdict::{Verdict, cannot, ensure, failed},
};

pub(super) const CHECKS: &[Check] = &[
    check!(DefineEnds, Nothing, ends),
    check!(DefineExit, Nothing, exits),
    check!(DefineJson, Nothing, is_json),
    check!(DefineAlone, Nothing, is_alone),
    check!(DefineStderr, Nothing, is_silent),
    check!(DefineSpeed, Definition, is_quick),
    check!(DefineStdin, Definition, reads_nothing),
    check!(DefineVersion, Definition, has_version),
    check!(DefineName, Definition, has_name),
    check!(DefineTypes, Definition, has_types),
    check!(DefineActions, Definition, names_all),
    check!(DefineContent, Definition, has_content),
    check!(DefineCatalog, Definition, serves_catalogs),
    check!(DefineBare, Definition, needs_no_environment),
    check!(DefineSame, Definition, is_the_same),
    check!(DefineSecrets, Nothing, shows_no_token),
    check!(DefineFiles, Nothing, leaves_no_files),
];

/// What `define` may take.
const QUICK: Duration = Duration::from_secs(2);

/// The definition, if there is one.
pub(super) async fn definition(subject: &Arc<Subject>) -> io::Result<Option<Value>> {
    let case = Case::new(Arc::clone(subject))?;
    let ran = define(&case, Way::default()).await;
    Ok(ran.ok().filter(|ran| ran.status.is_some()).and_then(|ran| first_object(&ran.stdout).ok()))
}

async fn define(case: &Case, way: Way) -> Verdict<Ran> {
    case.run(&[DEFINE.as_ref()], way).await
}

/// The first JSON value, whatever is behind it.
fn first_object(bytes: &[u8]) -> Result<Value, String> {
    if bytes.len() > limits::BODY_BYTES_MAX {
        return Err("it is larger than 64 MiB".to_owned());
    }
    match serde_json::Deserializer::from_slice(bytes).into_iter::<Value>().next() {
        Some(Ok(value @ Value::Object(_))) => Ok(value),
        Some(Ok(value)) => Err(format!("it is {}", excerpt(&value.to_string(), 40))),
        Some(Err(error)) => Err(error.to_string()),
        None => Err("it is empty".to_owned()),
    }
}

async fn ends(case: &Case) -> Verdict {
    define(case, Way::default()).await?.ended().map(drop)
}

async fn exits(case: &Case) -> Verdict {
    let ran = define(case, Way::default()).await?;
    let status = ran.ended()?;
    ensure!(status.success(), "it ended with {status}; on stderr: {}", excerpt(&ran.stderr, 200));
    Ok(())
}

async fn is_json(case: &Case) -> Verdict {
    let ran = define(case, Way::default()).await?;
    ran.ended()?;
    first_object(&ran.stdout)
        .map(drop)
        .or_else(|error| failed(format!("stdout ({} bytes) is no definition: {error}", ran.stdout_bytes)))
}

async fn is_alone(case: &Case) -> Verdict {
    let ran = define(case, Way::default()).await?;
    ran.ended()?;
    serde_json::from_slice::<serde::de::IgnoredAny>(&ran.stdout)
        .map(drop)
        .or_else(|error| failed(format!("stdout is more or less than one JSON value: {error}")))
}

async fn is_silent(case: &Case) -> Verdict {
    let ran = define(case, Way::default()).await?;
    ran.ended()?;
    ensure!(ran.stderr.is_empty(), "stderr was expected to be empty, and holds: {}", excerpt(&ran.stderr, 200));
    Ok(())
}

async fn is_quick(case: &Case) -> Verdict {
    let ran = define(case, Way::default()).await?;
    ran.ended()?;
    ensure!(ran.took <= QUICK, "it took {:.1} s, more than {} s", ran.took.as_secs_f64(), QUICK.as_secs());
    Ok(())
}

async fn reads_nothing(case: &Case) -> Verdict {
    let ran = define(case, Way { is_asked: true, ..Way::default() }).await?;
    if ran.status.is_none() {
        return failed("it waits for something on its stdin");
    }
    Ok(())
}

async fn has_version(case: &Case) -> Verdict {
    let version = &case.subject.definition["PluginVersion"];
    ensure!(
        *version == contract::PLUGIN_VERSION,
        "PluginVersion {} was expected, {version} came",
        contract::PLUGIN_VERSION
    );
    Ok(())
}

async fn has_name(case: &Case) -> Verdict {
    let (name, file) = (&case.subject.definition["Name"], case.subject.file_name());
    ensure!(*name == file.as_str(), "Name {file:?} was expected, as the executable is called; {name} came");
    Ok(())
}

async fn has_types(case: &Case) -> Verdict {
    let definition = &case.subject.definition;
    let is_text_list = |value: &Value| value.as_array().is_some_and(|list| list.iter().all(Value::is_string));
    let is_text_map = |value: &Value| value.as_object().is_some_and(|map| map.values().all(Value::is_string));
    type Is<'a> = &'a dyn Fn(&Value) -> bool;
    let mut wrong = Vec::new();
    let mut hold = |object: &Value, at: &str, fields: &[&str], what: &str, is: Is<'_>| {
        for field in fields {
            let value = &object[*field];
            if !value.is_null() && !is(value) {
                wrong.push(format!("{at}{field} is no {what}: {}", excerpt(&value.to_string(), 60)));
            }
        }
    };
    hold(definition, "", &["Name", "Version", "Documentation", "Content"], "text", &Value::is_string);
    hold(definition, "", &["PluginVersion"], "integer", &Value::is_i64);
    hold(definition, "", &["AutoStart", "HasPublish"], "boolean", &Value::is_boolean);
    hold(definition, "", &["RequiredParams", "OptionalParams"], "list of texts", &is_text_list);
    hold(definition, "", &["StoreObjects"], "object", &Value::is_object);
    hold(definition, "", &["Meta"], "object of texts", &is_text_map);
    hold(definition, "", &["AvailableActions"], "list", &Value::is_array);
    for (number, action) in case.subject.actions().into_iter().enumerate() {
        let at = format!("AvailableActions/{number}/");
        hold(action, &at, &["Command", "Model", "Provider"], "text", &Value::is_string);
        hold(action, &at, &["RequiredParams", "OptionalParams"], "list of texts", &is_text_list);
    }
    let missing = ["Name", "Version", "PluginVersion"].iter().filter(|field| definition[**field].is_null());
    wrong.extend(missing.map(|field| format!("{field} is missing")));
    ensure!(wrong.is_empty(), "{}", wrong.join("; "));
    Ok(())
}

async fn names_all(case: &Case) -> Verdict {
    let subject = &case.subject;
    let mut wrong = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    let mut hold_params = |at: &str, object: &Value| {
        let all = [texts(&object["RequiredParams"]), texts(&object["OptionalParams"])].concat();
        if all.iter().any(String::is_empty) {
            wrong.push(format!("{at}: a param has no name"));
        }
        let distinct: std::collections::BTreeSet<&String> = all.iter().collect();
        if distinct.len() < all.len() {
            wrong.push(format!("{at}: a param is there twice"));
        }
    };
    hold_params("the provider", &subject.definition);
    for action in subject.actions() {
        hold_params(action["Command"].as_str().unwrap_or("an action"), action);
    }
    for action in subject.actions() {
        let command = action["Command"].as_str().unwrap_or_default();
        if command.is_empty() {
            wrong.push("an action has no Command".to_owned());
        } else if !seen.insert((action["Model"].as_str().unwrap_or_default(), command)) {
            wrong.push(format!("action {command} is there twice"));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("; "));
    Ok(())
}

async fn has_content(case: &Case) -> Verdict {
    let content = case.subject.definition["Content"].as_str().unwrap_or_default();
    Content::read(content).map(drop).or_else(|error| failed(format!("Content is no bundle: {error}")))
}

async fn serves_catalogs(case: &Case) -> Verdict {
    let (stage, _socket) = case.stage().await?;
    let ran = case.run_at(&stage, &[DEFINE.as_ref()], Way { token: Some(CATALOG), ..Way::default() }).await?;
    is_same_as_known(case, &ran, "with RS_TOKEN=catalog")?;
    let calls = stage.api.connections();
    ensure!(calls == 0, "it called the server {calls} times");
    Ok(())
}

async fn needs_no_environment(case: &Case) -> Verdict {
    let ran = define(case, Way { is_bare: true, ..Way::default() }).await?;
    is_same_as_known(case, &ran, "without an environment")
}

async fn is_the_same(case: &Case) -> Verdict {
    let ran = define(case, Way::default()).await?;
    is_same_as_known(case, &ran, "the second time")
}

fn is_same_as_known(case: &Case, ran: &Ran, when: &str) -> Verdict {
    let status = ran.ended()?;
    ensure!(status.success(), "{when} it ended with {status}; on stderr: {}", excerpt(&ran.stderr, 200));
    let definition = match first_object(&ran.stdout) {
        Ok(definition) => definition,
        Err(error) => return failed(format!("{when} it prints no definition: {error}")),
    };
    let known = case.subject.definition.as_object();
    let keys = known.into_iter().chain(definition.as_object()).flat_map(serde_json::Map::keys);
    let differs: std::collections::BTreeSet<&String> =
        keys.filter(|key| definition[key.as_str()] != case.subject.definition[key.as_str()]).collect();
    ensure!(differs.is_empty(), "{when} it says something else in {}", json!(differs));
    Ok(())
}

async fn shows_no_token(case: &Case) -> Verdict {
    let ran = define(case, Way::default()).await?;
    let is_shown = |text: &str| text.contains(UNUSED_TOKEN);
    ensure!(!is_shown(&String::from_utf8_lossy(&ran.stdout)), "the token of RS_TOKEN is on stdout");
    ensure!(!is_shown(&ran.stderr), "the token of RS_TOKEN is on stderr");
    Ok(())
}

async fn leaves_no_files(case: &Case) -> Verdict {
    let directory = case.directory("d")?;
    define(case, Way { directory: Some(directory.clone()), ..Way::default() }).await?.ended()?;
    let mut entries = fs::read_dir(&directory).map_err(cannot("read a directory"))?;
    match entries.next() {
        Some(Ok(entry)) => failed(format!("it wrote `{}` where it ran", entry.file_name().to_string_lossy())),
        _ => Ok(()),
    }
}
