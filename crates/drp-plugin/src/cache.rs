//! Objects of one type, kept fresh by the events of the server.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use drp_client::{Client, EventStream, Query, StreamItem};
use drp_core::{Event, Model, Selector, chain};
use tokio::task::JoinHandle;

use crate::{Error, Result};

/// Wait after a list that failed, before the next try.
const RELIST_TIME: Duration = Duration::from_secs(5);

/// All objects of a type, as the server has them, give or take the time that an event takes: reading costs no request.
///
/// It is read once when it begins and again whenever events were missed. Build it in `configure` and keep it in the
/// state; it ends with the last clone.
///
/// ```no_run
/// use drp_plugin::{Cache, Context, Machine, NoParams, Result};
///
/// async fn configure(context: Context<()>, _config: NoParams) -> Result<Cache<Machine>> {
///     Cache::watch(context.client()).await
/// }
/// ```
///
/// Secure params are sealed in it, and objects that the plugin may not see are not there.
pub struct Cache<M>(Arc<Watched<M>>);

struct Watched<M> {
    objects: Arc<RwLock<BTreeMap<String, Arc<M>>>>,
    task: JoinHandle<()>,
}

impl<M: Model> Cache<M> {
    /// Reads all objects and follows their events.
    ///
    /// # Errors
    /// The events or the objects cannot be had.
    pub async fn watch(client: &Client) -> Result<Self> {
        let failed = |error| Error::from(error).context(format!("cannot watch {}", M::PREFIX));
        // Events first: whatever changes while the list is made comes after it.
        let selector = Selector::of(&[M::PREFIX], &[], &[]);
        let events = client.events(vec![selector]).await.map_err(failed)?;
        let objects = Arc::new(RwLock::new(list(client).await.map_err(failed)?));
        let task = tokio::spawn(follow(client.clone(), events, Arc::clone(&objects)));
        Ok(Self(Arc::new(Watched { objects, task })))
    }

    /// The object of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Arc<M>> {
        self.0.objects.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// The first object, by key, for which this holds.
    pub fn find(&self, mut holds: impl FnMut(&M) -> bool) -> Option<Arc<M>> {
        self.all().into_iter().find(|object| holds(object))
    }

    /// All objects, by key.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<M>> {
        self.0.objects.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

async fn list<M: Model>(client: &Client) -> Result<BTreeMap<String, Arc<M>>, drp_client::ClientError> {
    let mut pages = client.objects::<M>().pages(Query::new());
    let mut objects = BTreeMap::new();
    while let Some(object) = pages.next().await {
        let object = object?;
        objects.insert(object.key(), Arc::new(object));
    }
    Ok(objects)
}

async fn follow<M: Model>(client: Client, mut events: EventStream, objects: Arc<RwLock<BTreeMap<String, Arc<M>>>>) {
    while let Some(item) = events.next().await {
        if let StreamItem::Event(event) = item {
            take_in(&event, &mut objects.write().unwrap_or_else(PoisonError::into_inner));
            continue;
        }
        // Something was missed. Events that come while the list is made are newer than it, and wait in the stream.
        loop {
            match list(&client).await {
                Ok(listed) => {
                    *objects.write().unwrap_or_else(PoisonError::into_inner) = listed;
                    break;
                }
                Err(error) => {
                    tracing::warn!("the cache of {} is old and cannot be read again: {}", M::PREFIX, chain(&error));
                    tokio::time::sleep(RELIST_TIME).await;
                }
            }
        }
    }
}

fn take_in<M: Model>(event: &Event, objects: &mut BTreeMap<String, Arc<M>>) {
    if event.action == "delete" {
        objects.remove(&event.key);
        return;
    }
    // Actions and other words about an object do not carry it.
    if !matches!(event.action.as_str(), "create" | "update" | "save") {
        return;
    }
    match event.object_as::<M>() {
        Ok(object) if object.key() == event.key => drop(objects.insert(object.key(), Arc::new(object))),
        Ok(_) => tracing::warn!("an event of {} {} carries another object", event.type_, event.key),
        Err(error) => tracing::warn!("an event of {} {} carries no such object: {error}", event.type_, event.key),
    }
}

impl<M> Drop for Watched<M> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<M> Clone for Cache<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M> fmt::Debug for Cache<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.objects.read().unwrap_or_else(PoisonError::into_inner).len();
        f.debug_struct("Cache").field("objects", &count).finish_non_exhaustive()
    }
}
