#![allow(clippy::unwrap_used, clippy::needless_pass_by_value)]
use super::*;
use crate::types::Types;
use serde_json::json;

fn machines() -> Vec<RawModel> {
    let machine = |name: &str, stage: &str, task: i64, address: &str, step: Value| {
        let value = json!({"Uuid": "", "Name": name, "Stage": stage, "CurrentTask": task, "Address": address,
            "Runnable": task > 1, "Profiles": [stage, "all"], "Params": {"a/step": step}, "Meta": {"color": name}});
        RawModel::new(&value).unwrap()
    };
    vec![
        machine("m1", "s1", 1, "10.0.0.2", json!(5)),
        machine("m2", "s2", 2, "10.0.0.10", json!("x")),
        machine("m3", "s1", 3, "", json!(10)),
    ]
}

fn read(query: &str) -> Result<Query, Error> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap());
    Query::read(&Types::new().find("machines").unwrap(), pairs)
}

/// Those that the filters let through.
fn taken<'a>(query: &Query, objects: &'a [RawModel]) -> Vec<(SortKey, &'a RawModel)> {
    let lens = Lens::new(query.fields());
    // What is not looked at by the lens must not be needed.
    let seen = |object: &RawModel| lens.look(&serde_json::to_vec(object).unwrap()).unwrap();
    let taken = objects.iter().map(|object| (seen(object), object)).filter(|(seen, _)| query.takes(seen));
    taken.map(|(seen, object)| (query.sort_key(&seen), object)).collect()
}

fn names(query: &str) -> String {
    let (query, machines) = (read(query).unwrap(), machines());
    query.page(taken(&query, &machines)).iter().map(|object| object.text("Name")).collect::<Vec<_>>().join(" ")
}

#[test]
fn filters_compare_by_the_type_of_their_index() {
    let check = |query, expected| assert_eq!(names(query), expected, "{query}");
    check("", "m1 m2 m3");
    check("Name=m2", "m2");
    check("Name=Eq(m2)", "m2");
    check("Name=Ne(m2)", "m1 m3");
    check("Name=m1&Name=m3", "m1 m3");
    check("Name=m1&Stage=s2", "");
    check("CurrentTask=Gt(1)", "m2 m3");
    check("CurrentTask=Lte(2)", "m1 m2");
    check("CurrentTask=Between(2,3)", "m2 m3");
    check("CurrentTask=Except(2,3)", "m1");
    check("Name=In(m1, m3)", "m1 m3");
    check("Name=Nin(m1,m3)", "m2");
    check("Runnable=true", "m2 m3");
    check("Address=Lt(10.0.0.10)", "m1 m3");
    check("Address=10.0.0.10", "m2");
    check("Profiles=s1", "m1 m3");
    check("Profiles=In(s2,none)", "m2");
    check("a/step=5", "m1");
    check("a/step=Gte(5)", "m1 m3");
    check("a/step=x", "m2");
    check("no/such=x", "");
    check("no/such=Ne(x)", "m1 m2 m3");
}

#[test]
fn texts_are_searched_with_regular_expressions() {
    let check = |query, expected| assert_eq!(names(query), expected, "{query}");
    check("Name=Re(^m[12])", "m1 m2");
    check("Name=Re((1|3)$)", "m1 m3");
    check("Stage=Re(1)&Name=Re(m)", "m1 m3");
    check("Name=Re(m1)&Name=Re(m3)", "m1 m3");
    check("a/step=Re(^x$)", "m2");
    check("Name=Re((?i)M2)", "m2");
}

