//! From the event stream to the handlers: ordered by object, at the same time across objects.

mod limits;
mod listener;
mod missed;
mod on;
mod waiting;

use std::{
    collections::HashSet,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Instant,
};

use drp_client::{EventStream, StreamItem};
use drp_core::{Event, Selector, limits::SUBSCRIBER_EVENTS_MAX};
use futures_util::FutureExt;
use tokio::task::JoinSet;
use tracing::Instrument;

pub(crate) use self::listener::{Change, Listener, Settling};
pub use self::{
    limits::{EventLimits, Overflow},
    missed::Missed,
    on::On,
};
use self::{
    missed::Notices,
    waiting::{Cost, Item, Subject, Waiting},
};
use crate::{
    Context,
    handler::EventHandler,
    log::{Republish, open_scope},
    serve::{Service, contain_panic, end_in_time},
};

/// Which events go to which handler.
pub(crate) struct Rule<S> {
    pub(crate) on: On<S>,
    pub(crate) handler: EventHandler<S>,
}

/// The selectors of each rule for a state.
pub(crate) type Selected = Vec<Vec<Selector>>;

/// What the rules select for a state.
pub(crate) fn selected_by<S>(rules: &[Rule<S>], state: &S) -> Selected {
    rules.iter().map(|rule| rule.on.selectors(state)).collect()
}

/// The same without what is there twice, as a server is told.
pub(crate) fn distinct(selected: &Selected) -> Vec<Selector> {
    let mut seen = HashSet::new();
    selected.iter().flatten().filter(|selector| seen.insert(*selector)).cloned().collect()
}

/// Hands the events of the stream to the handlers until the plugin stops.
pub(crate) async fn dispatch<S: Send + Sync + 'static>(
    service: Arc<Service<S>>,
    mut stream: EventStream,
    mut changes: tokio::sync::mpsc::Receiver<Change>,
) {
    let mut waiting = Waiting::new(service.provider.event_limits.clone());
    let mut running: JoinSet<Subject> = JoinSet::new();
    let mut notices = Notices::at_start();
    let metrics = &service.metrics;
    let mut reconciling: JoinSet<()> = JoinSet::new();
    loop {
        while running.len() < service.provider.event_limits.parallel.max(1)
            && let Some((subject, item)) = waiting.start()
        {
            running.spawn(handle(Arc::clone(&service), item, subject));
        }
        metrics.events_waiting.store(waiting.len() as u64, Relaxed);
        let due = notices.due().filter(|_| reconciling.is_empty());
        tokio::select! {
            biased;
            () = service.stop_asked.cancelled() => break,
            Some(change) = changes.recv() => change.carry_out(&mut stream).await,
            Some(ended) = running.join_next() => {
                // `handle` contains panics, so a task always ends with its subject.
                if let Ok(subject) = ended {
                    waiting.end(subject);
                }
            }
            Some(_) = reconciling.join_next() => {}
            () = at(due), if due.is_some() => {
                let missed = notices.take();
                if service.provider.reconcile.is_some() {
                    reconciling.spawn(reconcile(Arc::clone(&service), missed));
                }
            }
            item = stream.next(), if waiting.has_room() => match item {
                Some(item) => take_in(&service, &mut waiting, &mut notices, item),
                None => break,
            },
        }
        // The stream holds few events and there is room for many here: handlers that end one after the other must not
        // keep them out.
        for _ in 0..SUBSCRIBER_EVENTS_MAX {
            if !waiting.has_room() {
                break;
            }
            let Some(Some(item)) = stream.next().now_or_never() else { break };
            take_in(&service, &mut waiting, &mut notices, item);
        }
    }
    stream.close().await;
    if notices.due().is_some() {
        notices.take();
    }
    if waiting.len() > 0 {
        tracing::warn!("{} events were dropped: the plugin stops", waiting.len());
        metrics.events_dropped.fetch_add(waiting.len() as u64, Relaxed);
    }
    while running.join_next().await.is_some() {}
    while reconciling.join_next().await.is_some() {}
}

