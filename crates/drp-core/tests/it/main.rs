//! The wire types against recorded data: what is read is written back as it was.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

use std::path::PathBuf;

use drp_core::{Action, Event, Line, Machine, PluginProvider};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// The recorded data; `None`, told, where it is not there.
fn vectors() -> Option<PathBuf> {
    let vectors = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors");
    if !vectors.exists() {
        println!("skipped: no recorded data in `{}`", vectors.display());
    }
    vectors.exists().then_some(vectors)
}

fn written_back<T: DeserializeOwned + Serialize>(text: &str) -> Value {
    let object: T = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"));
    serde_json::to_value(object).unwrap()
}

#[test]
fn every_recorded_definition_is_written_back_equal() {
    let Some(vectors) = vectors() else { return };
    let mut definitions = 0;
    for entry in std::fs::read_dir(vectors.join("define")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let recorded: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(written_back::<PluginProvider>(&text), recorded, "{}", path.display());
        definitions += 1;
    }
    assert!(definitions >= 8, "only {definitions} definitions");
}

/// Every key that came is there again with the same value; keys that the recorded server did not know may be new.
fn assert_kept<T: DeserializeOwned + Serialize>(text: &str) {
    let recorded: Value = serde_json::from_str(text).unwrap();
    let written = written_back::<T>(text);
    for (key, value) in recorded.as_object().unwrap() {
        assert_eq!(written.get(key), Some(value), "{key}");
    }
}

#[test]
fn recorded_actions_machines_and_log_lines_lose_nothing() {
    let Some(vectors) = vectors() else { return };
    let recording = std::fs::read_to_string(vectors.join("wire/realhost-incrementer.jsonl")).unwrap();
    let mut kept = [0; 3];
    for exchange in recording.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let (path, body) =
            (exchange["path"].as_str().unwrap_or_default(), exchange["body"].as_str().unwrap_or_default());
        if path.ends_with("/action") {
            assert_kept::<Action>(body);
            let model = serde_json::from_str::<Value>(body).unwrap()["Model"].to_string();
            if model.contains("Uuid") {
                assert_kept::<Machine>(&model);
                kept[0] += 1;
            }
            kept[1] += 1;
        } else if path.ends_with("/log") {
            assert_kept::<Line>(body);
            kept[2] += 1;
        }
    }
    assert!(kept.iter().all(|&count| count > 0), "{kept:?}");
    assert_kept::<Machine>(&std::fs::read_to_string(vectors.join("wire/machine-8k.json")).unwrap());
}

#[test]
fn recorded_events_lose_nothing() {
    let Some(vectors) = vectors() else { return };
    let recording = std::fs::read_to_string(vectors.join("wire/listen-eventselect.jsonl")).unwrap();
    let frames = recording.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut events = 0;
    for frame in frames.filter(|frame| frame["dir"] == "ws server->client" && frame["ws_opcode"] == 1) {
        assert_kept::<Event>(frame["body"].as_str().unwrap());
        events += 1;
    }
    assert!(events > 5, "only {events} events");
}
