//! What every store promises, as one suite that runs on each engine.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{FutureExt, join_all};
use tokio::task::unconstrained;
use tokio::time::timeout;

use super::{
    Batch, Change, Changed, Commit, CommitError, Committed, Entry, Expect, HISTORY_BYTES_MAX, HISTORY_COMMITS_MAX,
    KEY_BYTES_MAX, Lagged, MemoryStore, Note, RedbStore, Store, StoreError, VALUE_BYTES_MAX, Watch, WatchError,
};

/// How long a test waits for what must come.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Makes a test of each case for each engine, so that a failure names both.
macro_rules! suite {
    ($($case:ident,)*) => {
        mod memory {
            $(#[tokio::test]
            async fn $case() {
                super::$case(std::sync::Arc::new(super::MemoryStore::new().unwrap())).await;
            })*
        }
        mod redb {
            $(#[tokio::test]
            async fn $case() {
                let directory = tempfile::tempdir().unwrap();
                super::$case(std::sync::Arc::new(super::RedbStore::open(directory.path()).unwrap())).await;
            })*
        }
    };
}

suite! {
    a_put_is_read_back_until_it_is_deleted,
    a_put_that_expects_what_is_there_succeeds_and_any_other_conflicts,
    a_batch_is_applied_whole_or_not_at_all,
    each_batch_that_changes_something_gets_the_next_revision,
    a_batch_that_changes_nothing_gets_no_revision_and_no_watcher,
    sections_are_scanned_in_pages_in_the_order_of_keys,
    sections_are_counted_and_listed,
    names_and_sizes_beyond_the_limits_are_refused,
    a_key_changed_twice_in_one_batch_is_refused,
    a_large_value_is_kept,
    a_watch_sees_commits_in_order_with_notes_and_previous_values,
    a_watch_resumes_from_a_revision_it_names,
    a_watch_from_beyond_the_history_is_refused,
    a_watch_that_is_not_read_is_told_what_it_missed,
    a_history_is_bounded_in_bytes,
    a_watch_of_a_dropped_store_ends_after_its_last_commit,
    a_commit_that_answered_is_ready_in_every_watch_and_read,
    counters_of_sixteen_writers_lose_nothing,
    a_snapshot_shows_one_revision_whatever_comes_later,
    a_dropped_commit_is_applied_whole_or_not_at_all,
    what_was_queued_when_the_store_is_dropped_is_seen_by_watches,
}

async fn a_put_is_read_back_until_it_is_deleted(store: Arc<dyn Store>) {
    assert_eq!(store.get("machines", "m1").unwrap(), None);
    put(&*store, "m1", "one").await;
    assert_eq!(store.get("machines", "m1").unwrap(), Some(entry("one", 1, 1)));
    put(&*store, "m1", "two").await;
    assert_eq!(store.get("machines", "m1").unwrap(), Some(entry("two", 2, 1)));
    put(&*store, "m1", "").await;
    assert_eq!(store.get("machines", "m1").unwrap(), Some(entry("", 3, 1)));

    assert_eq!(store.get("machines", "m").unwrap(), None);
    assert_eq!(store.get("machine", "sm1").unwrap(), None);
    assert_eq!(store.get("profiles", "m1").unwrap(), None);

    commit(&*store, [Change::delete("machines", "m1")]).await.unwrap();
    assert_eq!(store.get("machines", "m1").unwrap(), None);
    put(&*store, "m1", "again").await;
    assert_eq!(store.get("machines", "m1").unwrap(), Some(entry("again", 5, 5)), "it was created anew");
}

