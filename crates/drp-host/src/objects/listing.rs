//! A list as it is answered: chosen at one revision of the store and then read object by object, so that its length
//! costs no memory and holds no writer up.

use std::sync::Arc;

use bytes::Bytes;
use drp_core::{Error, RawModel};

use super::list::{Lens, Query, SortKey};
use super::{Ask, Objects, PAGE, refusal};
use crate::store::Snapshot;
use crate::types::ObjectType;

/// Which objects the caller sees, where that is not all of them.
pub(crate) struct Sight<'a> {
    /// The keys of an object that decide it; only they are there when it is asked.
    pub(crate) fields: &'a [&'a str],
    pub(crate) sees: &'a dyn Fn(&RawModel) -> bool,
}

/// The objects that a list request chose.
pub(crate) struct Listing {
    /// How many objects the caller sees.
    pub(crate) total: usize,
    /// How many of them the filters let through, on all pages.
    pub(crate) filtered: usize,
    prefix: String,
    snapshot: Box<dyn Snapshot>,
    page: std::vec::IntoIter<Chosen>,
}

/// An object of a list.
pub(crate) enum Listed {
    /// As it is stored: JSON.
    Stored(Bytes),
    /// Of a content layer.
    Layered(Arc<RawModel>),
}

struct Chosen {
    key: String,
    layered: Option<Arc<RawModel>>,
}

impl Objects {
    /// Chooses the objects of a type that a request wants, in its order. Mostly it has to read all objects of the type
    /// for that: call it where nobody waits for the thread.
    ///
    /// # Errors
    /// The store, or an object in it, cannot be read.
    pub(crate) fn choose(&self, kind: &ObjectType, query: &Query, sight: Option<&Sight<'_>>) -> Result<Listing, Error> {
        let ask = Ask { method: "GET", prefix: &kind.prefix, key: "" };
        let catalog = self.catalog.load();
        let snapshot = self.store.snapshot().map_err(|error| refusal::unreadable(ask, &error))?;
        let mut choice = Choice::new(ask, query, sight);
        for (key, object) in catalog.layers.section(&kind.prefix) {
            let chosen = Chosen { key: key.clone(), layered: Some(Arc::clone(object)) };
            choice.consider(object, chosen);
        }
        match query.unique_value() {
            Some((index, value)) if sight.is_none() => {
                let ask = Ask { key: &format!("{index}:{value}"), ..ask };
                if let Some(found) = self.find(ask, kind)? {
                    choice.consider_stored(&*snapshot, &found.key)?;
                }
                let stored = snapshot.count(&kind.prefix).map_err(|error| refusal::unreadable(ask, &error))?;
                choice.total = catalog.layers.count(&kind.prefix) + usize::try_from(stored).unwrap_or(usize::MAX);
            }
            _ => choice.consider_all(&*snapshot)?,
        }
        Ok(choice.listing(snapshot))
    }
}

impl Listing {
    /// How many objects come.
    pub(crate) fn len(&self) -> usize {
        self.page.len()
    }

    /// The next object.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn next(&mut self) -> Result<Option<Listed>, Error> {
        for Chosen { key, layered } in self.page.by_ref() {
            if let Some(object) = layered {
                return Ok(Some(Listed::Layered(object)));
            }
            let entry = self
                .snapshot
                .get(&self.prefix, &key)
                .map_err(|error| refusal::unreadable(Ask { method: "GET", prefix: &self.prefix, key: &key }, &error))?;
            if let Some(entry) = entry {
                return Ok(Some(Listed::Stored(entry.value)));
            }
        }
        Ok(None)
    }
}

/// What is chosen so far.
struct Choice<'a> {
    ask: Ask<'a>,
    query: &'a Query,
    sight: Option<&'a Sight<'a>>,
    /// What has to be read of an object to choose it.
    lens: Lens<'a>,
    total: usize,
    taken: Vec<(SortKey, Chosen)>,
}

impl<'a> Choice<'a> {
    fn new(ask: Ask<'a>, query: &'a Query, sight: Option<&'a Sight<'a>>) -> Self {
        let of_sight = sight.map_or(&[][..], |sight| sight.fields);
        let lens = Lens::new(query.fields().chain(of_sight.iter().copied()));
        Self { ask, query, sight, lens, total: 0, taken: Vec::new() }
    }

    /// Reads the stored objects one page after the other.
    fn consider_all(&mut self, snapshot: &dyn Snapshot) -> Result<(), Error> {
        let mut after: Option<String> = None;
        loop {
            let page = snapshot.scan(self.ask.prefix, after.as_deref(), PAGE);
            let page = page.map_err(|error| refusal::unreadable(self.ask, &error))?;
            let is_last = page.len() < PAGE;
            after = page.last().map(|(key, _)| key.clone());
            for (key, entry) in page {
                let object = self.look(&key, &entry.value)?;
                self.consider(&object, Chosen { key, layered: None });
            }
            if is_last {
                return Ok(());
            }
        }
    }

    fn consider_stored(&mut self, snapshot: &dyn Snapshot, key: &str) -> Result<(), Error> {
        let entry = snapshot.get(self.ask.prefix, key).map_err(|error| refusal::unreadable(self.ask, &error))?;
        if let Some(entry) = entry {
            let object = self.look(key, &entry.value)?;
            self.consider(&object, Chosen { key: key.to_owned(), layered: None });
        }
        Ok(())
    }

    fn look(&self, key: &str, stored: &[u8]) -> Result<RawModel, Error> {
        self.lens.look(stored).map_err(|_| refusal::damaged(Ask { key, ..self.ask }))
    }

    fn consider(&mut self, object: &RawModel, chosen: Chosen) {
        if self.sight.is_some_and(|sight| !(sight.sees)(object)) {
            return;
        }
        self.total += 1;
        if self.query.takes(object) {
            self.taken.push((self.query.sort_key(object), chosen));
        }
    }

    fn listing(mut self, snapshot: Box<dyn Snapshot>) -> Listing {
        self.taken.sort_by(|(_, a), (_, b)| a.key.cmp(&b.key));
        let filtered = self.taken.len();
        let page = self.query.page(self.taken).into_iter();
        Listing { total: self.total, filtered, prefix: self.ask.prefix.to_owned(), snapshot, page }
    }
}
