//! Providers: uploaded, there, and removed.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    case::Case,
    events::Events,
    expect::{same, says, shown},
    link::Ask,
    suite::{Check, check},
};
use crate::{
    answer::Answer,
    puppet::{self, definition},
    verdict::{Fault, Verdict, ensure, failed, skipped},
};

pub(super) const CHECKS: &[Check] = &[
    check!(HostUpload, an_upload_is_a_provider),
    check!(HostUploadBad, what_is_no_provider_is_refused),
    check!(HostProviderContent, its_content_is_there),
    check!(HostProviderFiles, its_files_are_there),
    check!(HostProviderTypes, its_types_are_there),
    check!(HostProviderBinary, its_bytes_come_back),
    check!(HostProviderGone, what_is_removed_takes_all_along),
    check!(HostProviderForbidden, a_403_of_a_configuration_removes_the_provider),
];

/// A provider that is there.
#[derive(Clone)]
pub(super) struct Provider {
    pub(super) name: String,
    bytes: Bytes,
}

impl Provider {
    /// The name of one of its params.
    pub(super) fn param(&self, short: &str) -> String {
        definition::param(&self.name, short)
    }
}

/// The provider that checks share which do not remove it.
pub(super) async fn shared(case: &Case) -> Verdict<Provider> {
    let session = Arc::clone(&case.session);
    let made = session
        .shared
        .get_or_init(|| async {
            let name = session.name();
            session.will_make(format!("plugin_providers/{name}"));
            match upload(case, &name).await {
                Ok((bytes, answer)) if answer.status == 201 => Ok(Provider { name, bytes }),
                Ok((_, answer)) => Err(format!("the upload of the suite's provider is refused: {}", answer.shown())),
                Err(Fault::Failed(text) | Fault::Skipped(text)) => Err(text),
            }
        })
        .await;
    made.clone().or_else(skipped)
}

/// A provider of this check alone.
async fn own(case: &Case) -> Verdict<Provider> {
    // Who takes none at all is asked once.
    shared(case).await?;
    let name = case.name();
    case.will_make(format!("plugin_providers/{name}"));
    let (bytes, answer) = upload(case, &name).await?;
    answer.is(201, "POST /plugin_providers/NAME")?;
    Ok(Provider { name, bytes })
}

async fn upload(case: &Case, name: &str) -> Verdict<(Bytes, Answer)> {
    let Some(path) = &case.session.provider else { return skipped("there is no provider to upload") };
    let bytes = tokio::fs::read(path).await;
    let bytes = bytes.map_err(|error| Fault::Skipped(format!("cannot read `{}`: {error}", path.display())))?;
    let bytes = Bytes::from(bytes);
    let answer = case.send(octets(case, name, bytes.clone())).await?;
    Ok((bytes, answer))
}

fn octets(case: &Case, name: &str, body: Bytes) -> Ask {
    let ask = case.ask("POST", format!("plugin_providers/{name}"));
    Ask { content_type: Some("application/octet-stream"), body, ..ask }
}

