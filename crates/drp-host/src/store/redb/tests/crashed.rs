//! Disks that lose what was not synced, tear what was being written, or fail.

use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use futures_util::FutureExt;
use redb::StorageBackend;

use super::super::engine::{RedbView, initialize};
use super::super::start;
use crate::store::conformance::batch_of;
use crate::store::core::Core;
use crate::store::engine::View;
use crate::store::{Change, CommitError, Committed};

const COMMITS: u64 = 24;
const SECTION: &str = "machines";
const NO_SPACE: i32 = 28;

/// `#39`.
#[tokio::test]
async fn a_crash_at_any_byte_loses_and_tears_nothing_that_was_acknowledged() {
    let disk = Disk::initialized();
    let store = open(&disk);
    disk.state().log.clear();
    let base = disk.state().image.clone();
    let mut acknowledged = Vec::new();
    for revision in 1..=COMMITS {
        commit(&store, revision).await.unwrap();
        acknowledged.push(disk.state().log.len());
    }
    let log = disk.state().log.clone();
    drop(store);

    let mut random = Random(0x2545_F491_4F6C_DD1D);
    for crash in 0..log.len() {
        let safe = acknowledged.iter().filter(|length| **length <= crash).count() as u64;
        for _ in 0..1 {
            let disk = Disk::holding(after_crash(&base, &log, crash, &mut random));
            let revision = check(&open(&disk));
            assert!((safe..=safe + 1).contains(&revision), "crash at {crash}: {revision}, of which {safe} are safe");
        }
    }
}

#[tokio::test]
async fn a_store_whose_disk_fails_is_read_only_and_says_why() {
    let operations = operations_of_a_commit().await;
    assert!(operations > 5);
    for failing in 0..operations {
        let disk = Disk::initialized();
        let store = open(&disk);
        for revision in 1..=10 {
            commit(&store, revision).await.unwrap();
        }
        drop(store);
        // Opened again, so that what is read after the failure comes from the disk.
        let store = open(&disk);
        assert!(store.failed().now_or_never().is_none());
        let mut watch = store.watch(None).unwrap();
        let before = disk.state().log.len();
        disk.state().fails_at = Some(before + failing);

        let mut acknowledged = 10;
        let failed = loop {
            match commit(&store, acknowledged + 1).await {
                Ok(_) => acknowledged += 1,
                Err(error) => break error,
            }
        };
        let CommitError::Failed(source) = &failed else { panic!("operation {failing}: {failed}") };
        assert_eq!(source.to_string(), "cannot commit to the store");
        assert!(source.source().unwrap().to_string().contains("No space left on device"));
        for _ in 0..2 {
            let refused = commit(&store, acknowledged + 1).await.unwrap_err();
            assert!(matches!(refused, CommitError::ReadOnly { .. }));
            let reason = "cannot change the store, which is read-only: cannot commit to the store: No space left";
            assert!(refused.to_string().starts_with(reason), "{refused}");
        }
        assert!(store.status().read_only.unwrap().contains("No space left on device"));
        assert!(store.failed().now_or_never().unwrap().contains("No space left on device"));

        assert_eq!(check(&store), acknowledged, "reads go on and do not show what was refused");
        for _ in 10..acknowledged {
            watch.next().await.unwrap().unwrap();
        }
        drop(store);
        assert!(watch.next().await.is_none(), "a watch does not show it either");
        assert_eq!(disk.state().log.len(), before + failing, "a failed file is left alone");

        let revision = check(&open(&Disk::holding(disk.state().image.clone())));
        assert!((acknowledged..=acknowledged + 1).contains(&revision));
    }
}

async fn operations_of_a_commit() -> usize {
    let disk = Disk::initialized();
    let store = open(&disk);
    for revision in 1..=10 {
        commit(&store, revision).await.unwrap();
    }
    let before = disk.state().log.len();
    commit(&store, 11).await.unwrap();
    disk.state().log.len() - before
}

fn open(disk: &Disk) -> Core<RedbView> {
    start(disk.clone(), Path::new("simulated")).unwrap()
}

/// Revision n puts the value of n under two of some keys and deletes another.
async fn commit(store: &Core<RedbView>, revision: u64) -> Result<Committed, CommitError> {
    let [first, second, deleted] = names(revision);
    let value = value(revision);
    let changes = [
        Change::put(SECTION, first, value.clone()),
        Change::put(SECTION, second, value),
        Change::delete(SECTION, deleted),
    ];
    store.commit(batch_of(changes)).await
}