async fn a_put_that_expects_what_is_there_succeeds_and_any_other_conflicts(store: Arc<dyn Store>) {
    let change = |expect| [Change::put("machines", "m1", "x").expecting(expect)];
    let conflict = commit(&*store, change(Expect::Revision(1))).await.unwrap_err();
    assert_eq!(conflict.to_string(), "cannot change `machines/m1`: expected revision 1, found no entry");

    commit(&*store, change(Expect::Absent)).await.unwrap();
    let conflict = commit(&*store, change(Expect::Absent)).await.unwrap_err();
    assert_eq!(conflict.to_string(), "cannot change `machines/m1`: expected no entry, found revision 1");

    assert_eq!(commit(&*store, change(Expect::Revision(1))).await.unwrap(), Committed { revision: 2 });
    let CommitError::Conflict { section, key, expected, found } =
        commit(&*store, change(Expect::Revision(1))).await.unwrap_err()
    else {
        panic!("not a conflict");
    };
    assert_eq!((&*section, &*key, expected, found), ("machines", "m1", Expect::Revision(1), Some(2)));

    let delete = |revision| [Change::delete("machines", "m1").expecting(Expect::Revision(revision))];
    commit(&*store, delete(1)).await.unwrap_err();
    commit(&*store, delete(2)).await.unwrap();
    assert_eq!(store.revision(), 3);
}

async fn a_batch_is_applied_whole_or_not_at_all(store: Arc<dyn Store>) {
    put(&*store, "old", "1").await;
    let batch = |expect| {
        [
            Change::put("machines", "new", "2"),
            Change::delete("machines", "old"),
            Change::put("profiles", "p", "3"),
            Change::check_only("leases", "leader", expect),
        ]
    };
    commit(&*store, batch(Expect::Revision(7))).await.unwrap_err();
    assert_eq!(keys(&*store, "machines"), ["old"]);
    assert_eq!(store.count("profiles").unwrap(), 0);
    assert_eq!(store.revision(), 1);

    commit(&*store, batch(Expect::Absent)).await.unwrap();
    assert_eq!(keys(&*store, "machines"), ["new"]);
    assert_eq!(store.get("profiles", "p").unwrap(), Some(entry("3", 2, 2)));
    assert_eq!(store.sections().unwrap(), ["machines", "profiles"], "a check leaves nothing");
}

async fn each_batch_that_changes_something_gets_the_next_revision(store: Arc<dyn Store>) {
    assert_eq!(store.revision(), 0);
    for revision in 1..=10 {
        let keys = ["a", "b"].map(|key| Change::put("machines", format!("{key}{revision}"), "x"));
        assert_eq!(commit(&*store, keys).await.unwrap(), Committed { revision });
        assert_eq!(store.revision(), revision);
        assert_eq!(store.get("machines", &format!("b{revision}")).unwrap(), Some(entry("x", revision, revision)));
    }
    let queued = join_all((0..300).map(|key| store.commit(batch_of([Change::put("machines", key.to_string(), "x")]))));
    let mut revisions: Vec<u64> = queued.await.into_iter().map(|committed| committed.unwrap().revision).collect();
    revisions.sort_unstable();
    assert_eq!(revisions, (11..311).collect::<Vec<_>>());
}

async fn a_batch_that_changes_nothing_gets_no_revision_and_no_watcher(store: Arc<dyn Store>) {
    put(&*store, "m1", "one").await;
    let mut watch = store.watch(None).unwrap();
    for nothing in [Change::delete("machines", "m2"), Change::check_only("machines", "m1", Expect::Revision(1))] {
        assert_eq!(commit(&*store, [nothing]).await.unwrap(), Committed { revision: 1 });
    }
    assert_eq!(store.commit(Batch::default()).await.unwrap(), Committed { revision: 1 });
    commit(&*store, [Change::check_only("machines", "m1", Expect::Absent)]).await.unwrap_err();
    put(&*store, "m1", "one").await;
    assert_eq!(next(&mut watch).await.revision, 2, "the same value again is a change");
}

