#![allow(clippy::unwrap_used)]

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time;

use super::*;
use drp_core::RawModel;

use crate::{auth::Principal, store::MemoryStore};

struct Disk {
    directory: tempfile::TempDir,
    objects: Arc<Objects>,
    content: DiskContent,
}

impl Disk {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let objects = Arc::new(Objects::open(Arc::new(MemoryStore::new().unwrap())).await.unwrap());
        let content = DiskContent::new(Some(directory.path().to_owned()), Arc::clone(&objects));
        Self { directory, objects, content }
    }

    /// Writes a file with a bundle that has these profiles.
    fn write(&self, file: &str, name: &str, profiles: &[&str]) {
        let profiles: serde_json::Map<String, Value> =
            profiles.iter().map(|name| ((*name).to_owned(), json!({ "Name": name }))).collect();
        let bundle = json!({ "meta": { "Name": name }, "sections": { "profiles": profiles } });
        self.text(file, &bundle.to_string());
    }

    fn text(&self, file: &str, text: &str) {
        let path = self.directory.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn remove(&self, file: &str) {
        fs::remove_file(self.directory.path().join(file)).unwrap();
    }

    /// What became of each file.
    async fn load(&self) -> Vec<(String, String)> {
        let outcomes = self.content.load().await.unwrap();
        let shown = |outcome: Outcome| {
            let file = outcome.reload.path.file_name().unwrap().to_string_lossy().into_owned();
            (file, format!("{:?}", outcome.reload.change))
        };
        outcomes.into_iter().map(shown).collect()
    }

    fn has(&self, profile: &str) -> bool {
        self.objects.get("profiles", profile).unwrap().is_some()
    }
}

fn outcome(file: &str, change: &str) -> (String, String) {
    (file.to_owned(), change.to_owned())
}

#[tokio::test]
async fn files_and_directories_become_layers_that_nobody_can_change() {
    let disk = Disk::new().await;
    disk.write("a.json", "a", &["pa"]);
    disk.text("b.yaml", "meta:\n  Name: b\nsections:\n  params:\n    b/x:\n      Name: b/x\n");
    disk.text("c/._Name.meta", "c\n");
    disk.text("c/profiles/pc.yaml", "Name: pc\nDescription: from a directory\n");
    disk.text("README.md", "no content");
    disk.text(".hidden.yaml", "no content");
    let added = ["a.json", "b.yaml", "c"].map(|file| outcome(file, "Added"));
    assert_eq!(disk.load().await, added);
    let profile = disk.objects.get("profiles", "pc").unwrap().unwrap();
    assert_eq!((profile.get("ReadOnly"), &*profile.text("Bundle")), (Some(true), "c"));
    let refused = disk.objects.delete(&Principal::system(), "profiles", "pa").await.unwrap_err();
    assert_eq!(refused.messages.as_slice(), ["readonly: pa"]);
    assert_eq!(disk.load().await, ["a.json", "b.yaml", "c"].map(|file| outcome(file, "Unchanged")));
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_and_leaves_what_was_there_and_the_others_in_force() {
    let disk = Disk::new().await;
    disk.write("a.json", "a", &["pa"]);
    disk.write("b.json", "b", &["pb"]);
    disk.load().await;
    disk.text("a.json", "{ not json");
    disk.write("b.json", "b", &["pb", "pb2"]);
    disk.write("c.json", "c", &["pb"]);
    disk.write("d.json", "", &["pd"]);
    disk.write("e.json", "b", &["pe"]);
    let outcomes = disk.load().await;
    let check = |at: usize, file: &str, expected: &str| {
        let (found, change) = &outcomes[at];
        assert!(found == file && change.contains(expected), "{found}: {change}");
    };
    check(0, "a.json", "Refused(\"cannot read content as YAML");
    check(1, "b.json", "Replaced");
    check(2, "c.json", "profiles:pb in layer local-c would override layer local-b");
    check(3, "d.json", "has no Name metadata");
    check(4, "e.json", "the bundle b is in ");
    assert!(disk.has("pa") && disk.has("pb2") && !disk.has("pd") && !disk.has("pe"));

    disk.write("b.json", "renamed", &["pb"]);
    assert_eq!(disk.load().await[1], outcome("b.json", "Refused(\"Cannot change name from b to renamed\")"));
    assert!(disk.has("pb2"));
}

#[tokio::test]
async fn what_is_gone_is_removed_and_what_moved_is_found_again() {
    let disk = Disk::new().await;
    disk.write("a.json", "a", &["pa"]);
    disk.write("b.json", "b", &["pb", "moves"]);
    disk.write("c.json", "c", &["pc"]);
    disk.load().await;
    // The bundle that is read first takes an object of one that is read later.
    disk.write("a.json", "a", &["pa", "moves"]);
    disk.write("b.json", "b", &["pb"]);
    disk.remove("c.json");
    let expected = [outcome("a.json", "Replaced"), outcome("b.json", "Replaced"), outcome("c.json", "Removed")];
    assert_eq!(disk.load().await, expected);
    assert!(disk.has("moves") && !disk.has("pc"));

    disk.remove("a.json");
    disk.write("z.json", "a", &["pa", "moves"]);
    assert_eq!(disk.load().await, [outcome("b.json", "Unchanged"), outcome("z.json", "Unchanged")]);
}

#[tokio::test]
async fn objects_that_clients_wrote_stay_and_a_directory_that_is_gone_changes_nothing() {
    let disk = Disk::new().await;
    let profile = RawModel::new(&json!({ "Name": "mine" })).unwrap();
    disk.objects.create(&Principal::superuser("admin"), "profiles", profile).await.unwrap();
    disk.write("a.json", "a", &["mine"]);
    disk.write("b.json", "b", &["pb"]);
    let outcomes = disk.load().await;
    assert!(outcomes[0].1.contains("would override layer writable-BackingStore"), "{outcomes:?}");
    assert!(disk.has("pb"));
    fs::remove_dir_all(disk.directory.path()).unwrap();
    assert!(disk.content.load().await.is_err());
    assert!(disk.has("pb"));
}

#[tokio::test]
async fn pipes_are_refused_and_not_waited_for() {
    let disk = Disk::new().await;
    disk.text("b/._Name.meta", "b");
    fs::create_dir(disk.directory.path().join("b/profiles")).unwrap();
    for pipe in ["a.yaml", "b/profiles/p.yaml"] {
        let made = std::process::Command::new("mkfifo").arg(disk.directory.path().join(pipe)).status();
        assert!(made.unwrap().success());
    }
    let outcomes = time::timeout(Duration::from_secs(20), disk.load()).await.expect("nothing is waited for");
    for (file, change) in &outcomes {
        assert!(change.contains("regular file"), "{file}: {change}");
    }
    assert_eq!(outcomes.len(), 2);
}
