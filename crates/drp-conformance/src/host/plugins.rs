//! Plugins: configured, refused, changed, stopped, crashed.

use serde_json::{Value, json};

use super::{
    case::Case,
    events::Events,
    expect::{same, shown},
    hosting::{has_errors, plugin, served, serves, shared},
    link::{Ask, Auth},
    params::seal,
    suite::{Check, check},
};
use crate::{
    answer::Answer,
    puppet::definition,
    verdict::{Fault, Verdict, ensure, failed},
};

pub(super) const CHECKS: &[Check] = &[
    check!(HostPluginConfig, a_configuration_has_all_params),
    check!(HostPluginConfiged, a_configured_plugin_is_announced),
    check!(HostPluginMissing, a_missing_param_is_told),
    check!(HostPluginRefused, a_refusal_is_told),
    check!(HostPluginProvider, a_missing_provider_is_told),
    check!(HostPluginChanged, other_params_configure_again),
    check!(HostPluginToken, its_token_is_its_own),
    check!(HostPluginLog, its_log_lines_are_there),
    check!(HostPluginPublish, its_events_are_there),
    check!(HostPluginStop, it_is_told_to_stop),
    check!(HostPluginLeave, who_leaves_is_gone),
    check!(HostPluginCrash, a_crash_is_noticed),
];

const SECRET: &str = "s3cr3t-0f-the-plugin";

/// What a plugin was told. Not taken down: its token is among it.
async fn told(case: &Case, plugin: &str) -> Verdict<Value> {
    let ask = case.ask_with("POST", format!("system/actions/told?plugin={plugin}"), &json!({}));
    let answer = case.session.server.call(ask, case.patience()).await.map_err(Fault::Failed)?;
    ensure!(answer.status == 200, "the action `told`: 200 was expected, {} came", answer.status);
    answer.json()
}

/// Runs an action of the system by one plugin.
pub(super) async fn act(case: &Case, plugin: &str, action: &str, params: &Value) -> Verdict<Answer> {
    case.post(format!("system/actions/{action}?plugin={plugin}"), params).await
}

async fn a_configuration_has_all_params(case: &Case) -> Verdict {
    let provider = shared(case).await?;
    // It does not serve before the param that is required is set.
    let name = case.name();
    let (required, secret) = (provider.param("required"), provider.param("secret"));
    case.create("plugins", &json!({ "Name": name, "Provider": provider.name, "Params": { "own": [1] } })).await?;
    let path = format!("plugins/{name}");
    let key = case.get(format!("{path}/pubkey")).await?.json_of(200, "GET of the public key")?;
    case.post(format!("{path}/params/{secret}"), &seal(&key, &json!(SECRET))?).await?.is(200, "POST of a secret")?;
    case.post(format!("{path}/params/{required}"), &json!("given")).await?.is(200, "POST of a param")?;
    serves(case, &name).await?;
    let config = told(case, &name).await?["Config"].clone();
    let wanted = [
        ("Name".to_owned(), json!(name)),
        (required, json!("given")),
        (secret, json!(SECRET)),
        (provider.param("defaulted"), json!(definition::DEFAULT)),
        ("own".to_owned(), json!([1])),
    ];
    for (key, value) in wanted {
        same(&format!("`{key}` of the configuration"), &config[&key], &value)?;
    }
    let stored = case.get(path.as_str()).await?;
    ensure!(!stored.text().contains(SECRET), "the plugin was expected to show no secret");
    let stored = stored.json_of(200, "GET of the plugin")?;
    same("`Name` among the stored Params", &stored["Params"]["Name"], &Value::Null)?;
    same("PluginErrors", &stored["PluginErrors"], &json!([]))
}