async fn sections_are_scanned_in_pages_in_the_order_of_keys(store: Arc<dyn Store>) {
    for section in ["machine", "machines", "machines-old", "m"] {
        let keys = ["b", "a", "ab", "a/b", "Z", "é", "a\u{1}"];
        commit(&*store, keys.map(|key| Change::put(section, key, format!("{section}:{key}")))).await.unwrap();
    }
    let sorted = ["Z", "a", "a\u{1}", "a/b", "ab", "b", "é"];
    assert_eq!(keys(&*store, "machines"), sorted);

    let mut paged: Vec<String> = Vec::new();
    loop {
        let page = store.scan("machines", paged.last().map(String::as_str), 2).unwrap();
        let last = page.len() < 2;
        for (key, found) in page {
            assert_eq!(found.value, format!("machines:{key}"));
            paged.push(key);
        }
        if last {
            break;
        }
    }
    assert_eq!(paged, sorted);

    assert_eq!(store.scan("machines", Some("aa"), 1).unwrap()[0].0, "ab", "the key to begin after need not exist");
    assert_eq!(store.scan("machines", Some("é"), 9).unwrap(), []);
    assert_eq!(store.scan("machines", None, 0).unwrap(), []);
    assert_eq!(store.scan("nothing", None, 9).unwrap(), []);
}

async fn sections_are_counted_and_listed(store: Arc<dyn Store>) {
    commit(&*store, ["a", "b", "c"].map(|key| Change::put("machines", key, "x"))).await.unwrap();
    commit(&*store, [Change::put("profiles", "p", "x"), Change::put("machines", "a", "y")]).await.unwrap();
    assert_eq!(store.count("machines").unwrap(), 3);
    assert_eq!(store.sections().unwrap(), ["machines", "profiles"]);

    commit(&*store, [Change::delete("machines", "b"), Change::delete("profiles", "p")]).await.unwrap();
    assert_eq!(store.count("machines").unwrap(), 2);
    assert_eq!(store.count("profiles").unwrap(), 0);
    assert_eq!(store.sections().unwrap(), ["machines"]);
}

async fn names_and_sizes_beyond_the_limits_are_refused(store: Arc<dyn Store>) {
    for (section, key) in [("", "k"), ("s", ""), ("s\0t", "k"), ("s", "k\0l")] {
        let refused = commit(&*store, [Change::put(section, key, "x")]).await;
        assert!(matches!(refused, Err(CommitError::BadName { .. })), "{section:?} {key:?}");
        assert_eq!(store.get(section, key).unwrap(), None);
    }
    let long = "k".repeat(KEY_BYTES_MAX + 1);
    let refused = commit(&*store, [Change::put("s", long, "x")]).await.unwrap_err();
    assert_eq!(refused.to_string(), "cannot take 1025 bytes of a key: the limit is 1024");
    let large = Bytes::from(vec![0; VALUE_BYTES_MAX + 1]);
    let refused = commit(&*store, [Change::put("s", "k", large)]).await;
    assert!(matches!(refused, Err(CommitError::TooLarge { what: "bytes of a value", .. })));
    let third = Bytes::from(vec![0; VALUE_BYTES_MAX]);
    let refused = commit(&*store, ["a", "b", "c"].map(|key| Change::put("s", key, third.clone()))).await;
    assert!(matches!(refused, Err(CommitError::TooLarge { what: "bytes of a batch", .. })));
    let many = (0..70_000).map(|key| Change::delete("s", key.to_string()));
    assert!(matches!(commit(&*store, many).await, Err(CommitError::TooLarge { what: "changes of a batch", .. })));
    assert_eq!(store.revision(), 0);

    commit(&*store, [Change::put("s", "k".repeat(KEY_BYTES_MAX), "x")]).await.unwrap();
}

async fn a_key_changed_twice_in_one_batch_is_refused(store: Arc<dyn Store>) {
    let twice = [Change::put("machines", "m1", "x"), Change::delete("machines", "m1")];
    let refused = commit(&*store, twice).await.unwrap_err();
    assert_eq!(refused.to_string(), "cannot change `machines/m1` twice in one batch");
    commit(&*store, [Change::put("machines", "m1", "x"), Change::put("profiles", "m1", "x")]).await.unwrap();
}

