//! The built-in types, each as clients know it.

use std::collections::BTreeSet;

use super::*;
use drp_core::MODELS;

/// Adds the mixins that all but catalog items have.
fn shape(mut own: Value) -> Value {
    let mixins = json!({"Validated": false, "Available": false, "Errors": [], "ReadOnly": false, "Meta": {},
        "Endpoint": "", "Bundle": ""});
    own.as_object_mut().unwrap().extend(mixins.as_object().unwrap().clone());
    own
}

/// The one problem of an object, without its key in front.
fn problem(prefix: &str, object: Value) -> String {
    let (object, problems) = ready(prefix, object);
    let key = format!("{}: ", Types::new().find(prefix).unwrap().key_of(&object));
    problems.iter().map(|problem| problem.strip_prefix(&key).unwrap()).collect::<Vec<_>>().join("\n")
}

#[test]
fn nothing_is_left_out_and_nothing_is_null_in_a_filled_object() {
    let check = |prefix: &str, given: Value, expected: Value| {
        let (object, problems) = ready(prefix, given);
        assert_eq!(problems, [""; 0], "{prefix}");
        assert_eq!(serde_json::to_value(&object).unwrap(), shape(expected), "{prefix}");
    };
    check(
        "templates",
        json!({"ID": "t1.tmpl", "Contents": null}),
        json!({"ID": "t1.tmpl", "Description": "", "Contents": ""}),
    );
    check(
        "tasks",
        json!({"Name": "t1", "Templates": [{"Name": "a", "Contents": "x"}], "ExtraClaims": [], "ExtraRoles": null}),
        json!({"Name": "t1", "Description": "", "Documentation": "", "RequiredParams": [], "OptionalParams": [],
            "Prerequisites": [], "Templates": [{"Name": "a", "Path": "", "Link": "", "ID": "", "Contents": "x", "Meta": {}}]}),
    );
    check(
        "stages",
        json!({"Name": "s1"}),
        json!({"Name": "s1", "Description": "", "Documentation": "", "RequiredParams": [], "OptionalParams": [],
            "Templates": [], "Params": {}, "BootEnv": "", "Tasks": [], "Profiles": [], "Reboot": false,
            "RunnerWait": false, "Partial": false}),
    );
    check(
        "workflows",
        json!({"Name": "w1"}),
        json!({"Name": "w1", "Description": "", "Documentation": "", "Stages": []}),
    );
    check("pools", json!({"Id": "p1", "Description": ""}), json!({"Id": "p1"}));
    check(
        "pools",
        json!({"Id": "p1", "EnterActions": {"Workflow": "", "AddProfiles": ["pr"]}, "AutoFill": {}}),
        json!({"Id": "p1", "EnterActions": {"AddProfiles": ["pr"]}}),
    );
    check("endpoints", json!({"Id": "e:1", "Apply": false}), json!({"Id": "e:1"}));
    check(
        "tenants",
        json!({"Name": "t1", "Members": {"machines": ["m"]}}),
        json!({"Name": "t1", "Description": "", "Documentation": "", "Members": {"machines": ["m"]}, "Users": []}),
    );
    check(
        "roles",
        json!({"Name": "r1", "Claims": [{"scope": "*"}]}),
        json!({"Name": "r1", "Description": "", "Documentation": "",
            "Claims": [{"scope": "*", "action": "", "specific": ""}]}),
    );
    check(
        "subnets",
        json!({"Name": "n1", "Subnet": "10.0.0.1/24", "ActiveStart": "10.0.0.5", "ActiveEnd": "10.0.0.9"}),
        json!({"Name": "n1", "Description": "", "Documentation": "", "Enabled": false, "Proxy": false,
            "Unmanaged": false, "Subnet": "10.0.0.1/24", "NextServer": "", "ActiveStart": "10.0.0.5",
            "ActiveEnd": "10.0.0.9", "ActiveLeaseTime": 60, "ReservedLeaseTime": 7200, "OnlyReservations": false,
            "Options": [], "Strategy": "MAC", "Pickers": ["hint", "nextFree", "mostExpired"]}),
    );
    check(
        "reservations",
        json!({"Addr": "10.0.0.5", "Options": [{"Code": 3}]}),
        json!({"Addr": "10.0.0.5", "Description": "", "Documentation": "", "Token": "", "Subnet": "", "NextServer": "",
            "Options": [{"Code": 3, "Value": ""}], "Strategy": "", "Scoped": false, "Duration": 0}),
    );
    let (item, _) = ready("catalog_items", json!({"Id": "c1", "Type": "x"}));
    assert_eq!(item.text("Type"), "catalog_items");
    assert!(!item.fields.contains_key("Bundle"));
}

