//! Actions: listed, run and refused.

use serde_json::{Value, json};

use super::{
    case::Case,
    events::Events,
    expect::{same, says, shown},
    hosting::{Provider, served, shared},
    params::seal,
    plugins::act,
    suite::{Check, check},
};
use crate::{
    puppet::definition,
    verdict::{Verdict, ensure},
};

pub(super) const CHECKS: &[Check] = &[
    check!(HostActionList, what_can_run_is_listed),
    check!(HostActionRun, an_action_gets_its_object_and_its_params),
    check!(HostActionParams, params_come_from_where_they_are),
    check!(HostActionSecure, secrets_are_opened_for_the_plugin_alone),
    check!(HostActionEmpty, no_body_is_an_empty_one),
    check!(HostActionNumbers, numbers_stay_exact),
    check!(HostActionUnknown, unknown_actions_are_refused),
    check!(HostActionWrong, wrong_params_are_refused),
    check!(HostActionError, an_error_of_the_plugin_is_passed_on),
    check!(HostActionEvent, a_run_is_an_event),
];

const SECRET: &str = "s3cr3t-0f-the-action";

/// A plugin in service, and a machine.
struct Scene {
    provider: Provider,
    plugin: String,
    machine: String,
}

async fn scene(case: &Case) -> Verdict<Scene> {
    let provider = shared(case).await?;
    let plugin = served(case, &provider, json!({})).await?;
    let machine = case.machine(json!({}), json!([])).await?;
    Ok(Scene { provider, plugin, machine })
}

impl Scene {
    fn path(&self, action: &str) -> String {
        format!("machines/{}/actions/{action}?plugin={}", self.machine, self.plugin)
    }

    fn param_path(&self, short: &str) -> String {
        format!("machines/{}/params/{}", self.machine, self.provider.param(short))
    }

    /// What the plugin got of an action that gives it back.
    async fn echo(&self, case: &Case, params: &Value) -> Verdict<Value> {
        case.post(self.path("echo"), params).await?.json_of(200, "POST of an action")
    }
}

async fn what_can_run_is_listed(case: &Case) -> Verdict {
    let scene = scene(case).await?;
    let path = format!("machines/{}/actions?plugin={}", scene.machine, scene.plugin);
    let commands = async || {
        let list = case.get(path.as_str()).await?.json_of(200, "GET of the actions")?;
        let commands: Vec<Value> =
            list.as_array().into_iter().flatten().map(|action| action["Command"].clone()).collect();
        Ok(json!(commands))
    };
    same("the actions without the param", &commands().await?, &json!(["echo"]))?;
    let number = scene.provider.param("number");
    let what = "GET of an action whose param is missing";
    let error = case.get(scene.path("choosy")).await?.error_of(400, what)?;
    says(what, &error, &format!("Action choosy Missing Parameter {number}"))?;
    case.post(scene.param_path("number"), &json!(1)).await?.is(200, "POST of the param")?;
    same("the actions with the param", &commands().await?, &json!(["choosy", "echo"]))?;
    let action = case.get(scene.path("choosy")).await?.json_of(200, "GET of the action")?;
    for (field, wanted) in [
        ("Provider", json!(scene.provider.name)),
        ("Model", json!("machines")),
        ("RequiredParams", json!([number])),
        ("OptionalParams", json!([])),
    ] {
        same(&format!("{field} of the action"), &action[field], &wanted)?;
    }
    Ok(())
}

