use super::*;

#[test]
fn a_change_is_one_patch_that_tests_what_it_started_from() {
    let check = |base: &Base, new: &str, expected: &str| {
        let patch = base.patch_to("a/b~", serde_json::from_str(new).unwrap()).unwrap();
        let lines: Vec<String> = patch.0.iter().map(|o| format!("{:?} {} {}", o.op, o.path, o.value)).collect();
        assert_eq!(lines.join("; "), expected);
    };
    let value = Base::Value(serde_json::from_str("9007199254740993").unwrap());
    check(&value, "2", "Test /a~1b~0 9007199254740993; Replace /a~1b~0 2");
    check(&value, "null", "Test /a~1b~0 9007199254740993; Remove /a~1b~0 null");
    let mut all = Params::default();
    all.fill();
    check(&Base::Unset(all.clone()), "2", "Test  {}; Add /a~1b~0 2");
    check(&Base::Unset(all.clone()), "null", "Test  {}");
    all.insert("a/b~".to_owned(), Raw::null());
    check(&Base::Unset(all.clone()), "2", r#"Test  {"a/b~":null}; Add /a~1b~0 2"#);
    check(&Base::Unset(all), "null", r#"Test  {"a/b~":null}; Remove /a~1b~0 null"#);
}

#[test]
fn a_change_of_several_params_tests_each_that_it_touches() {
    let check = |old: &str, new: &str, expected: &str| {
        let [old, new] = [old, new].map(|text| serde_json::from_str::<Params>(text).unwrap());
        let patch = patch_between(&old, &new).unwrap();
        let lines: Vec<String> = patch.0.iter().map(|o| format!("{:?} {} {}", o.op, o.path, o.value)).collect();
        assert_eq!(lines.join("; "), expected);
    };
    check(r#"{"a":1,"b":2}"#, r#"{"a":1,"b":2}"#, "");
    check(r#"{"a":1,"b":2,"c":3}"#, r#"{"a":2,"b":2}"#, "Test /a 1; Test /c 3; Replace /a 2; Remove /c null");
    check(r#"{"a":1}"#, r#"{"a":2,"x/y":1}"#, r#"Test  {"a":1}; Replace /a 2; Add /x~1y 1"#);
    check(r#"{"a":null}"#, r#"{"a":1}"#, r#"Test  {"a":null}; Add /a 1"#);
    check(r#"{"a":1}"#, r#"{"a":null}"#, "Test /a 1; Remove /a null");
    check(r#"{"a":null}"#, r#"{"b":null}"#, "");
    check(
        r#"{"a":9007199254740993}"#,
        r#"{"a":9007199254740992}"#,
        "Test /a 9007199254740993; Replace /a 9007199254740992",
    );
}
