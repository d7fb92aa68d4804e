//! Which objects a list request wants, in which order, and how much of each (`models.md` §21.1). Pure functions.

mod condition;
mod lens;
mod lookup;

use drp_core::{Error, Params, Raw, RawModel};
use serde_json::Value;

pub(super) use self::{condition::SortKey, lens::Lens};
use self::{
    condition::{Condition, Operand},
    lookup::Lookup,
};
use crate::types::ObjectType;

/// A list request, read.
#[derive(Debug, Default)]
pub(crate) struct Query {
    filters: Vec<Filter>,
    sort: Option<Lookup>,
    reverse: bool,
    offset: usize,
    limit: Option<usize>,
    /// Secure params are wanted in clear; whoever answers checks the right to it.
    pub(crate) decode: bool,
    /// How much of each object is wanted.
    pub(crate) trim: Trim,
}

/// How much of an object is wanted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Trim {
    slim_meta: bool,
    slim_params: bool,
    /// The only params wanted.
    params: Option<Vec<String>>,
}

/// One index with its conditions, one of which must hold.
#[derive(Debug)]
struct Filter {
    index: Lookup,
    any_of: Vec<Condition>,
}

impl Query {
    /// Reads the parameters of a request for objects of a type.
    ///
    /// # Errors
    /// 406: no such index, a value that is none of its index, a number below zero.
    pub(crate) fn read<'a>(
        kind: &ObjectType,
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, Error> {
        let mut query = Self::default();
        for (name, value) in pairs {
            match name {
                "offset" => query.offset = number("Offset", value)?,
                "limit" => query.limit = Some(number("Limit", value)?),
                "sort" => query.sort = Some(sortable(kind, value)?),
                "reverse" => query.reverse = is_true(value),
                "decode" => query.decode = is_true(value),
                "slim" | "params" => query.trim.read(name, value),
                // These mean something elsewhere, and clients send them along.
                "force" | "aggregate" | "compose" | "token" => {}
                "Token" if kind.index(name).is_none() => {}
                _ => query.add_filter(kind, name, value)?,
            }
        }
        Ok(query)
    }

    fn add_filter(&mut self, kind: &ObjectType, name: &str, value: &str) -> Result<(), Error> {
        let index = Lookup::find(kind, name).ok_or_else(|| refused(format!("Filter not found: {name}")))?;
        let condition = Condition::read(name, &index, value)?;
        match self.filters.iter_mut().find(|filter| filter.index == index) {
            Some(filter) => filter.any_of.push(condition),
            None => self.filters.push(Filter { index, any_of: vec![condition] }),
        }
        Ok(())
    }

    /// The keys of objects that the filters and the order look at.
    pub(super) fn fields(&self) -> impl Iterator<Item = &str> {
        self.filters.iter().map(|filter| &filter.index).chain(&self.sort).flat_map(Lookup::fields)
    }

    /// The unique index and the value that only one object can have, if a filter asks for it.
    pub(super) fn unique_value(&self) -> Option<(&str, &str)> {
        self.filters.iter().find_map(|filter| match filter.any_of.as_slice() {
            [Condition::Eq(Operand::Text(value))] => Some((filter.index.unique_name()?, value.as_str())),
            _ => None,
        })
    }

    /// Whether the filters let an object through.
    pub(super) fn takes(&self, object: &RawModel) -> bool {
        self.filters.iter().all(|filter| filter.takes(object))
    }

    /// What an object is ordered by.
    pub(super) fn sort_key(&self, object: &RawModel) -> SortKey {
        SortKey(self.sort.as_ref().and_then(|index| index.value(object)))
    }

    /// Orders what the filters let through, which comes in the order of its keys, and cuts the page out.
    pub(super) fn page<T>(&self, mut taken: Vec<(SortKey, T)>) -> Vec<T> {
        if self.sort.is_some() {
            taken.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
        if self.reverse {
            taken.reverse();
        }
        let page = taken.into_iter().skip(self.offset).take(self.limit.unwrap_or(usize::MAX));
        page.map(|(_, object)| object).collect()
    }
}

impl Trim {
    /// Reads one of the parameters `slim` and `params`; single objects take them too.
    pub(crate) fn read(&mut self, name: &str, value: &str) {
        let items = || value.split(',').map(str::trim).filter(|item| !item.is_empty());
        if name == "params" {
            self.params = Some(items().map(str::to_owned).collect());
            return;
        }
        for item in items() {
            self.slim_meta |= item.eq_ignore_ascii_case("Meta");
            self.slim_params |= item.eq_ignore_ascii_case("Params");
        }
    }

    /// Whether whole objects are wanted, so that their JSON can be sent as it is stored.
    pub(crate) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Takes out what is not wanted and marks the object as partial.
    pub(crate) fn apply(&self, object: &mut RawModel) {
        if self.is_nothing() {
            return;
        }
        let empty = || Raw::from(Value::Object(serde_json::Map::new()));
        if self.slim_meta {
            object.fields.insert("Meta".to_owned(), empty());
        }
        // Params that are asked for by name are wanted, whatever else is to be left out.
        if let (Some(wanted), Some(mut params)) = (&self.params, object.get::<Params>("Params")) {
            params.retain(|name, _| wanted.contains(name));
            // What was read from JSON is always written as JSON.
            object.fields.insert("Params".to_owned(), Raw::new(&params).unwrap_or_else(|_| empty()));
        } else if self.slim_params && object.fields.contains_key("Params") {
            object.fields.insert("Params".to_owned(), empty());
        }
        object.fields.insert("Partial".to_owned(), Raw::from(Value::Bool(true)));
    }
}

impl Filter {
    fn takes(&self, object: &RawModel) -> bool {
        let value = self.index.value(object);
        self.any_of.iter().any(|condition| condition.holds(value.as_ref()))
    }
}

fn sortable(kind: &ObjectType, name: &str) -> Result<Lookup, Error> {
    let index = Lookup::find(kind, name).ok_or_else(|| refused(format!("Not sortable: {name}")))?;
    if index.can_sort() { Ok(index) } else { Err(refused(format!("Not sortable: {name}"))) }
}

fn number(what: &str, text: &str) -> Result<usize, Error> {
    let number: i64 = text.parse().map_err(|_| refused(format!("{what} must be a number")))?;
    usize::try_from(number).map_err(|_| refused(format!("{what} cannot be negative")))
}

fn is_true(text: &str) -> bool {
    text == "true" || text.is_empty()
}

fn refused(message: String) -> Error {
    Error::new(406, "GET", message)
}

#[cfg(test)]
mod tests;
