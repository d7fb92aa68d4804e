//! Events about objects, made from the store's watch: in the order of commits, each with the state before.

use std::sync::Arc;

use drp_core::{Event, Level, Raw};
use tokio::task::JoinHandle;

use super::{Changes, Objects};
use crate::bus::Bus;
use crate::log::Log;
use crate::store::{Changed, Commit, Watch, WatchError};
use crate::types::hidden_of;

/// The service of this room's log lines.
const SERVICE: &str = "objects";

/// Publishes an event for every change of an object from now on, until the store is dropped or the task is aborted.
///
/// # Errors
/// The store cannot be followed.
pub(crate) fn spawn_event_pump(objects: &Objects, bus: Arc<Bus>, log: Arc<Log>) -> Result<JoinHandle<()>, WatchError> {
    let watch = objects.watch()?;
    Ok(tokio::spawn(pump(watch, bus, log, Arc::clone(objects.changes()))))
}

async fn pump(mut watch: Watch, bus: Arc<Bus>, log: Arc<Log>, changes: Arc<Changes>) {
    while let Some(next) = watch.next().await {
        match next {
            Ok(commit) => {
                for event in events_of(&commit) {
                    bus.publish(event);
                }
                for change in &commit.changes {
                    changes.tell(&change.section, &change.key);
                }
            }
            Err(lagged) => {
                log.write(Level::Error, SERVICE, format!("events are missing: {lagged}"));
                changes.tell_all();
            }
        }
    }
}

/// The events of a commit, in the order of its changes. The host's own sections have none.
fn events_of(commit: &Commit) -> impl Iterator<Item = Event> {
    commit.changes.iter().filter(|change| !change.section.starts_with('.')).map(|change| event_of(commit, change))
}

fn event_of(commit: &Commit, change: &Changed) -> Event {
    let (usual, object, original) = match (&change.value, &change.previous) {
        (Some(value), None) => ("create", Some(value), None),
        (Some(value), Some(previous)) => ("update", Some(value), Some(previous)),
        (None, previous) => ("delete", previous.as_ref(), None),
    };
    let action = commit.note.action.as_deref().unwrap_or(usual);
    let shown = |bytes: Option<&bytes::Bytes>| bytes.map_or_else(Raw::null, |bytes| public(&change.section, bytes));
    let replaced = |bytes: Option<&bytes::Bytes>| match bytes {
        Some(bytes) if commit.note.conceals => without_params(bytes),
        bytes => shown(bytes),
    };
    let object = if change.value.is_some() { shown(object) } else { replaced(object) };
    let mut event = Event::new(&change.section, action, &change.key, object);
    event.original = replaced(original);
    event.principal.clone_from(&commit.note.principal);
    event
}

/// A stored object that still has secrets in plain.
fn without_params(stored: &[u8]) -> Raw {
    let Ok(mut object) = serde_json::from_slice::<drp_core::RawModel>(stored) else { return Raw::null() };
    object.fields.remove("Params");
    Raw::new(&object).unwrap_or_default()
}

/// A stored object as everybody may see it.
fn public(section: &str, stored: &[u8]) -> Raw {
    let Ok(object) = serde_json::from_slice::<Raw>(stored) else { return Raw::null() };
    let hidden = hidden_of(section);
    if hidden.is_empty() {
        return object;
    }
    let Ok(mut object) = object.parse::<drp_core::RawModel>() else { return Raw::null() };
    for name in hidden {
        object.fields.remove(*name);
    }
    Raw::new(&object).unwrap_or_default()
}