#[test]
fn mixins_lists_and_times_are_indexes_too() {
    let check = |query, expected| assert_eq!(names(query), expected, "{query}");
    check("Key=Ne(x)", "m1 m2 m3");
    check("Valid=false", "m1 m2 m3");
    check("Available=true", "");
    check("ReadOnly=false&Bundle=", "m1 m2 m3");
    check("Params=a/step", "m1 m2 m3");
    check("Params=In(b,c)", "");
    check("HardwareAddr=x", "");
    let of = |prefix: &str, query: (&str, &str), object: Value| {
        let query = Query::read(&Types::new().find(prefix).unwrap(), [query]).unwrap();
        !taken(&query, &[RawModel::new(&object).unwrap()]).is_empty()
    };
    let job = || json!({"StartTime": "2026-11-22T07:38:35.9+01:00"});
    assert!(of("jobs", ("StartTime", "Gt(2026-11-22T06:38:35Z)"), job()));
    assert!(!of("jobs", ("StartTime", "Lt(2026-11-22T06:38:35Z)"), job()));
    let subnet = || json!({"Subnet": "10.0.0.1/24", "ActiveStart": "10.0.0.5", "ActiveEnd": "10.0.0.9"});
    assert!(of("subnets", ("ActiveAddress", "10.0.0.5"), subnet()));
    assert!(!of("subnets", ("ActiveAddress", "10.0.0.10"), subnet()));
    assert!(of("subnets", ("Address", "10.0.0.255"), subnet()));
    assert!(of("subnets", ("Address", "Ne(10.0.1.0)"), subnet()));
    assert!(of("leases", ("Key", "C0A87C0B"), json!({"Addr": "192.168.124.11"})));
    assert!(of("bootenvs", ("OsName", "Re(^centos)"), json!({"OS": {"Name": "centos-8"}})));
}

#[test]
fn pages_are_cut_after_sorting_and_counted_before() {
    let check = |query, expected| assert_eq!(names(query), expected, "{query}");
    check("sort=Stage", "m1 m3 m2");
    check("sort=Address", "m3 m1 m2");
    check("sort=CurrentTask&reverse=true&limit=2", "m3 m2");
    check("sort=a/step", "m1 m3 m2");
    check("offset=1&limit=1", "m2");
    check("limit=0", "");
    check("offset=9", "");
    assert_eq!(taken(&read("Stage=s1&limit=1").unwrap(), &machines()).len(), 2);
}

/// `#45`.
#[test]
fn what_cannot_be_asked_is_refused_with_the_servers_text() {
    let check = |query: &str, expected: &str| {
        let error = read(query).unwrap_err();
        assert_eq!((error.code, error.messages[0].as_str()), (406, expected), "{query}");
    };
    check("limit=-1", "Limit cannot be negative");
    check("offset=-1", "Offset cannot be negative");
    check("limit=x", "Limit must be a number");
    check("Uuid=false", "Invalid UUID: false");
    check("Address=x", "Invalid address: x");
    check("Runnable=yes", "Runnable must be true or false");
    check("sort=Runnable", "Not sortable: Runnable");
    check("x=1", "Filter not found: x");
    check("Name=Between(a)", "Invalid Filter: Name op Between requires 2 parameters");
    check("Runnable=Re(t)", "Invalid Filter Runnable: op Re requires an index of strings");
    check("Name=Re((a)", "Invalid Filter Name: bad regex `(a`: unclosed group");
    check(&format!("Name=Re({})", "a".repeat(5000)), "Invalid Filter Name: the regex has more than 4096 bytes");
    check(
        "Name=Re((a{1000}){1000})",
        "Invalid Filter Name: bad regex `(a{1000}){1000}`: Compiled regex exceeds size limit of 1048576 bytes.",
    );
    check("Name=Like(a)", "Invalid Filter Name: unknown op Like");
    let users = Types::new().find("users").unwrap();
    let error = Query::read(&users, [("PasswordHash", "AAAA")]).unwrap_err();
    assert_eq!(error.messages[0], "Filter not found: PasswordHash");
}

#[test]
fn trimmed_objects_are_partial() {
    let trimmed = |query: &str| {
        let query = read(query).unwrap();
        let mut object = machines().swap_remove(0);
        query.trim.apply(&mut object);
        let value = serde_json::to_value(&object).unwrap();
        [&value["Meta"], &value["Params"], &value["Partial"]].map(Value::to_string).join(" ")
    };
    assert_eq!(trimmed(""), r#"{"color":"m1"} {"a/step":5} null"#);
    assert_eq!(trimmed("slim=meta,Params"), "{} {} true");
    assert_eq!(trimmed("slim=Meta"), r#"{} {"a/step":5} true"#);
    assert_eq!(trimmed("params=a/step,b"), r#"{"color":"m1"} {"a/step":5} true"#);
    assert_eq!(trimmed("params=b"), r#"{"color":"m1"} {} true"#);
    assert_eq!(trimmed("slim=Params,Meta&params=a/step"), r#"{} {"a/step":5} true"#);
}
