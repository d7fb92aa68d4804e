//! Which objects a list wants, in which order, and how much of each.

use std::{collections::BTreeMap, fmt};

use percent_encoding::utf8_percent_encode;

use crate::request::QUERY;

mod parse;

pub use parse::ParseQueryError;

/// Which objects of a type are wanted, in which order, and how much of each: a plain value, made without any I/O.
///
/// It is written as the query of a URL, in the order in which `drpcli` sends it. Servers answer everything that they
/// have where nothing is asked for, ordered by key.
///
/// ```
/// use drp_client::{Filter, Query};
/// let query = Query::new()
///     .filter("Name", Filter::re("^web"))
///     .filter("Stage", Filter::any_of(["install", "discover"]))
///     .sort("Name")
///     .limit(10);
/// assert_eq!(query.to_string(), "Name=Re%28%5Eweb%29&Stage=In%28install%2Cdiscover%29&limit=10&sort=Name");
/// // The same in the words of drpcli:
/// let words = ["Name", "Re", "^web", "Stage", "in", "install,discover", "sort", "Name", "limit", "10"];
/// assert_eq!(query, Query::parse(words)?);
/// # Ok::<(), drp_client::ParseQueryError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    filters: BTreeMap<String, Filter>,
    sort: Option<String>,
    reverse: bool,
    limit: Option<u64>,
    offset: Option<u64>,
    slim: Option<String>,
    params: Option<String>,
    decode: bool,
}

/// What the value of an index, or of a param, has to be.
///
/// Servers read up to the first `)`, and lists up to each comma: values that hold these can only be asked for with
/// [`Filter::Bare`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Equal to this text, without an operator. A text that reads as one, such as `Ne(x)`, is one.
    Bare(String),
    /// Equal.
    Eq(String),
    /// Not equal.
    Ne(String),
    /// Less.
    Lt(String),
    /// Less or equal.
    Lte(String),
    /// Greater.
    Gt(String),
    /// Greater or equal.
    Gte(String),
    /// From the first to the second, both included.
    Between(String, String),
    /// Outside of what [`Between`](Self::Between) takes.
    Except(String, String),
    /// One of these.
    In(Vec<String>),
    /// None of these.
    Nin(Vec<String>),
    /// Matches this regular expression, in the syntax of RE2. The index must allow it.
    Re(String),
}

impl Query {
    /// Everything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only objects whose index, or param, `name` passes. All filters must pass; there is one for each name, and a
    /// second one takes the place of the first, because servers would take either of both for enough.
    #[must_use]
    pub fn filter(mut self, name: impl Into<String>, filter: Filter) -> Self {
        self.filters.insert(name.into(), filter);
        self
    }

    /// Ordered by this index, in place of the key.
    #[must_use]
    pub fn sort(mut self, index: impl Into<String>) -> Self {
        self.sort = Some(index.into());
        self
    }

    /// In the opposite order.
    #[must_use]
    pub fn reverse(mut self) -> Self {
        self.reverse = true;
        self
    }

    /// So many objects at most, counted after all else.
    #[must_use]
    pub fn limit(mut self, objects: u64) -> Self {
        self.limit = Some(objects);
        self
    }

    /// Without so many objects at the start.
    #[must_use]
    pub fn offset(mut self, objects: u64) -> Self {
        self.offset = Some(objects);
        self
    }

    /// Without what makes objects large: `Meta`, `Params`, or both with a comma. Such objects are partial, and are
    /// not to be written back.
    #[must_use]
    pub fn slim(mut self, fields: impl Into<String>) -> Self {
        self.slim = Some(fields.into());
        self
    }

