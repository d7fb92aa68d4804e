//! Requests to measure with.

use drp_core::{Action, Machine, Raw, RawModel, Uuid};
use serde_json::{Value, json};

/// An action without a target.
pub(crate) fn system_action(command: &str) -> String {
    action(command, "system", Raw::from(json!({})))
}

/// An action on a machine of 8 KB.
pub(crate) fn machine_action(command: &str) -> String {
    let mut machine = machine("bench");
    machine["Uuid"] = Uuid::random().to_string().into();
    action(command, "machines", Raw::from(machine))
}

/// A machine of 8 KB, as an inventory leaves it.
pub(crate) fn machine(name: &str) -> Value {
    let disk = |n: u32| {
        let disk = json!({"slot": n, "serial": format!("{n:0>32}"), "size_bytes": 1_099_511_627_776_u64, "tags": ["a", "b", "c"],
            "description": "a disk as an inventory finds it, with a line of text"});
        (format!("inventory/disk-{n}"), disk)
    };
    let params: serde_json::Map<String, Value> = (0..40).map(disk).collect();
    let mut machine = RawModel::new(&Machine::default()).expect("a machine is an object");
    machine.set("Name", &format!("{name}.example.com")).expect("JSON");
    machine.set("Params", &params).expect("JSON");
    serde_json::to_value(&machine).expect("JSON")
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
