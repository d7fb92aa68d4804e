//! Publishing events while faults happen.

use drp_client::EventStream;
use futures_util::future::join_all;

use crate::{
    EVENTS, KEYS, faults,
    ledger::{LAST, Ledger, read_and_check},
    numbers::Numbers,
    proxy::{Fault, Proxy},
};

/// Reads the stream while `publish` publishes events and the proxy disturbs everything. `publish` says whether an event
/// was surely published; of each key it is asked for one after the other.
pub(crate) async fn run(
    mut stream: EventStream,
    proxy: &Proxy,
    numbers: Numbers,
    publish: impl AsyncFn(&str, u64) -> bool,
) {
    let ledger = Ledger::default();
    let publish_all = async |key: u64| {
        let key = format!("key-{key}");
        for number in 0..EVENTS / KEYS {
            ledger.note(&key, number, publish(&key, number).await);
        }
    };
    let publish_and_disturb = async {
        tokio::join!(join_all((0..KEYS).map(publish_all)), disturb(proxy, &ledger, numbers));
        // A connection that is half open is noticed only by and by: until then the end is not seen either.
        loop {
            for key in 0..KEYS {
                publish(&format!("key-{key}"), LAST).await;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let seen = tokio::select! {
        seen = read_and_check(&mut stream, &ledger, KEYS) => seen,
        () = publish_and_disturb => unreachable!("it goes on"),
    };
    println!("{seen:?}");
    // Else the run has tested nothing.
    assert!(seen.gaps > faults() / 10, "{seen:?}");
    assert!(seen.events > EVENTS / 10, "{seen:?}");
    assert_eq!(stream.malformed(), 0);
    stream.close().await;
}

/// Makes all faults, spread over the events.
async fn disturb(proxy: &Proxy, ledger: &Ledger, mut numbers: Numbers) {
    for n in 1..=faults() {
        ledger.wait_until_tried(EVENTS * n / (faults() + 1)).await;
        proxy.make(Fault::any(&mut numbers));
    }
}
