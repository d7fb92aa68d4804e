//! Documents of bundles.

use std::{
    fs,
    path::{Path, PathBuf},
};

use drp_content::{Bundle, DocumentFormat, check, document};

fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path)
}

fn blinkers() -> Bundle {
    Bundle::from_directory(&fixture("blinkers")).unwrap()
}

/// Written anew by `BLESS=1 cargo test -p drp-content`, for whoever means to change it.
#[test]
fn documents_are_the_golden_ones() {
    for (format, name) in [(DocumentFormat::Markdown, "blinkers.md"), (DocumentFormat::Rst, "blinkers.rst")] {
        let text = document(&blinkers(), format);
        if std::env::var_os("BLESS").is_some() {
            fs::write(fixture(name), &text).unwrap();
        }
        assert_eq!(text, fs::read_to_string(fixture(name)).unwrap(), "{name}");
    }
}

#[test]
fn what_may_be_secret_is_in_no_document() {
    let mut bundle = blinkers();
    let params = bundle.sections.get_mut("params").unwrap();
    let schema = serde_json::json!({ "type": "string", "default": "hunter2" });
    params.get_mut("blinkers/password").unwrap().set("Schema", &schema).unwrap();
    let profile = bundle.sections.get_mut("profiles").unwrap().get_mut("quick-blinkers").unwrap();
    profile.set("Params", &serde_json::json!({ "blinkers/password": "hunter2" })).unwrap();
    for format in [DocumentFormat::Markdown, DocumentFormat::Rst] {
        let text = document(&bundle, format);
        assert!(text.contains("hidden") && !text.contains("hunter2"), "{text}");
    }
}

#[test]
fn odd_bundles_have_documents_too() {
    let nothing = document(&Bundle::default(), DocumentFormat::Markdown);
    assert!(nothing.starts_with("# Unspecified\n"), "{nothing}");
    let odd = r#"{"meta": {"Name": "x"}, "sections": {"params": {"a": {"Schema": 5, "Secure": "no"}}, "tasks": {"t": {"Templates": 1}},
        "templates": {}, "cows|`": {"a\n|b": {"Description": 5}}}}"#;
    let odd: Bundle = serde_json::from_str(odd).unwrap();
    let text = document(&odd, DocumentFormat::Markdown);
    assert!(text.contains("| `a \\|b` |  |") && !text.contains("Templates"), "{text}");
}

#[test]
fn the_bundle_of_these_tests_is_in_order() {
    let report = check::check(&[fixture("blinkers")]);
    assert_eq!(report.findings, []);
    assert_eq!(report.missing_prerequisites.values().next().unwrap(), &["lamps", "power"]);
}
