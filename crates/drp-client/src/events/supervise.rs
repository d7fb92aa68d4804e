//! The task behind an event stream: it keeps a session going for as long as somebody wants its events.

use std::{future::Future, sync::Arc};

use drp_core::{Selector, chain};
use tokio::{sync::watch, time::Instant};

use crate::{Client, backoff::Backoff};

use super::{
    queue::Queue,
    session::{Ended, Session},
};

/// The selectors that somebody wants. Who wanted them is gone when the sender is.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) selectors: Arc<[Selector]>,
    /// Grows with each change.
    pub(super) generation: u64,
}

/// The generation of what the server has confirmed.
pub(super) type Confirmed = watch::Sender<u64>;

/// An event stream's task.
pub(super) struct Supervisor {
    pub(super) client: Client,
    pub(super) queue: Arc<Queue>,
    pub(super) wanted: watch::Receiver<Wanted>,
    pub(super) confirmed: Confirmed,
}

impl Supervisor {
    pub(super) async fn run(mut self, mut session: Session) {
        let _end = EndOnDrop(Arc::clone(&self.queue));
        let times = self.client.inner().event_times.clone();
        let mut backoff = Backoff::new(times.reconnect_min, times.reconnect_max);
        session.deliver(false);
        loop {
            let began = Instant::now();
            match session.run(&mut self.wanted, &self.confirmed).await {
                Ended::Closing => {
                    session.leave().await;
                    break;
                }
                Ended::Lost(reason) => {
                    tracing::warn!(reason, "the event stream is interrupted: events may be missed until it is back");
                }
            }
            drop(session);
            // A server that takes the connection and drops it at once is not called more and more often.
            if began.elapsed() > times.reconnect_max {
                backoff.reset();
            }
            let unwanted = until_unwanted(self.wanted.clone());
            let Some(reopened) = unless(unwanted, self.reopen(&mut backoff)).await else { break };
            session = reopened;
            tracing::info!("the event stream is back");
            session.deliver(true);
        }
    }

    /// Tries for as long as it takes.
    async fn reopen(&mut self, backoff: &mut Backoff) -> Session {
        let mut told = String::new();
        loop {
            tokio::time::sleep(backoff.next_wait()).await;
            let Wanted { selectors, generation } = self.wanted.borrow_and_update().clone();
            match Session::open(&self.client, selectors, &self.queue).await {
                Ok(session) => {
                    self.confirmed.send_replace(generation);
                    return session;
                }
                Err(error) => {
                    let reason = chain(&error);
                    // Told once, and again where it is another one: that the credentials ended, say.
                    if reason != told {
                        tracing::warn!(reason, "the event stream cannot be opened again yet");
                        told = reason;
                    }
                }
            }
        }
    }
}

/// However the task ends, the stream's reader sees an end.
struct EndOnDrop(Arc<Queue>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.end();
    }
}

async fn until_unwanted(mut wanted: watch::Receiver<Wanted>) {
    while wanted.changed().await.is_ok() {}
}

async fn unless<T>(stopped: impl Future<Output = ()>, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        () = stopped => None,
        done = work => Some(done),
    }
}
