//! A test for every sentence of `models.md` §19.5 that is not about versions alone.
#![allow(clippy::unwrap_used)]

use super::*;

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

fn meta(fields: &[(&str, &str)]) -> Metadata {
    let mut meta = Metadata::default();
    for (field, text) in fields {
        meta.set(field, *text);
    }
    meta
}

#[test]
fn constraints_hold_as_servers_have_it() {
    let check = |constraint: &str, version: &str, expected: bool| {
        let found = Prerequisite::parse_list(&format!("x: {constraint}")).unwrap()[0]
            .is_met_by(&Version(version.parse().unwrap()));
        assert_eq!(found, expected, "{constraint} {version}");
    };
    check(">=1.2.0 <2.0.0", "1.9.9", true);
    check(">=1.2.0 <2.0.0", "2.0.0", false);
    check("> 1.0.0 < 1.5.0 || ==2.0.0", "2.0.0", true);
    check("1.0.0", "1.0.0", true);
    check("!1.0.0", "1.0.0", false);
    check("1.2.x", "1.2.9", true);
    check("1.2.x", "1.3.0", false);
    check("1.x", "1.9.0", true);
    check("1.x.x", "1.1.0", false);
    check(">1.2.x", "1.2.9", false);
    check(">1.2.x", "1.3.0", true);
    check("<=1.x", "1.2.0-rc2", true);
    check("<1.2.x", "1.1.9", true);
    check(">=1.2.x", "1.2.0", true);
    check("!=1.2.x", "1.4.0", false);
    check("!=1.2.x", "1.1.0", false);
    check("!=1.0.0", "1.0.1", true);
    check("=1.0.0", "1.0.0", true);
    check("1.x.x", "1.0.7", true);
    // "And" binds closer than "or".
    check("1.0.0 || >=2.0.0 <3.0.0", "1.0.0", true);
    check("1.0.0 || >=2.0.0 <3.0.0", "3.0.0", false);
    // Parts behind the numbers may stand, and count as in semantic versions.
    check(">1.0.0-alpha.1", "1.0.0-alpha.2", true);
    check("<1.0.0", "1.0.0-alpha", true);
    check("1.0.0+build.5", "1.0.0+build.6", true);
}

#[test]
fn bad_constraints_are_named() {
    let check = |text: &str| {
        let error = Prerequisite::parse_list(text).unwrap_err().to_string();
        assert!(error.starts_with("Invalid version requirement for x: "), "{error}");
    };
    for text in
        ["x: >=1.0", "x: >=v1.0.0", "x: ~1.0.0", "x: ^1.0.0", "x: x", "x:", "x: 01.0.0", "x: 1.2.3.x", "x: (1.0.0)"]
    {
        check(text);
    }
    for text in ["x: >=1.0.0 ||", "x: =>1.0.0", "x: >=", "x: 18446744073709551615.x"] {
        check(text);
    }
}

#[test]
fn a_list_may_have_empty_items_and_the_last_of_a_name_counts() {
    let all = Prerequisite::parse_list(" a , ,b:1.0.0, b : 2.0.0").unwrap();
    assert_eq!(all.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert!(all[1].is_met_by(&version("2.0.0")) && all[0].is_met_by(&version("")));
    assert!(Prerequisite::parse_list("").unwrap().is_empty());
}

#[test]
fn a_prerequisite_is_split_at_its_first_colon_and_trimmed() {
    let all = Prerequisite::parse_list("  one :  >=1.0.0  ").unwrap();
    assert_eq!(all[0].name, "one");
    assert!(all[0].is_met_by(&version("1.0.0")) && !all[0].is_met_by(&version("0.9.9")));
    assert!(
        Prerequisite::parse_list("a:b:1.0.0")
            .unwrap_err()
            .to_string()
            .starts_with("Invalid version requirement for a: ")
    );
}

#[test]
fn features_are_parted_by_commas_or_blanks_and_a_missing_one_refuses() {
    let meta = meta(&[("Name", "mine"), ("RequiredFeatures", "secure-params,  sane-exit-codes\nmoonshot")]);
    assert_eq!(meta.required_features().collect::<Vec<_>>(), ["secure-params", "sane-exit-codes", "moonshot"]);
    assert_eq!(
        meta.refusals(&["secure-params", "sane-exit-codes"]),
        ["Content layer mine requires feature moonshot, but dr-provision does not provide it"]
    );
}

#[test]
fn a_bad_version_and_bad_prerequisites_refuse_and_no_name_does_before_all() {
    let bad = meta(&[("Name", "mine"), ("Version", "1.2.foo"), ("Prerequisites", "one: >=1.0")]);
    let refusals = bad.refusals(&[]);
    assert_eq!(refusals[0], "Layer mine: invalid version 1.2.foo: Invalid character(s) found in patch number \"foo\"");
    assert!(
        refusals[1]
            .starts_with("Layer mine: error parsing prerequisites one: >=1.0: Invalid version requirement for one: ")
    );
    let nameless = meta(&[("Name", " "), ("Version", "x")]);
    assert_eq!(nameless.refusals(&[]), ["Store at content- has no Name metadata"]);
}

#[test]
fn prerequisites_that_are_missing_or_too_old_are_told_and_no_more() {
    let meta = meta(&[("Name", "mine"), ("Prerequisites", "gone, old: >=2.0.0, odd, there")]);
    let there = |name: &str| match name {
        "old" => Some("v1.9.0".to_owned()),
        "odd" => Some("not a version".to_owned()),
        "there" => Some(String::new()),
        _ => None,
    };
    assert_eq!(
        meta.unmet(there),
        [
            "Layer mine has gone as a prerequisite, but gone does not exist!",
            "Layer mine prerequisite test on old failed",
            "Layer mine prerequisite test on odd failed",
        ]
    );
    assert!(meta.refusals(&[]).is_empty());
}