#[test]
fn recorded_content_is_as_filled() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/content");
    if !folder.exists() {
        return eprintln!("skipped: there is no ../shared/vectors");
    }
    let mut sections = BTreeSet::new();
    for bundle in std::fs::read_dir(folder).unwrap() {
        let path = bundle.unwrap().path().join("bundle.json");
        let bundle: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        for (section, objects) in bundle["sections"].as_object().unwrap() {
            let Some(kind) = Types::new().find(section) else { continue };
            sections.insert(section.clone());
            for (key, recorded) in objects.as_object().unwrap() {
                let mut recorded = recorded.clone();
                for template in recorded.get_mut("Templates").and_then(Value::as_array_mut).into_iter().flatten() {
                    if template["Meta"].is_null() {
                        template["Meta"] = json!({});
                    }
                }
                let mut filled = object(recorded.clone());
                kind.fill(&mut filled).unwrap();
                assert_eq!(serde_json::to_value(&filled).unwrap(), recorded, "{}: {section}/{key}", path.display());
                assert_eq!(kind.problems(&filled, &Schemas::default()), [""; 0], "{section}/{key}");
                assert_eq!(kind.key_of(&filled), *key);
            }
        }
    }
    assert_eq!(sections.len(), 7, "{sections:?}");
}

#[test]
fn templates_of_tasks_stages_and_boot_environments_are_checked() {
    let check = |prefix: &str, templates: Value, expected: &str| {
        assert_eq!(problem(prefix, json!({"Name": "x1", "Templates": templates})), expected);
    };
    check("tasks", json!([{"Name": "a", "Contents": "x"}, {"Name": "b", "ID": "t1", "Link": "l"}]), "");
    check(
        "tasks",
        json!([{}, {"Name": "a", "ID": "t", "Contents": "c"}, {"Name": "a", "Link": "l"}]),
        "Template[0] is missing a Name\nTemplate[0] must have either an ID, a Link, or Contents set\n\
         Template[1] has both an ID and Contents\nTemplate 2 and 1 have the same name a",
    );
    check(
        "stages",
        json!([{"Name": "a", "ID": "t"}, {"Name": "b", "ID": "t", "Path": "{{.X"}]),
        "Template[0] is missing a Path\nTemplate[1] Path is not a valid text/template: unclosed action",
    );
    let os = |os: &str| json!({"Name": os, "Contents": "x", "Meta": {"OS": os}});
    check("tasks", json!([os("Linux, darwin"), os("any")]), "");
    check(
        "tasks",
        json!([os("beos"), {"Name": "b", "Contents": "x"}]),
        "Template[0]: Invalid OS value beos\n\
         Valid values are: any, darwin, esxi, freebsd, linux, netbsd, openbsd, solaris, windows\n\
         Cannot mix templates with OS metadata and templates without OS metadata\n\
         Template[0] beos has OS metadata beos\nTemplate[1] b is missing OS metadata",
    );
    let error = Types::new().find("tasks").unwrap().fill(&mut object(json!({"Templates": [{"Meta": 1}]}))).unwrap_err();
    assert_eq!(error.to_string(), "cannot read Templates/Meta: expected an object of strings");
}

#[test]
fn problems_have_the_texts_of_the_server() {
    let check = |prefix: &str, object: Value, expected: &str| assert_eq!(problem(prefix, object), expected, "{prefix}");
    let tasks = ["ok", "stage:x", "chroot:/", "action:x", "action:pl:co", "other:x", "t/"];
    let bad = "Invalid action specifier x\nInvalid Task: other:x\nInvalid Task `t/`";
    check("stages", json!({"Name": "s1", "Tasks": tasks}), bad);
    check(
        "stages",
        json!({"Name": "s1", "BootEnv": "x", "Profiles": ["y"]}),
        "Invalid BootEnv `x`\nInvalid Profile `y`",
    );
    check(
        "tasks",
        json!({"Name": "t1", "RequiredParams": ["a~"], "OptionalParams": ["/a"]}),
        "Invalid Required Param `a~`\nInvalid Optional Param `/a`",
    );
    check("workflows", json!({"Name": "w1", "Stages": ["s/"]}), "Invalid Stage Name `s/`");
    check("templates", json!({"ID": "a/b"}), "Invalid ID `a/b`");
    check(
        "bootenvs",
        json!({"Name": "b1", "Loaders": {"x": "y", "amd64-uefi": ""}, "OS": {"SupportedArchitectures": {"z80": {}, "x86_64": {}}}}),
        "x is not a supported loader type\nz80 is not a supported architecture",
    );
    check(
        "pools",
        json!({"Id": "p1", "ParentPool": "1", "ExitActions": {"Workflow": "w/", "AddProfiles": ["1"], "RemoveProfiles": ["2"]}}),
        "Invalid ParentPool `1`\nInvalid ExitActions Workflow `w/`\nInvalid ExitActions Add Profile `1`\n\
         Invalid ExitActions Remove Profile `2`",
    );
    check("endpoints", json!({"Id": "a/b"}), "Invalid Id `a/b`");
    check("tenants", json!({"Name": "t1", "Members": {"freds": []}}), "Invalid Members `freds`");
    check(
        "jobs",
        json!({"Stage": "", "State": "x", "ExitState": "y", "Task": "t/"}),
        "Invalid Task `t/`\nInvalid Stage ``\nInvalid State `x`\nInvalid ExitState `y`",
    );
    let subnet = |change: Value| {
        let mut subnet = json!({"Name": "n1", "Subnet": "192.168.124.0/24", "ActiveStart": "192.168.124.80",
            "ActiveEnd": "192.168.124.254"});
        subnet.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        subnet
    };
    check("subnets", subnet(json!({})), "");
    check("subnets", subnet(json!({"Subnet": "1.1.1.1"})), "Invalid subnet 1.1.1.1: invalid CIDR address: 1.1.1.1");
    check("subnets", subnet(json!({"ActiveStart": "192.168.128.1", "ActiveEnd": "", "Proxy": true})), "");
    check(
        "subnets",
        subnet(
            json!({"Subnet": "192.168.124.7/24", "ActiveStart": "192.168.125.1", "ActiveLeaseTime": 10, "ReservedLeaseTime": 20}),
        ),
        "ActiveStart 192.168.125.1 not in subnet range 192.168.124.0/24\n\
         ActiveStart 192.168.125.1 must be less than or equal to ActiveEnd 192.168.124.254\n\
         ActiveLeaseTime must be greater than or equal to 60 seconds, not 10\n\
         ReservedLeaseTime must be greater than or equal to 7200 seconds, not 20",
    );
    check("subnets", subnet(json!({"Unmanaged": true, "Proxy": true})), "Unmanaged and Proxy cannot both be true");
}

