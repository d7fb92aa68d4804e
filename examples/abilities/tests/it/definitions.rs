//! What `define` prints of each example is committed beside it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::executable;

/// Set it to write the files anew: `UPDATE_DEFINE=1 cargo test -p abilities definitions`.
const UPDATE_ENV: &str = "UPDATE_DEFINE";

#[test]
fn every_example_has_its_definition_and_every_definition_its_example() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let committed = root.join("define");
    let examples = names(&root.join("src/bin"));
    assert!(examples.len() >= 11, "{examples:?}");
    let update = std::env::var_os(UPDATE_ENV).is_some();
    for name in &examples {
        let output = Command::new(executable(name)).arg("define").env_remove("RS_TOKEN").output().unwrap();
        let (defined, said) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && said.is_empty(), "{name}: {said}");
        let file: PathBuf = committed.join(format!("{name}.json"));
        if update {
            fs::write(&file, &defined).unwrap();
        }
        let again = format!("if it is meant to be: {UPDATE_ENV}=1 cargo test -p abilities definitions");
        assert_eq!(fs::read_to_string(&file).unwrap_or_default(), defined, "{}; {again}", file.display());
    }
    assert_eq!(names(&committed), examples);
}

/// The names of files and directories, without what stands behind the dot.
fn names(directory: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}