async fn a_large_value_is_kept(store: Arc<dyn Store>) {
    let value: Bytes = (0..20_000_000_u32).map(|i| i.to_le_bytes()[i as usize % 3]).collect();
    commit(&*store, [Change::put("files", "f", value.clone())]).await.unwrap();
    put(&*store, "m1", "small").await;
    assert_eq!(store.get("files", "f").unwrap().unwrap().value, value);
    commit(&*store, [Change::delete("files", "f")]).await.unwrap();
    assert_eq!(store.get("files", "f").unwrap(), None);
}

async fn a_watch_sees_commits_in_order_with_notes_and_previous_values(store: Arc<dyn Store>) {
    put(&*store, "m1", "zero").await;
    let mut watch = store.watch(None).unwrap();
    assert_eq!(watch.revision(), 1);
    assert!(watch.next().now_or_never().is_none(), "nothing has changed since");

    let notes = [Note::by("alice"), Note::by("plugin:ipmi").action("poweron"), Note::default()];
    let [plain, action, silent] = notes.clone();
    let both = [Change::put("machines", "m1", "one"), Change::put("profiles", "p", "new")];
    store.commit(Batch { changes: both.into(), note: plain }).await.unwrap();
    store.commit(Batch::new(action).with(Change::put("machines", "m1", "two"))).await.unwrap();
    store.commit(Batch::new(silent).with(Change::delete("machines", "m1"))).await.unwrap();

    let changes = [
        vec![changed("machines", "m1", Some("one"), Some("zero")), changed("profiles", "p", Some("new"), None)],
        vec![changed("machines", "m1", Some("two"), Some("one"))],
        vec![changed("machines", "m1", None, Some("two"))],
    ];
    for ((revision, note), changes) in (2..).zip(notes).zip(changes) {
        assert_eq!(*next(&mut watch).await, Commit { revision, note, changes });
    }
    assert_eq!(watch.revision(), 4);
}

async fn a_watch_resumes_from_a_revision_it_names(store: Arc<dyn Store>) {
    for key in ["a", "b", "c", "d"] {
        put(&*store, key, "x").await;
    }
    for from in 0..=4 {
        let mut watch = store.watch(Some(from)).unwrap();
        for revision in from + 1..=4 {
            assert_eq!(next(&mut watch).await.revision, revision);
        }
        assert!(watch.next().now_or_never().is_none());
    }
    assert_eq!(store.watch(Some(5)).unwrap_err(), WatchError::Ahead { from: 5, revision: 4 });
}

async fn a_watch_from_beyond_the_history_is_refused(store: Arc<dyn Store>) {
    fill_history(&*store, 10).await;
    assert_eq!(store.watch(Some(9)).unwrap_err(), WatchError::Compacted { from: 9, oldest: 10 });
    let mut watch = store.watch(Some(10)).unwrap();
    assert_eq!(next(&mut watch).await.revision, 11);
}

async fn a_watch_that_is_not_read_is_told_what_it_missed(store: Arc<dyn Store>) {
    let mut slow = store.watch(None).unwrap();
    let mut quick = store.watch(None).unwrap();
    put(&*store, "first", "x").await;
    assert_eq!(next(&mut quick).await.revision, 1);
    fill_history(&*store, 10).await;

    assert_eq!(slow.next().await, Some(Err(Lagged { missed: 11 })));
    for revision in 12..12 + HISTORY_COMMITS_MAX as u64 {
        assert_eq!(next(&mut slow).await.revision, revision, "it goes on without a gap");
    }
    assert_eq!(quick.next().await, Some(Err(Lagged { missed: 10 })));
}

