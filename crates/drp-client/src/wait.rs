//! Waiting until an object is as somebody wants it.

use std::time::Duration;

use drp_core::{Event, ModelType, Raw, RawModel, Selector, hex_key, json, limits};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::{sleep, timeout};

use crate::{
    BadAnswer, Client, ClientError, ClientErrorKind, EventStream, Request, StreamItem, backoff::Backoff,
    objects::key_of,
};

/// What came of waiting for an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Waited<M> {
    /// It is as was wanted. This is how it was then.
    Met(M),
    /// The time ran out.
    TimedOut,
    /// It was deleted.
    Deleted,
}

impl<M> Waited<M> {
    /// The object, if it became as was wanted.
    #[must_use]
    pub fn met(self) -> Option<M> {
        match self {
            Self::Met(object) => Some(object),
            Self::TimedOut | Self::Deleted => None,
        }
    }
}

/// A condition for waiting: whether this key of an object has this value, which is JSON or else text. A key that is
/// missing has none.
///
/// ```
/// let is_runnable = drp_client::field_is("Runnable", "true");
/// let machine = drp_core::Machine { runnable: true, ..Default::default() };
/// assert!(is_runnable(&machine));
/// ```
pub fn field_is<M: Serialize>(key: &str, value: &str) -> impl Fn(&M) -> bool + use<M> {
    let wanted: Raw = serde_json::from_str(value).unwrap_or_else(|_| Raw::from(value));
    let key = key.to_owned();
    move |object| {
        let object = RawModel::new(object).unwrap_or_default();
        object.fields.get(&key).is_some_and(|value| json::same(value, &wanted))
    }
}

/// What can change an object for those who wait for it.
const ACTIONS: [&str; 3] = ["update", "save", DELETE];
const DELETE: &str = "delete";

/// Waits until `is_met` says so of an object, which is read once its events are registered, and again after each gap.
pub(crate) async fn wait_for<M: DeserializeOwned>(
    client: &Client,
    prefix: &str,
    key: &str,
    is_met: impl FnMut(&M) -> bool,
    limit: Duration,
) -> Result<Waited<M>, ClientError> {
    let wait = async {
        let key = &find_key(client, prefix, key).await?;
        let events = client.events(selectors(prefix, key)).await?;
        Wait { client, prefix, key, events, is_met }.run().await
    };
    timeout(limit, wait).await.unwrap_or(Ok(Waited::TimedOut))
}

struct Wait<'a, F> {
    client: &'a Client,
    prefix: &'a str,
    key: &'a str,
    events: EventStream,
    is_met: F,
}

impl<F> Wait<'_, F> {
    async fn run<M: DeserializeOwned>(mut self) -> Result<Waited<M>, ClientError>
    where
        F: FnMut(&M) -> bool,
    {
        // That it never was there is the caller's mistake.
        let mut object = self.read().await?;
        loop {
            if (self.is_met)(&object) {
                return Ok(Waited::Met(object));
            }
            object = match self.next().await? {
                Some(changed) => changed,
                None => return Ok(Waited::Deleted),
            };
        }
    }

    /// How the object is after the next change, or after a gap in which there may have been one. `None` where it is
    /// no more.
    async fn next<M: DeserializeOwned>(&mut self) -> Result<Option<M>, ClientError> {
        match self.events.next().await {
            Some(StreamItem::Event(event)) if event.action == DELETE => return Ok(None),
            // The event has the object as it was then, also where that did not last.
            Some(StreamItem::Event(Event { object, .. })) => {
                if let Ok(object) = object.parse() {
                    return Ok(Some(object));
                }
            }
            Some(_) => {}
            None => {
                let kind = ClientErrorKind::Disconnected("the event stream has ended".into());
                return Err(ClientError::new(format!("waiting for {}/{}", self.prefix, self.key), kind));
            }
        }
        match self.read().await {
            Err(error) if error.is_not_found() => Ok(None),
            read => read.map(Some),
        }
    }

    /// Reads the object, for as long as it takes where the server cannot be reached or used: it may be starting.
    async fn read<M: DeserializeOwned>(&self) -> Result<M, ClientError> {
        let mut backoff = Backoff::new(limits::RETRY_WAIT_MIN, limits::RETRY_WAIT_MAX);
        loop {
            match self.client.send(Request::get(self.prefix, self.key)?).await {
                Err(error) if may_pass(error.kind()) => {
                    tracing::debug!(reason = error.chain(), "the object that is waited for cannot be read yet");
                    sleep(backoff.next_wait()).await;
                }
                read => return read,
            }
        }
    }
}

/// Whether a failure says nothing of the next try.
fn may_pass(kind: &ClientErrorKind) -> bool {
    match kind {
        ClientErrorKind::Connect(_) | ClientErrorKind::Disconnected(_) | ClientErrorKind::Timeout(_) => true,
        ClientErrorKind::BadAnswer(answer) => matches!(answer, BadAnswer::Truncated(_)),
        ClientErrorKind::Status { status, .. } => matches!(status, 429 | 502..=504),
        _ => false,
    }
}

/// The object's key as its events have it: `Name:web1` is a question and no key, and `192.168.124.11` another spelling
/// of one.
async fn find_key(client: &Client, prefix: &str, key: &str) -> Result<String, ClientError> {
    let is_address = ModelType::find(prefix).is_some_and(ModelType::is_keyed_by_address);
    if !is_address && !key.contains(':') {
        return Ok(key.to_owned());
    }
    let object: RawModel = client.send(Request::get(prefix, key)?).await?;
    let of_address = || is_address.then(|| hex_key(&object.text("Addr")).into_owned()).filter(|key| !key.is_empty());
    let found = key_of(prefix, &object).or_else(of_address);
    Ok(found.unwrap_or_else(|| key.to_owned()))
}

/// One for each action: older servers know no lists.
fn selectors(prefix: &str, key: &str) -> Vec<Selector> {
    let key = key.replace(',', r"\2").replace('*', r"\3");
    let selector = |action: &&str| format!("{prefix}.{action}.{key}").parse().expect("it has two dots");
    ACTIONS.iter().map(selector).collect()
}

#[cfg(test)]
mod tests {
    use drp_core::Machine;

    use super::*;

    #[test]
    fn a_field_is_compared_by_value_and_text_needs_no_quotes() {
        let mut object = RawModel::default();
        object.set("CurrentTask", &5).unwrap();
        object.set("Name", "5").unwrap();
        object.set("Stage", "none").unwrap();
        object.set("Tasks", &["a", "b"]).unwrap();
        let check =
            |key: &str, value: &str, expected: bool| assert_eq!(field_is(key, value)(&object), expected, "{key}");
        check("CurrentTask", "5", true);
        check("CurrentTask", "5.0", true);
        check("Name", "5", false);
        check("Name", "\"5\"", true);
        check("Stage", "none", true);
        check("Tasks", r#"["a", "b"]"#, true);
        check("Missing", "null", false);
        assert!(field_is("Name", "web1")(&Machine { name: "web1".to_owned(), ..Machine::default() }));
    }

    #[test]
    fn the_events_of_any_key_can_be_asked_for() {
        let check = |key: &str| {
            let selectors = selectors("machines", key);
            assert!(selectors.iter().any(|selector| selector.matches_parts("machines", "save", key)), "{key}");
            assert!(!selectors.iter().any(|selector| selector.matches_parts("machines", "save", "other")), "{key}");
        };
        ["web1.example.com", "a,b", "*", "a*b"].into_iter().for_each(check);
    }
}
