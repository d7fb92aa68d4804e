//! Lists, written while they are read.

use std::{io, sync::Arc};

use axum::body::Body;
use bytes::Bytes;
use drp_core::{Error, RawModel, chain};
use futures_util::stream;
use tokio::task;

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
    let (counts, text, piece, is_last) = task::spawn_blocking(choose).await.map_err(|error| failed(&error))??;
    let body = if is_last { Body::from(piece) } else { rest(text, piece) };
    Ok(reply::list_text(body, &counts))
}

/// A list of which `first` is written.
fn rest(text: ListText, first: Bytes) -> Body {
    let first = stream::iter([Ok(first)]);
    let rest = stream::try_unfold(Some(text), async |text| {
        let Some(mut text) = text else { return Ok(None) };
        match text.next_piece() {
            Ok((piece, is_last)) => Ok(Some((piece, (!is_last).then_some(text)))),
            Err(error) => {
                tracing::error!(error = chain(&error), "a list breaks off");
                Err(io::Error::other(error))
            }
        }
    });
    Body::from_stream(futures_util::StreamExt::chain(first, rest))
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
