//! Many configurations: what one leaves behind shows after two hundred.

use std::{fs, thread};

use raw_peer::eventually;
use serde_json::json;

use crate::peer::{CONFIG, Host};

const ROUNDS: u8 = 200;
const AT_ONCE: u8 = 50;
const GROWTH_KB_MAX: u64 = 4000;

impl Host {
    fn reconfigure(&self, limit: u8) -> u16 {
        self.post(CONFIG, &json!({"Name": "instance", "subject/token": "a-token", "subject/limit": limit})).0
    }

    fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    fn threads(&self) -> usize {
        fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap().count()
    }

    /// Does something, and waits until the process is no larger than before.
    fn stays_flat(&self, storm: impl FnOnce()) {
        let (descriptors, threads, memory) = (self.descriptors(), self.threads(), self.memory_kb());
        storm();
        eventually("descriptors and threads are as before", || {
            (self.descriptors() <= descriptors && self.threads() <= threads).then_some(())
        });
        let growth = self.memory_kb().saturating_sub(memory);
        assert!(growth < GROWTH_KB_MAX, "{growth} kB more");
    }
}

#[test]
fn two_hundred_configurations_in_a_row_leave_nothing_behind() {
    let host = Host::configured();
    // What is made once is there by now.
    (0..20).for_each(|n| assert_eq!(host.reconfigure(n), 200));
    host.stays_flat(|| (0..ROUNDS).for_each(|n| assert_eq!(host.reconfigure(n % 90), 200)));
    assert_eq!(host.act("limit", &json!({})), (200, json!((ROUNDS - 1) % 90)));
}

#[test]
fn fifty_configurations_at_once_leave_nothing_behind() {
    let host = &Host::configured();
    let storm = || {
        thread::scope(|scope| {
            let posts: Vec<_> = (0..AT_ONCE).map(|n| scope.spawn(move || host.reconfigure(n))).collect();
            for post in posts {
                assert!(matches!(post.join().unwrap(), 200 | 409));
            }
        });
    };
    storm();
    host.stays_flat(|| (0..4).for_each(|_| storm()));
}
