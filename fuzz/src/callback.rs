//! What providers send to their host, and hosts to their plugins, as JSON: log lines, actions, definitions.

use drp_core::{Action, Event, Line, PluginProvider, SecureData, json};
use serde::{Serialize, de::DeserializeOwned};

pub(crate) fn run(data: &[u8]) {
    same::<Action>(data);
    same::<Event>(data);
    same::<Line>(data);
    same::<PluginProvider>(data);
    same::<SecureData>(data);
}

/// What is read is written so that it is read as the same.
fn same<T: DeserializeOwned + Serialize + Default>(data: &[u8]) {
    let Ok(value) = json::parse_or_default::<T>(data) else { return };
    let written = serde_json::to_vec(&value).expect("what was read is written");
    let again: T = json::parse(&written).expect("what was written is read");
    assert_eq!(serde_json::to_vec(&again).expect("what was read is written"), written);
}