async fn an_action_gets_its_object_and_its_params(case: &Case) -> Verdict {
    let scene = scene(case).await?;
    let machine = case.get(format!("machines/{}", scene.machine)).await?.json_of(200, "GET of the machine")?;
    let got = scene.echo(case, &json!({ "free": [1] })).await?;
    for field in ["Uuid", "Name", "Params", "Profiles"] {
        same(&format!("Model.{field}"), &got["Model"][field], &machine[field])?;
    }
    same("Command", &got["Command"], &json!("echo"))?;
    same("Plugin", &got["Plugin"], &json!(scene.plugin))?;
    same("a param that nobody declared", &got["Params"]["free"], &json!([1]))?;
    let name = machine["Name"].as_str().unwrap_or_default();
    let by_name = format!("machines/Name:{name}/actions/echo?plugin={}", scene.plugin);
    let got = case.post(by_name, &json!({})).await?.json_of(200, "POST by the name of the machine")?;
    same("Model.Uuid by name", &got["Model"]["Uuid"], &json!(scene.machine))
}

async fn params_come_from_where_they_are(case: &Case) -> Verdict {
    let scene = scene(case).await?;
    let name = scene.provider.param("defaulted");
    let get = async |params: Value| Ok(scene.echo(case, &params).await?["Params"][&name].clone());
    same("from its default", &get(json!({})).await?, &json!(definition::DEFAULT))?;
    let profile = case.profile(json!({ &name: "by profile" })).await?;
    let patch = json!([{ "op": "add", "path": "/Profiles", "value": [profile] }]);
    case.patch(format!("machines/{}", scene.machine), &patch).await?.is(200, "PATCH of the machine")?;
    same("from a profile", &get(json!({})).await?, &json!("by profile"))?;
    case.post(scene.param_path("defaulted"), &json!("by machine")).await?.is(200, "POST of a param")?;
    same("from the machine", &get(json!({})).await?, &json!("by machine"))?;
    same("from the caller", &get(json!({ &name: "by caller" })).await?, &json!("by caller"))?;
    let got = scene.echo(case, &json!({})).await?;
    same("an optional param that is nowhere", &got["Params"][scene.provider.param("number")], &Value::Null)
}

async fn secrets_are_opened_for_the_plugin_alone(case: &Case) -> Verdict {
    let scene = scene(case).await?;
    let (name, machine) = (scene.provider.param("secret"), format!("machines/{}", scene.machine));
    let key = case.get(format!("{machine}/pubkey")).await?.json_of(200, "GET of the public key")?;
    case.post(scene.param_path("secret"), &seal(&key, &json!(SECRET))?).await?.is(200, "POST of a secret")?;
    let mut events = Events::of(case, &[&format!("machines.echo.{}", scene.machine)]).await?;
    let got = scene.echo(case, &json!({})).await?;
    same("the secret that the plugin gets", &got["Params"][&name], &json!(SECRET))?;
    let event = events.next("the event of the action").await?;
    ensure!(!event.to_string().contains(SECRET), "the event of the action shows the secret");
    let what = "a secret that is passed";
    let error = case.post(scene.path("echo"), &json!({ &name: "passed" })).await?.error_of(400, what)?;
    says(what, &error, &format!("Action echo cannot be passed secure parameter {name} via the API"))
}

async fn no_body_is_an_empty_one(case: &Case) -> Verdict {
    let scene = scene(case).await?;
    for body in ["", "null", "{}"] {
        let answer = case.send(case.ask_raw("POST", scene.path("echo"), body)).await?;
        let got = answer.json_of(200, &format!("a body of `{body}`"))?;
        ensure!(got["Params"].is_object(), "Params were expected to be an object, {} came", shown(&got["Params"]));
    }
    Ok(())
}

