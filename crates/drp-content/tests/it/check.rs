//! What a check finds, and where.

use std::{collections::BTreeSet, fs, os::unix::fs::symlink};

use drp_content::check::{Code, Finding, Report, Severity, check};

use crate::directory;

/// What every bundle of these tests says of itself.
const META: [(&str, &str); 3] =
    [("._Name.meta", "mine"), ("._Description.meta", "A bundle"), ("._Documentation.meta", "Of tests")];

/// Checks a directory with these files, and gives what was found as `FILE:LINE:COLUMN code`.
fn found_in(files: &[(&str, &str)]) -> Vec<String> {
    let directory = directory(&[&META[..], files].concat());
    let report = check(&[directory.path()]);
    report.findings.iter().map(|finding| short(finding, directory.path().to_str().unwrap())).collect()
}

fn short(finding: &Finding, root: &str) -> String {
    let place = finding.place();
    let place = place.strip_prefix(root).unwrap_or(&place).trim_start_matches('/');
    format!("{place} {}", finding.code)
}

/// Files, and what is found in them.
type Case = (&'static [(&'static str, &'static str)], &'static [&'static str]);

/// One for each kind of finding that needs nothing but files.
const CASES: [Case; 37] = [
    (&[("params/ab.yaml", "Name: ab\nDescription: x\nSecure: yes\n")], &[]),
    (&[("params/ab.yaml", "Name: ab\nDescription: [\n")], &["params/ab.yaml:2:14 syntax"]),
    (&[("params/ab.json", "{\"Name\": \"ab\",\n \"Description\": }")], &["params/ab.json:2:17 syntax"]),
    (&[("params/ab.yaml", "Name: ab\n\tDescription: x\n")], &["params/ab.yaml:2:1 tab"]),
    (&[("params/ab.txt", "Name: ab\n")], &["params/ab.txt kind"]),
    (&[("params/ab.yaml", "- Name: ab\n")], &["params/ab.yaml:1:1 shape"]),
    (
        &[("params/ab.yaml", "Name: ab\nDescription: [x]\nSecure: \"true\"\nMeta:\n  a: {}\nErrors: x\n")],
        &["params/ab.yaml:2:14 type", "params/ab.yaml:3:9 type", "params/ab.yaml:5:6 type", "params/ab.yaml:6:9 type"],
    ),
    // JSON says what it means.
    (&[("params/ab.json", "{\"Name\": \"ab\", \"Description\": 1}")], &["params/ab.json:1:31 type"]),
    (&[("params/ab.yaml", "Description: x\n")], &["params/ab.yaml:1:1 name"]),
    (&[("params/1x.yaml", "Name: 1x\nDescription: x\n")], &["params/1x.yaml:1:7 name"]),
    (&[("templates/.keep", "")], &["templates/.keep:1:1 name"]),
    (&[("cows/x.yaml", "Name: x\n")], &["cows/x.yaml:1:1 name"]),
    (&[("cows/x.yaml", "Id: x\nAnything: [1]\n")], &[]),
    (
        &[("tasks/ab.yaml", "Name: ab\nDescription: x\nRequiredParams: [ok/x, 1x]\nPrerequisites: []\n"), PARAM],
        &["tasks/ab.yaml:3:24 invalid", "tasks/ab.yaml:3:24 reference"],
    ),
    (
        &[("tasks/ab.yaml", "Name: ab\nDescription: x\nTemplates:\n- Name: one\n- Contents: z\n")],
        &["tasks/ab.yaml:4:3 template", "tasks/ab.yaml:5:3 template"],
    ),
    (&[("params/ab.yaml", "Name: ab\nDescription: x\nSchema: {type: strin}\n")], &["params/ab.yaml:3:9 schema"]),
    (
        &[("params/ab.yaml", "Name: ab\nDescription: x\nSchema:\n  type: integer\n  default: soon\n")],
        &["params/ab.yaml:5:12 default"],
    ),
    (
        &[
            ("params/ab.yaml", "Name: ab\nDescription: x\n"),
            ("params/x-ab.json", "{\"Name\":\"ab\",\"Description\":\"x\"}"),
        ],
        &["params/x-ab.json:1:1 file-name", "params/x-ab.json:1:9 duplicate"],
    ),
    (&[("._Version.meta", "1.2.foo")], &["._Version.meta:1:1 meta"]),
    (&[("._Prerequisites.meta", "one: >=1.0")], &["._Prerequisites.meta:1:1 meta"]),
    (&[("._Name.meta", " \n")], &["._Name.meta:1:1 meta"]),
    (&[("._Name.meta", "Unspecified")], &["._Name.meta:1:1 unnamed"]),
    (&[("._Nmae.meta", "x")], &["._Nmae.meta unknown-field"]),
    (
        &[("params/ab.yaml", "Name: ab\nDescription: x\nDocumentatoin: y\nSchema: {anything: goes}\n")],
        &["params/ab.yaml:3:1 unknown-field"],
    ),
    (
        &[("ab.yaml", "x"), (".params/ab.yaml", "x"), ("params/more/ab.yaml", "x"), ("README.md", "x"), (".ci/x", "")],
        &[".params ignored", "ab.yaml ignored", "params/more ignored"],
    ),
    (&[("task/ab.yaml", "Id: ab\n")], &["task section"]),
    (&[("params/other.yaml", "Name: ab/x\nDescription: x\n")], &["params/other.yaml:1:1 file-name"]),
    (&[("params/ab.yaml", "Name: ab\nDescription: x\n---\nName: cd\n")], &["params/ab.yaml:3:1 documents"]),
    (&[("params/ab.yaml", "Name: cd\nDescription: x\nName: ab\n")], &["params/ab.yaml:3:1 duplicate-key"]),
    (
        &[(
            "params/ab.yaml",
            "Name: ab\nDescription: 1.20\nMeta: {on: yes}\nSchema:\n  enum: [on, 012, \"off\", 1.50]\n  n: 1\n",
        )],
        &[
            "params/ab.yaml:2:14 scalar",
            "params/ab.yaml:3:12 scalar",
            "params/ab.yaml:5:10 scalar",
            "params/ab.yaml:5:14 scalar",
            "params/ab.yaml:6:3 scalar",
        ],
    ),
    (
        &[(
            "stages/ab.yaml",
            "Name: ab\nDescription: x\nBootEnv: nowhere\nTasks: [gone, \"stage:none\", \"action:xx:yy\"]\nProfiles: [global]\n",
        )],
        &["stages/ab.yaml:3:10 reference", "stages/ab.yaml:4:9 reference"],
    ),
    (
        &[("params/ab.yaml", "Name: ab\nDescription: x\n"), ("tasks/t1.yaml", "Name: t1\nDescription: x\n")],
        &["params/ab.yaml:1:7 unused-param"],
    ),
    (
        &[PARAM, ("tasks/t1.yaml", "Name: t1\nDescription: x\nRequiredParams: [ok/x]\n")],
        &["params/ok-x.yaml:1:1 undocumented-param"],
    ),
    (
        &[("params/ab.yaml", "Name: ab/password\nDescription: x\nSchema: {type: string}\n")],
        &["params/ab.yaml:1:1 file-name", "params/ab.yaml:1:7 plain-secret"],
    ),
    (
        &[("params/ab.yaml", "Name: ab\nDescription: x\nSecure: true\nSchema: {type: string, default: hunter2}\n")],
        &["params/ab.yaml:4:33 open-secret"],
    ),
    (
        &[
            ("templates/x.tmpl", "one\n{{ if .A }}\n"),
            ("tasks/ab.yaml", "Name: ab\nDescription: x\nTemplates:\n- Name: x\n  Contents: |\n    one\n    {{ .B\n"),
        ],
        &["tasks/ab.yaml:7:5 template-syntax", "templates/x.tmpl:2:1 template-syntax"],
    ),
    (&[("stages/ab.yaml", "Name: ab\n")], &["stages/ab.yaml:1:1 undescribed"]),
];

/// A param that others can use.
const PARAM: (&str, &str) = ("params/ok-x.yaml", "Name: ok/x\nDescription: x\nSchema: {type: string}\n");

#[test]
fn each_thing_is_found_where_it_is_and_nothing_else() {
    for (files, expected) in CASES {
        let mut found = found_in(files);
        // Where one case is about a param that must be explained, others are not.
        found.retain(|line| expected.contains(&line.as_str()) || !line.ends_with("undocumented-param"));
        assert_eq!(found, expected, "{files:?}");
    }
}

#[test]
fn every_code_is_held_by_a_case_or_a_test_of_its_own() {
    let cases = CASES.iter().flat_map(|(_, expected)| expected.iter()).map(|line| line.rsplit_once(' ').unwrap().1);
    let mut held: BTreeSet<&str> = cases.collect();
    held.extend(["key", "unreadable", "prerequisite"]);
    let all: BTreeSet<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(held, all);
}

#[test]
fn every_code_is_in_the_documentation_with_its_severity() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/content-check.md");
    let text = fs::read_to_string(path).unwrap();
    let listed: Vec<_> = text.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(listed.len(), Code::ALL.len());
    for (code, line) in Code::ALL.iter().zip(listed) {
        assert!(line.starts_with(&format!("| `{code}` | {} | ", code.severity())), "{line}");
    }
}

fn in_file(name: &str, text: &str) -> Report {
    let directory = directory(&[(name, text)]);
    check(&[directory.path().join(name)])
}

#[test]
fn a_bundle_in_one_file_is_checked_in_its_lines() {
    let text = "meta:\n  Name: mine\n  Version: 1.20\n  Description: x\n  Documentation: x\n  Writable: true\n  Colour: red\nsections:\n  params:\n    ab:\n      Name: cd\n      Description: x\n  task: {}\nmore: 1\n";
    let found: Vec<_> =
        in_file("b.yaml", text).findings.iter().map(|one| (one.line.unwrap(), one.code.name())).collect();
    assert_eq!(found, [(3, "scalar"), (7, "unknown-field"), (10, "key"), (13, "section"), (14, "unknown-field")]);
    let json = "{\n\"meta\": {},\n\"sections\": {\n \"params\": {\"ab\": 5}}}";
    let found: Vec<_> =
        in_file("b.json", json).findings.iter().map(|one| (one.line.unwrap(), one.code.name())).collect();
    assert_eq!(found, [(2, "meta"), (2, "undescribed"), (2, "undescribed"), (4, "shape")]);
    assert_eq!(in_file("b.txt", "").findings[0].code, Code::Kind);
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_is_checked() {
    let outside = directory(&[("secret.yaml", "Name: stolen\n")]);
    let directory = directory(&[&META[..], &[("params/1x.yaml", "Name: 1x\nDescription: x\n")]].concat());
    symlink(outside.path().join("secret.yaml"), directory.path().join("params/ab.yaml")).unwrap();
    symlink("nowhere", directory.path().join("params/cd.yaml")).unwrap();
    fs::write(directory.path().join("params/ef.yaml"), b"Name: \xff\n").unwrap();
    let report = check(&[directory.path()]);
    let codes: Vec<_> = report.findings.iter().map(|finding| finding.code.name()).collect();
    assert_eq!(codes, ["name", "unreadable", "unreadable", "unreadable"]);
    assert!(report.findings[1].problem.contains("leads out of the bundle"), "{}", report.findings[1]);
    assert_eq!(check(&[directory.path().join("none.yaml")]).findings[0].code, Code::Unreadable);
}

/// What the bundler reads, and what it passes over.
#[test]
fn names_and_links_are_taken_as_the_bundler_takes_them() {
    let outside = directory(&[("passwd", "x"), ("x.yaml", "Name: stolen\n")]);
    let directory = directory(&[&META[..], &[("params/.yaml", "Name: ab\nDescription: x\n")]].concat());
    symlink(outside.path(), directory.path().join("profiles")).unwrap();
    let report = check(&[directory.path()]);
    let found: Vec<_> = report.findings.iter().map(|one| short(one, directory.path().to_str().unwrap())).collect();
    assert_eq!(
        (found, report.objects),
        (vec!["params/.yaml:1:1 file-name".to_owned(), "profiles ignored".to_owned()], 1)
    );
}

#[test]
fn bundles_are_checked_together_with_their_prerequisites() {
    let base = directory(
        &[
            &META[1..],
            &[("._Name.meta", "base"), ("._Version.meta", "v1.4.0"), ("stages/s1.yaml", "Name: s1\nDescription: x\n")],
        ]
        .concat(),
    );
    let workflow = "Name: w1\nDescription: x\nStages: [s1, s2]\n";
    let mine = |prerequisites: &'static str| {
        directory(&[&META[..], &[("._Prerequisites.meta", prerequisites), ("workflows/w1.yaml", workflow)]].concat())
    };
    // As long as one is missing, nothing can be said.
    let alone = mine("base, other");
    let report = check(&[alone.path(), base.path()]);
    assert_eq!(report.findings, []);
    assert_eq!(report.missing_prerequisites.values().next().unwrap(), &["other"]);
    let found = |prerequisites| {
        let mine = mine(prerequisites);
        let report = check(&[mine.path(), base.path()]);
        assert_eq!(report.missing_prerequisites.len(), 0);
        report.findings.iter().map(|one| (one.code, one.problem.clone())).collect::<Vec<_>>()
    };
    let s2 = (Code::Reference, "the stage `s2` is neither here nor built in, nor in a prerequisite".to_owned());
    assert_eq!(found("base: >=1.0.0"), std::slice::from_ref(&s2));
    let old = (Code::Prerequisite, "`base` is there in version v1.4.0".to_owned());
    assert_eq!(found("base: >=2.0.0"), [old, s2]);
    assert_eq!(found("").len(), 2);
}

#[test]
fn findings_say_what_is_wrong_what_was_expected_and_what_to_do() {
    let directory =
        directory(&[&META[..], &[("params/ab.yaml", "Name: ab\nDescription: x\nSecure: \"true\"\n")]].concat());
    let report = check(&[directory.path()]);
    let finding = &report.findings[0];
    let text = finding.to_string();
    let text = text.strip_prefix(directory.path().to_str().unwrap()).unwrap();
    let expected = "/params/ab.yaml:3:9: error[type]: this text is not true or false\n  expected: true or false\n  help: take the quotes off";
    assert_eq!(text, expected);
    assert_eq!((finding.object.as_str(), finding.field.as_str()), ("params/ab", "/Secure"));
    assert_eq!((report.count(Severity::Error), report.count(Severity::Warning)), (1, 0));
    let json = serde_json::to_value(finding).unwrap();
    assert_eq!((&json["severity"], &json["code"], &json["line"]), (&"error".into(), &"type".into(), &3.into()));
}

#[test]
fn aliases_that_multiply_and_endless_depth_are_told_and_end() {
    let mut bomb = String::from("a0: &a0 [x]\n");
    for n in 1..40 {
        bomb += &format!("a{n}: &a{n} [*a{0}, *a{0}, *a{0}]\n", n - 1);
    }
    let deep = format!("Name: {}", "[".repeat(100_000));
    for text in [bomb, deep, "a: &a [*a]\n".to_owned()] {
        let directory = directory(&[("params/ab.yaml", &text)]);
        assert!(check(&[directory.path()]).count(Severity::Error) > 0);
    }
}