async fn a_configured_plugin_is_announced(case: &Case) -> Verdict {
    let provider = shared(case).await?;
    let mut events = Events::of(case, &["plugins.*.*"]).await?;
    let name = plugin(case, &provider, json!({})).await?;
    let is_of = |action: &'static str| {
        let name = name.clone();
        move |event: &Value| event["Type"] == "plugins" && event["Action"] == action && event["Key"] == name.as_str()
    };
    events.until("plugins.configed", is_of("configed")).await?;
    case.delete(format!("plugins/{name}")).await?.is(200, "DELETE of the plugin")?;
    events.until("plugins.delete", is_of("delete")).await?;
    events.until("plugins.stopped", is_of("stopped")).await.map(drop)
}

async fn a_missing_param_is_told(case: &Case) -> Verdict {
    let provider = shared(case).await?;
    let name = case.name();
    case.create("plugins", &json!({ "Name": name, "Provider": provider.name })).await?;
    let required = provider.param("required");
    has_errors(case, &name, &format!("Missing required parameter: {required}")).await?;
    case.post(format!("plugins/{name}/params/{required}"), &json!("given")).await?.is(200, "POST of the param")?;
    serves(case, &name).await?;
    case.eventually(&format!("plugins/{name}"), |answer| {
        same("PluginErrors", &answer.json_of(200, "GET of the plugin")?["PluginErrors"], &json!([]))
    })
    .await
}

async fn a_refusal_is_told(case: &Case) -> Verdict {
    let provider = shared(case).await?;
    let name = plugin(case, &provider, json!({ provider.param("refuse"): 422 })).await?;
    has_errors(case, &name, "refused as it was told").await?;
    let answer = act(case, &name, "told", &json!({})).await?;
    answer.refuses("an action of a plugin that is not configured")?;
    case.get(format!("plugin_providers/{}", provider.name)).await?.is(200, "GET of the provider").map(drop)
}

async fn a_missing_provider_is_told(case: &Case) -> Verdict {
    let (name, provider) = (case.name(), case.name());
    case.create("plugins", &json!({ "Name": name, "Provider": provider })).await?;
    has_errors(case, &name, &format!("Missing Plugin Provider: {provider}")).await
}

async fn other_params_configure_again(case: &Case) -> Verdict {
    let provider = shared(case).await?;
    let name = served(case, &provider, json!({ "changing": 1 })).await?;
    same("the param at first", &told(case, &name).await?["Config"]["changing"], &json!(1))?;
    case.post(format!("plugins/{name}/params/changing"), &json!(2)).await?.is(200, "POST of a param")?;
    // While it starts again it has no actions.
    let start = std::time::Instant::now();
    loop {
        match told(case, &name).await {
            Ok(told) if told["Config"]["changing"] == 2 => return Ok(()),
            Ok(told) if start.elapsed() > case.patience() => {
                return failed(format!("the configuration still has {}", shown(&told["Config"]["changing"])));
            }
            Err(fault) if start.elapsed() > case.patience() => return Err(fault),
            Ok(_) | Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
        }
    }
}