async fn an_upload_is_a_provider(case: &Case) -> Verdict {
    shared(case).await?;
    let name = case.name();
    case.will_make(format!("plugin_providers/{name}"));
    let mut events = Events::of(case, &[&format!("plugin_providers.*.{name}")]).await?;
    let (bytes, answer) = upload(case, &name).await?;
    let made = answer.json_of(201, "POST /plugin_providers/NAME")?;
    same("path", &made["path"], &json!(name))?;
    same("size", &made["size"], &json!(bytes.len()))?;
    let event = events.next("the event of the provider").await?;
    same("Action of the event", &event["Action"], &json!("create"))?;
    same("Object of the event: Name", &event["Object"]["Name"], &json!(name))?;
    let provider = case.get(format!("plugin_providers/{name}")).await?.json_of(200, "GET of the provider")?;
    let wanted = definition::of(&name);
    for field in ["Name", "Version", "PluginVersion", "HasPublish", "AutoStart", "RequiredParams", "OptionalParams"] {
        same(field, &provider[field], &wanted[field])?;
    }
    let actions = provider["AvailableActions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let wanted = wanted["AvailableActions"].as_array().map(Vec::len).unwrap_or_default();
    ensure!(actions.len() == wanted, "{wanted} AvailableActions were expected, {} came", actions.len());
    for action in actions {
        same("Provider of an action", &action["Provider"], &json!(name))?;
    }
    let list = case.get("plugin_providers").await?.json_of(200, "GET /plugin_providers")?;
    let is_listed = list.as_array().is_some_and(|all| all.iter().any(|one| one["Name"] == name.as_str()));
    ensure!(is_listed, "the provider was expected in the list");
    Ok(())
}

async fn what_is_no_provider_is_refused(case: &Case) -> Verdict {
    for (what, bytes) in [
        ("nonsense", &b"nonsense"[..]),
        ("a script that prints no definition", b"#!/bin/sh\necho nonsense\n"),
        ("a script that fails", b"#!/bin/sh\nexit 1\n"),
        ("nothing", b""),
    ] {
        let name = case.name();
        case.will_make(format!("plugin_providers/{name}"));
        case.send(octets(case, &name, Bytes::from_static(bytes))).await?.refuses(&format!("the upload of {what}"))?;
        case.get(format!("plugin_providers/{name}")).await?.is(404, "what was refused")?;
    }
    Ok(())
}

async fn its_content_is_there(case: &Case) -> Verdict {
    let provider = shared(case).await?;
    let param = case.get(format!("params/{}", provider.param("secret"))).await?.json_of(200, "GET of its param")?;
    same("Bundle", &param["Bundle"], &json!(provider.name))?;
    same("ReadOnly", &param["ReadOnly"], &json!(true))?;
    same("Secure", &param["Secure"], &json!(true))?;
    let contents = case.get("contents").await?.json_of(200, "GET /contents")?;
    let layer = contents.as_array().into_iter().flatten().find(|one| one["meta"]["Name"] == provider.name.as_str());
    let Some(layer) = layer else { return failed("its content was expected among /contents") };
    same("meta.Type", &layer["meta"]["Type"], &json!("plugin"))?;
    same("meta.Version", &layer["meta"]["Version"], &json!(definition::VERSION))
}

async fn its_files_are_there(case: &Case) -> Verdict {
    let provider = shared(case).await?;
    let (file, content) = puppet::FILE;
    let path = format!("files/plugin_providers/{}/{file}", provider.name);
    let answer = case.get(path).await?;
    answer.is(200, "GET of an unpacked file")?;
    ensure!(answer.body == content, "`{content}` was expected, {} came", answer.shown());
    Ok(())
}

async fn its_types_are_there(case: &Case) -> Verdict {
    let provider = shared(case).await?;
    let type_ = definition::type_(&provider.name);
    let objects = case.get("objects").await?.json_of(200, "GET /objects")?;
    let is_there = objects.as_array().is_some_and(|all| all.contains(&json!(type_)));
    ensure!(is_there, "`{type_}` was expected among /objects, {} came", shown(&objects));
    let id = case.name();
    let cow = json!({ "Id": id, "Type": type_, "Spotted": true, "Free": { "as": "a bird" } });
    let made = case.create(&type_, &cow).await?;
    same("a declared field", &made["Spotted"], &json!(true))?;
    same("a free field", &made["Free"], &cow["Free"])?;
    for (what, spotted) in [("a field that is missing", None), ("a field of the wrong type", Some("yes"))] {
        let mut bad = json!({ "Id": case.name(), "Type": type_ });
        if let Some(spotted) = spotted {
            bad["Spotted"] = json!(spotted);
        }
        let error = case.post(type_.as_str(), &bad).await?.error_of(422, what)?;
        says(what, &error, "Spotted")?;
        same(&format!("{what}: Type"), &error["Type"], &json!("ValidationError"))?;
    }
    let path = format!("{type_}/{id}");
    case.post(format!("{path}/params/any"), &json!(1)).await?.is(200, "POST of a param")?;
    case.delete(path).await?.is(200, "DELETE").map(drop)
}

async fn its_bytes_come_back(case: &Case) -> Verdict {
    let provider = shared(case).await?;
    let answer = case.get(format!("plugin_providers/{}/binary", provider.name)).await?;
    ensure!(answer.status == 200, "200 was expected, {} came", answer.status);
    ensure!(answer.body == provider.bytes, "the bytes that went up were expected, others came");
    Ok(())
}

/// Makes a plugin of a provider, and gives its name.
pub(super) async fn plugin(case: &Case, provider: &Provider, params: Value) -> Verdict<String> {
    let name = case.name();
    let mut all = json!({ provider.param("required"): "given" });
    if let (Some(all), Value::Object(params)) = (all.as_object_mut(), params) {
        all.extend(params);
    }
    case.create("plugins", &json!({ "Name": name, "Provider": provider.name, "Params": all })).await?;
    Ok(name)
}

/// Waits until a plugin is in service: its action is listed.
pub(super) async fn serves(case: &Case, plugin: &str) -> Verdict {
    case.eventually(&format!("system/actions/told?plugin={plugin}"), |answer| {
        answer.is(200, "the action of a plugin that is configured").map(drop)
    })
    .await
}

/// As [`plugin`], and waits until it is in service.
pub(super) async fn served(case: &Case, provider: &Provider, params: Value) -> Verdict<String> {
    let name = plugin(case, provider, params).await?;
    serves(case, &name).await?;
    Ok(name)
}

/// Waits until the errors of a plugin have a text.
pub(super) async fn has_errors(case: &Case, plugin: &str, text: &str) -> Verdict {
    case.eventually(&format!("plugins/{plugin}"), |answer| {
        let plugin = answer.json_of(200, "GET of the plugin")?;
        let errors = plugin["PluginErrors"].to_string();
        ensure!(errors.contains(text), "PluginErrors with `{text}` were expected, {errors} came");
        Ok(())
    })
    .await
}

async fn what_is_removed_takes_all_along(case: &Case) -> Verdict {
    let provider = own(case).await?;
    let plugin = served(case, &provider, json!({})).await?;
    let path = format!("plugin_providers/{}", provider.name);
    let answer = case.delete(path.as_str()).await?;
    ensure!([200, 204].contains(&answer.status), "DELETE: 200 or 204 was expected, {} came", answer.shown());
    case.get(path.as_str()).await?.error_of(404, "GET of the provider")?;
    case.delete(path.as_str()).await?.error_of(404, "DELETE again")?;
    case.get(format!("params/{}", provider.param("secret"))).await?.error_of(404, "GET of its param")?;
    let type_ = definition::type_(&provider.name);
    let error = case.get(type_.as_str()).await?.error_of(404, "GET of its type")?;
    says("GET of its type", &error, "No route")?;
    has_errors(case, &plugin, &format!("Missing Plugin Provider: {}", provider.name)).await?;
    let gone = |answer: &Answer| {
        ensure!(answer.status != 200, "no action of the plugin was expected, {} came", answer.shown());
        Ok(())
    };
    case.eventually(&format!("system/actions/told?plugin={plugin}"), gone).await
}

async fn a_403_of_a_configuration_removes_the_provider(case: &Case) -> Verdict {
    let provider = own(case).await?;
    plugin(case, &provider, json!({ provider.param("refuse"): 403 })).await?;
    case.eventually(&format!("plugin_providers/{}", provider.name), |answer| {
        answer.error_of(404, "GET of the provider").map(drop)
    })
    .await?;
    case.get(format!("params/{}", provider.param("secret"))).await?.error_of(404, "GET of its param").map(drop)
}
