//! What models find wrong with themselves: all of it at once, where, and in the server's words.

use drp_core::{
    BootEnv, Endpoint, Job, Machine, Model, Param, Plugin, Pool, Profile, Role, Stage, Subnet, Task, Template, Tenant,
    User, Workflow,
};
use serde_json::{Value, json};

fn check<M: Model>(object: Value, expected: &[(&str, &str)]) {
    let problems = serde_json::from_value::<M>(object.clone()).unwrap().validate();
    let found: Vec<_> = problems.iter().map(|problem| (problem.path.clone(), problem.to_string())).collect();
    let expected: Vec<_> = expected.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    assert_eq!(found, expected, "{} {object}", M::PREFIX);
}

#[test]
fn names_and_references_follow_their_rules() {
    check::<Plugin>(
        json!({"Name": "1", "Provider": "a/b", "Params": {"a~/": 1}}),
        &[
            ("/Name", "Invalid Name `1`"),
            ("/Provider", "Invalid Provider `a/b`"),
            ("/Params/a~0~1", "Invalid Param Name `a~/`"),
        ],
    );
    check::<Profile>(json!({"Name": "pr", "Profiles": ["ok", "x"]}), &[("/Profiles/1", "Invalid Profile Name `x`")]);
    check::<Param>(json!({"Name": "/a"}), &[("/Name", "Invalid Name `/a`")]);
    check::<User>(json!({"Name": "a@b"}), &[]);
    check::<Role>(json!({"Name": "a@b"}), &[("/Name", "Invalid Name `a@b`")]);
    check::<Template>(json!({"ID": "1.tmpl"}), &[]);
    check::<Template>(json!({"ID": "a/b"}), &[("/ID", "Invalid ID `a/b`")]);
    check::<Workflow>(json!({"Name": "w1", "Stages": ["s/"]}), &[("/Stages/0", "Invalid Stage Name `s/`")]);
    check::<Endpoint>(json!({"Id": "e:1"}), &[]);
    check::<Endpoint>(json!({"Id": ":e"}), &[("/Id", "Invalid Id `:e`")]);
    check::<Tenant>(
        json!({"Name": "t1", "Members": {"machines": [], "freds": []}}),
        &[("/Members/freds", "Invalid Members `freds`")],
    );
}

#[test]
fn machines_jobs_and_subnets_tell_all_that_is_wrong() {
    let tasks = ["ok", "stage:x", "action:p1:c", "action:c/", "other:x", "t/"];
    check::<Machine>(
        json!({"Name": "foo/", "Arch": "x86_64", "Stage": "none", "Profiles": ["pr", "pr"], "Tasks": tasks,
            "HardwareAddrs": ["00:11:22:33:44:ff", "0011.2233.44ff", "aa"]}),
        &[
            ("/Arch", "Please use amd64 for Arch instead of x86_64"),
            ("/Name", "Invalid Name `foo/`"),
            ("/BootEnv", "Invalid BootEnv ``"),
            ("/Profiles/1", "Duplicate profile pr: at 0 and 1"),
            ("/Tasks/1", "Invalid Stage `x`"),
            ("/Tasks/2", "Invalid Action `c`"),
            ("/Tasks/3", "Invalid Action `c/`"),
            ("/Tasks/5", "Invalid Task `t/`"),
            ("/HardwareAddrs/2", "Invalid Hardware Address `aa`: address aa: invalid MAC address"),
        ],
    );
    check::<Job>(
        json!({"State": "x", "ExitState": "y", "Task": "t/"}),
        &[
            ("/Task", "Invalid Task `t/`"),
            ("/Stage", "Invalid Stage ``"),
            ("/State", "Invalid State `x`"),
            ("/ExitState", "Invalid ExitState `y`"),
        ],
    );
    check::<Job>(json!({"State": "created", "Stage": "none", "Task": "action:x"}), &[]);
    let subnet = json!({"Name": "n1", "Subnet": "192.168.124.7/24", "ActiveStart": "192.168.125.1",
        "ActiveEnd": "192.168.124.254", "ReservedLeaseTime": 20, "ActiveLeaseTime": 60});
    check::<Subnet>(
        subnet,
        &[
            ("/Strategy", "Strategy must have a value"),
            ("/ActiveStart", "ActiveStart 192.168.125.1 not in subnet range 192.168.124.0/24"),
            ("/ActiveStart", "ActiveStart 192.168.125.1 must be less than or equal to ActiveEnd 192.168.124.254"),
            ("/ReservedLeaseTime", "ReservedLeaseTime must be greater than or equal to 7200 seconds, not 20"),
        ],
    );
}

#[test]
fn what_is_rendered_is_checked_template_by_template() {
    check::<Task>(
        json!({"Name": "t1", "RequiredParams": ["a~"], "OptionalParams": ["a/b", "/a"],
            "Templates": [{"Contents": "x", "Meta": {"OS": "beos"}}, {"Name": "a", "ID": "t", "Contents": "c"}]}),
        &[
            ("/RequiredParams/0", "Invalid Required Param `a~`"),
            ("/OptionalParams/1", "Invalid Optional Param `/a`"),
            ("/Templates/0/Name", "Template[0] is missing a Name"),
            ("/Templates/1", "Template[1] has both an ID and Contents"),
            ("/Templates/0/Meta/OS", "Template[0]: Invalid OS value beos"),
            ("/Templates", "Valid values are: any, darwin, esxi, freebsd, linux, netbsd, openbsd, solaris, windows"),
            ("/Templates", "Cannot mix templates with OS metadata and templates without OS metadata"),
            ("/Templates/0/Meta/OS", "Template[0]  has OS metadata beos"),
            ("/Templates/1/Meta/OS", "Template[1] a is missing OS metadata"),
        ],
    );
    check::<Stage>(
        json!({"Name": "s1", "BootEnv": "x", "Profiles": ["y"], "Tasks": ["stage:", "action:x", "other:x"],
            "Templates": [{"Name": "a", "ID": "t"}, {"Name": "a", "ID": "t", "Path": "{{.X"}]}),
        &[
            ("/Templates/0/Path", "Template[0] is missing a Path"),
            ("/Templates/1/Path", "Template[1] Path is not a valid text/template: unclosed action"),
            ("/Templates/1/Name", "Template 1 and 0 have the same name a"),
            ("/BootEnv", "Invalid BootEnv `x`"),
            ("/Profiles/0", "Invalid Profile `y`"),
            ("/Tasks/1", "Invalid action specifier x"),
            ("/Tasks/2", "Invalid Task: other:x"),
        ],
    );
    check::<BootEnv>(
        json!({"Name": "b1", "Loaders": {"x": "y", "amd64-uefi": ""},
            "OS": {"SupportedArchitectures": {"z80": {}, "x86_64": {}}}}),
        &[
            ("/Loaders/x", "x is not a supported loader type"),
            ("/OS/SupportedArchitectures/z80", "z80 is not a supported architecture"),
        ],
    );
    check::<Pool>(
        json!({"Id": "p1", "ParentPool": "1", "ExitActions": {"Workflow": "w/", "AddProfiles": ["1"],
            "RemoveProfiles": ["ok", "2"]}}),
        &[
            ("/ParentPool", "Invalid ParentPool `1`"),
            ("/ExitActions/Workflow", "Invalid ExitActions Workflow `w/`"),
            ("/ExitActions/AddProfiles/0", "Invalid ExitActions Add Profile `1`"),
            ("/ExitActions/RemoveProfiles/1", "Invalid ExitActions Remove Profile `2`"),
        ],
    );
}