async fn its_token_is_its_own(case: &Case) -> Verdict {
    let provider = shared(case).await?;
    let name = served(case, &provider, json!({})).await?;
    let told = told(case, &name).await?;
    for variable in ["RS_ENDPOINT", "RS_FILESERVER"] {
        let is_url = told[variable].as_str().is_some_and(|url| url.starts_with("http"));
        ensure!(is_url, "{variable} was expected to be a URL, {} came", shown(&told[variable]));
    }
    let token = Auth::Bearer(told["RS_TOKEN"].as_str().unwrap_or_default().to_owned());
    case.get_as(token.clone(), "info").await?.is(200, "GET /info by the plugin's token")?;
    case.get_as(token.clone(), format!("plugins/{name}")).await?.is(200, "GET of itself by the plugin's token")?;
    let ask = case.ask_with("POST", format!("plugins/{name}/params/by-token"), &json!(1));
    case.send(Ask { auth: token.clone(), ..ask }).await?.is(200, "POST by the plugin's token")?;
    case.delete(format!("plugins/{name}")).await?.is(200, "DELETE of the plugin")?;
    let start = std::time::Instant::now();
    loop {
        let status = case.get_as(token.clone(), "info").await?.status;
        if [401, 403].contains(&status) {
            return Ok(());
        }
        ensure!(start.elapsed() < case.patience(), "the token of a plugin that is gone still gets {status}");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

async fn its_log_lines_are_there(case: &Case) -> Verdict {
    let provider = shared(case).await?;
    let name = served(case, &provider, json!({})).await?;
    let message = format!("logged by {}", case.name());
    let mut events = Events::of(case, &["log.*.*"]).await?;
    let answer = act(case, &name, "log", &json!({ "message": message })).await?.json_of(200, "the action `log`")?;
    same("status of the callback", &answer["Status"], &json!(204))?;
    let is_line = |event: &Value| event["Object"]["Message"].as_str().is_some_and(|text| text.contains(&message));
    let event = events.until("the event of the line", is_line).await?;
    same("Action of the event", &event["Action"], &json!("error"))?;
    case.eventually("logs", |answer| {
        ensure!(answer.text().contains(&message), "the line was expected among /logs");
        Ok(())
    })
    .await
}

async fn its_events_are_there(case: &Case) -> Verdict {
    let provider = shared(case).await?;
    let name = served(case, &provider, json!({})).await?;
    let type_ = case.name();
    let mut events = Events::of(case, &[&format!("{type_}.*.*")]).await?;
    let event = json!({ "Type": type_, "Action": "happened", "Key": "a.b", "Time": "2026-01-02T03:04:05Z",
        "Object": { "number": 7 } });
    let answer = act(case, &name, "publish", &json!({ "event": event })).await?.json_of(200, "the action `publish`")?;
    same("status of the callback", &answer["Status"], &json!(200))?;
    let came = events.next("the plugin's event").await?;
    for field in ["Type", "Action", "Key", "Object"] {
        same(&format!("{field} of the plugin's event"), &came[field], &event[field])?;
    }
    Ok(())
}

async fn it_is_told_to_stop(case: &Case) -> Verdict {
    let provider = shared(case).await?;
    let name = served(case, &provider, json!({})).await?;
    let mut events = Events::of(case, &[&format!("{}.stopped.{name}", provider.name)]).await?;
    case.delete(format!("plugins/{name}")).await?.is(200, "DELETE of the plugin")?;
    // It says so itself, over the callback socket, before it ends.
    events.next("what the plugin publishes when it is told to stop").await?;
    let answer = act(case, &name, "told", &json!({})).await?;
    answer.refuses("an action of a plugin that is gone").map(drop)
}

async fn who_leaves_is_gone(case: &Case) -> Verdict {
    let provider = shared(case).await?;
    let name = served(case, &provider, json!({})).await?;
    let mut events = Events::of(case, &[&format!("plugins.stopped.{name}")]).await?;
    // It may be stopped before it has answered.
    act(case, &name, "leave", &json!({ "code": 400 })).await?;
    events.next("plugins.stopped").await?;
    let answer = act(case, &name, "told", &json!({})).await?;
    answer.refuses("an action of a plugin that has left")?;
    case.get(format!("plugin_providers/{}", provider.name)).await?.is(200, "GET of the provider").map(drop)
}

async fn a_crash_is_noticed(case: &Case) -> Verdict {
    let provider = shared(case).await?;
    let name = served(case, &provider, json!({})).await?;
    let answer = act(case, &name, "crash", &json!({})).await?;
    ensure!(!answer.is_good(), "an action that crashes: an error was expected, {} came", answer.shown());
    answer.error_object("an action that crashes")?;
    // It serves again, or its errors say why not.
    let start = std::time::Instant::now();
    loop {
        if told(case, &name).await.is_ok() {
            return Ok(());
        }
        let plugin = case.session.server.call(case.ask("GET", format!("plugins/{name}")), case.patience()).await;
        let plugin = plugin.map_err(Fault::Failed)?.json_of(200, "GET of the plugin")?;
        if plugin["PluginErrors"].as_array().is_some_and(|errors| !errors.is_empty()) {
            return Ok(());
        }
        ensure!(start.elapsed() < case.patience(), "after a crash it serves no more, and PluginErrors are empty");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}