async fn a_history_is_bounded_in_bytes(store: Arc<dyn Store>) {
    let mut watch = store.watch(None).unwrap();
    let value = Bytes::from(vec![7; HISTORY_BYTES_MAX / 2 - 1000]);
    for key in ["a", "b", "c"] {
        commit(&*store, [Change::put("files", key, value.clone())]).await.unwrap();
    }
    assert_eq!(watch.next().await, Some(Err(Lagged { missed: 1 })));
    assert_eq!(next(&mut watch).await.revision, 2);
    commit(&*store, ["d", "e", "f"].map(|key| Change::put("files", key, value.clone()))).await.unwrap();
    assert_eq!(watch.next().await, Some(Err(Lagged { missed: 1 })));
    assert_eq!(next(&mut watch).await.changes.len(), 3, "the newest is held whatever its size");
}

async fn a_watch_of_a_dropped_store_ends_after_its_last_commit(store: Arc<dyn Store>) {
    let mut watch = store.watch(None).unwrap();
    let waiting = tokio::spawn(async move {
        let last = next(&mut watch).await.revision;
        (last, watch.next().await)
    });
    put(&*store, "m1", "x").await;
    drop(store);
    assert_eq!(timeout(PATIENCE, waiting).await.unwrap().unwrap(), (1, None));
}

async fn a_commit_that_answered_is_ready_in_every_watch_and_read(store: Arc<dyn Store>) {
    let mut watch = store.watch(None).unwrap();
    for revision in 1..200 {
        put(&*store, "m1", &revision.to_string()).await;
        assert_eq!(store.revision(), revision);
        assert_eq!(store.get("machines", "m1").unwrap(), Some(entry(&revision.to_string(), revision, 1)));
        let seen = watch.next().now_or_never().expect("it is ready").unwrap().unwrap();
        assert_eq!(seen.revision, revision);
    }
}

async fn counters_of_sixteen_writers_lose_nothing(store: Arc<dyn Store>) {
    let mut watch = store.watch(None).unwrap();
    let writers = (0..16).map(|writer| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for round in 0..100 {
                while !increment(&*store, &format!("w{writer}-{round}")).await {}
            }
        })
    });
    for writer in join_all(writers).await {
        writer.unwrap();
    }
    assert_eq!(store.get("counters", "all").unwrap().unwrap().value, "1600");
    assert_eq!(store.count("machines").unwrap(), 1600);
    assert_eq!(store.revision(), 1600, "a conflict takes no revision");

    for count in 1..=1600 {
        let commit = next(&mut watch).await;
        assert_eq!(commit.revision, count);
        assert_eq!(commit.changes[0].value, Some(count.to_string().into()));
        assert_eq!(commit.changes[0].previous, (count > 1).then(|| (count - 1).to_string().into()));
    }
}

/// Adds one to a counter and an entry beside it, unless another writer was quicker.
async fn increment(store: &dyn Store, key: &str) -> bool {
    let before = store.get("counters", "all").unwrap();
    let expect = before.as_ref().map_or(Expect::Absent, |entry| Expect::Revision(entry.revision));
    let count = before.map_or(0, |entry| str::from_utf8(&entry.value).unwrap().parse::<u64>().unwrap());
    let changes = [
        Change::put("counters", "all", (count + 1).to_string()).expecting(expect),
        Change::put("machines", key, "x").expecting(Expect::Absent),
    ];
    match commit(store, changes).await {
        Ok(_) => true,
        Err(CommitError::Conflict { section, .. }) if section == "counters" => false,
        Err(error) => panic!("{error}"),
    }
}

async fn a_snapshot_shows_one_revision_whatever_comes_later(store: Arc<dyn Store>) {
    let empty = store.snapshot().unwrap();
    for key in ["a", "b", "c"] {
        put(&*store, key, "before").await;
    }
    let snapshot = store.snapshot().unwrap();
    let before = store.scan("machines", None, 9).unwrap();
    commit(&*store, [Change::delete("machines", "a"), Change::put("machines", "b", "after")]).await.unwrap();
    commit(&*store, [Change::put("profiles", "p", "new")]).await.unwrap();

    assert_eq!((empty.revision(), empty.sections().unwrap().len()), (0, 0));
    assert_eq!((snapshot.revision(), snapshot.sections().unwrap()), (3, vec!["machines".to_owned()]));
    assert_eq!(snapshot.scan("machines", None, 9).unwrap(), before);
    assert_eq!(snapshot.scan("machines", Some("a"), 1).unwrap(), before[1..2]);
    drop(store);
    assert_eq!(snapshot.scan("machines", None, 9).unwrap(), before, "it outlives its store");
}

