use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Expectations were made with the decoder of a Go server.
fn check(text: &str, expected: &serde_json::Value) {
    let read = read_yaml(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    assert_eq!(regular(read.into_value()), *expected, "{text:?}");
}

fn refused(text: &str) -> YamlError {
    read_yaml(text).expect_err(text)
}

#[test]
fn scalars_are_those_of_go() {
    let check = |scalar: &str, expected: serde_json::Value| check(&format!("a: {scalar}"), &json!({ "a": expected }));
    for yes in ["y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE"] {
        check(yes, json!(true));
    }
    for no in ["n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE"] {
        check(no, json!(false));
    }
    for null in ["", "~", "null", "Null", "NULL"] {
        check(null, json!(null));
    }
    for text in [
        "yEs",
        "tRUE",
        "nULL",
        "1e3",
        "1.5e3",
        "12e03",
        "5.",
        "1.",
        ".",
        "+",
        "_1",
        "1:30",
        "1:30:45",
        "2020-01-01",
        "2020-01-01T00:00:00Z",
        "0b2",
        "0o8",
        "0x",
        "0x1p4",
        "1,000",
        "<<",
        "=",
        ".e1",
        "nan",
        "infinity",
        "0-1",
        "1e400",
        "b#c",
        ":x",
        "x:y",
        "http://x/y",
    ] {
        check(text, json!(text));
    }
    for (number, expected) in [
        ("012", 10),
        ("0o12", 10),
        ("-012", -10),
        ("+012", 10),
        ("08", 8),
        ("00", 0),
        ("1_000", 1000),
        ("1_", 1),
        ("0x1F", 31),
        ("-0x1F", -31),
        ("0b11", 3),
        ("+1", 1),
        ("-0", 0),
        ("1e+3", 1000),
        ("1.0", 1),
        ("9007199254740993", 9_007_199_254_740_993),
        ("-9223372036854775808", i64::MIN),
    ] {
        check(number, json!(expected));
    }
    check("18446744073709551615", json!(u64::MAX));
    check("18446744073709551616", json!(18_446_744_073_709_551_616.0));
    check("1.20", json!(1.2));
    check(".5", json!(0.5));
    check("-.5", json!(-0.5));
    check(".5e-1", json!(0.05));
    check("1E-3", json!(0.001));
    check("'yes'", json!("yes"));
    check("! 1", json!("1"));
    check("!!str 1", json!("1"));
    check("!!int '1'", json!(1));
    check("!!float 1", json!(1));
    check("!!binary aGk=", json!("hi"));
    check("!!binary \"aG\\nk=\"", json!("hi"));
    assert!(matches!(refused("a: !!binary aGk").problem, YamlProblem::Misfit { .. }));
    assert!(matches!(refused("a: !!binary \"aG k=\"").problem, YamlProblem::Misfit { .. }));
    check("!foo 1", json!("1"));
}

#[test]
fn keys_are_texts_and_the_last_of_equal_ones_counts() {
    check(
        "y: 1\nn: 2\n1: 3\n1.5: 4\n012: 5\n1e3: 6\n",
        &json!({ "true": 1, "false": 2, "1": 3, "1.5": 4, "10": 5, "1e3": 6 }),
    );
    check("a: 1\na: 2\n", &json!({ "a": 2 }));
    check("{a: 1, a: {b: 1}}", &json!({ "a": { "b": 1 } }));
    for text in ["~: 1", "? [a]\n: b", "? {a: b}\n: c"] {
        assert_eq!(refused(text).problem, YamlProblem::Key, "{text:?}");
    }
}

#[test]
fn aliases_repeat_and_merges_overwrite_what_stands_before_them() {
    check("a: &x {b: 1}\nc: *x\n", &json!({ "a": { "b": 1 }, "c": { "b": 1 } }));
    check("x: &x {a: 1, b: 2}\nz:\n  <<: *x\n  b: 3\n", &json!({ "x": { "a": 1, "b": 2 }, "z": { "a": 1, "b": 3 } }));
    check("z:\n  b: 3\n  <<: {b: 1, c: 2}\n", &json!({ "z": { "b": 1, "c": 2 } }));
    check("z: {<<: [{a: 1}, {a: 2, c: 1}]}", &json!({ "z": { "a": 1, "c": 1 } }));
    check("'<<': {a: 1}", &json!({ "<<": { "a": 1 } }));
    assert_eq!(refused("z: {<<: 1}").problem, YamlProblem::Merge);
    assert_eq!(refused("z: {<<: [1]}").problem, YamlProblem::Merge);
    assert_eq!(refused("x: &x [{a: 1}]\nz: {<<: *x}").problem, YamlProblem::Merge);
    check("x: &x {a: 1}\nz: {<<: [*x]}", &json!({ "x": { "a": 1 }, "z": { "a": 1 } }));
}

#[test]
fn a_block_at_the_end_has_the_line_breaks_that_are_there() {
    check("a: |\n  x", &json!({ "a": "x" }));
    check("a: |\n  x\n", &json!({ "a": "x\n" }));
    check("a: |+\n  x", &json!({ "a": "x" }));
    check("a: >\n  x\n  y", &json!({ "a": "x y" }));
    check("a: |\n", &json!({ "a": "" }));
}

#[test]
fn the_first_document_counts_and_nothing_is_null() {
    check("---\na: 1\n---\nb: 2\n", &json!({ "a": 1 }));
    check("a: 1\n...\nb", &json!({ "a": 1 }));
    check("", &json!(null));
    check("# nothing\n", &json!(null));
    check("\u{feff}a: 1\r\nb: x\r\n", &json!({ "a": 1, "b": "x" }));
    assert!(matches!(refused("--- a: 1\n").problem, YamlProblem::Syntax(_)));
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let at = |text: &str, line, column| assert_eq!(refused(text).position, Position { line, column }, "{text:?}");
    at("a: 1\nb: [", 2, 4);
    at("a: 1\nb: .inf", 2, 4);
    at("a:\n  - !!int x", 2, 11);
    at("a: 1\n? [b]\n: c", 2, 3);
    assert_eq!(refused("a: .inf").to_string(), "line 1, column 4: `.inf` cannot be written as JSON");
    let document = read_yaml("a:\n  b:\n    - c: 1\n").unwrap();
    let line = |path: &[&str]| document.position_of(path.iter().copied()).line;
    assert_eq!([line(&["a", "b"]), line(&["a", "b", "0", "c"]), line(&["a", "x"])], [2, 3, 1]);
}

/// What is left of the differences between YAML 1.1 and 1.2 in the parser.
#[test]
fn some_texts_are_taken_that_go_refuses_and_the_other_way_round() {
    check(r#"a: "\/\ud83d\ude00""#, &json!({ "a": "/😀" }));
    check("a: 1\n\t\n\t# comment\nb:\n-\tc\n", &json!({ "a": 1, "b": ["c"] }));
    check("a: x\u{85}y\u{2028}z", &json!({ "a": "x\u{85}y\u{2028}z" }));
    check("12345678901234567890: a", &json!({ "12345678901234567890": "a" }));
    for (text, line) in [
        ("a: {\n\tb: 1\n}", 2),
        ("a: 'b'#comment", 1),
        ("a: |#comment\n  b", 1),
        ("a: b\n\u{feff}c: d", 2),
        ("{.inf: 1}", 1),
        ("{a: b}}", 1),
        ("a: !!binary //79", 1),
    ] {
        assert_eq!(refused(text).position.line, line, "{text}");
    }
}

#[test]
fn bombs_and_cycles_are_refused_before_they_take_memory() {
    assert_eq!(refused("a: &a [*a]").problem, YamlProblem::Cycle);
    assert_eq!(refused("a: &a {b: {c: *a}}").problem, YamlProblem::Cycle);
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..40 {
        let before = level - 1;
        bomb += &format!("a{level}: &a{level} [*a{before}, *a{before}, *a{before}, *a{before}]\n");
    }
    assert_eq!(refused(&bomb).problem, YamlProblem::TooMuchRepeated);
    let long = format!("a: &a {}\nb: [{}]", "x".repeat(1 << 20), "*a,".repeat(100));
    assert_eq!(refused(&long).problem, YamlProblem::TooMuchRepeated);
    let text = "x".repeat(1 << 20);
    let nested: String = (0..100).map(|level| format!("&a{level} [")).collect();
    let anchors = format!("{nested}{text}{}", "]".repeat(100));
    assert_eq!(refused(&anchors).problem, YamlProblem::TooMuchRepeated);
    let mut chain = "a0: &a0 [1]\n".to_owned();
    for level in 1..200 {
        chain += &format!("a{level}: &a{level} [*a{}]\n", level - 1);
    }
    assert_eq!(refused(&chain).problem, YamlProblem::TooDeep);
    for text in ["[".repeat(100_000), "{a: ".repeat(100_000), "- ".repeat(100_000), "? ".repeat(100_000)] {
        assert!(read_yaml(&text).is_err());
    }
}

#[test]
fn as_deep_as_json_may_be_is_deep_enough() {
    let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    assert!(read_yaml(&nested(limits::JSON_DEPTH_MAX)).is_ok());
    assert!(read_yaml(&nested(limits::JSON_DEPTH_MAX + 1)).is_err());
}

#[test]
fn dangerous_texts_are_written_so_that_they_come_back() {
    for text in [
        "yes",
        "No",
        "on",
        "y",
        "~",
        "null",
        "",
        "1.20",
        "012",
        "0o12",
        "1_000",
        "1e3",
        "0x1F",
        ".5",
        "+1",
        "1:30",
        "2020-01-01",
        " leading",
        "trailing ",
        "\ttab",
        "a\tb",
        "#c",
        "a #b",
        "a: b",
        "a:",
        "- a",
        "-",
        "? x",
        "| x",
        "&a",
        "*a",
        "!a",
        "%a",
        "@a",
        "`a",
        "{",
        "]",
        ",",
        "a\nb",
        "a\nb\n",
        "\n",
        "a\n\n",
        "\na",
        " a\nb",
        "\ta\nb\n",
        "\n\ta\nb",
        "a\r\nb",
        "é日本😀",
        "\u{2028}",
        "\u{85}x",
        "\u{feff}x",
        "\u{7}",
        "\0",
        "'",
        "\"",
        "\\",
        "<<",
        "=",
        "---",
        "...",
        "a\n---\nb",
        ".inf",
        "word word word word word word word word word word word word word word word ",
    ] {
        let value = json!({ "k": text, text: [text] });
        let written = write_yaml(&value).unwrap();
        assert_eq!(read_yaml(&written).unwrap().into_value(), value, "{written:?}");
    }
    // Go takes a tab here for a wrong indentation.
    assert_eq!(write_yaml(&json!({ "a": "\tb\nc\n" })).unwrap(), "a: \"\\tb\\nc\\n\"\n");
    assert_eq!(write_yaml(&json!({ "b": "x\ny\n", "a": "yes" })).unwrap(), "a: \"yes\"\nb: |\n  x\n  y\n");
}

fn values() -> impl Strategy<Value = serde_json::Value> {
    let text = prop_oneof![any::<String>(), "[abyn01 \n\t:#'\"-]{0,12}"];
    let scalar = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        (-1e30..1e30_f64).prop_map(Into::into),
        text.clone().prop_map(Into::into),
    ];
    scalar.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::btree_map(text.clone(), inner, 0..4)
                .prop_map(|entries| entries.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(value in values()) {
        let written = write_yaml(&value).unwrap();
        prop_assert_eq!(read_yaml(&written).unwrap().into_value(), value, "{}", written);
    }

    #[test]
    fn no_text_is_too_much_to_read(text in any::<String>()) {
        let _ = read_yaml(&text);
    }
}