    /// With these params only. Such objects are partial, and are not to be written back.
    #[must_use]
    pub fn params<T: AsRef<str>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.params = Some(list(names));
        self
    }

    /// With secure params in clear text, which needs the right to it.
    #[must_use]
    pub fn decode(mut self) -> Self {
        self.decode = true;
        self
    }

    /// Names and values as they are sent, not escaped yet.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (String, String)> {
        let options = [
            ("decode", self.decode.then(|| "true".to_owned())),
            ("limit", self.limit.map(|number| number.to_string())),
            ("offset", self.offset.map(|number| number.to_string())),
            ("params", self.params.clone()),
            ("reverse", self.reverse.then(|| "true".to_owned())),
            ("slim", self.slim.clone()),
            ("sort", self.sort.clone()),
        ];
        let options = options.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let filters = self.filters.iter().map(|(name, filter)| (name.clone(), filter.to_string()));
        // As Go writes them: by name.
        filters.chain(options).collect::<BTreeMap<_, _>>().into_iter()
    }

    /// How many objects are wanted at most.
    pub(crate) fn most(&self) -> Option<u64> {
        self.limit
    }

    /// Whether the objects come in the order of their keys, and no filter is on the key.
    pub(crate) fn is_free_of_keys(&self) -> bool {
        self.sort.as_deref().is_none_or(|index| index == KEY) && !self.filters.contains_key(KEY)
    }

    pub(crate) fn is_decoded(&self) -> bool {
        self.decode
    }

    /// The next `limit` objects of this query: those behind the last key, or else those behind so many.
    pub(crate) fn part(&self, after: Option<&str>, seen: u64, limit: u64) -> Self {
        let mut part = self.clone().limit(limit);
        if self.is_free_of_keys() {
            part.sort = Some(KEY.to_owned());
        }
        match after {
            Some(key) => {
                let behind = if self.reverse { Filter::lt(key) } else { Filter::gt(key) };
                part.offset = None;
                part.filter(KEY, behind)
            }
            None if seen == 0 => part,
            None => part.offset(self.offset.unwrap_or(0) + seen),
        }
    }
}

/// The index of every type that holds its keys.
const KEY: &str = "Key";

#[expect(clippy::needless_pass_by_value, reason = "texts and numbers are given as they are")]
impl Filter {
    /// Equal.
    pub fn eq(value: impl ToString) -> Self {
        Self::Eq(value.to_string())
    }

    /// Not equal.
    pub fn ne(value: impl ToString) -> Self {
        Self::Ne(value.to_string())
    }

    /// Less.
    pub fn lt(value: impl ToString) -> Self {
        Self::Lt(value.to_string())
    }

    /// Less or equal.
    pub fn lte(value: impl ToString) -> Self {
        Self::Lte(value.to_string())
    }

    /// Greater.
    pub fn gt(value: impl ToString) -> Self {
        Self::Gt(value.to_string())
    }

    /// Greater or equal.
    pub fn gte(value: impl ToString) -> Self {
        Self::Gte(value.to_string())
    }

    /// From `low` to `high`, both included.
    pub fn between(low: impl ToString, high: impl ToString) -> Self {
        Self::Between(low.to_string(), high.to_string())
    }

    /// Less than `low`, or greater than `high`.
    pub fn except(low: impl ToString, high: impl ToString) -> Self {
        Self::Except(low.to_string(), high.to_string())
    }

    /// One of these.
    pub fn any_of<T: ToString>(values: impl IntoIterator<Item = T>) -> Self {
        Self::In(values.into_iter().map(|value| value.to_string()).collect())
    }

    /// None of these.
    pub fn none_of<T: ToString>(values: impl IntoIterator<Item = T>) -> Self {
        Self::Nin(values.into_iter().map(|value| value.to_string()).collect())
    }

    /// Matches this regular expression, in the syntax of RE2.
    pub fn re(expression: impl ToString) -> Self {
        Self::Re(expression.to_string())
    }
}

/// As the value of a query, not escaped: `Between(a,b)`.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bare(value) => f.write_str(value),
            Self::Eq(value) => write!(f, "Eq({value})"),
            Self::Ne(value) => write!(f, "Ne({value})"),
            Self::Lt(value) => write!(f, "Lt({value})"),
            Self::Lte(value) => write!(f, "Lte({value})"),
            Self::Gt(value) => write!(f, "Gt({value})"),
            Self::Gte(value) => write!(f, "Gte({value})"),
            Self::Between(low, high) => write!(f, "Between({low},{high})"),
            Self::Except(low, high) => write!(f, "Except({low},{high})"),
            Self::In(values) => write!(f, "In({})", list(values)),
            Self::Nin(values) => write!(f, "Nin({})", list(values)),
            Self::Re(expression) => write!(f, "Re({expression})"),
        }
    }
}

/// As the query of a URL, escaped and without `?`.
impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, value)) in self.pairs().enumerate() {
            let and = if index == 0 { "" } else { "&" };
            write!(f, "{and}{}={}", utf8_percent_encode(&name, QUERY), utf8_percent_encode(&value, QUERY))?;
        }
        Ok(())
    }
}

fn list<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<T> = items.into_iter().collect();
    items.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests;