/// Checks that a store is exactly as its revision left it.
fn check(store: &Core<RedbView>) -> u64 {
    let revision = store.revision();
    let mut expected = BTreeMap::new();
    for revision in 1..=revision {
        let [first, second, deleted] = names(revision);
        expected.insert(first, revision);
        expected.insert(second, revision);
        expected.remove(&deleted);
    }
    let found = store.read(|view| view.scan(SECTION, None, usize::MAX)).unwrap();
    let revisions: BTreeMap<_, _> = found.iter().map(|(key, entry)| (key.clone(), entry.revision)).collect();
    assert_eq!(revisions, expected, "at revision {revision}");
    for (_, entry) in &found {
        assert_eq!(entry.value, value(entry.revision));
    }
    assert_eq!(store.read(|view| view.count(SECTION)).unwrap(), found.len() as u64);
    revision
}

fn names(revision: u64) -> [String; 3] {
    [revision % 7, 100 + revision % 11, (revision + 3) % 7].map(|key| format!("m{key}"))
}

fn value(revision: u64) -> Vec<u8> {
    let bytes = usize::try_from(revision % 4 * 3000).unwrap();
    revision.to_le_bytes().into_iter().cycle().take(8 + bytes).collect()
}

/// What a disk may hold after a crash in the operation `crash`: all that was synced, any of what was written since,
/// and a part of what was being written.
fn after_crash(base: &[u8], log: &[Operation], crash: usize, random: &mut Random) -> Vec<u8> {
    let synced = log[..crash].iter().rposition(|operation| matches!(operation, Operation::Sync)).unwrap_or(0);
    let mut image = base.to_vec();
    for (index, operation) in log[..=crash].iter().enumerate() {
        match operation {
            Operation::Write(offset, data) if index == crash => {
                let torn = random.below(data.len() + 1);
                write(&mut image, *offset, &data[..torn]);
            }
            _ if index > synced && random.below(2) == 0 => {}
            Operation::Write(offset, data) => write(&mut image, *offset, data),
            Operation::Resize(len) => image.resize(*len, 0),
            Operation::Sync => {}
        }
    }
    image
}

fn write(image: &mut Vec<u8>, offset: usize, data: &[u8]) {
    let end = offset + data.len();
    if image.len() < end {
        image.resize(end, 0);
    }
    image[offset..end].copy_from_slice(data);
}

/// A disk in memory that remembers what was done to it.
#[derive(Clone, Debug, Default)]
struct Disk(Arc<Mutex<DiskState>>);

#[derive(Debug, Default)]
struct DiskState {
    image: Vec<u8>,
    log: Vec<Operation>,
    /// The operation that fails, and with it all that follow.
    fails_at: Option<usize>,
}

#[derive(Clone, Debug)]
enum Operation {
    Write(usize, Vec<u8>),
    Resize(usize),
    Sync,
}

impl Disk {
    fn initialized() -> Self {
        let disk = Self::default();
        initialize(disk.clone()).unwrap();
        disk
    }

    fn holding(image: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(DiskState { image, ..DiskState::default() })))
    }

    fn state(&self) -> MutexGuard<'_, DiskState> {
        self.0.lock().unwrap()
    }

    fn operate(&self, operation: Operation) -> io::Result<()> {
        let mut state = self.state();
        let fails = state.fails_at.is_some_and(|failing| state.log.len() >= failing);
        match &operation {
            Operation::Write(offset, data) => {
                let written = if fails { data.len() / 2 } else { data.len() };
                write(&mut state.image, *offset, &data[..written]);
            }
            Operation::Resize(len) if !fails => state.image.resize(*len, 0),
            Operation::Resize(_) | Operation::Sync => {}
        }
        if fails {
            return Err(io::Error::from_raw_os_error(NO_SPACE));
        }
        state.log.push(operation);
        Ok(())
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().image.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let offset = usize::try_from(offset).unwrap();
        out.copy_from_slice(&self.state().image[offset..offset + out.len()]);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.operate(Operation::Resize(usize::try_from(len).unwrap()))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.operate(Operation::Sync)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.operate(Operation::Write(usize::try_from(offset).unwrap(), data.to_vec()))
    }
}

/// Numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % limit
    }
}
