use std::{
    fs,
    os::unix::{ffi::OsStrExt, fs::symlink},
};

use drp_core::chain;
use serde_json::{Value, json};

use super::*;

fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = directory.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    directory
}

fn error(path: &Path) -> String {
    chain(&Bundle::from_directory(path).unwrap_err())
}

#[test]
fn a_directory_is_read_as_the_bundler_reads_it() {
    let directory = directory(&[
        ("._Name.meta", " mine \n"),
        ("._Description.meta", ""),
        ("README.md", "not content"),
        (".git/config", "not content"),
        ("params/a.yaml", "Name: a/b\nSecure: yes\n"),
        ("params/z.json", r#"{"Name": "a/b", "Secure": false}"#),
        ("params/deeper/x.yaml", "Name: not read\n"),
        ("params/.yaml", "Name: hidden"),
        ("templates/hello.tmpl", "{{.Machine.Name}}\n"),
        ("templates/object.yaml", "ID: other\nContents: 5\n"),
        ("cows/.keep.json", r#"{"Id": "bessie", "Spots": 1.0, "Errors": null}"#),
        ("leases/a.yml", "Addr: 1.2.3.4\n"),
        ("empty/deeper/x.yaml", "Name: not read\n"),
    ]);
    let bundle = Bundle::from_directory(directory.path()).unwrap();
    let meta = ["Name", "Version", "Type", "Description"].map(|field| bundle.meta.text(field));
    assert_eq!(meta, ["mine", "v0.0.0", "dynamic", ""]);
    let keys: Vec<_> =
        bundle.sections.iter().flat_map(|(s, objects)| objects.keys().map(move |k| (&**s, &**k))).collect();
    let expected = [
        ("cows", "bessie"),
        ("leases", "01020304"),
        ("params", "a/b"),
        ("params", "hidden"),
        (TEMPLATES, "hello.tmpl"),
        (TEMPLATES, "other"),
    ];
    assert_eq!(keys, expected);
    assert!(!bundle.sections.contains_key("empty"));
    assert_eq!(bundle.sections["params"]["a/b"].get::<bool>("Secure"), Some(false));
    assert_eq!(bundle.sections[TEMPLATES]["hello.tmpl"].text("Contents"), "{{.Machine.Name}}\n");
    assert_eq!(bundle.sections[TEMPLATES]["other"].text("Contents"), "5");
    let cow = serde_json::to_value(&bundle.sections["cows"]["bessie"]).unwrap();
    assert_eq!(
        cow,
        json!({
            "Available": false, "Bundle": "", "Description": "", "Documentation": "", "Endpoint": "", "Errors": null,
            "Id": "bessie", "Meta": {}, "Params": {}, "ReadOnly": false, "Spots": 1.0, "Type": "cows",
            "Validated": false,
        })
    );
}

#[test]
fn what_is_no_text_is_one_where_the_type_has_text() {
    let directory = directory(&[(
        "tasks/t.yaml",
        "Name: yes\nDescription: 1.20\nMeta: {order: 1.20, on: true}\nRequiredParams: [1, no]\n\
         Templates: [{name: 5, Contents: yes, Meta: {m: 7}}]\nPrerequisites: ~\n",
    )]);
    let bundle = Bundle::from_directory(directory.path()).unwrap();
    let task = &bundle.sections["tasks"]["true"];
    let value = |key: &str| task.get::<Value>(key).unwrap();
    assert_eq!(value("Description"), "1.2");
    assert_eq!(value("Meta"), json!({ "order": "1.2", "true": "true" }));
    assert_eq!(value("RequiredParams"), json!(["1", "false"]));
    assert_eq!(
        value("Templates"),
        json!([{ "Contents": "true", "ID": "", "Link": "", "Meta": { "m": "7" }, "Name": "5", "Path": "" }])
    );
    assert_eq!(task.fields["Prerequisites"].get(), "null");
    assert_eq!(value("OptionalParams"), json!([]));
}

#[test]
fn keys_that_no_type_has_are_left_out_and_told() {
    let directory = directory(&[
        ("tasks/t.yaml", "name: ab\nRunnerWait: true\nExtraClaims: [{scope: x}, {specifig: y}]\n"),
        ("cows/c.yaml", "Id: c\nAnything: 1\n"),
    ]);
    let content = read_directory(directory.path(), &Metadata::default()).unwrap();
    let left_out: Vec<_> = content.left_out.iter().map(|left_out| left_out.key.as_str()).collect();
    assert_eq!(left_out, ["ExtraClaims/1/specifig", "RunnerWait"]);
    assert_eq!(content.left_out[0].path, directory.path().join("tasks/t.yaml"));
    let task = &content.bundle.sections["tasks"]["ab"];
    assert!(!task.fields.contains_key("RunnerWait"));
    assert_eq!(task.get::<Value>("ExtraClaims").unwrap()[1], json!({ "scope": "", "action": "", "specific": "" }));
    assert!(content.bundle.sections["cows"]["c"].fields.contains_key("Anything"));
}

#[test]
fn a_file_of_metadata_wins_over_what_is_given_even_when_it_is_empty() {
    let directory = directory(&[("._Version.meta", ""), ("._Documentation.meta", "\n text \n")]);
    let mut defaults = Metadata::default();
    for (field, text) in [("Version", "v9"), ("Name", " given "), ("Documentation", "given"), ("Author", "me")] {
        defaults.set(field, text);
    }
    let content = read_directory(directory.path(), &defaults).unwrap();
    let meta = ["Version", "Name", "Documentation", "Author", "Type"].map(|field| content.bundle.meta.text(field));
    assert_eq!(meta, ["", "given", "text", "me", "dynamic"]);
    let files: Vec<_> = content.files.iter().map(|file| &file.holds).collect();
    assert_eq!(files, [&Holds::Metadata("Documentation"), &Holds::Metadata("Version")]);
}

#[test]
fn what_is_no_object_is_refused_with_its_place() {
    let check = |path: &str, text: &str, expected: &str| {
        let directory = directory(&[(path, text)]);
        assert_eq!(error(directory.path()), expected);
    };
    check("params/a.txt", "x", "No idea how to decode a.txt into params");
    check("params/a.YAML", "x", "No idea how to decode a.YAML into params");
    check(
        "params/a.yaml",
        "a: 1\nb: [",
        "Cannot parse item params/a.yaml: error converting YAML to JSON: yaml: line 2, column 4: unclosed bracket '['",
    );
    check("params/a.yaml", "[1]", "Cannot parse item params/a.yaml: expected an object, found a list");
    check("params/a.json", "", "Cannot parse item params/a.json: EOF while parsing a value at line 1 column 0");
    check(
        "params/a.json",
        "{\"Name\": \"ab\",\n \"Description\": \"\\ud800\"}",
        "Cannot parse item params/a.json: unexpected end of hex escape at line 2 column 24",
    );
    check("cows/a.yaml", "Id: 5", "Cannot parse item cows/a.yaml: cannot read Id: expected a string");
    check("params/a.json", r#"{"Name": 5}"#, "Cannot parse item params/a.json: cannot read Name: expected a string");
    check("params/a.yaml", "Secure: 5", "Cannot parse item params/a.yaml: cannot read Secure: expected true or false");
    check(
        "._unbundled.json",
        "[]x",
        "Cannot read metadata ._unbundled.json: it is not what `unbundle` wrote: trailing characters at line 1 column 3",
    );
    assert!(error(Path::new("/nowhere")).starts_with("cannot read the directory `/nowhere`: "));
}

#[test]
fn what_nobody_sets_has_the_defaults_of_its_type() {
    let directory = directory(&[
        ("catalog_items/a.yaml", "Id: a"),
        ("catalog_items/b.yaml", "Id: b\nType: x"),
        ("machines/a.yaml", "Name: a"),
        ("subnets/a.yaml", "Name: a\nStrategy: ~\nPickers: ~\n"),
        ("subnets/b.yaml", "Name: b\nStrategy: ''\nPickers: []\nactiveleasetime: 0\n"),
        ("subnets/c.yaml", "Name: c"),
    ]);
    let bundle = Bundle::from_directory(directory.path()).unwrap();
    let check = |section: &str, key: &str, field: &str, expected: Value| {
        assert_eq!(bundle.sections[section][key].fields[field].parse::<Value>().unwrap(), expected, "{field} of {key}");
    };
    check("catalog_items", "a", "Type", json!("catalog_items"));
    check("catalog_items", "b", "Type", json!("x"));
    check("machines", "", "Arch", json!("amd64"));
    check("subnets", "a", "Strategy", json!("MAC"));
    check("subnets", "a", "Pickers", Value::Null);
    check("subnets", "b", "Strategy", json!(""));
    check("subnets", "b", "Pickers", json!([]));
    check("subnets", "b", "ActiveLeaseTime", json!(0));
    check("subnets", "c", "Pickers", json!(["hint", "nextFree", "mostExpired"]));
    check("subnets", "c", "ActiveLeaseTime", json!(60));
    check("subnets", "c", "ReservedLeaseTime", json!(7200));
}

#[test]
fn an_empty_yaml_file_is_the_empty_object() {
    let directory = directory(&[("params/a.yaml", "# nothing\n")]);
    assert!(Bundle::from_directory(directory.path()).unwrap().sections["params"].contains_key(""));
}

#[test]
fn links_are_followed_within_the_directory_and_nowhere_else() {
    let outside = directory(&[("secret.yaml", "Name: secret\n"), ("more/x.yaml", "Name: more\n")]);
    let inside = directory(&[("params/a.yaml", "Name: ab\n"), ("stages/s.yaml", "Name: st\n")]);
    let root = inside.path();
    symlink("../params/a.yaml", root.join("stages/b.yaml")).unwrap();
    // As to the bundler: not there.
    symlink(outside.path().join("more"), root.join("tasks")).unwrap();
    let bundle = Bundle::from_directory(root).unwrap();
    assert_eq!(bundle.sections["stages"].keys().collect::<Vec<_>>(), ["ab", "st"]);
    assert!(!bundle.sections.contains_key("tasks"));
    symlink(outside.path().join("secret.yaml"), root.join("params/b.yaml")).unwrap();
    assert_eq!(error(root), "Cannot read item params/b.yaml: it is a link that leads out of the bundle's directory");
    fs::remove_file(root.join("params/b.yaml")).unwrap();
    symlink("../params", root.join("params/c.yaml")).unwrap();
    assert_eq!(error(root), "Cannot read item params/c.yaml: it is no regular file");
    fs::remove_file(root.join("params/c.yaml")).unwrap();
    symlink(outside.path().join("secret.yaml"), root.join("._Name.meta")).unwrap();
    assert_eq!(error(root), "Cannot read metadata ._Name.meta: it is a link that leads out of the bundle's directory");
    // A link to the directory itself is one's own way to it.
    let way = outside.path().join("way");
    symlink(root, &way).unwrap();
    fs::remove_file(root.join("._Name.meta")).unwrap();
    assert!(Bundle::from_directory(&way).is_ok());
}

#[test]
fn what_is_no_file_or_no_text_is_refused_and_not_waited_for() {
    let check = |make: &dyn Fn(&Path), expected: &str| {
        let directory = directory(&[("templates/a", "x"), ("params/a.yaml", "Name: ab")]);
        make(directory.path());
        assert_eq!(error(directory.path()), expected);
    };
    let pipe = |path: std::path::PathBuf| {
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    };
    check(&|root| pipe(root.join("params/p.yaml")), "Cannot read item params/p.yaml: it is no regular file");
    check(
        &|root| fs::create_dir(root.join("._Name.meta")).unwrap(),
        "Cannot read metadata ._Name.meta: it is no regular file",
    );
    check(
        &|root| fs::write(root.join("templates/b"), b"\xff").unwrap(),
        "Cannot read item templates/b: it is no UTF-8 text",
    );
    let odd = |root: &Path| root.join("templates").join(std::ffi::OsStr::from_bytes(b"x\xff"));
    check(
        &|root| fs::write(odd(root), "x").unwrap(),
        "Cannot read item templates/x\u{fffd}: its name is no UTF-8 text",
    );
    // What is beside the sections is not looked at.
    let directory = directory(&[("params/a.yaml", "Name: ab")]);
    pipe(directory.path().join("pipe"));
    assert!(Bundle::from_directory(directory.path()).is_ok());
}

#[test]
fn more_than_a_body_may_have_is_refused() {
    let directory = directory(&[("templates/a", "x")]);
    let sparse = fs::File::create(directory.path().join("templates/b")).unwrap();
    sparse.set_len(limits::BODY_BYTES_MAX as u64).unwrap();
    assert_eq!(
        error(directory.path()),
        format!("Cannot read item templates/b: the content is over the limit of {} bytes", limits::BODY_BYTES_MAX)
    );
}
