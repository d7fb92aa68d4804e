//! Providers, extended types, plugins and actions (§18.2, §18.3), with a provider like the original's example.

use http::{Request, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::{
    peer::{Answer, Peer},
    played::Played,
};

const CONTENT: &str = "
meta: { Description: what the tests want }
sections:
  params:
    incrementer/parameter: { Name: incrementer/parameter, Schema: { type: string } }
    incrementer/step: { Name: incrementer/step, Schema: { type: integer } }
    incrementer/touched: { Name: incrementer/touched, Schema: { type: integer } }
";

fn definition() -> Value {
    json!({
        "Name": "incrementer", "Version": "v4.8.0", "PluginVersion": 4, "Content": CONTENT,
        "AvailableActions": [
            { "Model": "machines", "Command": "increment",
              "OptionalParams": ["incrementer/step", "incrementer/parameter"] },
            { "Model": "machines", "Command": "reset_count", "RequiredParams": ["incrementer/touched"] },
            { "Command": "incrstatus" },
        ],
        "StoreObjects": {
            "cows": {},
            "typed-cows": {
                "Spotted": { "type": "boolean", "isrequired": true },
                "CanMilk": { "type": "boolean" },
                "Location": { "type": "string" },
            },
        },
    })
}

/// What the provider answers: it adds the step to nothing, so that each answer tells the params that arrived.
fn answer(path: &str, body: &Value) -> (StatusCode, Value) {
    let params = &body["Params"];
    let result = match body["Command"].as_str() {
        _ if !path.ends_with("/action") => json!({ "Code": 200 }),
        Some("increment") => params.get("incrementer/step").cloned().unwrap_or(json!(1)),
        Some("reset_count") => json!("Success"),
        _ => json!("Running"),
    };
    (StatusCode::OK, result)
}

/// A host with the provider, and the provider to play.
async fn start() -> (Peer, Played) {
    let dir = tempfile::tempdir().unwrap();
    let played = Played::write(&dir.path().join("data/plugins"), &definition(), answer);
    (Peer::start_in(dir, |config| config).await, played)
}

/// As the real command prints an error, without the word before it.
fn printed(answer: &Answer) -> String {
    let json = answer.json();
    assert_eq!(json["Code"], answer.status.as_u16(), "{json}");
    let text = |key: &str| json[key].as_str().unwrap().to_owned();
    let messages: Vec<&str> = json["Messages"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    let subject =
        [text("Model"), text("Key")].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/");
    let head = [text("Type"), subject].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ");
    format!("{} {head}: {}", answer.status.as_u16(), messages.join("; "))
}

async fn ok(peer: &Peer, method: &str, path: &str, body: Value) -> Value {
    let body = if method == "GET" { String::new() } else { body.to_string() };
    let answer = peer.call(method, path, &body).await;
    assert!(answer.status.is_success(), "{method} {path}: {} {:?}", answer.status, answer.body);
    answer.json()
}

async fn refused(peer: &Peer, method: &str, path: &str, body: Value, expected: &str) {
    let body = if method == "GET" { String::new() } else { body.to_string() };
    assert_eq!(printed(&peer.call(method, path, &body).await), expected, "{method} {path}");
}

async fn plugin(peer: &Peer) {
    ok(peer, "POST", "/plugins", json!({ "Name": "incr", "Provider": "incrementer" })).await;
}

#[tokio::test]
async fn t48_providers_are_uploaded_listed_and_shown() {
    let peer = Peer::start().await;
    let definition = definition();
    let script = format!("#!/bin/sh\n[ \"$1\" = define ] || exit 0\ncat <<'END'\n{definition}\nEND\n");
    let upload = async || {
        let request = Request::post("/api/v3/plugin_providers/incrementer")
            .header("authorization", peer.bearer())
            .header("content-type", "application/octet-stream");
        peer.send(request.body(Full::from(script.clone())).unwrap()).await
    };
    let uploaded = upload().await;
    assert_eq!(
        (uploaded.status, uploaded.json()),
        (StatusCode::CREATED, json!({ "path": "incrementer", "size": script.len() }))
    );
    let shown = ok(&peer, "GET", "/plugin_providers/incrementer", Value::Null).await;
    // A list is of the same, save the content itself.
    let listed = async || {
        let mut list = ok(&peer, "GET", "/plugin_providers", Value::Null).await;
        if let Some(provider) = list.get_mut(0) {
            provider["Content"] = json!(CONTENT);
        }
        list
    };
    assert_eq!(listed().await, json!([shown]));
    assert_eq!((&shown["HasPublish"], &shown["AutoStart"]), (&json!(false), &json!(false)));
    assert_eq!(shown["PluginVersion"], 4);
    assert_eq!(shown["StoreObjects"], definition["StoreObjects"]);
    let actions = shown["AvailableActions"].as_array().unwrap();
    let commands: Vec<&Value> = actions.iter().map(|action| &action["Command"]).collect();
    assert_eq!(commands, ["increment", "reset_count", "incrstatus"]);
    for action in actions {
        assert_eq!(action["Provider"], "incrementer");
        assert!(action["RequiredParams"].is_array() && action["OptionalParams"].is_array(), "{action}");
    }
    let meta = ["Name", "Version", "Type", "Source", "Description"].map(|key| shown["Meta"][key].as_str().unwrap());
    assert_eq!(meta, ["incrementer", "v4.8.0", "plugin", "FromPluginProvider", "what the tests want"]);

    // T40: its content comes and goes with it.
    let param = ok(&peer, "GET", "/params/incrementer/parameter", Value::Null).await;
    assert_eq!((&param["Bundle"], &param["ReadOnly"]), (&json!("incrementer"), &json!(true)));
    assert_eq!(peer.call("DELETE", "/plugin_providers/incrementer", "").await.status, StatusCode::NO_CONTENT);
    refused(
        &peer,
        "GET",
        "/params/incrementer/parameter",
        Value::Null,
        "404 GET: params/incrementer/parameter: Not Found",
    )
    .await;
    refused(
        &peer,
        "DELETE",
        "/plugin_providers/incrementer",
        Value::Null,
        "404 DELETE: plugin_providers/incrementer: Not Found",
    )
    .await;
    refused(&peer, "GET", "/plugin_providers/john", Value::Null, "404 GET: plugin_providers/john: Not Found").await;
    assert_eq!(peer.call("HEAD", "/plugin_providers/john", "").await.status, StatusCode::NOT_FOUND);
    assert_eq!(listed().await, json!([]));
    assert_eq!(upload().await.json()["path"], "incrementer");
    assert_eq!(listed().await, json!([shown]));
    peer.host.stop().await;
}

#[tokio::test]
async fn t40_objects_of_extended_types_are_served_as_others() {
    let (peer, _provider) = start().await;
    refused(&peer, "GET", "/freds/john", Value::Null, "404 GET: /api/v3/freds/john: No route").await;
    for method in ["GET", "DELETE"] {
        refused(&peer, method, "/cows/john", Value::Null, &format!("404 {method}: cows/john: Not Found")).await;
    }
    let fred = ok(&peer, "POST", "/cows", json!({ "Type": "cows", "Id": "fred1" })).await;
    let defaults = json!({
        "Bundle": "", "Description": "", "Documentation": "", "Endpoint": "", "Errors": [], "Id": "fred1", "Meta": {},
        "Params": {}, "ReadOnly": false, "Type": "cows", "Available": fred["Available"], "Validated": fred["Validated"],
    });
    assert_eq!(fred, defaults);
    let tree = json!([{ "op": "add", "path": "/Tree", "value": "neat" }]);
    assert_eq!(ok(&peer, "PATCH", "/cows/fred1", tree).await["Tree"], "neat");
    assert_eq!(ok(&peer, "GET", "/cows/fred1/params", Value::Null).await, json!({}));
    let size = "/cows/fred1/params/cow-size";
    assert_eq!(ok(&peer, "GET", size, Value::Null).await, Value::Null);
    assert_eq!(ok(&peer, "POST", size, json!("big")).await, "big");
    assert_eq!(ok(&peer, "GET", size, Value::Null).await, "big");
    let add = json!([
        { "op": "test", "path": "", "value": { "cow-size": "big" } }, { "op": "add", "path": "/cow2", "value": "big" },
    ]);
    assert_eq!(ok(&peer, "PATCH", "/cows/fred1/params", add).await, json!({ "cow-size": "big", "cow2": "big" }));
    assert_eq!(ok(&peer, "DELETE", "/cows/fred1/params/cow2", Value::Null).await, "big");
    assert_eq!(ok(&peer, "GET", "/cows/fred1/actions", Value::Null).await, json!([]));
    assert_eq!(ok(&peer, "GET", "/meta/cows/fred1", Value::Null).await, json!({}));
    assert_eq!(ok(&peer, "DELETE", "/cows/fred1", Value::Null).await["Tree"], "neat");
    let objects = ok(&peer, "GET", "/objects", Value::Null).await;
    for type_ in ["cows", "typed-cows"] {
        assert!(objects.as_array().unwrap().contains(&json!(type_)), "{objects}");
    }
    peer.host.stop().await;
}

#[tokio::test]
async fn t40_typed_objects_are_checked_and_indexed() {
    let (peer, _provider) = start().await;
    let cow = |spotted: Value| {
        let mut cow = json!({ "Type": "typed-cows", "Id": "fred1" });
        if !spotted.is_null() {
            cow["Spotted"] = spotted;
        }
        cow
    };
    let error = |text: &str| format!("422 ValidationError: typed-cows/fred1: Error in value: {text}");
    refused(&peer, "POST", "/typed-cows", cow(Value::Null), &error("(root): Spotted is required")).await;
    let wrong = error("Spotted: Invalid type. Expected: boolean, given: string");
    refused(&peer, "POST", "/typed-cows", cow(json!("true")), &wrong).await;
    ok(&peer, "POST", "/typed-cows", cow(json!(true))).await;
    let greg = json!([{ "op": "replace", "path": "/Spotted", "value": "greg" }]);
    refused(&peer, "PATCH", "/typed-cows/fred1", greg, &wrong).await;
    assert_eq!(ok(&peer, "GET", "/typed-cows/fred1", Value::Null).await["Spotted"], true);

    let names = async |prefix: &str| -> Vec<String> {
        let indexes = ok(&peer, "GET", &format!("/indexes/{prefix}"), Value::Null).await;
        indexes.as_object().unwrap().keys().cloned().collect()
    };
    let base = ["Available", "Key", "ReadOnly", "Valid"];
    let cows = ["Available", "Id", "Key", "ReadOnly", "Type", "Valid"];
    let typed = ["Available", "CanMilk", "Id", "Key", "Location", "ReadOnly", "Spotted", "Type", "Valid"];
    let check = async |prefix: &str, expected: &[&str]| assert_eq!(names(prefix).await, expected, "{prefix}");
    check("cows", &cows).await;
    check("typed-cows", &typed).await;
    check("freds", &base).await;
    let index = async |name: &str| ok(&peer, "GET", &format!("/indexes/typed-cows/{name}"), Value::Null).await;
    assert_eq!(
        index("CanMilk").await,
        json!({ "Type": "boolean", "Unique": false, "Unordered": true, "Regex": false })
    );
    assert_eq!(
        index("Location").await,
        json!({ "Type": "string", "Unique": false, "Unordered": false, "Regex": true })
    );
    peer.host.stop().await;
}

#[tokio::test]
async fn t40_plugins_are_created_listed_changed_and_destroyed() {
    let (peer, _provider) = start().await;
    refused(&peer, "POST", "/plugins", json!({}), "400 CREATE: plugins: Empty key not allowed").await;
    let text = "422 ValidationError: plugins/i-woman: i-woman: Invalid Provider ``";
    refused(&peer, "POST", "/plugins", json!({ "Name": "i-woman" }), text).await;
    let text = "422 ValidationError: plugins/[x: [x: Invalid Name `[x`; [x: Invalid Provider ``";
    refused(&peer, "POST", "/plugins", json!({ "Name": "[x" }), text).await;
    plugin(&peer).await;
    let again = json!({ "Name": "incr", "Provider": "incrementer" });
    refused(&peer, "POST", "/plugins", again, "409 CREATE: plugins/incr: already exists").await;

    let named = async |query: &str| -> Vec<Value> {
        let list = ok(&peer, "GET", &format!("/plugins?{query}"), Value::Null).await;
        list.as_array().unwrap().iter().map(|plugin| plugin["Name"].clone()).collect()
    };
    for (query, found) in [("Name=incr", 1), ("Name=john", 0), ("Provider=incrementer", 1), ("Provider=x", 0)] {
        assert_eq!(named(query).await.len(), found, "{query}");
    }
    for key in ["incr", "Key:incr", "Name:incr"] {
        assert_eq!(ok(&peer, "GET", &format!("/plugins/{key}"), Value::Null).await["Name"], "incr");
    }
    refused(&peer, "GET", "/plugins/john", Value::Null, "404 GET: plugins/john: Not Found").await;
    let describe = json!([{ "op": "replace", "path": "/Description", "value": "d" }]);
    assert_eq!(ok(&peer, "PATCH", "/plugins/incr", describe.clone()).await["Description"], "d");
    refused(&peer, "PATCH", "/plugins/john", describe, "404 PATCH: plugins/john: Not Found").await;

    let param = "/plugins/incr/params/john3";
    assert_eq!(ok(&peer, "GET", param, Value::Null).await, Value::Null);
    for value in [json!("cow"), json!(3), Value::Null, json!({ "a": [1.50] })] {
        assert_eq!(ok(&peer, "POST", param, value.clone()).await, value);
        assert_eq!(ok(&peer, "GET", param, Value::Null).await, value);
    }
    let all = json!({ "jj": 3 });
    assert_eq!(ok(&peer, "POST", "/plugins/incr/params", all.clone()).await, all);
    assert_eq!(ok(&peer, "GET", "/plugins/incr/params", Value::Null).await, all);
    assert_eq!(ok(&peer, "DELETE", "/plugins/incr/params/jj", Value::Null).await, 3);
    // The error names the param, not the plugin.
    refused(&peer, "DELETE", "/plugins/incr/params/jj", Value::Null, "404 DELETE: params/jj: Not Found").await;
    ok(&peer, "DELETE", "/plugins/incr", Value::Null).await;
    refused(&peer, "DELETE", "/plugins/incr", Value::Null, "404 DELETE: plugins/incr: Not Found").await;
    peer.host.stop().await;
}

#[tokio::test]
async fn t40_actions_of_machines_are_listed_and_run_where_their_params_are_there() {
    let (peer, mut provider) = start().await;
    plugin(&peer).await;
    let machine = ok(&peer, "POST", "/machines", json!({ "Name": "bob" })).await;
    let at = format!("/machines/{}", machine["Uuid"].as_str().unwrap());
    let subject = at.trim_start_matches('/').to_owned();
    let commands = async || -> Vec<Value> {
        let list = ok(&peer, "GET", &format!("{at}/actions"), Value::Null).await;
        list.as_array().unwrap().iter().map(|action| action["Command"].clone()).collect()
    };
    let run = async |command: &str, params: Value| ok(&peer, "POST", &format!("{at}/actions/{command}"), params).await;
    assert_eq!(commands().await, ["increment"]);
    let trogdor = format!("{at}/actions/trogdor");
    refused(&peer, "GET", &trogdor, Value::Null, &format!("404 GET: {subject}: trogdor: Not Found")).await;
    let text = format!("400 INVOKE: {subject}: Action trogdor on machines: Not Found");
    refused(&peer, "POST", &trogdor, json!({}), &text).await;
    refused(&peer, "GET", "/machines/fred/actions", Value::Null, "404 GET: machines/fred: Not Found").await;
    refused(&peer, "POST", "/machines/fred/actions/increment", json!({}), "404 POST: machines/fred: Not Found").await;
    let text = format!("400 INVOKE: {subject}: Action increment on machines for plugin trogdor not found");
    refused(&peer, "POST", &format!("{at}/actions/increment?plugin=trogdor"), json!({}), &text).await;

    assert_eq!(run("increment", json!({})).await, 1);
    let reset = format!("{at}/actions/reset_count");
    let missing =
        |method: &str| format!("400 {method}: {subject}: Action reset_count Missing Parameter incrementer/touched");
    refused(&peer, "GET", &reset, Value::Null, &missing("GET")).await;
    refused(&peer, "POST", &reset, json!({}), &missing("INVOKE")).await;
    // What the provider does when it increments.
    ok(&peer, "POST", &format!("{at}/params/incrementer/touched"), json!(1)).await;
    assert_eq!(commands().await, ["increment", "reset_count"]);
    assert_eq!(ok(&peer, "GET", &reset, Value::Null).await["RequiredParams"], json!(["incrementer/touched"]));
    assert_eq!(run("reset_count", json!({})).await, "Success");
    ok(&peer, "DELETE", &format!("{at}/params/incrementer/touched"), Value::Null).await;
    assert_eq!(commands().await, ["increment"]);

    let extra = json!({ "incrementer/parameter": "parm1", "incrementer/step": 10, "extra": 10 });
    assert_eq!(run("increment", extra.clone()).await, 10);
    let text = format!(
        "400 INVOKE: {subject}: Action increment: Invalid Parameter: incrementer/step: : (root): Invalid type. \
         Expected: integer, given: string"
    );
    refused(&peer, "POST", &format!("{at}/actions/increment"), json!({ "incrementer/step": "asgdasdg" }), &text).await;
    // A param of the machine is the action's too, and what the caller says wins.
    ok(&peer, "POST", &format!("{at}/params/incrementer/step"), json!(2)).await;
    assert_eq!(run("increment", json!({})).await, 2);
    assert_eq!(run("increment", json!({ "incrementer/step": 20 })).await, 20);

    let action = loop {
        let action = provider.request_to("/api-plugin/v4/action").await;
        if action["Params"]["extra"] == 10 {
            break action;
        }
    };
    let sent = ["Plugin", "Command", "CommandSet"].map(|key| action[key].as_str().unwrap().to_owned());
    assert_eq!(sent, ["incr", "increment", "machines"]);
    assert_eq!((&action["Params"], &action["Model"]["Name"]), (&extra, &json!("bob")));
    peer.host.stop().await;
}

#[tokio::test]
async fn t40_actions_of_the_system_are_there_as_soon_as_the_plugin_is() {
    let (peer, mut provider) = start().await;
    assert_eq!(ok(&peer, "GET", "/system/actions", Value::Null).await, json!([]));
    plugin(&peer).await;
    let incrstatus = json!({
        "Command": "incrstatus", "Model": "", "Provider": "incrementer", "RequiredParams": [], "OptionalParams": [],
    });
    assert_eq!(ok(&peer, "GET", "/system/actions", Value::Null).await, json!([incrstatus]));
    assert_eq!(ok(&peer, "GET", "/system/actions/incrstatus", Value::Null).await, incrstatus);
    let unknown = "/system/actions/trogdor";
    refused(&peer, "GET", unknown, Value::Null, "404 GET: profiles/global: trogdor: Not Found").await;
    let text = "400 INVOKE: system/global: Action trogdor on system: Not Found";
    refused(&peer, "POST", unknown, json!({}), text).await;
    assert_eq!(ok(&peer, "POST", "/system/actions/incrstatus", json!({})).await, "Running");
    let action = provider.request_to("/api-plugin/v4/action").await;
    assert_eq!((&action["CommandSet"], &action["Model"]["Name"]), (&json!("system"), &json!("global")));
    peer.host.stop().await;
}
