//! Every object in the recorded data.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use drp_core::{
    Action, AvailableAction, Error, Event, Info, Line, Meta, ModelType, Params, PluginProvider,
    PluginProviderUploadInfo, Raw, UserToken, patch::Patch,
};
use serde_json::Value;

use crate::kept::{assert_kept, assert_object_kept};

/// The recorded data; `None`, told, where it is not there.
fn vectors() -> Option<PathBuf> {
    let vectors = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors");
    if !vectors.exists() {
        println!("skipped: no recorded data in `{}`", vectors.display());
    }
    vectors.exists().then_some(vectors)
}

fn files_in(folder: PathBuf) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn every_recorded_definition_is_written_back_equal() {
    let Some(vectors) = vectors() else { return };
    let recorded = fs::read_to_string(vectors.join("wire/plugin-cli.json")).unwrap();
    let recorded: Vec<Value> = serde_json::from_str(&recorded).unwrap();
    let printed = recorded.iter().filter(|run| run["argv"][1] == "define" && run["rc"] == 0);
    let mut definitions: Vec<_> = printed.map(|run| run["stdout"].as_str().unwrap().to_owned()).collect();
    definitions.extend(files_in(vectors.join("define")).iter().map(|path| fs::read_to_string(path).unwrap()));
    let mut equal = 0;
    for text in definitions.iter().filter(|text| text.starts_with('{')) {
        let provider: PluginProvider = serde_json::from_str(text).unwrap();
        let recorded: Value = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_value(provider).unwrap(), recorded);
        equal += 1;
    }
    assert!(equal > 8, "only {equal} definitions");
}

#[test]
fn every_object_of_recorded_content_is_kept_and_valid() {
    let Some(vectors) = vectors() else { return };
    let mut kept: BTreeMap<String, usize> = BTreeMap::new();
    for bundle in files_in(vectors.join("content")) {
        let text = fs::read_to_string(bundle.join("bundle.json")).unwrap();
        let bundle: Value = serde_json::from_str(&text).unwrap();
        assert_kept::<drp_core::ContentMeta>(&bundle["meta"].to_string(), "meta");
        for (section, objects) in bundle["sections"].as_object().unwrap() {
            for (key, object) in objects.as_object().unwrap() {
                let whence = format!("{section}/{key}");
                assert_object_kept(section, &object.to_string(), &whence);
                *kept.entry(section.clone()).or_default() += 1;
                if let Some(model) = ModelType::find(section) {
                    let object = serde_json::from_value(object.clone()).unwrap();
                    assert_eq!((model.validate)(&object).unwrap(), [], "{whence}");
                }
            }
        }
    }
    assert_eq!(kept.len(), 8, "{kept:?}");
    assert!(kept.values().sum::<usize>() > 200, "{kept:?}");
}

#[test]
fn every_body_of_the_recorded_exchanges_is_kept() {
    let Some(vectors) = vectors() else { return };
    let mut kept: BTreeMap<&str, usize> = BTreeMap::new();
    for path in files_in(vectors.join("wire")) {
        let text = fs::read_to_string(&path).unwrap();
        let file = path.file_name().unwrap().to_str().unwrap();
        match file {
            "machine-8k.json" => assert_object_kept("machines", &text, file),
            "action-incrstatus-8k.json" => assert_kept::<Action>(&text, file),
            "plugin-cli.json" => {}
            _ => text.lines().for_each(|line| assert_exchange_kept(file, line, &mut kept)),
        }
    }
    let least = [("Error", 30), ("Event", 9), ("Info", 80), ("Line", 100), ("machines", 15), ("plugins", 10)];
    for (what, least) in least {
        assert!(kept.get(what).is_some_and(|&count| count >= least), "{what}: {kept:?}");
    }
}

