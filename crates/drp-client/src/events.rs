//! The stream of events.

use std::{collections::HashSet, sync::Arc, time::Duration};

use drp_core::{Event, Selector, limits};
use tokio::{sync::oneshot, task::JoinHandle};

use crate::{BuildRequestError, Client, ClientError, config::reasonable};

use self::{queue::Queue, session::Session};

mod frame;
mod queue;
mod session;
mod socket;
mod supervise;

/// What an [`EventStream`] gives, in the order in which it happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum StreamItem {
    /// Something happened.
    Event(Event),
    /// The connection was lost and is back, with all selectors registered. What happened in between was not seen and
    /// is not replayed: whoever mirrors objects lists them again now, and from here on misses nothing.
    Resynced,
    /// So many events were lost here: this client's reader was too slow, or the server told so.
    Lagged(u64),
}

/// How long an event stream waits for what.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EventTimes {
    /// Time between two pings; [`limits::WS_PING_TIME`] unless set.
    pub ping: Duration,
    /// Silence after which the connection is taken for dead; [`limits::WS_SILENCE_TIME`] unless set.
    pub silence: Duration,
    /// Time the server has to echo a registration; [`limits::WS_ECHO_TIME`] unless set.
    pub echo: Duration,
    /// First wait before a lost connection is made again; [`limits::RECONNECT_WAIT_MIN`] unless set.
    pub reconnect_min: Duration,
    /// Longest wait before a lost connection is made again; [`limits::RECONNECT_WAIT_MAX`] unless set.
    pub reconnect_max: Duration,
}

impl Default for EventTimes {
    fn default() -> Self {
        Self {
            ping: limits::WS_PING_TIME,
            silence: limits::WS_SILENCE_TIME,
            echo: limits::WS_ECHO_TIME,
            reconnect_min: limits::RECONNECT_WAIT_MIN,
            reconnect_max: limits::RECONNECT_WAIT_MAX,
        }
    }
}

impl EventTimes {
    pub(crate) fn reasonable(&self) -> Self {
        Self {
            ping: reasonable(self.ping),
            silence: reasonable(self.silence),
            echo: reasonable(self.echo),
            reconnect_min: reasonable(self.reconnect_min),
            reconnect_max: reasonable(self.reconnect_max),
        }
    }
}

impl Client {
    /// Opens a websocket, registers the selectors, and gives the stream of their events once the server has
    /// confirmed all of them: whatever happens from then on is in it.
    ///
    /// The stream reads on its own, so a slow reader never holds up the connection. Up to
    /// [`limits::SUBSCRIBER_EVENTS_MAX`] events wait for it; beyond that the oldest go and
    /// [`StreamItem::Lagged`] stands in their place. A lost connection is made again for as long as the stream lives,
    /// and [`StreamItem::Resynced`] marks the gap.
    ///
    /// # Errors
    /// The first connection or registration fails, or there are too many selectors.
    pub async fn events(&self, selectors: Vec<Selector>) -> Result<EventStream, ClientError> {
        let mut seen = HashSet::new();
        let selectors: Vec<Selector> = selectors.into_iter().filter(|s| seen.insert(s.clone())).collect();
        if selectors.len() > limits::SELECTORS_PER_WEBSOCKET_MAX {
            return Err(BuildRequestError::TooManySelectors(selectors.len()).into());
        }
        let queue = Arc::new(Queue::default());
        let session = Session::open(self, selectors.into(), &queue).await;
        let session = session.map_err(|kind| ClientError::new("GET ws", kind))?;
        let (close, closing) = oneshot::channel();
        let task = tokio::spawn(supervise::run(self.clone(), session, Arc::clone(&queue), closing));
        Ok(EventStream { queue, close, task })
    }
}

/// Events as they come. Made by [`Client::events`]; dropping it closes the websocket in the background.
#[derive(Debug)]
pub struct EventStream {
    queue: Arc<Queue>,
    close: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl EventStream {
    /// The next item; waits for it. `None` only when the stream's task was stopped with its runtime. Safe to cancel:
    /// no item gets lost.
    pub async fn next(&mut self) -> Option<StreamItem> {
        self.queue.next().await
    }

    /// How many frames came that were no events. Each was logged and passed over.
    #[must_use]
    pub fn malformed(&self) -> u64 {
        self.queue.malformed()
    }

    /// Deregisters the selectors and closes the websocket in good order, and returns when that is done or the server
    /// takes too long for it. Items not yet read are gone.
    pub async fn close(self) {
        let Self { close, task, .. } = self;
        let _ = close.send(());
        if let Err(error) = task.await {
            tracing::error!(%error, "the event stream's task did not end well");
        }
    }
}
