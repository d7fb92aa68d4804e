//! Requests to measure with.

use drp_core::{Action, Machine, Raw, RawModel, Uuid};
use serde_json::json;

/// An action without a target.
pub(crate) fn system_action(command: &str) -> String {
    action(command, "system", Raw::from(json!({})))
}

/// An action on a machine of 8 KB.
pub(crate) fn machine_action(command: &str) -> String {
    let mut machine = Machine { name: "bench.example.com".to_owned(), uuid: Uuid::random(), ..Machine::default() };
    for n in 0..40 {
        let value = json!({"slot": n, "serial": format!("{n:0>32}"), "size_bytes": 1_099_511_627_776_u64, "tags": ["a", "b", "c"],
            "description": "a disk as an inventory finds it, with a line of text"});
        machine.params.set(&format!("inventory/disk-{n}"), &value).expect("JSON");
    }
    let model = RawModel::new(&machine).expect("a machine is an object");
    action(command, "machines", Raw::new(&model).expect("JSON"))
}

fn action(command: &str, set: &str, model: Raw) -> String {
    let action = Action {
        model,
        plugin: "bench".to_owned(),
        command: command.to_owned(),
        command_set: set.to_owned(),
        ..Action::default()
    };
    serde_json::to_string(&action).expect("an action is JSON")
}