fn assert_exchange_kept(file: &str, line: &str, kept: &mut BTreeMap<&'static str, usize>) {
    let exchange: Value = serde_json::from_str(line).unwrap();
    let text = |key: &str| exchange[key].as_str().unwrap_or_default();
    let path = text("path").split('?').next().unwrap_or_default();
    let whence = format!("{file}: {} {} {}", exchange["seq"], text("method"), path);
    let failed = exchange["status"].as_u64().is_some_and(|status| status >= 400);
    let (body, answer) = (text("body"), text("response_body"));
    let mut count = |what| *kept.entry(what).or_default() += 1;
    match text("dir") {
        "ws server->client" if exchange["ws_opcode"] == 1 => {
            assert_kept::<Event>(body, &whence);
            count("Event");
        }
        _ if answer.starts_with("400 Bad") => {}
        "host->plugin" | "plugin->host" | "plugin->api" | "client->api" => {
            // What a provider refused was wrong on purpose, and is no object.
            let is_asked = is_json(body) && !(failed && text("dir") == "host->plugin");
            if is_asked && path.ends_with("/log") {
                count("Line");
            }
            if is_asked && assert_request_kept(text("method"), path, body, &whence) {
                count("request");
            }
            if failed && !answer.is_empty() {
                assert_kept::<Error>(answer, &whence);
                count("Error");
            } else if !answer.is_empty() {
                count(assert_answer_kept(text("method"), path, answer, &whence));
            }
        }
        _ => {}
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok()
}

fn assert_request_kept(method: &str, path: &str, body: &str, whence: &str) -> bool {
    match (method, path.trim_start_matches("/api/v3/").split('/').collect::<Vec<_>>().as_slice()) {
        (_, ["", "api-plugin" | "api-server-plugin", _, "config"]) => assert_kept::<Option<Params>>(body, whence),
        (_, ["", "api-plugin", _, "action"]) => assert_action_kept(body, whence),
        (_, ["", "api-server-plugin", _, "log"]) => assert_kept::<Line>(body, whence),
        ("PATCH", _) => assert_kept::<Patch>(body, whence),
        ("POST", [prefix]) => {
            assert_object_kept(prefix, body, whence);
            assert_written_as_by_go(prefix, body);
        }
        _ => return false,
    }
    true
}

fn assert_action_kept(body: &str, whence: &str) {
    assert_kept::<Option<Action>>(body, whence);
    let body: Value = serde_json::from_str(body).unwrap();
    if body["Model"]["Uuid"].is_string() && body["Model"]["Name"].is_string() {
        assert_object_kept("machines", &body["Model"].to_string(), whence);
    }
}

/// What a Go client sends is a whole object: the same keys in the same order, `null` where nothing was put in.
fn assert_written_as_by_go(prefix: &str, body: &str) {
    let written = match prefix {
        "machines" => serde_json::from_str::<drp_core::Machine>(body).and_then(|object| serde_json::to_string(&object)),
        "plugins" => serde_json::from_str::<drp_core::Plugin>(body).and_then(|object| serde_json::to_string(&object)),
        _ => panic!("no recorded {prefix}"),
    };
    assert_eq!(written.unwrap(), body);
}

fn assert_answer_kept(method: &str, path: &str, answer: &str, whence: &str) -> &'static str {
    match (method, path.trim_start_matches("/api/v3/").split('/').collect::<Vec<_>>().as_slice()) {
        (_, ["info"]) => {
            assert_kept::<Info>(answer, whence);
            "Info"
        }
        (_, ["users", _, "token"]) => {
            assert_kept::<UserToken>(answer, whence);
            "UserToken"
        }
        ("POST", ["plugin_providers", _]) => {
            assert_kept::<PluginProviderUploadInfo>(answer, whence);
            "PluginProviderUploadInfo"
        }
        (_, ["meta", _, _]) => {
            assert_kept::<Meta>(answer, whence);
            "Meta"
        }
        (_, [_, _, "params"]) => {
            assert_kept::<Params>(answer, whence);
            "Params"
        }
        (_, [_, _, "params", ..]) | ("POST", [_, _, "actions", _] | ["system", "actions", _]) => {
            assert_kept::<Raw>(answer, whence);
            "Raw"
        }
        ("GET", [_, _, "actions"] | ["system", "actions"]) => {
            assert_kept::<Vec<AvailableAction>>(answer, whence);
            "AvailableAction"
        }
        ("GET", [_, _, "actions", _] | ["system", "actions", _]) => {
            assert_kept::<AvailableAction>(answer, whence);
            "AvailableAction"
        }
        (_, ["", "api-plugin", _, "action"]) => "any JSON",
        (_, ["", "api-plugin" | "api-server-plugin", ..]) => {
            assert_kept::<Error>(answer, whence);
            "Error"
        }
        (_, ["params", ..]) => {
            assert_object_kept("params", answer, whence);
            "params"
        }
        ("GET", [prefix]) => {
            for object in serde_json::from_str::<Vec<Value>>(answer).unwrap() {
                assert_object_kept(prefix, &object.to_string(), whence);
            }
            counted(prefix)
        }
        (_, [prefix] | [prefix, _]) => {
            assert_object_kept(prefix, answer, whence);
            counted(prefix)
        }
        _ => panic!("{whence}: what is this? {answer}"),
    }
}

fn counted(prefix: &str) -> &'static str {
    ModelType::find(prefix).expect("only built-in types were recorded").prefix
}
