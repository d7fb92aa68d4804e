mod crashed;
mod killed;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use redb::Database;
use tempfile::tempdir;

use super::engine::{META, META_FORMAT};
use super::{FILE, LOCK_FILE, NEW_FILE, OpenError, RedbStore};
use crate::store::conformance::{commit, fill_history, keys, put};
use crate::store::{Change, Expect, HISTORY_COMMITS_MAX, Store, WatchError};

#[tokio::test]
async fn a_store_that_is_opened_again_has_all_and_goes_on_from_its_revision() {
    let directory = tempdir().unwrap();
    let store = RedbStore::open(directory.path()).unwrap();
    put(&store, "a", "1").await;
    put(&store, "b", "2").await;
    put(&store, "a", "3").await;
    commit(&store, [Change::delete("machines", "b")]).await.unwrap();
    let before = store.scan("machines", None, 9).unwrap();
    drop(store);

    let store = RedbStore::open(directory.path()).unwrap();
    assert_eq!(store.scan("machines", None, 9).unwrap(), before);
    assert_eq!((store.revision(), store.count("machines").unwrap()), (4, 1));
    assert_eq!(store.watch(Some(3)).unwrap_err(), WatchError::Compacted { from: 3, oldest: 4 });
    let change = Change::put("machines", "a", "4").expecting(Expect::Revision(3));
    assert_eq!(commit(&store, [change]).await.unwrap().revision, 5);
}

#[tokio::test]
async fn batches_that_wait_share_transactions() {
    let directory = tempdir().unwrap();
    let store = RedbStore::open(directory.path()).unwrap();
    fill_history(&store, 0).await;
    let status = store.status();
    assert_eq!(status.batches, HISTORY_COMMITS_MAX as u64);
    assert!(status.transactions < status.batches / 2, "{status:?}");
    assert_eq!(status.read_only, None);
}

#[test]
fn the_directory_and_its_files_are_for_their_owner_alone() {
    let directory = tempdir().unwrap();
    let data = directory.path().join("var/lib/drpx");
    let store = RedbStore::open(&data).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join(FILE)), 0o600);
    assert_eq!(mode(&data.join(LOCK_FILE)), 0o600);
    assert!(!data.join(NEW_FILE).exists());
    drop(store);

    fs::set_permissions(&data, fs::Permissions::from_mode(0o750)).unwrap();
    RedbStore::open(&data).unwrap();
    assert_eq!(mode(&data), 0o750, "what an operator chose stays");
}

#[test]
fn a_second_open_is_refused_until_the_first_store_is_dropped() {
    let directory = tempdir().unwrap();
    let first = RedbStore::open(directory.path()).unwrap();
    let refused = RedbStore::open(directory.path()).unwrap_err();
    let expected = format!("cannot open the store `{}`, which is already open", directory.path().display());
    assert_eq!(refused.to_string(), expected);
    assert!(matches!(refused, OpenError::InUse { .. }));
    drop(first);
    RedbStore::open(directory.path()).unwrap();
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    let directory = tempdir().unwrap();
    drop(RedbStore::open(directory.path()).unwrap());
    let path = directory.path().join(FILE);
    set_format(&path, 2);
    for _ in 0..2 {
        let refused = RedbStore::open(directory.path()).unwrap_err();
        assert!(matches!(refused, OpenError::Newer { found: 2, known: 1, .. }));
        let path = path.display();
        let expected = format!("cannot open `{path}`: its format is 2 and this version knows formats up to 1");
        assert_eq!(refused.to_string(), expected);
    }
    set_format(&path, 1);
    RedbStore::open(directory.path()).unwrap();
}

#[test]
fn a_file_that_is_no_store_is_refused() {
    let directory = tempdir().unwrap();
    let path = directory.path().join(FILE);
    Database::create(&path).unwrap();
    assert!(matches!(RedbStore::open(directory.path()), Err(OpenError::NotAStore { .. })));

    fs::write(&path, "not even a database").unwrap();
    let refused = RedbStore::open(directory.path()).unwrap_err();
    assert_eq!(refused.to_string(), format!("cannot open the store `{}`", path.display()));

    let refused = RedbStore::open(&path).unwrap_err();
    assert!(matches!(refused, OpenError::Io { .. }), "a file is no directory: {refused}");
}

#[tokio::test]
async fn what_a_killed_creator_left_is_replaced() {
    let directory = tempdir().unwrap();
    fs::write(directory.path().join(NEW_FILE), "half a store").unwrap();
    let store = RedbStore::open(directory.path()).unwrap();
    put(&store, "a", "1").await;
    assert_eq!(keys(&store, "machines"), ["a"]);
}

fn set_format(path: &Path, format: u64) {
    let database = Database::open(path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(META).unwrap().insert(META_FORMAT, format).unwrap();
    transaction.commit().unwrap();
}

/// Whatever is in the file, opening and reading it ends with an answer.
#[tokio::test]
async fn a_damaged_file_is_an_error_and_never_a_panic() {
    let directory = tempdir().unwrap();
    let path = directory.path().join(FILE);
    let store = RedbStore::open(directory.path()).unwrap();
    for n in 0..50 {
        put(&store, &format!("m{n}"), &"v".repeat(5000)).await;
    }
    drop(store);
    let whole = fs::read(&path).unwrap();
    let mut outcomes = [0; 3];
    let mut check = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let outcome = RedbStore::open(directory.path()).map(|store| {
            if let Ok(snapshot) = store.snapshot() {
                // Whatever they answer, they answer.
                let _ = snapshot.count("machines");
                (0..50).for_each(|n| drop(snapshot.get("machines", &format!("m{n}"))));
            }
            store.scan("machines", None, usize::MAX)
        });
        outcomes[match outcome {
            Err(OpenError::Engine { .. } | OpenError::NotAStore { .. } | OpenError::Newer { .. }) => 0,
            Err(other) => panic!("{other}"),
            Ok(Err(_)) => 1,
            Ok(Ok(_)) => 2,
        }] += 1;
    };
    for length in (0..whole.len()).step_by(whole.len() / 20) {
        check(&whole[..length]);
    }
    for page in (0..whole.len()).step_by(3 * 4096) {
        let mut changed = whole.clone();
        changed[page..page + 4096].fill(0xa5);
        check(&changed);
        let mut changed = whole.clone();
        changed[page + 7] ^= 0x11;
        check(&changed);
    }
    for at in (0..128).step_by(3) {
        let mut changed = whole.clone();
        changed[at] ^= 0x41;
        check(&changed);
    }
    // How many of each depends on where the engine puts its pages.
    assert!(outcomes[0] > 0 && outcomes[2] > 0, "{outcomes:?}: refused, unreadable, and not noticed or not in use");
}
