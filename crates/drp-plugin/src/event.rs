//! From the event stream to the handlers: ordered by object, at the same time across objects.

mod waiting;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use drp_client::{EventStream, StreamItem};
use drp_core::Event;
use tokio::task::JoinSet;
use tracing::Instrument;

use crate::{
    Context,
    handler::EventHandler,
    log::{Republish, open_scope},
    serve::{Service, contain_panic, end_in_time},
};

use self::waiting::{Subject, Waiting};

/// Events of different objects that are handled at the same time.
const HANDLERS_MAX: usize = 64;

/// Time between two lines that tell of lost events: in a flood, a line each would push out all others.
const TELL_TIME: Duration = Duration::from_secs(1);

/// Hands the events of the stream to the handlers until the plugin stops.
pub(crate) async fn dispatch<S: Send + Sync + 'static>(service: Arc<Service<S>>, mut stream: EventStream) {
    let mut waiting = Waiting::default();
    let mut running: JoinSet<Subject> = JoinSet::new();
    let mut lost = Lost::default();
    loop {
        while running.len() < HANDLERS_MAX
            && let Some((subject, event)) = waiting.start()
        {
            running.spawn(handle(Arc::clone(&service), event, subject));
        }
        tokio::select! {
            () = service.stop_asked.cancelled() => break,
            Some(ended) = running.join_next() => {
                // `handle` contains panics, so a task always ends with its subject.
                if let Ok(subject) = ended {
                    waiting.end(subject);
                }
            }
            () = tokio::time::sleep_until((lost.told + TELL_TIME).into()), if lost.count > 0 => lost.tell(),
            item = stream.next() => match item {
                Some(StreamItem::Event(event)) => lost.count += waiting.push(event),
                Some(StreamItem::Lagged(count)) => lost.count += count,
                Some(StreamItem::Resynced) => tracing::warn!("the event stream was interrupted and is back"),
                _ => break,
            },
        }
    }
    stream.close().await;
    if lost.count > 0 {
        lost.tell();
    }
    if waiting.len() > 0 {
        tracing::warn!("{} events were dropped: the plugin stops", waiting.len());
    }
    while running.join_next().await.is_some() {}
}

/// Events that were lost and not yet told of.
struct Lost {
    count: u64,
    told: Instant,
}

impl Default for Lost {
    fn default() -> Self {
        Self { count: 0, told: Instant::now() }
    }
}

impl Lost {
    fn tell(&mut self) {
        tracing::warn!("{} events were lost: they came faster than they were handled", self.count);
        *self = Self::default();
    }
}

async fn handle<S: Send + Sync + 'static>(service: Arc<Service<S>>, event: Event, subject: Subject) -> Subject {
    let Some(handler) = find_handler(&service.provider.events, &event) else { return subject };
    let Ok(configured) = service.configured() else { return subject };
    let log = open_scope(Republish::Never, None);
    let Ok(call) = service.call(&configured.plugin, log.clone()) else { return subject };
    let name: Arc<str> = format!("the handler of event `{}.{}.{}`", event.type_, event.action, event.key).into();
    let context = Context::of_call(Arc::clone(&configured.state), call);
    // The call itself belongs inside as well: it may panic before there is a future.
    let work = async { end_in_time(handler(context, event), &service.cancelled, None).await };
    let report = async {
        if let Err(error) = contain_panic(Arc::clone(&name), work).await {
            tracing::error!("{name} failed: {error}");
        }
    };
    report.instrument(log).await;
    subject
}

fn find_handler<'a, S>(
    handlers: &'a [(drp_core::Selector, EventHandler<S>)],
    event: &Event,
) -> Option<&'a EventHandler<S>> {
    handlers.iter().find(|(selector, _)| selector.matches(event)).map(|(_, handler)| handler)
}
