#![allow(clippy::unwrap_used)]

mod crafted;

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    sync::Arc,
};

use bytes::Bytes;
use tempfile::{TempDir, tempdir};

use super::{
    RestoreError, Summary, restore, verify,
    write::{Source, write},
};
use crate::store::{Batch, Change, Entry, MemoryStore, Note, RedbStore, Store};

const SECTIONS: [&str; 3] = [".secrets", "machines", "profiles"];

/// A data directory with something in every place, and its store.
async fn server() -> (TempDir, Arc<dyn Store>) {
    let data = tempdir().unwrap();
    let root = data.path();
    for folder in ["tls", "job-logs", "tftpboot/files/a/empty", "tftpboot/isos", "plugins", "run", "store"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    let long = format!("tftpboot/files/a/{}", "long".repeat(50));
    for (path, content, mode) in [
        ("token.key", "key", 0o600),
        ("tls/ca.pem", "certificate", 0o644),
        ("job-logs/1", "", 0o600),
        ("tftpboot/files/x", "x", 0o640),
        (&long, "far away", 0o600),
        ("tftpboot/files/plugin_providers/made-anew/asset", "no", 0o600),
        ("tftpboot/files/plugin_providers/own", "yes", 0o600),
        ("tftpboot/isos/i.iso", &"0123456789abcdef".repeat(20_000), 0o600),
        ("tftpboot/.uploads/half", "no", 0o600),
        ("plugins/.x.part", "no", 0o700),
        ("run/1.to", "no", 0o600),
        ("store/store.redb", "no", 0o600),
    ] {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
    fs::set_permissions(root.join("tftpboot/files/a"), fs::Permissions::from_mode(0o750)).unwrap();
    symlink("/etc/passwd", root.join("tftpboot/files/link")).unwrap();
    symlink(root.join("store/store.redb"), root.join("plugins/linked")).unwrap();

    let store = MemoryStore::new().unwrap();
    for round in 0..3 {
        let changes =
            SECTIONS.map(|section| Change::put(section, format!("key/{round}"), format!("{section} {round}")));
        store.commit(Batch { changes: changes.into(), note: Note::default() }).await.unwrap();
    }
    let binary = Change::put(".secrets", "binary", Bytes::from_static(b"\0\xff"));
    let again = Change::put("machines", "key/0", "again");
    store.commit(Batch::new(Note::default()).with(binary).with(again)).await.unwrap();
    (data, Arc::new(store))
}

fn back_up(data: &Path, store: &dyn Store) -> (Vec<u8>, Summary) {
    let source = Source {
        data: data.to_owned(),
        plugins: data.join("plugins"),
        rebuilt: vec![data.join("tftpboot/files/plugin_providers/made-anew")],
        snapshot: store.snapshot().unwrap(),
    };
    let mut backup = Vec::new();
    let summary = write(source, &mut backup).unwrap();
    (backup, summary)
}

/// All entries of a store.
fn entries(store: &dyn Store) -> Vec<(String, String, Entry)> {
    let scan = |section: &String| {
        let found = store.scan(section, None, usize::MAX).unwrap();
        found.into_iter().map(|(key, entry)| (section.clone(), key, entry)).collect::<Vec<_>>()
    };
    store.sections().unwrap().iter().flat_map(scan).collect()
}

/// Every file and folder below a directory: its mode, and a file's content. The store's own are left out.
fn tree(root: &Path) -> BTreeMap<String, (u32, Option<Vec<u8>>)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let meta = path.symlink_metadata().unwrap();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            if name.starts_with("store") {
                continue;
            }
            let content = meta.is_file().then(|| fs::read(&path).unwrap());
            if meta.is_dir() {
                folders.push(path);
            }
            found.insert(name, (meta.permissions().mode() & 0o777, content));
        }
    }
    found
}

#[tokio::test]
async fn a_restored_directory_is_what_was_backed_up() {
    let (data, store) = server().await;
    let (backup, made) = back_up(data.path(), &*store);
    assert_eq!((made.revision, made.objects, made.files), (4, 10, 8));
    assert_eq!(made.left_out, [format!("{}: it is no file", data.path().join("tftpboot/files/link").display())]);
    assert_eq!(verify(&*backup).unwrap(), made);

    let place = tempdir().unwrap();
    let target = place.path().join("data");
    assert_eq!(restore(&*backup, &target).unwrap(), made);
    assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o700);
    let mut expected = tree(data.path());
    expected.retain(|path, _| {
        !["made-anew", "half", ".uploads", ".x.part", "run", "link"].iter().any(|not| path.contains(not))
    });
    expected.insert("plugins/linked".to_owned(), (0o600, Some(b"no".to_vec())));
    assert_eq!(tree(&target), expected);
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1, "nothing else is left");

    let restored = RedbStore::open(target.join("store")).unwrap();
    assert_eq!(entries(&restored), entries(&*store));
    assert_eq!((restored.revision(), restored.count("machines").unwrap()), (4, 3));
    let next = restored.commit(Batch::new(Note::default()).with(Change::delete("machines", "key/0"))).await;
    assert_eq!(next.unwrap().revision, 5);
}

