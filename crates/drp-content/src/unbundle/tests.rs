use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{PermissionsExt, symlink},
};

use drp_core::RawModel;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{Metadata, object};

fn bundle(objects: &[(&str, &str, Value)]) -> Bundle {
    let mut bundle = Bundle::default();
    for (section, key, object) in objects {
        let object = object::complete(section, RawModel::new(object).unwrap()).unwrap();
        bundle.add_raw(section, (*key).to_owned(), object);
    }
    bundle
}

/// What the directory is bundled to again, and its files.
fn unbundled(bundle: &Bundle, format: Format) -> (Bundle, Vec<String>) {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("new");
    bundle.write_directory(&path, format, Place::Free).unwrap();
    let mut files = Vec::new();
    for section in fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        files.extend(fs::read_dir(section).unwrap().map(|entry| entry.unwrap().path()));
    }
    let name = |file: PathBuf| file.strip_prefix(&path).unwrap().to_str().unwrap().to_owned();
    let mut files: Vec<_> = files.into_iter().map(name).collect();
    files.sort();
    assert_eq!(fs::read_dir(room.path()).unwrap().count(), 1);
    (Bundle::from_directory(&path).unwrap(), files)
}

#[test]
fn nothing_is_lost_that_file_names_cannot_say() {
    let bundle = bundle(&[
        ("params", "a/b", json!({ "Name": "a/b" })),
        ("params", "a.b", json!({ "Name": "a.b" })),
        ("params", "A.B", json!({ "Name": "A.B" })),
        ("params", "other", json!({ "Name": "own" })),
        ("params", "", json!({})),
        ("templates", "plain.tmpl", json!({ "ID": "plain.tmpl", "Contents": "x" })),
        ("templates", "meta.tmpl", json!({ "ID": "meta.tmpl", "Contents": "x", "Meta": { "a": "b" } })),
        ("templates", "told.tmpl", json!({ "ID": "told.tmpl", "Description": "x" })),
        ("templates", "x.yaml", json!({ "ID": "x.yaml", "Contents": "hello: 1" })),
        ("templates", "d/e", json!({ "ID": "d/e", "Contents": "x" })),
        ("templates", "..", json!({ "ID": "..", "Contents": "x" })),
        ("cows", "bessie", json!({ "Spots": 1.5 })),
    ]);
    let (again, files) = unbundled(&bundle, Format::Yaml);
    assert_eq!(again, bundle);
    assert_eq!(
        files,
        [
            "cows/bessie.yaml",
            "params/A.B.yaml",
            "params/_.yaml",
            "params/a.b-2.yaml",
            "params/a.b-3.yaml",
            "params/other.yaml",
            "templates/...yaml",
            "templates/d.e.yaml",
            "templates/meta.tmpl.yaml",
            "templates/plain.tmpl",
            "templates/told.tmpl.yaml",
            "templates/x.yaml.yaml",
        ]
    );
    assert_eq!(unbundled(&bundle, Format::Json).0, bundle);
}

#[test]
fn empty_sections_and_blanks_around_metadata_come_back() {
    let mut bundle = bundle(&[]);
    bundle.sections.insert("stages".to_owned(), BTreeMap::new());
    bundle.meta.set("Documentation", "\nTitle\n=====\n\n");
    bundle.meta.set("Author", "  ");
    let (again, files) = unbundled(&bundle, Format::Json);
    assert_eq!(again, bundle);
    assert!(files.is_empty());
}

#[test]
fn keys_of_a_newer_server_come_back() {
    let bundle = bundle(&[
        ("tasks", "ab", json!({ "Name": "ab", "Newer": [1], "ExtraClaims": [{ "scope": "x", "newer": "y" }] })),
        ("templates", "t.tmpl", json!({ "ID": "t.tmpl", "Contents": "x", "Newer": true })),
    ]);
    for format in [Format::Yaml, Format::Json] {
        assert_eq!(unbundled(&bundle, format).0, bundle);
    }
}

#[test]
fn what_was_edited_counts_for_more_than_what_was_unbundled() {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("new");
    let mut bundle = bundle(&[("params", "other", json!({ "Name": "own" }))]);
    bundle.meta.set("Documentation", "before\n");
    bundle.write_directory(&path, Format::Yaml, Place::Free).unwrap();
    fs::write(path.join("params/other.yaml"), "Name: new\n").unwrap();
    fs::write(path.join("._Documentation.meta"), "after\n").unwrap();
    let again = Bundle::from_directory(&path).unwrap();
    assert_eq!(again.sections["params"].keys().collect::<Vec<_>>(), ["new"]);
    assert_eq!(again.meta.text("Documentation"), "after");
}

