//! The tests that hold `docs/differences.md` and `docs/security.md`: what they name as a test is there, and what has a
//! number of `host.md` §18 is named by a test.

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

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The names of tests in a table's cell. What names a whole file of tests has no name of a function.
fn tests_in(cell: &str) -> impl Iterator<Item = &str> {
    let quoted = cell.split('`').skip(1).step_by(2);
    quoted.filter_map(|name| name.rsplit("::").next()).filter(|name| name.matches('_').count() > 1)
}

#[test]
fn every_test_that_a_document_names_is_there() {
    let code = rust(root());
    for (document, at_least) in [("docs/differences.md", 150), ("docs/security.md", 40)] {
        let text = fs::read_to_string(root().join(document)).unwrap();
        let last_cells = text.lines().filter(|line| line.starts_with("| ")).filter_map(|row| row.rsplit(" | ").next());
        let names: Vec<&str> = last_cells.flat_map(tests_in).collect();
        for name in &names {
            assert!(code.contains(&format!("fn {name}(")), "{document}: there is no test {name}");
        }
        assert!(names.len() >= at_least, "{document}: {} tests", names.len());
    }
}

#[test]
fn every_numbered_difference_is_named_by_a_test() {
    let document = fs::read_to_string(root().join("docs/differences.md")).unwrap();
    let (_, host) = document.split_once("## The host").unwrap();
    let code = rust(root());
    let mut numbers = 0;
    for row in host.lines().filter(|line| line.starts_with("| ")).skip(1) {
        let number = row.trim_matches('|').split(" | ").next().unwrap_or_default().trim();
        // Only the host's differences have numbers.
        for number in number.split(", ").filter(|number| number.bytes().all(|byte| byte.is_ascii_digit())) {
            assert!(code.contains(&format!("`#{number}`")), "no test names `#{number}`: {row}");
            numbers += 1;
        }
    }
    assert!(numbers >= 40, "{numbers} numbers");
}
