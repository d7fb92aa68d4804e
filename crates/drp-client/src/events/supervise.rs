//! The task behind an event stream: it keeps a session going for as long as somebody wants its events.

use std::{future::Future, sync::Arc};

use drp_core::{Selector, chain};
use tokio::{sync::oneshot, time::Instant};

use crate::{Client, backoff::Backoff};

use super::{
    StreamItem,
    queue::Queue,
    session::{Ended, Session},
};

pub(super) async fn run(client: Client, mut session: Session, queue: Arc<Queue>, mut closing: oneshot::Receiver<()>) {
    let _end = EndOnDrop(Arc::clone(&queue));
    let times = client.inner().event_times.clone();
    let mut backoff = Backoff::new(times.reconnect_min, times.reconnect_max);
    loop {
        let began = Instant::now();
        match session.run(&mut closing).await {
            Ended::Closing => {
                session.leave().await;
                break;
            }
            Ended::Lost(reason) => {
                tracing::warn!(reason, "the event stream is interrupted: events may be missed until it is back");
            }
        }
        // A server that takes the connection and drops it at once is not called more and more often.
        if began.elapsed() > times.reconnect_max {
            backoff.reset();
        }
        let selectors = session.selectors();
        drop(session);
        match unless_closing(&mut closing, reopen(&client, &selectors, &queue, &mut backoff)).await {
            Some(reopened) => session = reopened,
            None => break,
        }
        tracing::info!("the event stream is back");
        queue.put_notice(StreamItem::Resynced);
    }
}

/// However the task ends, the stream's reader sees an end.
struct EndOnDrop(Arc<Queue>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Tries for as long as it takes.
async fn reopen(client: &Client, selectors: &Arc<[Selector]>, queue: &Arc<Queue>, backoff: &mut Backoff) -> Session {
    loop {
        tokio::time::sleep(backoff.next_wait()).await;
        match Session::open(client, Arc::clone(selectors), queue).await {
            Ok(session) => return session,
            // The interruption was told once; each try would only repeat it.
            Err(error) => tracing::debug!(reason = chain(&error), "the event stream cannot be opened again yet"),
        }
    }
}

async fn unless_closing<T>(closing: &mut oneshot::Receiver<()>, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        _ = closing => None,
        done = work => Some(done),
    }
}
