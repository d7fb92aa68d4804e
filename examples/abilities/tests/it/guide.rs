//! The guide shows the provider `pdu`, which is built and tested here, and shows it whole; and pieces of another that
//! is tested too.

use std::{collections::BTreeSet, fs, path::Path};

#[test]
fn the_guide_shows_the_example_as_it_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap();
    let (guide, example, tests) =
        (read("../../docs/guide.md"), read("src/bin/pdu/main.rs"), read("src/bin/pdu/tests.rs"));
    let device = read("../power-control/src/bmc.rs");
    let blocks: Vec<&str> = guide.split("```rust\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(blocks.len() >= 8, "{} blocks", blocks.len());
    for block in &blocks {
        assert!([&example, &tests, &device].iter().any(|file| file.contains(block)), "in no example:\n{block}");
    }
    let shown: BTreeSet<&str> = blocks.iter().flat_map(|block| block.lines()).collect();
    let is_code = |line: &&str| !line.is_empty() && !line.starts_with("//!") && !line.starts_with("#![");
    for line in example.lines().chain(tests.lines()).filter(is_code) {
        assert!(shown.contains(line), "not in docs/guide.md: {line}");
    }
}
