//! The test that holds `docs/differences.md`: each difference names a test that there is, and what has a number of
//! `host.md` §18 is named by a test.

use std::{fs, path::Path};

/// All Rust files below a directory, as one text.
fn rust(directory: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() && name != "target" && !name.to_string_lossy().starts_with('.') {
            text += &rust(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text += &fs::read_to_string(path).unwrap();
        }
    }
    text
}

#[test]
fn every_difference_is_held_by_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let document = fs::read_to_string(root.join("docs/differences.md")).unwrap();
    let (_, host) = document.split_once("## The host").unwrap();
    let code = rust(root);
    let mut numbers = 0;
    for row in host.lines().filter(|line| line.starts_with("| ")).skip(1) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [number, .., tests] = cells.as_slice() else { panic!("{row}") };
        // What names a whole file of tests has no name of a function.
        let names = tests.split('`').skip(1).step_by(2).filter_map(|name| name.rsplit("::").next());
        for name in names.filter(|name| name.matches('_').count() > 1) {
            assert!(code.contains(&format!("fn {name}(")), "there is no test {name}: {row}");
        }
        // Only the host's differences have numbers.
        for number in number.split(", ").filter(|number| number.bytes().all(|byte| byte.is_ascii_digit())) {
            assert!(code.contains(&format!("`#{number}`")), "no test names `#{number}`: {row}");
            numbers += 1;
        }
    }
    assert!(numbers >= 40, "{numbers} numbers");
}
