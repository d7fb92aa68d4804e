//! What a reader costs that reads nothing.

use drp_client::StreamItem;
use drp_core::limits;
use tokio::time::timeout;

use crate::{
    PATIENCE,
    raw::{RawPeer, client},
};

const EVENTS: usize = 1000;
const EVENT_BYTES: usize = 256 << 10;
/// What may wait, what is being read and copied, and what allocators keep.
const GROWTH_MAX: usize = 3 * limits::SUBSCRIBER_EVENT_BYTES_MAX;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_of_megabytes_that_nobody_reads_do_not_fill_the_memory() {
    let peer = RawPeer::start().await;
    let client = client(peer.address);
    let mut lazy = client.events(vec!["faults.happened.*".parse().unwrap()]).await.unwrap();
    let mut eager = client.events(vec!["faults.happened.*".parse().unwrap()]).await.unwrap();
    let before = resident_bytes();
    let object = format!("\"{}\"", "x".repeat(EVENT_BYTES));
    for n in 0..EVENTS {
        peer.publish(&n.to_string(), &object);
        // The other reader says that it went through, so that the peer itself holds nothing.
        let item = timeout(PATIENCE, eager.next()).await.unwrap();
        assert!(matches!(item, Some(StreamItem::Event(event)) if event.key == n.to_string()));
        let growth = resident_bytes().saturating_sub(before);
        assert!(growth < GROWTH_MAX, "{growth} bytes more after {n} events");
    }
    let mut told = 0;
    while told < EVENTS {
        told += match timeout(PATIENCE, lazy.next()).await.unwrap().unwrap() {
            StreamItem::Lagged(count) => usize::try_from(count).unwrap(),
            StreamItem::Event(_) => 1,
            other => panic!("{other:?}"),
        };
    }
    assert_eq!(told, EVENTS, "each is there or counted");
}

fn resident_bytes() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = text.split(' ').nth(1).unwrap().parse().unwrap();
    pages * rustix::param::page_size()
}
