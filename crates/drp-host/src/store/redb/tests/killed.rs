//! A process that is killed while it writes. The test runs itself again as that process.

use std::env;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use bytes::Bytes;
use futures_util::future::join_all;
use tempfile::tempdir;

use super::super::{OpenError, RedbStore};
use crate::store::conformance::commit;
use crate::store::{Change, Expect, Store};

const DIRECTORY: &str = "DRPX_TEST_KILLED_STORE";
const ROUND: &str = "DRPX_TEST_KILLED_ROUND";
const ROUNDS: u32 = 5;
const WRITERS: u32 = 4;

#[test]
fn a_killed_process_loses_nothing_that_was_acknowledged() {
    let directory = tempdir().unwrap();
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        let mut child = Writing::start(directory.path(), round);
        let after = 1 + RandomState::new().hash_one(round) % 150;
        for _ in 0..after {
            acknowledged.push(child.acknowledged().expect("the child goes on until it is killed"));
        }
        assert!(matches!(RedbStore::open(directory.path()), Err(OpenError::InUse { .. })), "the child has it open");
        child.process.kill().unwrap();
        // What it said before it died counts too.
        while let Some(key) = child.acknowledged() {
            acknowledged.push(key);
        }
        drop(child);

        let store = RedbStore::open(directory.path()).unwrap();
        for key in &acknowledged {
            let entry = store.get("machines", key).unwrap().unwrap_or_else(|| panic!("{key} is lost"));
            assert_eq!(entry.value, value(key));
        }
        let all = store.scan("machines", None, usize::MAX).unwrap();
        assert!(all.iter().all(|(key, entry)| entry.value == value(key)), "nothing is torn");
        assert_eq!(store.count("machines").unwrap(), all.len() as u64);
        assert_eq!(store.revision(), all.len() as u64);
    }
}

/// Does nothing, unless the test above started it.
#[tokio::test]
async fn a_child_writes_until_it_is_killed() {
    let (Some(directory), Ok(round)) = (env::var_os(DIRECTORY), env::var(ROUND)) else { return };
    let store = &RedbStore::open(directory).unwrap();
    let round = &round;
    join_all((0..WRITERS).map(|writer| async move {
        for number in 0.. {
            let key = format!("{round}-{writer}-{number}");
            let change = Change::put("machines", key.clone(), value(&key)).expecting(Expect::Absent);
            commit(store, [change]).await.unwrap();
            // Fails, and ends the process, when the parent is gone.
            writeln!(io::stdout(), "acknowledged {key}.").unwrap();
        }
    }))
    .await;
}

fn value(key: &str) -> Bytes {
    key.bytes().cycle().take(8 << 10).collect()
}

struct Writing {
    process: Child,
    output: BufReader<ChildStdout>,
}

impl Writing {
    fn start(directory: &Path, round: u32) -> Self {
        let (_, module) = module_path!().split_once("::").unwrap();
        let mut process = Command::new(env::current_exe().unwrap())
            .args([&format!("{module}::a_child_writes_until_it_is_killed"), "--exact", "--nocapture"])
            .env(DIRECTORY, directory)
            .env(ROUND, round.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self { process, output }
    }

    /// The next key that the child says is durable; `None` when it is dead.
    fn acknowledged(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            // A line without its end was being written when the child died.
            if let Some(key) = line.trim_end().strip_prefix("acknowledged ").and_then(|key| key.strip_suffix('.')) {
                return Some(key.to_owned());
            }
        }
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
