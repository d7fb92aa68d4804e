//! Where an object is, and the unique indexes that lead to it.

use std::sync::Arc;

use drp_core::{Error, RawModel};

use super::{Ask, Objects, refusal};
use crate::store::{Change, CommitError, Entry, Expect};
use crate::types::ObjectType;

/// An object and where it is.
pub(super) struct Found {
    pub(super) key: String,
    pub(super) place: Place,
}

pub(super) enum Place {
    Stored(Entry),
    Layered(Arc<RawModel>),
}

impl Objects {
    /// Finds an object of a type by its key or a unique index.
    pub(super) fn find(&self, ask: Ask<'_>, kind: &ObjectType) -> Result<Option<Found>, Error> {
        let key = match ask.key.split_once(':') {
            Some((index, value)) if index == "Key" || index == kind.key_field => kind.key_meant(value).into_owned(),
            Some((index, value)) if kind.unique.contains(&index) => match self.key_by(ask, index, value)? {
                Some(key) => key,
                None => return Ok(None),
            },
            _ => kind.key_meant(ask.key).into_owned(),
        };
        let place = self.held(Ask { key: &key, ..ask })?;
        Ok(place.map(|place| Found { key, place }))
    }

    /// The key of the object whose unique `index` has this value.
    fn key_by(&self, ask: Ask<'_>, index: &str, value: &str) -> Result<Option<String>, Error> {
        let entry = self.store.get(&unique_section(ask.prefix, index), value);
        if let Some(entry) = entry.map_err(|error| refusal::unreadable(ask, &error))? {
            return Ok(Some(String::from_utf8_lossy(&entry.value).into_owned()));
        }
        let catalog = self.catalog.load();
        let layered = catalog.layers.section(ask.prefix).find(|(_, object)| object.text(index) == value);
        Ok(layered.map(|(key, _)| key.clone()))
    }

    /// What is under a key, whether its type is known or not.
    pub(super) fn held(&self, ask: Ask<'_>) -> Result<Option<Place>, Error> {
        let entry = self.store.get(ask.prefix, ask.key).map_err(|error| refusal::unreadable(ask, &error))?;
        Ok(match entry {
            Some(entry) => Some(Place::Stored(entry)),
            None => self.catalog.load().layers.get(ask.prefix, ask.key).cloned().map(Place::Layered),
        })
    }
}

/// The section from a unique index' values to keys. Those that begin with a dot are nobody's but the host's.
fn unique_section(prefix: &str, index: &str) -> String {
    format!(".unique/{prefix}/{index}")
}

/// Keeps the unique indexes of an object in step with it; a value that another object has is a conflict.
pub(super) fn unique_changes(
    kind: &ObjectType,
    key: &str,
    before: Option<&RawModel>,
    after: Option<&RawModel>,
) -> impl Iterator<Item = Change> {
    let value_of = |object: Option<&RawModel>, index: &str| object.map(|object| object.text(index));
    kind.unique
        .iter()
        .flat_map(move |index| {
            let (old, new) = (value_of(before, index), value_of(after, index));
            let section = unique_section(&kind.prefix, index);
            if old == new {
                return [None, None];
            }
            let delete = old.map(|old| Change::delete(&section, old));
            let put = new.map(|new| Change::put(&section, new, key.to_owned()).expecting(Expect::Absent));
            [delete, put]
        })
        .flatten()
}

/// The answer to a batch that was not taken: a unique value that another object has is the client's to change.
pub(super) fn not_committed(ask: Ask<'_>, kind: &ObjectType, object: &RawModel, error: &CommitError) -> Error {
    let CommitError::Conflict { section, .. } = error else { return refusal::uncommitted(ask, error) };
    let taken = kind.unique.iter().filter(|index| *section == unique_section(&kind.prefix, index));
    let problems: Vec<_> =
        taken.map(|index| format!("{}: {index} `{}` is already in use", ask.key, object.text(index))).collect();
    if problems.is_empty() {
        return refusal::uncommitted(ask, error);
    }
    refusal::invalid(ask.prefix, ask.key, problems)
}
