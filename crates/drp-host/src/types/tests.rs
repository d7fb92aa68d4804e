#![allow(clippy::unwrap_used, clippy::needless_pass_by_value, clippy::print_stderr)]
use super::*;
use serde_json::{Value, json};

fn object(value: Value) -> RawModel {
    RawModel::new(&value).unwrap()
}

fn ready(prefix: &str, value: Value) -> (RawModel, Vec<String>) {
    let kind = Types::new().find(prefix).unwrap();
    let mut object = object(value);
    kind.fill(&mut object).unwrap();
    kind.complete(&mut object, None);
    let problems = kind.problems(&object, &Schemas::default());
    (object, problems)
}

fn declared(types: &Value) -> Map<Raw> {
    serde_json::from_value(types.clone()).unwrap()
}

#[test]
fn a_new_machine_gets_the_servers_defaults() {
    let (machine, problems) = ready(
        "machines",
        json!({"Name": "cli1.example.com", "Meta": null, "Runnable": false, "Uuid": "", "Custom": 1.50}),
    );
    assert_eq!(problems, [""; 0]);
    let value = serde_json::to_value(&machine).unwrap();
    let expected = json!({"Stage": "none", "BootEnv": "local", "Arch": "amd64", "Pool": "default", "PoolStatus": "Free",
        "Runnable": true, "WorkflowComplete": true, "CurrentTask": 0, "Profiles": [], "Params": {}, "Partial": false,
        "Meta": {"feature-flags": "change-stage-v2"}, "TaskErrorStacks": [], "Address": "", "Custom": 1.5});
    for (key, expected) in expected.as_object().unwrap() {
        assert_eq!(&value[key], expected, "{key}");
    }
    assert_eq!(value["Uuid"].as_str().unwrap().len(), 36);
    assert_eq!(value["Secret"].as_str().unwrap().len(), 64);
    assert_eq!(value["Fingerprint"]["MemoryIds"], json!([]));
    assert!(machine.typed::<drp_core::Machine>().is_ok());
}

