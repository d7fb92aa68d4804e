//! The stream of events.

use std::{collections::HashSet, sync::Arc, time::Duration};

use drp_core::{Event, Selector, limits};
use tokio::{sync::watch, task::JoinHandle, time::timeout};

use crate::{BuildRequestError, Client, ClientError, ClientErrorKind, config::reasonable};

use self::{
    queue::Queue,
    session::Session,
    supervise::{Supervisor, Wanted},
};

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
    /// So many events were lost here: this client's reader was too slow, the server told so, or a frame came that was
    /// no event.
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
    /// The stream reads on its own, so a slow reader never holds up the connection, nor the streams of others. Up to
    /// [`limits::SUBSCRIBER_EVENTS_MAX`] events of [`limits::SUBSCRIBER_EVENT_BYTES_MAX`] bytes wait for it; beyond
    /// that the oldest go and [`StreamItem::Lagged`] stands in their place. A lost connection is made again for as
    /// long as the stream lives, and [`StreamItem::Resynced`] marks the gap.
    ///
    /// # Errors
    /// The first connection or registration fails, or there are too many selectors.
    pub async fn events(&self, selectors: Vec<Selector>) -> Result<EventStream, ClientError> {
        let selectors = distinct(selectors)?;
        let queue = Arc::new(Queue::default());
        let session = Session::open(self, Arc::clone(&selectors), &queue).await?;
        let (wanted, wanted_now) = watch::channel(Wanted { selectors, generation: 0 });
        let (confirmed_now, confirmed) = watch::channel(0);
        let (client, its_queue) = (self.clone(), Arc::clone(&queue));
        let supervisor = Supervisor { client, queue: its_queue, wanted: wanted_now, confirmed: confirmed_now };
        let task = tokio::spawn(supervisor.run(session));
        Ok(EventStream { queue, wanted, confirmed, change_time: self.request_time(), task })
    }
}

/// Each selector once.
fn distinct(selectors: Vec<Selector>) -> Result<Arc<[Selector]>, ClientError> {
    let mut seen = HashSet::new();
    let selectors: Arc<[Selector]> = selectors.into_iter().filter(|s| seen.insert(s.clone())).collect();
    check_count(selectors.len())?;
    Ok(selectors)
}

fn check_count(selectors: usize) -> Result<(), ClientError> {
    if selectors > limits::SELECTORS_PER_WEBSOCKET_MAX {
        return Err(BuildRequestError::TooManySelectors(selectors).into());
    }
    Ok(())
}

/// Events as they come. Made by [`Client::events`]; dropping it closes the websocket in the background.
#[derive(Debug)]
pub struct EventStream {
    queue: Arc<Queue>,
    /// The task ends with it.
    wanted: watch::Sender<Wanted>,
    confirmed: watch::Receiver<u64>,
    change_time: Duration,
    task: JoinHandle<()>,
}

impl EventStream {
    /// The next item; waits for it. `None` only when the stream's task was stopped with its runtime. Safe to cancel:
    /// no item gets lost.
    pub async fn next(&mut self) -> Option<StreamItem> {
        self.queue.next().await
    }

    /// Asks for the events of these selectors from now on, and returns when the server has confirmed it.
    ///
    /// Selectors that were there before stay registered all the time, so that none of their events is missed. Events
    /// of those that are gone may still come if they waited to be read.
    ///
    /// # Errors
    /// Too many selectors, counting those that are there now; nothing has changed then. Or the server did not confirm
    /// it within the client's request time: then the stream goes on trying, a lost connection is made again with the
    /// new selectors, and [`StreamItem::Resynced`] says when.
    pub async fn set_selectors(&mut self, selectors: Vec<Selector>) -> Result<(), ClientError> {
        let selectors = distinct(selectors)?;
        // Those that go are deregistered last.
        let old = Arc::clone(&self.wanted.borrow().selectors);
        check_count(old.iter().chain(selectors.iter()).collect::<HashSet<_>>().len())?;
        let mut generation = 0;
        self.wanted.send_modify(|wanted| {
            wanted.generation += 1;
            wanted.selectors = selectors;
            generation = wanted.generation;
        });
        let confirmed = self.confirmed.wait_for(|&confirmed| confirmed >= generation);
        let failed = |kind| Err(ClientError::new("changing the selectors of an event stream", kind));
        match timeout(self.change_time, confirmed).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(ended)) => failed(ClientErrorKind::Disconnected(Box::new(ended))),
            Err(_) => failed(ClientErrorKind::Timeout(self.change_time)),
        }
    }

    /// The selectors that were asked for last.
    #[must_use]
    pub fn selectors(&self) -> Arc<[Selector]> {
        Arc::clone(&self.wanted.borrow().selectors)
    }

    /// How many frames came that were no events. The first was logged, and [`StreamItem::Lagged`] stands in the place
    /// of each, because it may have been meant to be one.
    #[must_use]
    pub fn malformed(&self) -> u64 {
        self.queue.malformed()
    }

    /// Deregisters the selectors and closes the websocket in good order, and returns when that is done or the server
    /// takes too long for it. Items not yet read are gone.
    pub async fn close(self) {
        let Self { wanted, task, .. } = self;
        drop(wanted);
        if let Err(error) = task.await {
            tracing::error!(%error, "the event stream's task did not end well");
        }
    }
}

/// What a text frame of a server means, for whoever looks for texts that do harm.
#[doc(hidden)]
pub fn fuzz_event_frame(text: &str) -> Option<StreamItem> {
    match frame::read_text(text) {
        frame::Frame::Event(event, _) => Some(StreamItem::Event(*event)),
        frame::Frame::Lagged(count) => Some(StreamItem::Lagged(count)),
        _ => None,
    }
}