async fn at(due: Option<Instant>) {
    if let Some(due) = due {
        tokio::time::sleep_until(due.into()).await;
    }
}

/// Takes in what has come: an event waits for its handler, anything else for its notice.
fn take_in<S: Send + Sync + 'static>(
    service: &Service<S>,
    waiting: &mut Waiting,
    notices: &mut Notices,
    item: StreamItem,
) {
    let metrics = &service.metrics;
    match item {
        StreamItem::Event(event) => {
            let cost = let_wait(service, waiting, event);
            notices.lagged(cost.dropped);
            metrics.events_dropped.fetch_add(cost.dropped, Relaxed);
            metrics.events_coalesced.fetch_add(cost.coalesced, Relaxed);
        }
        StreamItem::Lagged(count) => {
            notices.lagged(count);
            metrics.events_dropped.fetch_add(count, Relaxed);
        }
        StreamItem::Resynced => {
            notices.resynced();
            metrics.resyncs.fetch_add(1, Relaxed);
        }
        other => tracing::debug!("the event stream gave what is not known here: {other:?}"),
    }
}

/// Lets the event wait for the first rule that is for it.
fn let_wait<S: Send + Sync + 'static>(service: &Service<S>, waiting: &mut Waiting, event: Event) -> Cost {
    let Ok(configured) = service.configured() else { return Cost::default() };
    let is_for = |(rule, selectors): (&Rule<S>, &Vec<Selector>)| {
        selectors.iter().any(|selector| selector.matches(&event)) && rule.on.holds(&event)
    };
    match service.provider.rules.iter().zip(&configured.selected).position(is_for) {
        Some(rule) => waiting.push(Item { rule, event }),
        None => Cost::default(),
    }
}

async fn handle<S: Send + Sync + 'static>(service: Arc<Service<S>>, item: Item, subject: Subject) -> Subject {
    let Item { rule, event } = item;
    let Some(rule) = service.provider.rules.get(rule) else { return subject };
    let name = format!("the handler of event `{}.{}.{}`", event.type_, event.action, event.key);
    let deadline = rule.on.limit().and_then(|limit| Instant::now().checked_add(limit));
    let doing = service.metrics.events.begin();
    let well = run(&service, &name, deadline, |context| (rule.handler)(context, event)).await;
    doing.end(well);
    subject
}

async fn reconcile<S: Send + Sync + 'static>(service: Arc<Service<S>>, missed: Missed) {
    if let Some(reconcile) = &service.provider.reconcile {
        run(&service, "reconcile", None, |context| reconcile(context, missed)).await;
    }
}

/// Runs author's code for an event, and says whether it went well. A panic, an error or its time end nothing else.
async fn run<S, F>(service: &Arc<Service<S>>, name: &str, deadline: Option<Instant>, work: F) -> bool
where
    S: Send + Sync + 'static,
    F: FnOnce(Context<S>) -> crate::handler::BoxFuture<crate::Result<()>>,
{
    let Ok(configured) = service.configured() else { return false };
    let log = open_scope(Republish::Never, None);
    let Ok(mut call) = service.call(&configured.plugin, log.clone()) else { return false };
    let cancelled = service.cancelled.child_token();
    call.cancelled = cancelled.clone();
    call.deadline = deadline;
    let found = Arc::clone(&call.secrets);
    let context = Context::of_call(Arc::clone(&configured.state), call);
    // The call itself belongs inside as well: it may panic before there is a future.
    let work = async { end_in_time(work(context), &cancelled, deadline).await };
    let report = async {
        let result = contain_panic(name.into(), work).await;
        if let Err(error) = &result {
            tracing::error!("{name} failed: {error}");
        }
        result.is_ok()
    };
    let well = report.instrument(log).await;
    // What the handler has started on the side ends with it.
    cancelled.cancel();
    drop((configured, found));
    well
}
