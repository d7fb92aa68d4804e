use super::*;
use crate::limits;

fn raw(text: &str) -> Raw {
    serde_json::from_str(text).unwrap()
}

fn apply(document: &str, patch: &str) -> Result<String, PatchError> {
    let patch: Patch = serde_json::from_str(patch).unwrap();
    patch.apply(&raw(document)).map(|raw| raw.get().to_owned())
}

#[test]
fn operations_apply_in_order_and_keep_untouched_text() {
    let patch = r#"[{"op":"test","path":"/a","value":1.0},{"op":"replace","path":"/a","value":2},
        {"op":"add","path":"/b/-","value":3},{"op":"remove","path":"/c"},{"op":"add","path":"/x~1y","value":null}]"#;
    let document = r#"{"a":1,"b":[9007199254740993],"c":true,"d":1.10}"#;
    let expected = r#"{"a":2,"b":[9007199254740993,3],"d":1.10,"x/y":null}"#;
    assert_eq!(apply(document, patch).unwrap(), expected);
}

#[test]
fn failures_name_the_operation_and_the_reason() {
    let check = |patch: &str, index: usize, reason: &str| {
        let error = apply(r#"{"a":[1,2],"b":1}"#, patch).unwrap_err();
        assert_eq!((error.index, error.reason.as_str()), (index, reason), "{patch}");
    };
    check(r#"[{"op":"test","path":"/b","value":2}]"#, 0, "Test op failed.");
    check(
        r#"[{"op":"test","path":"/b","value":1},{"op":"remove","path":"/z"}]"#,
        1,
        "`/z` does not point to an existing location",
    );
    check(r#"[{"op":"add","path":"/a/2","value":1}]"#, 0, "Index out of bounds");
    check(r#"[{"op":"add","path":"a","value":1}]"#, 0, "`a` is no JSON pointer");
    check(r#"[{"op":"test","path":"/~2","value":1}]"#, 0, "`/~2` is no JSON pointer");
}

#[test]
fn negative_indexes_count_from_the_end() {
    assert_eq!(apply("[1,2,3]", r#"[{"op":"remove","path":"/-1"}]"#).unwrap(), "[1,2]");
}

#[test]
fn a_generated_patch_tests_what_it_changes_and_leads_to_the_target() {
    let old = raw(r#"{"Name":"a","Params":{"x/y":1,"z":[1]},"Gone":1}"#);
    let new = raw(r#"{"Name":"b","Params":{"x/y":1,"z":[2]},"New":{}}"#);
    let patch = Patch::between(&old, &new);
    let steps: Vec<String> = patch.0.iter().map(|o| format!("{:?} {}", o.op, o.path)).collect();
    let expected = [
        "Test /Gone",
        "Remove /Gone",
        "Test /Name",
        "Replace /Name",
        "Test /Params/z",
        "Replace /Params/z",
        "Add /New",
    ];
    assert_eq!(steps, expected);
    assert_eq!(patch.apply(&old).unwrap(), new);
    assert!(Patch::between(&old, &old).0.is_empty());
}

#[test]
fn what_is_null_counts_as_missing_because_servers_refuse_operations_with_null() {
    let check = |old: &str, new: &str, expected: &str| {
        let patch = Patch::between(&raw(old), &raw(new));
        let steps: Vec<String> = patch.0.iter().map(|o| format!("{:?} {} {}", o.op, o.path, o.value)).collect();
        assert_eq!(steps.join("; "), expected, "{old} to {new}");
        assert!(patch.apply(&raw(old)).is_ok());
    };
    check(r#"{"Schema":null}"#, r#"{"Schema":{"type":"string"}}"#, r#"Add /Schema {"type":"string"}"#);
    check(r#"{"Schema":1}"#, r#"{"Schema":null}"#, "Test /Schema 1; Remove /Schema null");
    check(r#"{"a":null}"#, r#"{}"#, "Remove /a null");
    check(r#"{}"#, r#"{"a":null}"#, "");
    check(r#"{"a":null}"#, r#"{"a":null}"#, "");
    check(r#"{"a":[null]}"#, r#"{"a":[null,1]}"#, "Test /a [null]; Replace /a [null,1]");
}

#[test]
fn copies_add_no_more_than_they_may() {
    let copy = |to: &str| Operation { from: String::new(), op: OperationKind::Copy, ..Operation::remove(to) };
    let mut document = Document::new(&raw(r#"{"a":1,"b":2}"#));
    document.copies_left = 1000;
    let outcome = (0..30).flat_map(|_| ["/a", "/b"]).try_for_each(|to| document.apply(&copy(to)));
    assert_eq!(outcome.unwrap_err(), "copies add more than 67108864 bytes");
    let size = document.into_raw().get().len();
    assert!((100..1100).contains(&size), "{size}");
}

#[test]
fn a_patch_moves_no_more_about_than_it_may() {
    let check = |document: &str, there_and_back: [Operation; 2]| {
        let mut document = Document::new(&raw(document));
        document.moves.bytes_left = 100_000;
        let rounds = (0..100).flat_map(|_| &there_and_back);
        let outcome = rounds.enumerate().try_for_each(|(number, operation)| match document.apply(operation) {
            Ok(()) => Ok(()),
            Err(reason) => Err((number, reason)),
        });
        let (number, reason) = outcome.unwrap_err();
        assert_eq!(reason, "it moves more than 2147483648 bytes about");
        assert!(number > 1, "the first two operations are within the limit");
    };
    let large = "x".repeat(10_000);
    let to =
        |from: &str, to: &str| Operation { op: OperationKind::Move, from: from.to_owned(), ..Operation::remove(to) };
    check(&format!(r#"{{"a":["{large}"]}}"#), [to("/a", "/b"), to("/b", "/a")]);
    let items = raw(&format!("[{}1]", "1,".repeat(999)));
    check(items.get(), [Operation::add("/0", raw("2")), Operation::remove("/0")]);
    // At the end nothing moves.
    let mut document = Document::new(&items);
    document.moves.bytes_left = 1000;
    (0..1000).try_for_each(|_| document.apply(&Operation::add("/-", raw("2")))).unwrap();
}

#[test]
fn a_patch_cannot_make_a_document_that_is_too_deep() {
    let nest = |operation: fn(String) -> Operation| {
        let paths = (1..=limits::JSON_DEPTH_MAX).map(|levels| "/a".repeat(levels));
        Patch(paths.map(operation).collect()).apply(&raw("{}")).unwrap_err().reason
    };
    let expected = "document would nest deeper than 128 levels";
    assert_eq!(nest(|path| Operation::add(path, raw("{}"))), expected);
    let deep = raw(&("[".repeat(127) + &"]".repeat(127)));
    let replace = Patch(vec![Operation::replace("/a/b", deep)]);
    assert_eq!(replace.apply(&raw(r#"{"a":{"b":1}}"#)).unwrap_err().reason, expected);
}