#[test]
fn keys_never_lead_out_of_the_directory() {
    let long = "x".repeat(5000);
    let keys = ["../../x", "/etc/passwd", "..", ".", "a\0b", "\n", &long, "", "a/../../b", "C:\\x"];
    let mut objects = Vec::new();
    for key in keys {
        objects.push(("params", key, json!({ "Name": key })));
        objects.push(("templates", key, json!({ "ID": key, "Contents": "x" })));
    }
    let bundle = bundle(&objects);
    let (again, files) = unbundled(&bundle, Format::Yaml);
    assert_eq!(again, bundle);
    assert_eq!(files.len(), 2 * keys.len());
    for section in ["..", ".", "", "../x", "/x", ".hidden", "a\0b", &long] {
        let mut bundle = Bundle::default();
        bundle.sections.insert(section.to_owned(), BTreeMap::new());
        let room = tempfile::tempdir().unwrap();
        let error = bundle.write_directory(&room.path().join("new"), Format::Yaml, Place::Free).unwrap_err();
        assert!(matches!(error, UnbundleError::Section(_)), "{section:?}: {error}");
        assert_eq!(fs::read_dir(room.path()).unwrap().count(), 0);
    }
}

#[test]
fn only_what_is_free_is_written_to_unless_content_may_be_replaced() {
    let room = tempfile::tempdir().unwrap();
    let (one, two) = (bundle(&[("params", "ab", json!({ "Name": "ab" }))]), bundle(&[]));
    let path = room.path().join("new");
    fs::create_dir(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).unwrap();
    one.write_directory(&path, Format::Yaml, Place::Free).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o750);
    assert!(matches!(two.write_directory(&path, Format::Yaml, Place::Free), Err(UnbundleError::NotEmpty(_))));
    two.write_directory(&path, Format::Yaml, Place::Content).unwrap();
    assert_eq!(Bundle::from_directory(&path).unwrap(), two);
    for precious in ["README.md", ".git/config", "docs/index.rst", "params/deeper/x.yaml"] {
        let precious = path.join(precious);
        fs::create_dir_all(precious.parent().unwrap()).unwrap();
        fs::write(&precious, "precious").unwrap();
        let error = one.write_directory(&path, Format::Yaml, Place::Content).unwrap_err();
        assert!(matches!(error, UnbundleError::NotContent(_)), "{error}");
        assert!(precious.exists());
        fs::remove_dir_all(&path).unwrap();
        fs::create_dir(&path).unwrap();
    }
    let file = room.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(matches!(one.write_directory(&file, Format::Yaml, Place::Content), Err(UnbundleError::NotADirectory(_))));
    let lost = room.path().join("no/parent");
    assert!(matches!(one.write_directory(&lost, Format::Yaml, Place::Free), Err(UnbundleError::Io { .. })));
    let mut names: Vec<_> = fs::read_dir(room.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["file", "new"]);
}

#[test]
fn a_link_to_an_empty_directory_is_the_directory() {
    let room = tempfile::tempdir().unwrap();
    let (directory, link) = (room.path().join("there"), room.path().join("link"));
    fs::create_dir(&directory).unwrap();
    symlink(&directory, &link).unwrap();
    let one = bundle(&[("params", "ab", json!({ "Name": "ab" }))]);
    one.write_directory(&link, Format::Yaml, Place::Free).unwrap();
    assert_eq!(Bundle::from_directory(&directory).unwrap(), one);
}

fn bundles() -> impl Strategy<Value = Bundle> {
    let text = || prop_oneof![4 => "[a-cA-C./ é]{0,4}", 1 => any::<String>()];
    let file = prop_oneof!["[a-c./]{0,4}", "[ab]\\.(yaml|yml|json|tmpl)"];
    let key = || prop_oneof![text(), file.clone()];
    let object = (key(), text(), prop::collection::btree_map(text(), text(), 0..3), any::<bool>(), any::<i32>());
    let entry =
        (prop_oneof![Just("params"), Just("templates"), Just("cows"), Just("workflows")], key(), object, any::<bool>());
    let meta = prop::collection::btree_map(prop::sample::select(Metadata::FIELDS.to_vec()), text(), 0..18);
    let empty = prop::option::of(Just("stages"));
    (meta, prop::collection::vec(entry, 0..8), empty).prop_map(|(meta, entries, empty)| {
        let mut bundle = Bundle::default();
        meta.into_iter().for_each(|(field, text)| bundle.meta.set(field, text));
        for (section, key, (own, text, meta, flag, number), stands_under_its_own) in entries {
            let own = if stands_under_its_own { key.clone() } else { own };
            let object = match section {
                "params" => json!({ "Name": own, "Description": text, "Meta": meta, "Secure": flag, "Schema": number }),
                "templates" if flag => json!({ "ID": own, "Contents": text }),
                "templates" => json!({ "ID": own, "Contents": text, "Meta": meta }),
                "workflows" => json!({ "Name": own, "Stages": meta.keys().collect::<Vec<_>>() }),
                _ => json!({ "Id": own, "Anything": { text: [number, flag, Value::Null] } }),
            };
            let object = object::complete(section, RawModel::new(&object).unwrap()).unwrap();
            bundle.add_raw(section, key, object);
        }
        empty.into_iter().for_each(|section| drop(bundle.sections.insert(section.to_owned(), BTreeMap::new())));
        bundle
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn an_unbundled_bundle_is_the_bundle_when_bundled_again(bundle in bundles(), yaml in any::<bool>()) {
        let format = if yaml { Format::Yaml } else { Format::Json };
        let (again, _) = unbundled(&bundle, format);
        prop_assert_eq!(again, bundle);
    }
}
