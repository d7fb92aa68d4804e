//! Lists, written while they are read.

use std::{io, sync::Arc, time::Duration};

use axum::body::Body;
use bytes::Bytes;
use drp_core::{Error, RawModel, chain, limits};
use futures_util::stream;
use tokio::{sync::mpsc, task, time};

use super::{View, read};
use crate::{
    api::reply::{self, Counts, Reply},
    auth::Principal,
    objects::{Listed, Listing, Sight, list},
    shared::Shared,
    types::ObjectType,
};

/// Bytes of a list that are written at once; a shorter list is sent whole, with its length.
const PIECE_BYTES: usize = 256 << 10;

/// The key of a job's machine, which decides who sees the job.
const MACHINE: &str = "Machine";

/// Answers with the objects that are wanted and that the caller sees.
pub(super) async fn answer(shared: Arc<Shared>, kind: Arc<ObjectType>, wanted: list::Query, by: Principal) -> Reply {
    let choose = move || {
        let sees = |object: &RawModel| by.sees_object(&kind, object);
        let sight = Sight { fields: &[kind.key_field, MACHINE], sees: &sees };
        let listing = shared.objects.choose(&kind, &wanted, by.is_restricted().then_some(&sight))?;
        let counts = Counts { total: listing.total, filtered: listing.filtered, sent: listing.len() };
        let mut text = ListText { shared, kind, wanted, listing, begun: false };
        // What fails at once is an error, and not a list that breaks off.
        text.next_piece().map(|(piece, is_last)| (counts, text, piece, is_last))
    };
    let (counts, mut text, piece, is_last) = task::spawn_blocking(choose).await.map_err(|error| failed(&error))??;
    let body =
        if is_last { Body::from(piece) } else { rest(piece, move || text.next_piece(), limits::LIST_PAUSE_TIME) };
    Ok(reply::list_text(body, &counts))
}

/// A list of which `first` is written, and the rest comes from `next` with the word whether it is the last.
///
/// A task of its own writes it: an answer is asked for more only when the client takes something, and one that takes
/// it byte by byte must not keep the snapshot for ever. It has `pause` for each piece.
fn rest(
    first: Bytes,
    mut next: impl FnMut() -> Result<(Bytes, bool), Error> + Send + 'static,
    pause: Duration,
) -> Body {
    let (sender, pieces) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut piece = Ok((first, false));
        loop {
            let ends = !matches!(piece, Ok((_, false)));
            let Ok(Ok(())) = time::timeout(pause, sender.send(piece)).await else { return };
            if ends {
                return;
            }
            piece = next();
        }
    });
    Body::from_stream(stream::try_unfold(Some(pieces), async |pieces| {
        let Some(mut pieces) = pieces else { return Ok(None) };
        let error = match pieces.recv().await {
            Some(Ok((piece, is_last))) => return Ok(Some((piece, (!is_last).then_some(pieces)))),
            Some(Err(error)) => io::Error::other(error),
            None => io::Error::new(io::ErrorKind::TimedOut, "the client takes it too slowly"),
        };
        tracing::error!(error = chain(&error), "a list breaks off");
        Err(error)
    }))
}

/// The JSON text of a list, piece by piece.
struct ListText {
    shared: Arc<Shared>,
    kind: Arc<ObjectType>,
    wanted: list::Query,
    listing: Listing,
    begun: bool,
}

impl ListText {
    /// The next piece, and whether it is the last.
    fn next_piece(&mut self) -> Result<(Bytes, bool), Error> {
        let view = View { shared: &self.shared, kind: &self.kind, decode: self.wanted.decode, trim: &self.wanted.trim };
        let mut piece = Vec::new();
        while piece.len() < PIECE_BYTES {
            let Some(object) = self.listing.next()? else {
                piece.extend_from_slice(if self.begun { b"]" } else { b"[]" });
                return Ok((piece.into(), true));
            };
            piece.push(if self.begun { b',' } else { b'[' });
            self.begun = true;
            match object {
                Listed::Stored(json) if view.is_as_stored() => piece.extend_from_slice(&json),
                Listed::Stored(json) => write(&mut piece, &view, &read(&self.kind, &json)?)?,
                Listed::Layered(object) => write(&mut piece, &view, &object)?,
            }
        }
        Ok((piece.into(), false))
    }
}

fn write(to: &mut Vec<u8>, view: &View<'_>, object: &RawModel) -> Result<(), Error> {
    serde_json::to_writer(to, &view.of(object)?).map_err(|error| Error::new(500, "GET", error.to_string()))
}

/// The task that reads the list ended before its time: it panicked, or the process ends.
fn failed(error: &task::JoinError) -> Error {
    tracing::error!(%error, "a list could not be read");
    Error::new(500, "GET", "Internal error")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use http_body_util::BodyExt;
    use tokio::sync::oneshot;

    use super::*;

    const SHORT: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(20);

    /// A list of four pieces and the news that it is no longer held.
    fn list(pause: Duration) -> (Body, oneshot::Receiver<()>) {
        let (held, dropped) = oneshot::channel::<()>();
        let mut n = 1;
        let next = move || {
            let _held = &held;
            n += 1;
            Ok((Bytes::from(n.to_string()), n == 4))
        };
        (rest(Bytes::from_static(b"1"), next, pause), dropped)
    }

    #[tokio::test]
    async fn a_list_is_whole_for_who_takes_it() {
        let (body, dropped) = list(LONG);
        assert_eq!(body.collect().await.unwrap().to_bytes(), "1234");
        assert!(time::timeout(LONG, dropped).await.unwrap().is_err());
    }

    #[tokio::test]
    async fn a_list_is_not_held_for_who_takes_nothing_and_then_breaks_off() {
        let (body, dropped) = list(SHORT);
        assert!(time::timeout(LONG, dropped).await.expect("it is let go").is_err());
        let error = body.collect().await.unwrap_err();
        assert!(error.to_string().contains("too slowly"), "{error}");
    }

    #[tokio::test]
    async fn a_list_is_let_go_when_its_client_is() {
        let (body, dropped) = list(LONG * 100);
        drop(body);
        assert!(time::timeout(LONG, dropped).await.expect("it is let go").is_err());
    }
}