#[test]
fn addresses_are_keys_in_hexadecimal() {
    let kind = Types::new().find("leases").unwrap();
    let (lease, _) = ready("leases", json!({"Addr": "192.168.124.11"}));
    assert_eq!(kind.key_of(&lease), "C0A87C0B");
    assert_eq!(kind.key_meant("192.168.124.11"), "C0A87C0B");
    assert_eq!(kind.key_meant("C0A87C0B"), "C0A87C0B");
    let mut keyed = RawModel::default();
    kind.set_key(&mut keyed, "C0A87C0B");
    assert_eq!(keyed.text("Addr"), "192.168.124.11");
}

#[test]
fn roles_may_speak_of_known_scopes_and_actions() {
    let types = Types::new().with("p1", &declared(&json!({"cows": {}})), &Schemas::default()).unwrap();
    let check = |scope: &str, action: &str, expected: &[&str]| {
        let role = object(json!({"Name": "r1", "Claims": [{"scope": scope, "action": action, "specific": "*"}]}));
        assert_eq!(types.claim_problems(&role), expected, "{scope} {action}");
    };
    check("*", "*", &[]);
    check("machines, cows", "get, update:/Params, action:increment,getSecure", &[]);
    check("isos", "post", &[]);
    check("freds", "get", &["No such scope 'freds'"]);
    check("users", "getSecure,password", &["No such action 'getSecure'"]);
    check("*", "token,juggle:x", &["No such action 'juggle:x'"]);
    check("preferences", "update", &["No such action 'update'"]);
    for model in &MODELS {
        assert!(types.scopes().contains_key(model.prefix));
    }
}

#[test]
fn indexes_are_told_with_what_can_be_done_with_them() {
    let types = Types::new();
    let check = |prefix: &str, name: &str, expected: Value| {
        let info = types.find(prefix).unwrap().indexes().get(name).map(|info| serde_json::to_value(info).unwrap());
        assert_eq!(info.unwrap_or_default(), expected, "{prefix} {name}");
    };
    let info = |type_: &str, flags: &str| {
        let has = |flag: &str| flags.contains(flag);
        json!({"Type": type_, "Unique": has("unique"), "Unordered": has("unordered"), "Regex": has("regex")})
    };
    for prefix in types.all().map(|kind| kind.prefix.as_str()) {
        check(prefix, "Key", info("string", "unique regex"));
        for name in ["Valid", "Available", "ReadOnly"] {
            check(prefix, name, info("boolean", "unordered"));
        }
    }
    check("machines", "Uuid", info("UUID string", "unique"));
    check("machines", "Name", info("string", "unique regex"));
    check("machines", "Params", info("list", "unordered"));
    check("machines", "HardwareAddr", info("list", "unordered"));
    check("machines", "Address", info("IP Address", ""));
    check("machines", "Secret", Value::Null);
    check("users", "PasswordHash", Value::Null);
    check("jobs", "StartTime", info("dateTime", ""));
    check("bootenvs", "OsName", info("string", "regex"));
    check("subnets", "ActiveAddress", info("IP Address", "unordered"));
    check("subnets", "Subnet", info("string", "unique regex"));
    check("catalog_items", "Bundle", Value::Null);
    let cows = declared(&json!({"cows": {"Spotted": {"type": "boolean"}, "Location": {"type": "string"}}}));
    let types = Types::new().with("p1", &cows, &Schemas::default()).unwrap();
    let indexes = types.find("cows").unwrap().indexes();
    let kinds = ["Spotted", "Location", "Id", "Type"].map(|name| indexes[name].type_);
    assert_eq!(kinds, ["boolean", "string", "string", "string"]);
    assert!(!indexes["Id"].unique && !indexes.contains_key("Bundle"));
    assert!(types.find("cows").unwrap().index("Bundle").is_some(), "it can be compared all the same");
}