#[test]
fn given_flags_and_keys_in_other_letter_case_are_kept() {
    let (machine, _) = ready(
        "machines",
        json!({"name": "m1", "meta": {"feature-flags": "x"}, "uuid": "87A74F0E-D168-4687-99E8-8FD3A7ED551B"}),
    );
    assert_eq!(machine.text("Name"), "m1");
    assert_eq!(machine.text("Uuid"), "87a74f0e-d168-4687-99e8-8fd3a7ed551b");
    assert_eq!(machine.fields["Meta"].get(), r#"{"feature-flags":"x"}"#);
    assert!(!machine.fields.contains_key("name"));
}

#[test]
fn values_of_another_type_are_refused_by_name() {
    let misfit =
        |value: Value| Types::new().find("machines").unwrap().fill(&mut object(value)).unwrap_err().to_string();
    assert_eq!(misfit(json!({"Runnable": "yes"})), "cannot read Runnable: expected true or false");
    assert_eq!(misfit(json!({"Uuid": "x"})), "cannot read Uuid: expected a UUID");
    assert_eq!(misfit(json!({"CurrentTask": 1.5})), "cannot read CurrentTask: expected an integer");
    assert_eq!(misfit(json!({"Profiles": [1]})), "cannot read Profiles: expected a list of strings");
    let mut machine = object(json!({"CurrentTask": 5.0}));
    Types::new().find("machines").unwrap().fill(&mut machine).unwrap();
    assert_eq!(machine.fields["CurrentTask"].get(), "5");
}

#[test]
fn problems_carry_the_key_and_the_servers_text() {
    let check = |prefix, value, expected: &[&str]| assert_eq!(ready(prefix, value).1, expected);
    check("plugins", json!({"Name": "p2"}), &["p2: Invalid Provider ``"]);
    check(
        "plugins",
        json!({"Name": "1", "Provider": "a/b", "Params": {"a~": 1}}),
        &["1: Invalid Name `1`", "1: Invalid Provider `a/b`", "1: Invalid Param Name `a~`"],
    );
    check("profiles", json!({"Name": "pr", "Profiles": ["x"]}), &["pr: Invalid Profile Name `x`"]);
    check("users", json!({"Name": "a@b"}), &[]);
    check(
        "params",
        json!({"Name": "a/b", "Schema": {"type": "string", "default": 1}}),
        &["a/b: Error in default value: (root): Invalid type. Expected: string, given: integer"],
    );
    let uuid = "24679e38-53a2-4a82-99dd-5280139de00c";
    let tasks = ["ok", "stage:x", "action:p1:c", "other:x", "t/"];
    let bad = json!({"Uuid": uuid, "Name": "foo/", "Arch": "x86_64", "HardwareAddrs": ["aa"], "Tasks": tasks});
    let expected = [
        "Please use amd64 for Arch instead of x86_64",
        "Invalid Name `foo/`",
        "Invalid Stage `x`",
        "Invalid Action `c`",
        "Invalid Task `t/`",
        "Invalid Hardware Address `aa`: address aa: invalid MAC address",
    ];
    assert_eq!(ready("machines", bad).1, expected.map(|problem| format!("{uuid}: {problem}")));
    assert!(
        ready("machines", json!({"Name": "m1", "HardwareAddrs": ["00:11:22:33:44:ff", "0011.2233.44ff"]})).1.is_empty()
    );
}

#[test]
fn what_the_server_owns_is_not_the_clients_to_set() {
    let claims = json!({"Name": "p1", "Provider": "pp", "Validated": true, "ReadOnly": true, "Bundle": "x",
        "Endpoint": "e", "Partial": true, "Errors": ["e"]});
    let (plugin, _) = ready("plugins", claims);
    for (key, expected) in [("Validated", "false"), ("ReadOnly", "false"), ("Bundle", "\"\""), ("Errors", "[]")] {
        assert_eq!(plugin.fields[key].get(), expected, "{key}");
    }
    let kind = Types::new().find("plugins").unwrap();
    let mut next = plugin.clone();
    ObjectType::mark_valid(&mut next, &[]);
    let mut forged = plugin;
    kind.complete(&mut forged, Some(&next));
    assert_eq!(forged.fields["Validated"].get(), "true");
}

#[test]
fn hidden_keys_survive_a_client_that_writes_back_what_it_has_seen() {
    let kind = Types::new().find("users").unwrap();
    let (mut user, _) = ready("users", json!({"Name": "bob", "PasswordHash": "AAAA"}));
    let before = user.clone();
    kind.redact(&mut user);
    assert!(!user.fields.contains_key("PasswordHash") && !user.fields.contains_key("Secret"));
    kind.complete(&mut user, Some(&before));
    assert_eq!(user, before);
    for kind in built_in() {
        assert_eq!(kind.hidden, hidden_of(&kind.prefix));
    }
}

#[test]
fn custom_types_check_what_they_declare() {
    let schemas = Schemas::default();
    let types = declared(&json!({"cows": {}, "typed-cows": {"Spotted": {"type": "boolean", "isrequired": true},
        "Location": {"type": "string"}}, "strict": {"type": "object", "properties": {"A": {"type": "integer"}},
        "required": ["A"], "additionalProperties": false}}));
    let types = Types::new().with("incrementer", &types, &schemas).unwrap();
    let check = |prefix: &str, value: Value, expected: &[&str]| {
        let kind = types.find(prefix).unwrap();
        let mut cow = object(value);
        kind.fill(&mut cow).unwrap();
        kind.complete(&mut cow, None);
        assert_eq!(kind.problems(&cow, &schemas), expected);
        assert!(cow.fields.contains_key("Params") && !cow.fields.contains_key("Partial"));
    };
    check("cows", json!({"Id": "a", "Any": [1]}), &[]);
    check("typed-cows", json!({"Id": "a", "Type": "typed-cows", "Spotted": true, "More": 1}), &[]);
    check("typed-cows", json!({"Id": "a"}), &["Error in value: (root): Spotted is required"]);
    let text = "Error in value: Spotted: Invalid type. Expected: boolean, given: string";
    check("typed-cows", json!({"Id": "a", "Spotted": "x"}), &[text]);
    check("cows", json!({"Id": "a", "Type": "dogs"}), &["Error in value: Type: must be cows, given: dogs"]);
    check("strict", json!({"Id": "a", "A": 1}), &[]);
    check("strict", json!({"Id": "a", "A": 1, "B": 1}), &["Error in value: (root): does not take the property B"]);
    assert_eq!(types.find("typed-cows").unwrap().declared().count(), 2);
}

#[test]
fn a_type_is_shared_if_it_is_defined_alike_and_goes_with_its_last_provider() {
    let schemas = Schemas::default();
    let with = |types: &Types, provider: &str, declares: Value| types.with(provider, &declared(&declares), &schemas);
    let one = with(&Types::new(), "p1", json!({"cows": {"A": {"type": "string"}}})).unwrap();
    let two = with(&one, "p2", json!({"cows": {"A": {"type": "string"}}})).unwrap();
    assert_eq!(
        with(&two, "p3", json!({"cows": {}})).unwrap_err().to_string(),
        "Object type cows is already defined otherwise by p1, p2"
    );
    assert!(two.without("p1").find("cows").is_some());
    assert!(two.without("p1").without("p2").find("cows").is_none());
    assert!(with(&one, "p1", json!({"cows": {}})).is_ok(), "a provider may change what it alone declares");
    for (name, text) in [("machines", "already in use"), ("info", "already in use"), ("a/b", "Invalid object type")] {
        let error = with(&one, "p1", json!({ name: {} })).unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    }
    assert!(with(&one, "p1", json!({"bad": {"A": {"type": "nonsense"}}})).is_err());
    assert!(with(&one, "p1", json!({"bad": 5})).is_err());
}

mod built_in;