#[tokio::test]
async fn a_store_that_fills_many_parts_comes_back_whole() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new().unwrap());
    for (key, bytes) in [("a", 3_000_000), ("b", 3_000_000), ("c", 9_000_000), ("d", 10), ("e", 5_000_000)] {
        let put = Change::put("machines", key, "v".repeat(bytes));
        store.commit(Batch::new(Note::default()).with(put)).await.unwrap();
    }
    let data = tempdir().unwrap();
    let (backup, made) = back_up(data.path(), &*store);
    assert_eq!((made.objects, made.files), (5, 0));
    let place = tempdir().unwrap();
    restore(&*backup, &place.path().join("data")).unwrap();
    assert_eq!(entries(&RedbStore::open(place.path().join("data/store")).unwrap()), entries(&*store));

    let empty = back_up(data.path(), &MemoryStore::new().unwrap()).0;
    restore(&*empty, &place.path().join("empty")).unwrap();
    assert_eq!(RedbStore::open(place.path().join("empty/store")).unwrap().revision(), 0);
}

#[tokio::test]
async fn a_backup_that_is_cut_or_changed_anywhere_is_noticed() {
    let data = tempdir().unwrap();
    fs::write(data.path().join("token.key"), "key").unwrap();
    let store = MemoryStore::new().unwrap();
    store.commit(Batch::new(Note::default()).with(Change::put("machines", "a", "{}"))).await.unwrap();
    let (backup, _) = back_up(data.path(), &store);
    let place = tempdir().unwrap();
    // Tools take it for an ordinary file of theirs.
    let mut unpacked = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(&*backup), &mut unpacked).unwrap();
    assert_eq!(unpacked.len() % 512, 0);
    for length in 0..backup.len() {
        let refused = verify(&backup[..length]).unwrap_err();
        let told = matches!(refused, RestoreError::Damaged(_) | RestoreError::NotABackup(_));
        assert!(told, "cut at {length}: {refused}");
    }
    for at in 0..backup.len() {
        let mut changed = backup.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(verify(&*changed).is_err(), "a change at {at} is not noticed");
    }
    for more in [&b"\0"[..], b"more", &backup] {
        let refused = verify(&*[&backup[..], more].concat()).unwrap_err();
        let expected = "a backup that is damaged or incomplete: its checksum is not that of what was written";
        assert_eq!(refused.to_string(), format!("cannot restore {expected}"));
    }
    for length in (0..backup.len()).step_by(backup.len() / 20) {
        restore(&backup[..length], &place.path().join("data")).unwrap_err();
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0, "cut at {length}");
    }
}

#[tokio::test]
async fn only_a_directory_that_is_free_is_restored_to() {
    let (data, store) = server().await;
    let (backup, _) = back_up(data.path(), &*store);
    let place = tempdir().unwrap();
    let check = |target: &Path, expected: Option<&str>| {
        let before = fs::read_dir(place.path()).unwrap().count();
        let refused = restore(&*backup, target).err().map(|error| error.to_string());
        assert_eq!(refused, expected.map(|text| text.replace("DIR", &target.display().to_string())));
        if expected.is_some() {
            assert_eq!(fs::read_dir(place.path()).unwrap().count(), before, "nothing is left");
        }
    };
    let not_empty = Some("cannot restore to `DIR`, which is not an empty directory");
    check(data.path(), not_empty);
    let file = place.path().join("file");
    fs::write(&file, "").unwrap();
    check(&file, not_empty);
    check(&place.path().join("no/such"), Some(&format!("cannot write `{}`", place.path().join("no").display())));

    let empty = place.path().join("empty");
    fs::create_dir(&empty).unwrap();
    check(&empty, None);
    check(&empty, not_empty);
    let server = RedbStore::open(empty.join("store")).unwrap();
    check(&empty, Some("cannot restore to `DIR`, which a server is using"));
    drop(server);
    check(&empty, not_empty);

    fs::create_dir(place.path().join("linked-to")).unwrap();
    symlink("linked-to", place.path().join("link")).unwrap();
    check(&place.path().join("link"), None);
    assert!(place.path().join("linked-to/token.key").exists());
}

/// Two restores at once: one of them wins.
#[tokio::test]
async fn of_two_restores_to_one_place_one_is_refused() {
    let (data, store) = server().await;
    let (backup, _) = back_up(data.path(), &*store);
    let place = tempdir().unwrap();
    let target = place.path().join("data");
    // The second begins when the first has read half of it.
    struct Between<'a>(&'a [u8], bool, Box<dyn FnMut() + 'a>);
    impl std::io::Read for Between<'_> {
        fn read(&mut self, mut buffer: &mut [u8]) -> std::io::Result<usize> {
            if self.0.len() < 200 && !self.1 {
                self.1 = true;
                (self.2)();
            }
            let bytes = buffer.write(&self.0[..self.0.len().min(100)])?;
            self.0 = &self.0[bytes..];
            Ok(bytes)
        }
    }
    let second = Box::new(|| drop(restore(&*backup, &target).unwrap()));
    let first = restore(Between(&backup, false, second), &target);
    assert!(matches!(first, Err(RestoreError::NotEmpty(_))), "{first:?}");
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
}
