//! Recorded content: directories, and what `drpcli contents bundle` made of them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use drp_content::{Bundle, Format, Place, read_yaml};
use drp_core::RawModel;
use serde_json::Value;

/// The recorded bundles; none, told, where they are not there.
fn recorded() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/content");
    if !folder.exists() {
        eprintln!("skipped: there is no ../shared/vectors");
        return Vec::new();
    }
    let mut bundles: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    bundles.sort();
    assert!(bundles.len() > 5);
    bundles
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path.join("bundle.json")).unwrap()).unwrap()
}

fn bundle(path: &Path) -> Bundle {
    serde_json::from_value(json(path)).unwrap()
}

/// Numbers by value: `1` is `1.0`.
fn same(path: &Path, what: &str, ours: &Value, theirs: &Value) {
    let keys = |value: &Value| value.as_object().map(|object| object.keys().cloned().collect::<Vec<_>>());
    if let (Some(a), Some(b)) = (keys(ours), keys(theirs)) {
        assert_eq!(a, b, "{} {what}", path.display());
        for key in a {
            same(path, &format!("{what}/{key}"), &ours[&key], &theirs[&key]);
        }
        return;
    }
    let same =
        match (RawModel::new(&serde_json::json!({ "v": ours })), RawModel::new(&serde_json::json!({ "v": theirs }))) {
            (Ok(a), Ok(b)) => a == b,
            _ => false,
        };
    assert!(same, "{} {what}: {ours} is not {theirs}", path.display());
}

#[test]
fn a_directory_becomes_the_bundle_that_drpcli_makes_of_it() {
    for path in recorded() {
        let ours = Bundle::from_directory(&path.join("src")).unwrap();
        same(&path, "", &serde_json::to_value(&ours).unwrap(), &json(&path));
    }
}

#[test]
fn a_bundle_is_the_same_in_yaml_and_json() {
    for path in recorded() {
        let text = fs::read_to_string(path.join("bundle.yaml")).unwrap();
        same(&path, "", &read_yaml(&text).unwrap().into_value(), &json(&path));
        assert_eq!(Bundle::from_yaml(&text).unwrap(), bundle(&path));
    }
}

#[test]
fn what_is_written_is_read_back() {
    for path in recorded() {
        for format in [Format::Yaml, Format::Json] {
            let text = bundle(&path).to_text(format).unwrap();
            assert_eq!(Bundle::from_yaml(&text).unwrap(), bundle(&path), "{format}");
        }
    }
}

#[test]
fn an_unbundled_bundle_is_bundled_again() {
    for path in recorded() {
        for format in [Format::Yaml, Format::Json] {
            let room = tempfile::tempdir().unwrap();
            let directory = room.path().join("new");
            bundle(&path).write_directory(&directory, format, Place::Free).unwrap();
            assert_eq!(Bundle::from_directory(&directory).unwrap(), bundle(&path), "{format}");
        }
    }
}