async fn numbers_stay_exact(case: &Case) -> Verdict {
    let scene = scene(case).await?;
    for number in ["9007199254740993", "12345678901234567890123", "0.1"] {
        for name in ["free".to_owned(), scene.provider.param("number")] {
            let body = format!(r#"{{"{name}":{number}}}"#);
            let answer = case.send(case.ask_raw("POST", scene.path("echo"), body)).await?;
            answer.is(200, "POST of an action")?;
            let text = answer.text().replace(' ', "");
            let is_there = text.contains(&format!("\"{name}\":{number}"));
            ensure!(is_there, "{number} was expected as it was given, {} came", answer.shown());
        }
    }
    Ok(())
}

async fn unknown_actions_are_refused(case: &Case) -> Verdict {
    let scene = scene(case).await?;
    let (uuid, command) = (&scene.machine, case.name());
    let check = async |what: &str, ask, status, message: String| {
        let error = case.send(ask).await?.error_of(status, what)?;
        says(what, &error, &message)
    };
    let get = |path: String| case.ask("GET", path);
    let post = |path: String| case.ask_with("POST", path, &json!({}));
    let path = format!("machines/{uuid}/actions/{command}");
    check("GET of an unknown action", get(path.clone()), 404, format!("{command}: Not Found")).await?;
    let message = format!("Action {command} on machines: Not Found");
    check("POST of an unknown action", post(path), 400, message).await?;
    let message = format!("Action {command} on system: Not Found");
    check("POST of an unknown action of the system", post(format!("system/actions/{command}")), 400, message).await?;
    let nobody = case.name();
    let path = format!("machines/{uuid}/actions/echo?plugin={nobody}");
    let message = format!("Action echo on machines for plugin {nobody} not found");
    check("POST for an unknown plugin", post(path), 400, message).await?;
    let path = format!("machines/{}/actions/echo", uuid::Uuid::new_v4());
    check("POST on a machine that is not there", post(path), 404, "Not Found".to_owned()).await
}

async fn wrong_params_are_refused(case: &Case) -> Verdict {
    let scene = scene(case).await?;
    let number = scene.provider.param("number");
    let what = "a required param that is missing";
    let error = case.post(scene.path("choosy"), &json!({})).await?.error_of(400, what)?;
    says(what, &error, &format!("Action choosy Missing Parameter {number}"))?;
    same(&format!("{what}: Type"), &error["Type"], &json!("INVOKE"))?;
    let what = "a param of the wrong type";
    for action in ["choosy", "echo"] {
        let error = case.post(scene.path(action), &json!({ &number: "text" })).await?.error_of(400, what)?;
        says(what, &error, &format!("Action {action}: Invalid Parameter: {number}: "))?;
    }
    for body in ["7", "[]", "{"] {
        let answer = case.send(case.ask_raw("POST", scene.path("echo"), body)).await?;
        answer.refuses(&format!("a body of `{body}`"))?;
    }
    Ok(())
}

async fn an_error_of_the_plugin_is_passed_on(case: &Case) -> Verdict {
    let scene = scene(case).await?;
    for code in [400, 403, 404, 409, 422, 500, 503] {
        let answer = act(case, &scene.plugin, "fail", &json!({ "code": code })).await?;
        let error = answer.error_of(code, &format!("an action that fails with {code}"))?;
        let wanted = [
            ("Model", json!("conformance")),
            ("Key", json!(scene.provider.name)),
            ("Type", json!("puppet")),
            ("Messages", json!(["failed as it was told"])),
        ];
        for (field, wanted) in wanted {
            same(&format!("{field} of the plugin's error"), &error[field], &wanted)?;
        }
    }
    // A 403 of an action removes nobody.
    let path = format!("plugin_providers/{}", scene.provider.name);
    case.get(path).await?.is(200, "GET of the provider afterwards").map(drop)
}

async fn a_run_is_an_event(case: &Case) -> Verdict {
    let scene = scene(case).await?;
    let mut events = Events::of(case, &[&format!("machines.echo.{}", scene.machine)]).await?;
    scene.echo(case, &json!({ "free": 1 })).await?;
    let event = events.next("the event of the action").await?;
    let object = &event["Object"];
    for (field, wanted) in [("Command", json!("echo")), ("Plugin", json!(scene.plugin))] {
        same(&format!("{field} of the event"), &object[field], &wanted)?;
    }
    same("Params of the event", &object["Params"]["free"], &json!(1))?;
    same("Model of the event", &object["Model"]["Uuid"], &json!(scene.machine))
}
