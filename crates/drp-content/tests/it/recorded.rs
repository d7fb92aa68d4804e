//! Checks of recorded content that real servers load.

use std::{collections::BTreeMap, path::Path};

use drp_content::check::{Severity, check};

const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors/content");

/// Each bundle, and the warnings of its directory. All are true: the descriptions that are missing, the params shown as
/// passwords that are kept in plain, the `specifig` of a claim, the stages of bundles that are not named as
/// prerequisites, ...
const EXPECTED: [(&str, &[(&str, usize)]); 7] = [
    ("burnin", &[("undescribed", 1), ("undocumented-param", 7)]),
    ("classify", &[("file-name", 5), ("reference", 1)]),
    ("flash", &[("undescribed", 1), ("undocumented-param", 1)]),
    ("incrementer", &[("undescribed", 6), ("unnamed", 1)]),
    ("os-other", &[("file-name", 3), ("plain-secret", 1)]),
    ("rose", &[("plain-secret", 2)]),
    (
        "task-library",
        &[("file-name", 2), ("open-secret", 1), ("reference", 25), ("unknown-field", 2), ("unused-param", 1)],
    ),
];

/// Only what is in files of an author; the bundler leaves it out.
const OF_DIRECTORIES: [&str; 2] = ["file-name", "unknown-field"];

#[test]
fn content_that_servers_load_has_no_errors_and_only_true_warnings() {
    if !Path::new(RECORDED).exists() {
        println!("skipped: no recorded content");
        return;
    }
    for (name, expected) in EXPECTED {
        for (file, is_directory) in [("src", true), ("bundle.yaml", false), ("bundle.json", false)] {
            let report = check(&[Path::new(RECORDED).join(name).join(file)]);
            let errors: Vec<_> = report.findings.iter().filter(|one| one.severity == Severity::Error).collect();
            assert!(errors.is_empty(), "{errors:#?}");
            let mut warnings = BTreeMap::new();
            for finding in &report.findings {
                *warnings.entry(finding.code.name()).or_insert(0) += 1;
            }
            let expected = expected.iter().copied().filter(|(code, _)| is_directory || !OF_DIRECTORIES.contains(code));
            assert_eq!(warnings, expected.collect::<BTreeMap<_, _>>(), "{name}/{file}");
        }
    }
}