async fn a_dropped_commit_is_applied_whole_or_not_at_all(store: Arc<dyn Store>) {
    let mut watch = store.watch(None).unwrap();
    let both = |key: String| batch_of(["machines", "profiles"].map(|section| Change::put(section, key.clone(), "x")));
    drop(store.commit(both("never-polled".to_owned())));
    for key in 0..100 {
        queue_and_drop(&*store, both(format!("{key:03}")));
    }
    store.commit(both("last".to_owned())).await.unwrap();

    assert_eq!(keys(&*store, "machines").len(), 101);
    assert_eq!(keys(&*store, "machines"), keys(&*store, "profiles"));
    assert_eq!(store.get("machines", "never-polled").unwrap(), None);
    for revision in 1..=101 {
        let commit = next(&mut watch).await;
        assert_eq!((commit.revision, commit.changes.len()), (revision, 2));
    }
}

async fn what_was_queued_when_the_store_is_dropped_is_seen_by_watches(store: Arc<dyn Store>) {
    let mut watch = store.watch(None).unwrap();
    for key in 0..100 {
        queue_and_drop(&*store, batch_of([Change::put("machines", key.to_string(), "x")]));
    }
    drop(store);
    for revision in 1..=100 {
        assert_eq!(next(&mut watch).await.revision, revision);
    }
    assert_eq!(watch.next().await, None);
}

/// Makes as many commits as a history holds, and `more`.
pub(super) async fn fill_history(store: &dyn Store, more: usize) {
    let one = |key: usize| store.commit(batch_of([Change::put("fill", key.to_string(), "x")]));
    for committed in join_all((0..HISTORY_COMMITS_MAX + more).map(one)).await {
        committed.unwrap();
    }
}

/// Polls a commit once, which puts it into the queue, and waits for nothing.
fn queue_and_drop(store: &dyn Store, batch: Batch) {
    // Unconstrained, because a task that does much in one poll is made to wait by its runtime.
    let _ = unconstrained(store.commit(batch)).now_or_never();
}

pub(super) fn batch_of(changes: impl IntoIterator<Item = Change>) -> Batch {
    Batch { changes: changes.into_iter().collect(), note: Note::by("test") }
}

pub(super) fn commit(
    store: &dyn Store,
    changes: impl IntoIterator<Item = Change>,
) -> impl Future<Output = Result<Committed, CommitError>> {
    store.commit(batch_of(changes))
}

pub(super) async fn put(store: &dyn Store, key: &str, value: &str) {
    commit(store, [Change::put("machines", key, value.to_owned())]).await.unwrap();
}

pub(super) fn keys(store: &dyn Store, section: &str) -> Vec<String> {
    let all: Result<_, StoreError> = store.scan(section, None, usize::MAX);
    all.unwrap().into_iter().map(|(key, _)| key).collect()
}

pub(super) async fn next(watch: &mut Watch) -> Arc<Commit> {
    timeout(PATIENCE, watch.next()).await.expect("a commit in time").expect("an open store").unwrap()
}

fn entry(value: &str, revision: u64, created: u64) -> Entry {
    Entry { value: Bytes::copy_from_slice(value.as_bytes()), revision, created }
}

fn changed(section: &str, key: &str, value: Option<&str>, previous: Option<&str>) -> Changed {
    let bytes = |value: &str| Bytes::copy_from_slice(value.as_bytes());
    Changed { section: section.into(), key: key.into(), value: value.map(bytes), previous: previous.map(bytes) }
}
